// host/upstream/plan/circuit_breakers.ts: CircuitBreakers as plain data, with the runtime keys that override them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/cluster/v3/circuit_breaker.proto, source/common/upstream/upstream_impl.cc ResourceManagers
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { RuntimeValues } from "../../config/runtime.ts";
import { type CircuitBreakersPlan, DEFAULT_THRESHOLDS, type RetryBudgetPlan, type ThresholdsPlan } from "../plan.ts";

const DEFAULT_BUDGET_PERCENT = 20;
const DEFAULT_MIN_RETRY_CONCURRENCY = 3;

/** `node` is null for a cluster that says nothing of them: runtime keys count all the same. */
export function planCircuitBreakers(
  node: ConfigNode | null,
  clusterName: string,
  runtime: RuntimeValues,
): CircuitBreakersPlan {
  const thresholds = new Map<string, ConfigNode>();
  for (const each of node?.messages("thresholds") ?? []) {
    const priority = each.enum("priority");
    // The first entry of a priority counts, as in Envoy.
    if (thresholds.has(priority)) planThresholds(each, "", runtime);
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
  const keys = `circuit_breakers.${clusterName}`;
  return {
    default: planThresholds(thresholds.get("DEFAULT") ?? null, `${keys}.default.`, runtime),
    high: planThresholds(thresholds.get("HIGH") ?? null, `${keys}.high.`, runtime),
    maxConnectionsPerHost,
  };
}

/** `keys` is in front of the runtime keys. */
function planThresholds(node: ConfigNode | null, keys: string, runtime: RuntimeValues): ThresholdsPlan {
  const limit = (field: string, unset: number) =>
    runtime.integer(keys + field, node === null ? unset : node.number(field, unset));
  return {
    maxConnections: limit("max_connections", DEFAULT_THRESHOLDS.maxConnections),
    maxPendingRequests: limit("max_pending_requests", DEFAULT_THRESHOLDS.maxPendingRequests),
    maxRequests: limit("max_requests", DEFAULT_THRESHOLDS.maxRequests),
    maxRetries: limit("max_retries", DEFAULT_THRESHOLDS.maxRetries),
    maxConnectionPools: limit("max_connection_pools", DEFAULT_THRESHOLDS.maxConnectionPools),
    retryBudget: planRetryBudget(node?.message("retry_budget") ?? null, `${keys}retry_budget.`, runtime),
    trackRemaining: node?.bool("track_remaining") ?? false,
  };
}

/** A runtime key alone makes a budget, too. */
function planRetryBudget(node: ConfigNode | null, keys: string, runtime: RuntimeValues): RetryBudgetPlan | null {
  const percent = runtime.number(`${keys}budget_percent`, null);
  const concurrency = runtime.number(`${keys}min_retry_concurrency`, null);
  if (node === null && percent === null && concurrency === null) return null;
  const configured = node?.message("budget_percent")?.number("value") ?? DEFAULT_BUDGET_PERCENT;
  const min = node?.number("min_retry_concurrency", DEFAULT_MIN_RETRY_CONCURRENCY) ?? DEFAULT_MIN_RETRY_CONCURRENCY;
  return {
    budgetPercent: percent ?? configured,
    minRetryConcurrency: Math.floor(concurrency ?? min),
    intervalMs: node?.durationMs("budget_interval", 0) ?? 0,
  };
}
