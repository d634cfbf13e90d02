// host/upstream/resource_manager.ts: the limited resources of a cluster, by priority.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/resource_manager_impl.h
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Runtime } from "../base/runtime.ts";
import type { Gauge, StatsScope } from "../observe/stats.ts";
import { type LimitSource, Resource, type SharedCount } from "./circuit_breaker.ts";
import {
  type CircuitBreakersPlan,
  DEFAULT_BUDGET_PERCENT,
  DEFAULT_MIN_RETRY_CONCURRENCY,
  type RetryBudgetPlan,
  type ThresholdsPlan,
} from "./plan.ts";
import { ActiveRequests, CountedRequests, RecentRequests, Retries } from "./retry_budget.ts";

type ResourcePorts = readonly [SharedCount, open: Gauge, remaining: Gauge | null, source: LimitSource];

/** What all clusters of a worker count with. */
export interface ResourceEnvironment {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly createCount: (resource: string) => SharedCount;
}

/** The resources of one priority, with limits that keys of the runtime may override. */
export class ResourceManager implements LimitSource {
  readonly #plan: ThresholdsPlan;
  readonly #keys: string;
  readonly #runtime: Runtime;
  #version = -1;
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
    this.#plan = plan;
    this.#keys = `circuit_breakers.${clusterName}.${priority}.`;
    this.#runtime = runtime;
    const ports = (name: string, remaining: string): ResourcePorts => [
      createCount(`${priority}.${name}`),
      scope.gauge(`circuit_breakers.${priority}.${name}_open`),
      plan.trackRemaining ? scope.gauge(`circuit_breakers.${priority}.${remaining}`) : null,
      this,
    ];
    const budget = plan.retryBudget;
    const recent = budget === null || budget.intervalMs === 0 ? null : new RecentRequests(clock, budget.intervalMs);
    this.connections = new Resource(plan.maxConnections, ...ports("cx", "remaining_cx"));
    this.pendingRequests = new Resource(plan.maxPendingRequests, ...ports("rq_pending", "remaining_pending"));
    this.connectionPools = new Resource(plan.maxConnectionPools, ...ports("cx_pool", "remaining_cx_pools"));
    const requests = ports("rq", "remaining_rq");
    this.requests = recent === null
      ? new Resource(plan.maxRequests, ...requests)
      : new CountedRequests(recent, plan.maxRequests, ...requests);
    const retries = ports("rq_retry", "remaining_retries");
    const base = recent ?? new ActiveRequests(this.requests, this.pendingRequests);
    this.retries = new Retries(base, plan.maxRetries, ...retries);
    this.refresh();
  }

  refresh(): void {
    const { version } = this.#runtime;
    if (version === this.#version) return;
    this.#version = version;
    const plan = this.#plan;
    this.connections.limitTo(this.#limit("max_connections", plan.maxConnections));
    this.pendingRequests.limitTo(this.#limit("max_pending_requests", plan.maxPendingRequests));
    this.requests.limitTo(this.#limit("max_requests", plan.maxRequests));
    this.retries.limitTo(this.#limit("max_retries", plan.maxRetries));
    this.connectionPools.limitTo(this.#limit("max_connection_pools", plan.maxConnectionPools));
    this.retries.budget = this.#budget(plan.retryBudget);
  }

  #limit(name: string, configured: number): number {
    return this.#runtime.integer(this.#keys + name, configured);
  }

  /** Keys alone make a budget, too. */
  #budget(configured: RetryBudgetPlan | null): RetryBudgetPlan | null {
    const percent = this.#runtime.number(`${this.#keys}retry_budget.budget_percent`, null);
    const concurrency = this.#runtime.integer(`${this.#keys}retry_budget.min_retry_concurrency`, null);
    if (percent === null && concurrency === null) return configured;
    return {
      budgetPercent: percent ?? configured?.budgetPercent ?? DEFAULT_BUDGET_PERCENT,
      minRetryConcurrency: concurrency ?? configured?.minRetryConcurrency ?? DEFAULT_MIN_RETRY_CONCURRENCY,
      intervalMs: configured?.intervalMs ?? 0,
    };
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
  clusterName: string,
  scope: StatsScope,
  environment: ResourceEnvironment,
): readonly [ResourceManager, ResourceManager] {
  return [
    new ResourceManager(plan.default, clusterName, "default", scope, environment),
    new ResourceManager(plan.high, clusterName, "high", scope, environment),
  ];
}
