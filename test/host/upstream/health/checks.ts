// test/host/upstream/health/checks.ts: plans of checks, and a cluster whose hosts are checked by fakes.
import type { HealthCheckPlan, HttpCheckPlan } from "../../../../host/upstream/health/plan.ts";

export const HTTP_CHECK: HttpCheckPlan = {
  kind: "http",
  protocol: "HTTP/1.1",
  host: "",
  path: "/healthz",
  method: "GET",
  send: null,
  receive: [],
  responseBufferBytes: 1024,
  expectedStatuses: [[200, 201]],
  retriableStatuses: [],
  requestHeaders: { remove: [], add: [] },
  serviceName: null,
};

/** A check each second, with a time limit of 200 ms and thresholds of 2 and 1. */
export function checkPlan(changes: Partial<HealthCheckPlan> = {}): HealthCheckPlan {
  return {
    name: "",
    timeoutMs: 200,
    intervalMs: 1000,
    initialJitterMs: 0,
    intervalJitterMs: 0,
    intervalJitterPercent: 0,
    unhealthyIntervalMs: 1000,
    unhealthyEdgeIntervalMs: 1000,
    healthyEdgeIntervalMs: 1000,
    noTrafficIntervalMs: 1000,
    noTrafficHealthyIntervalMs: 1000,
    unhealthyThreshold: 2,
    healthyThreshold: 1,
    reuseConnection: true,
    alwaysLogFailures: false,
    alwaysLogSuccess: false,
    eventLogPaths: [],
    checker: HTTP_CHECK,
    ...changes,
  };
}
