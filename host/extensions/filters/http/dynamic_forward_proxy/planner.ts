// host/extensions/filters/http/dynamic_forward_proxy/planner.ts: the settings of the filter, and those of routes.
/**
 * @see Envoy: api/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto
 * @module
 */
import { asciiLower, toWireText } from "../../../../base/wire_text.ts";
import type { ConfigNode } from "../../../../config/node.ts";
import type { DnsCachePlan } from "../../../../upstream/dns_plan.ts";
import { planDnsCache } from "../../../../upstream/plan/dns_cache.ts";
import type { HttpFilterPlanner, PlanContext } from "../../../define.ts";

export interface DynamicForwardProxyFilterPlan {
  /** Null for clusters that make one of its own for each host. */
  readonly dnsCache: DnsCachePlan | null;
  /** How long requests wait for such a cluster. */
  readonly clusterInitTimeoutMs: number;
  readonly saveUpstreamAddress: boolean;
  readonly allowDynamicHostFromFilterState: boolean;
}

/** What a route puts in the place of the host that the client asked for; both empty: nothing. */
export interface HostRewritePlan {
  readonly literal: string;
  /** The name of a header, in lower case. */
  readonly header: string;
}

export const planner: HttpFilterPlanner = {
  routeConfig: "envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig",

  plan(config: ConfigNode, context: PlanContext): DynamicForwardProxyFilterPlan | null {
    const subs = config.message("sub_cluster_config");
    const cache = config.message("dns_cache_config");
    if (cache === null && subs === null) {
      config.error("config/missing-field", "the filter needs a dns_cache_config or a sub_cluster_config");
      return null;
    }
    const dnsCache = cache === null ? null : planDnsCache(cache, context.dnsResolver);
    if (dnsCache !== null) context.addDnsCache(cache!, dnsCache);
    return {
      dnsCache,
      clusterInitTimeoutMs: subs?.durationMs("cluster_init_timeout", 5000) ?? 5000,
      saveUpstreamAddress: config.bool("save_upstream_address"),
      allowDynamicHostFromFilterState: config.bool("allow_dynamic_host_from_filter_state"),
    };
  },

  planRoute(config: ConfigNode): HostRewritePlan {
    return {
      literal: toWireText(config.string("host_rewrite_literal")),
      header: asciiLower(toWireText(config.string("host_rewrite_header"))),
    };
  },
};
