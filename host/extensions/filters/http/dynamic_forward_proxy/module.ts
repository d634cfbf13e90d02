// host/extensions/filters/http/dynamic_forward_proxy/module.ts: makes the filter of a stream.
/** @module */
import type { HttpFilterModule } from "../../../define.ts";
import type { ClusterManager } from "../../../../upstream/cluster_manager.ts";
import type { DnsCache } from "../../../../upstream/dns_cache/dns_cache.ts";
import { DynamicForwardProxyFilter } from "./filter.ts";
import type { DynamicForwardProxyFilterPlan } from "./planner.ts";

export const module: HttpFilterModule = {
  create({ name, plan }, { clusters }) {
    const config = {
      name,
      plan: plan as DynamicForwardProxyFilterPlan,
      clusters,
      cache: cacheOf(plan as DynamicForwardProxyFilterPlan, clusters),
    };
    return (stream) => new DynamicForwardProxyFilter(config, stream);
  },
};

function cacheOf({ dnsCache }: DynamicForwardProxyFilterPlan, clusters: ClusterManager): DnsCache | null {
  return dnsCache === null ? null : clusters.dnsCaches.get(dnsCache);
}
