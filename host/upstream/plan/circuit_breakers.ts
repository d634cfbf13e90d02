// host/upstream/plan/circuit_breakers.ts: CircuitBreakers as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/cluster/v3/circuit_breaker.proto, source/common/upstream/upstream_impl.cc ResourceManagers
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import {
  type CircuitBreakersPlan,
  DEFAULT_BUDGET_PERCENT,
  DEFAULT_MIN_RETRY_CONCURRENCY,
  DEFAULT_THRESHOLDS,
  type ThresholdsPlan,
} from "../plan.ts";

/** `node` is null for a cluster that says nothing of them. */
export function planCircuitBreakers(node: ConfigNode | null): CircuitBreakersPlan {
  const thresholds = new Map<string, ConfigNode>();
  for (const each of node?.messages("thresholds") ?? []) {
    const priority = each.enum("priority");
    // The first entry of a priority counts, as in Envoy.
    if (thresholds.has(priority)) planThresholds(each);
    else thresholds.set(priority, each);
  }
  let maxConnectionsPerHost = Infinity;
  for (const threshold of node?.messages("per_host_thresholds") ?? []) {
    if (threshold.enum("priority") === "HIGH") {
      threshold.error("config/unsupported", "limits per host apply to the DEFAULT priority only", {
        field: "priority",
      });
    } else {
      maxConnectionsPerHost = threshold.number("max_connections", Infinity);
    }
  }
  return {
    default: planThresholds(thresholds.get("DEFAULT") ?? null),
    high: planThresholds(thresholds.get("HIGH") ?? null),
    maxConnectionsPerHost,
  };
}

function planThresholds(node: ConfigNode | null): ThresholdsPlan {
  const limit = (field: string, unset: number) => node?.number(field, unset) ?? unset;
  const budget = node?.message("retry_budget") ?? null;
  return {
    maxConnections: limit("max_connections", DEFAULT_THRESHOLDS.maxConnections),
    maxPendingRequests: limit("max_pending_requests", DEFAULT_THRESHOLDS.maxPendingRequests),
    maxRequests: limit("max_requests", DEFAULT_THRESHOLDS.maxRequests),
    maxRetries: limit("max_retries", DEFAULT_THRESHOLDS.maxRetries),
    maxConnectionPools: limit("max_connection_pools", DEFAULT_THRESHOLDS.maxConnectionPools),
    retryBudget: budget === null ? null : {
      budgetPercent: budget.message("budget_percent")?.number("value") ?? DEFAULT_BUDGET_PERCENT,
      minRetryConcurrency: budget.number("min_retry_concurrency", DEFAULT_MIN_RETRY_CONCURRENCY),
      intervalMs: budget.durationMs("budget_interval", 0),
    },
    trackRemaining: node?.bool("track_remaining") ?? false,
  };
}
