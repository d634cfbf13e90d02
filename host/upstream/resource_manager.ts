// host/upstream/resource_manager.ts: the limited resources of a cluster, by priority.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/resource_manager_impl.h
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { type Live, type Runtime, RuntimeValue } from "../base/runtime.ts";
import type { StatsScope } from "../observe/stats.ts";
import { Resource, type ResourcePorts, type SharedCount } from "./circuit_breaker.ts";
import {
  type CircuitBreakersPlan,
  DEFAULT_BUDGET_PERCENT,
  DEFAULT_MIN_RETRY_CONCURRENCY,
  type RetryBudgetPlan,
  type ThresholdsPlan,
} from "./plan.ts";
import { ActiveRequests, CountedRequests, RecentRequests, Retries } from "./retry_budget.ts";

/** What all clusters of a worker count with. */
export interface ResourceEnvironment {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly createCount: (resource: string) => SharedCount;
}

/** The resources of one priority, with limits that keys of the runtime may override. */
export class ResourceManager {
  readonly connections: Resource;
  readonly pendingRequests: Resource;
  readonly requests: Resource;
  readonly retries: Retries;
  /** Pools of HTTP connections that are in use. */
  readonly connectionPools: Resource;

  constructor(
    plan: ThresholdsPlan,
    clusterName: string,
    priority: "default" | "high",
    scope: StatsScope,
    { clock, runtime, createCount }: ResourceEnvironment,
  ) {
    const keys = `circuit_breakers.${clusterName}.${priority}.`;
    const limit = (name: string, configured: number): Live<number> =>
      new RuntimeValue(runtime, (now) => now.integer(keys + name, configured));
    const ports = (name: string, remaining: string): ResourcePorts => ({
      count: createCount(`${priority}.${name}`),
      open: scope.gauge(`circuit_breakers.${priority}.${name}_open`),
      remaining: plan.trackRemaining ? scope.gauge(`circuit_breakers.${priority}.${remaining}`) : null,
    });
    const budget = plan.retryBudget;
    const recent = budget === null || budget.intervalMs === 0 ? null : new RecentRequests(clock, budget.intervalMs);
    this.connections = new Resource(limit("max_connections", plan.maxConnections), ports("cx", "remaining_cx"));
    this.pendingRequests = new Resource(
      limit("max_pending_requests", plan.maxPendingRequests),
      ports("rq_pending", "remaining_pending"),
    );
    this.connectionPools = new Resource(
      limit("max_connection_pools", plan.maxConnectionPools),
      ports("cx_pool", "remaining_cx_pools"),
    );
    const maxRequests = limit("max_requests", plan.maxRequests);
    const requests = ports("rq", "remaining_rq");
    this.requests = recent === null
      ? new Resource(maxRequests, requests)
      : new CountedRequests(recent, maxRequests, requests);
    this.retries = new Retries(
      recent ?? new ActiveRequests(this.requests, this.pendingRequests),
      liveBudget(budget, `${keys}retry_budget.`, runtime),
      limit("max_retries", plan.maxRetries),
      ports("rq_retry", "remaining_retries"),
    );
  }

  release(): void {
    this.connections.release();
    this.pendingRequests.release();
    this.requests.release();
    this.retries.release();
    this.connectionPools.release();
  }
}

/** Keys alone make a budget, too. */
function liveBudget(
  configured: RetryBudgetPlan | null,
  keys: string,
  runtime: Runtime,
): Live<RetryBudgetPlan | null> {
  return new RuntimeValue(runtime, (now) => {
    const percent = now.number(`${keys}budget_percent`, null);
    const concurrency = now.integer(`${keys}min_retry_concurrency`, null);
    if (percent === null && concurrency === null) return configured;
    return {
      budgetPercent: percent ?? configured?.budgetPercent ?? DEFAULT_BUDGET_PERCENT,
      minRetryConcurrency: concurrency ?? configured?.minRetryConcurrency ?? DEFAULT_MIN_RETRY_CONCURRENCY,
      intervalMs: configured?.intervalMs ?? 0,
    };
  });
}

/** Both priorities of a cluster, by `ResourcePriority`. */
export function createResourceManagers(
  plan: CircuitBreakersPlan,
  clusterName: string,
  scope: StatsScope,
  environment: ResourceEnvironment,
): readonly [ResourceManager, ResourceManager] {
  return [
    new ResourceManager(plan.default, clusterName, "default", scope, environment),
    new ResourceManager(plan.high, clusterName, "high", scope, environment),
  ];
}
