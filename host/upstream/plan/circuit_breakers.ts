// host/upstream/plan/circuit_breakers.ts: a CircuitBreakers message as a plan, with the runtime keys that override it.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/upstream_impl.cc ClusterInfoImpl::ResourceManagers::load
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { RuntimeValues } from "../../config/runtime.ts";
import { type CircuitBreakersPlan, DEFAULT_THRESHOLDS, type ThresholdsPlan } from "../plan.ts";

/** `node` is null for a cluster that says nothing of them: runtime keys count all the same. */
export function planCircuitBreakers(
  node: ConfigNode | null,
  clusterName: string,
  runtime: RuntimeValues,
): CircuitBreakersPlan {
  const byPriority = new Map<string, ThresholdsPlan>();
  for (const threshold of node?.messages("thresholds") ?? []) {
    const priority = threshold.enum("priority");
    const thresholds = planThresholds(threshold);
    // The first entry of a priority counts, as in Envoy.
    if (!byPriority.has(priority)) byPriority.set(priority, thresholds);
  }
  const overridden = (priority: "DEFAULT" | "HIGH"): ThresholdsPlan => {
    const key = (name: string): string => `circuit_breakers.${clusterName}.${priority.toLowerCase()}.${name}`;
    const plan = byPriority.get(priority) ?? DEFAULT_THRESHOLDS;
    return {
      ...plan,
      maxConnections: runtime.integer(key("max_connections"), plan.maxConnections),
      maxPendingRequests: runtime.integer(key("max_pending_requests"), plan.maxPendingRequests),
      maxRequests: runtime.integer(key("max_requests"), plan.maxRequests),
      maxRetries: runtime.integer(key("max_retries"), plan.maxRetries),
      maxConnectionPools: runtime.integer(key("max_connection_pools"), plan.maxConnectionPools),
    };
  };
  return {
    default: overridden("DEFAULT"),
    high: overridden("HIGH"),
    maxConnectionsPerHost: planMaxConnectionsPerHost(node),
  };
}

function planThresholds(node: ConfigNode): ThresholdsPlan {
  return {
    maxConnections: node.number("max_connections", DEFAULT_THRESHOLDS.maxConnections),
    maxPendingRequests: node.number("max_pending_requests", DEFAULT_THRESHOLDS.maxPendingRequests),
    maxRequests: node.number("max_requests", DEFAULT_THRESHOLDS.maxRequests),
    maxRetries: node.number("max_retries", DEFAULT_THRESHOLDS.maxRetries),
    maxConnectionPools: node.number("max_connection_pools", DEFAULT_THRESHOLDS.maxConnectionPools),
    trackRemaining: node.bool("track_remaining"),
  };
}

function planMaxConnectionsPerHost(node: ConfigNode | null): number {
  let max = Infinity;
  for (const threshold of node?.messages("per_host_thresholds") ?? []) {
    if (threshold.enum("priority") === "HIGH") {
      threshold.error("config/unsupported", "limits per host apply to the DEFAULT priority only", {
        field: "priority",
      });
    } else {
      max = threshold.number("max_connections", Infinity);
    }
  }
  return max;
}
