// host/upstream/plan/dns_cache.ts: a DnsCacheConfig as a plan.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { planCidrBlocks } from "../../matching/plan/stream_matchers.ts";
import {
  DEFAULT_DNS_CACHE_PLAN,
  type DnsCachePlan,
  type DnsLookupFamily,
  type FailureRefreshPlan,
  type ResolverPlan,
} from "../dns_plan.ts";
import { planResolver } from "./dns_resolver.ts";

/** Told of every cache of a configuration: caches of one name must be the same. */
export type AddDnsCache = (node: ConfigNode, plan: DnsCachePlan) => void;

/** Collects the caches of a configuration, and reports those that contradict each other. */
export function createDnsCacheCheck(): AddDnsCache {
  const known = new Map<string, string>();
  return (node, plan) => {
    const text = JSON.stringify(plan);
    const other = known.get(plan.name);
    if (other === undefined) known.set(plan.name, text);
    else if (other !== text) {
      node.error("config/conflict", `DNS cache '${plan.name}' has different settings elsewhere`, { field: "name" });
    }
  };
}

/** `fallback` is the resolver of the bootstrap. */
export function planDnsCache(node: ConfigNode, fallback: ResolverPlan): DnsCachePlan {
  const defaults = DEFAULT_DNS_CACHE_PLAN;
  const preresolve = node.messages("preresolve_hostnames").map((host) => {
    host.accept("protocol", "it is the host's name that counts");
    return { address: host.string("address"), port: host.number("port_value") };
  });
  const maxHosts = node.number("max_hosts", defaults.maxHosts);
  if (preresolve.length > maxHosts) {
    node.error(
      "config/conflict",
      `there are more preresolve_hostnames (${preresolve.length}) than max_hosts (${maxHosts})`,
      {
        field: "preresolve_hostnames",
      },
    );
  }
  node.refuse(
    "key_value_config",
    "names are not kept beyond the life of the process",
    "remove it: names are looked up again after a start",
  );
  return {
    name: node.string("name"),
    resolver: planResolver(node, fallback),
    lookupFamily: node.enum("dns_lookup_family") as DnsLookupFamily,
    refreshRateMs: node.durationMs("dns_refresh_rate", defaults.refreshRateMs),
    minRefreshRateMs: node.durationMs("dns_min_refresh_rate", defaults.minRefreshRateMs),
    failureRefresh: planFailureRefresh(node),
    refreshesOnFailure: !node.bool("disable_dns_refresh_on_failure"),
    hostTtlMs: node.durationMs("host_ttl", defaults.hostTtlMs),
    maxHosts,
    maxPendingRequests: node.message("dns_cache_circuit_breaker")?.number(
      "max_pending_requests",
      defaults.maxPendingRequests,
    ) ?? defaults.maxPendingRequests,
    queryTimeoutMs: node.durationMs("dns_query_timeout", defaults.queryTimeoutMs),
    preresolve,
    forbiddenAddresses: planForbidden(node.message("resolved_address_filter")),
  };
}

function planForbidden(node: ConfigNode | null): DnsCachePlan["forbiddenAddresses"] {
  return node === null ? null : { blocks: planCidrBlocks(node, "ranges"), invert: node.bool("invert_match") };
}

/** `dns_failure_refresh_rate` of any message that has one. */
export function planFailureRefresh(node: ConfigNode): FailureRefreshPlan | null {
  const failure = node.message("dns_failure_refresh_rate");
  if (failure === null) return null;
  const baseMs = failure.durationMs("base_interval", 0);
  const maxMs = failure.durationMs("max_interval", baseMs * 10);
  if (maxMs < baseMs) {
    failure.error("config/conflict", "max_interval is shorter than base_interval", { field: "max_interval" });
  }
  return { baseMs, maxMs };
}
