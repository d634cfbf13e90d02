// host/extensions/filters/network/tcp_proxy/plan.ts: reads a TcpProxy message.
/**
 * @see Envoy: api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto
 * @module
 */
import type { ConfigNode } from "../../../../config/node.ts";
import type { ExtensionPlan } from "../../../../net/plan.ts";
import { planMetadataMatch } from "../../../../router/plan/metadata_match.ts";

export interface WeightedClusterPlan {
  readonly name: string;
  readonly weight: number;
  /** What is asked of hosts, that of the whole proxy included; absent for nothing. */
  readonly metadataMatch?: Readonly<Record<string, unknown>>;
}

export type HashPolicyPlan = { readonly kind: "source_ip" } | { readonly kind: "filter_state"; readonly key: string };

export interface TcpProxyPlan {
  readonly statPrefix: string;
  /** At least one; weights matter when there are more. */
  readonly clusters: readonly WeightedClusterPlan[];
  /** What is asked of hosts of a cluster that a filter names; absent for nothing. */
  readonly metadataMatch?: Readonly<Record<string, unknown>>;
  /** 0: never. */
  readonly idleTimeoutMs: number;
  readonly maxConnectAttempts: number;
  /** Waits between attempts grow from `baseMs` to `maxMs`; null: no wait. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number } | null;
  /** 0: no limit. */
  readonly maxDownstreamConnectionDurationMs: number;
  /** Up to so many percent are added to it, at random. */
  readonly durationJitterPercent: number;
  readonly hashPolicy: HashPolicyPlan | null;
  readonly accessLog: readonly ExtensionPlan[];
  readonly logOnStart: boolean;
  readonly logOnConnected: boolean;
  /** 0: only at the end. */
  readonly logIntervalMs: number;
}

/** The clusters that a plan names, for the check that they exist. */
export function clustersOf(plan: TcpProxyPlan): string[] {
  return plan.clusters.map((each) => each.name);
}

const DEFAULT_IDLE_TIMEOUT_MS = 3_600_000;

/** Reads the message; what is wrong with it is reported at `node`. */
export function planTcpProxy(
  node: ConfigNode,
  planAccessLog: (node: ConfigNode) => ExtensionPlan | null,
): TcpProxyPlan {
  const options = node.message("access_log_options");
  // The two fields that access_log_options replaced are still in use.
  const flushIntervalMs = options?.durationMs("access_log_flush_interval", null) ??
    node.durationMs("access_log_flush_interval", null) ?? 0;
  const metadataMatch = planMetadataMatch(node);
  return {
    statPrefix: node.string("stat_prefix"),
    clusters: planClusters(node, metadataMatch),
    ...(metadataMatch !== null && { metadataMatch }),
    idleTimeoutMs: node.durationMs("idle_timeout", DEFAULT_IDLE_TIMEOUT_MS),
    maxConnectAttempts: node.number("max_connect_attempts", 1),
    backoff: planBackoff(node),
    maxDownstreamConnectionDurationMs: node.durationMs("max_downstream_connection_duration", 0),
    durationJitterPercent: node.message("max_downstream_connection_duration_jitter_percentage")?.number("value") ?? 0,
    hashPolicy: planHashPolicy(node),
    accessLog: node.messages("access_log").flatMap((each) => planAccessLog(each) ?? []),
    logOnStart: options?.bool("flush_access_log_on_start") ?? false,
    logOnConnected: (options?.bool("flush_access_log_on_connected") ?? false) ||
      node.bool("flush_access_log_on_connected"),
    logIntervalMs: flushIntervalMs,
  };
}

function planClusters(
  node: ConfigNode,
  metadataMatch: Readonly<Record<string, unknown>> | null,
): WeightedClusterPlan[] {
  const weighted = node.message("weighted_clusters");
  if (weighted === null) {
    const name = node.string("cluster");
    if (name === "") {
      node.error("config/missing-field", "tcp_proxy names no cluster", {
        help: "set `cluster`, or `weighted_clusters` for more than one",
      });
    }
    return [{ name, weight: 1, ...(metadataMatch !== null && { metadataMatch }) }];
  }
  return weighted.messages("clusters").map((each) => {
    const own = planMetadataMatch(each);
    return {
      name: each.string("name"),
      weight: each.number("weight"),
      ...((own !== null || metadataMatch !== null) && { metadataMatch: { ...metadataMatch, ...own } }),
    };
  });
}

function planBackoff(node: ConfigNode): TcpProxyPlan["backoff"] {
  const options = node.message("backoff_options");
  if (options === null) return null;
  const baseMs = options.durationMs("base_interval", 0);
  const maxMs = options.durationMs("max_interval", baseMs * 10);
  if (maxMs < baseMs) {
    options.error("config/out-of-range", "max_interval is shorter than base_interval", { field: "max_interval" });
  }
  return { baseMs, maxMs };
}

function planHashPolicy(node: ConfigNode): HashPolicyPlan | null {
  // Envoy takes one policy at most, and checks that by the proto's rules.
  const policy = node.messages("hash_policy")[0];
  if (policy === undefined) return null;
  if (policy.message("source_ip") !== null) return { kind: "source_ip" };
  const filterState = policy.message("filter_state");
  return filterState === null ? null : { kind: "filter_state", key: filterState.string("key") };
}
