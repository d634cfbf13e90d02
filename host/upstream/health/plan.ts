// host/upstream/health/plan.ts: what a cluster says of the health of its hosts, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/core/v3/health_check.proto
 * @module
 */
import type { HeaderOpsPlan } from "../../http/header_ops.ts";
import type { StringMatcherPlan } from "../../matching/string_matcher.ts";

export interface HealthPlan {
  /** Empty: nobody checks. With several, a host is healthy when all of them say so. */
  readonly checks: readonly HealthCheckPlan[];
  /** Hosts that discovery does not find any more go at once, and not only when they fail their checks. */
  readonly ignoreOnRemoval: boolean;
  /** Connections that are in use are closed, too, when their host becomes unhealthy. */
  readonly closeConnectionsOnFailure: boolean;
  /** A host counts neither as healthy nor as unhealthy before its first check. */
  readonly excludeUntilChecked: boolean;
  /** Changes of health that follow each other may wait so long for load balancing to know of them. */
  readonly updateMergeWindowMs: number;
}

export const DEFAULT_UPDATE_MERGE_WINDOW_MS = 1000;

export const NO_HEALTH_PLAN: HealthPlan = {
  checks: [],
  ignoreOnRemoval: false,
  closeConnectionsOnFailure: false,
  excludeUntilChecked: false,
  updateMergeWindowMs: DEFAULT_UPDATE_MERGE_WINDOW_MS,
};

/** One way to check hosts, and how often. */
export interface HealthCheckPlan {
  /** Empty for the only one. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly initialJitterMs: number;
  /** Intervals are up to so much longer, at random. */
  readonly intervalJitterMs: number;
  readonly intervalJitterPercent: number;
  /** In place of the interval while a host is unhealthy, while a failure or success needs more of them. */
  readonly unhealthyIntervalMs: number;
  readonly unhealthyEdgeIntervalMs: number;
  readonly healthyEdgeIntervalMs: number;
  /** In their place as long as the cluster had no traffic. */
  readonly noTrafficIntervalMs: number;
  readonly noTrafficHealthyIntervalMs: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  readonly alwaysLogFailures: boolean;
  readonly alwaysLogSuccess: boolean;
  /** Files that get a line for each event. */
  readonly eventLogPaths: readonly string[];
  readonly checker: CheckerPlan;
}

export type CheckerPlan = HttpCheckPlan | TcpCheckPlan | GrpcCheckPlan;

/** From the first status to before the last. */
export type StatusRange = readonly [number, number];

export interface HttpCheckPlan {
  readonly kind: "http";
  readonly protocol: "HTTP/1.1" | "HTTP/2";
  /** Wire text, as all texts here; "" for the cluster's name. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  /** The request's body; null for none. */
  readonly send: Uint8Array | null;
  /** Segments that the response's body has to hold, in this order. */
  readonly receive: readonly Uint8Array[];
  /** So many bytes of the body are looked at; 0: all. */
  readonly responseBufferBytes: number;
  readonly expectedStatuses: readonly StatusRange[];
  readonly retriableStatuses: readonly StatusRange[];
  readonly requestHeaders: HeaderOpsPlan;
  /** What `x-envoy-upstream-healthchecked-cluster` has to be; null: anything. */
  readonly serviceName: StringMatcherPlan | null;
}

export interface TcpCheckPlan {
  readonly kind: "tcp";
  /** The header of the PROXY protocol that each check begins with, by version; null: none. */
  readonly proxyProtocol: "V1" | "V2" | null;
  readonly send: Uint8Array | null;
  /** Segments that the answer has to hold, in this order; with none a connection is enough. */
  readonly receive: readonly Uint8Array[];
}

export interface GrpcCheckPlan {
  readonly kind: "grpc";
  /** "" asks for the server as a whole. */
  readonly serviceName: string;
  readonly authority: string;
  readonly initialMetadata: HeaderOpsPlan;
}
