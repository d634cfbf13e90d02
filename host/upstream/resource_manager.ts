// host/upstream/resource_manager.ts: the limited resources of a cluster, by priority.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/resource_manager_impl.h
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Gauge, StatsScope } from "../observe/stats.ts";
import { Resource, type SharedCount } from "./circuit_breaker.ts";
import type { CircuitBreakersPlan, ThresholdsPlan } from "./plan.ts";
import { ActiveRequests, BudgetedRetries, CountedRequests, RecentRequests } from "./retry_budget.ts";

type ResourcePorts = readonly [SharedCount, open: Gauge, remaining: Gauge | null];

/** The resources of one priority. */
export class ResourceManager {
  readonly connections: Resource;
  readonly pendingRequests: Resource;
  readonly requests: Resource;
  readonly retries: Resource;
  /** Pools of HTTP connections that are in use. */
  readonly connectionPools: Resource;

  constructor(
    plan: ThresholdsPlan,
    priority: "default" | "high",
    scope: StatsScope,
    clock: Clock,
    createCount: (resource: string) => SharedCount,
  ) {
    const ports = (name: string, remaining: string): ResourcePorts => [
      createCount(`${priority}.${name}`),
      scope.gauge(`circuit_breakers.${priority}.${name}_open`),
      plan.trackRemaining ? scope.gauge(`circuit_breakers.${priority}.${remaining}`) : null,
    ];
    const budget = plan.retryBudget;
    const recent = budget === null || budget.intervalMs === 0 ? null : new RecentRequests(clock, budget.intervalMs);
    this.connections = new Resource(plan.maxConnections, ...ports("cx", "remaining_cx"));
    this.pendingRequests = new Resource(plan.maxPendingRequests, ...ports("rq_pending", "remaining_pending"));
    this.connectionPools = new Resource(plan.maxConnectionPools, ...ports("cx_pool", "remaining_cx_pools"));
    const requests = ports("rq", "remaining_rq");
    this.requests = recent === null
      ? new Resource(plan.maxRequests, ...requests)
      : new CountedRequests(plan.maxRequests, ...requests, recent);
    const retries = ports("rq_retry", "remaining_retries");
    const base = recent ?? new ActiveRequests(this.requests, this.pendingRequests);
    this.retries = budget === null
      ? new Resource(plan.maxRetries, ...retries)
      : new BudgetedRetries(budget, base, plan.maxRetries, ...retries);
  }

  release(): void {
    this.connections.release();
    this.pendingRequests.release();
    this.requests.release();
    this.retries.release();
    this.connectionPools.release();
  }
}

/** Both priorities of a cluster, by `ResourcePriority`. */
export function createResourceManagers(
  plan: CircuitBreakersPlan,
  scope: StatsScope,
  clock: Clock,
  createCount: (resource: string) => SharedCount,
): readonly [ResourceManager, ResourceManager] {
  return [
    new ResourceManager(plan.default, "default", scope, clock, createCount),
    new ResourceManager(plan.high, "high", scope, clock, createCount),
  ];
}
