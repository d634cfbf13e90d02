// host/upstream/discovery/create.ts: the discovery of each type of cluster.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ProvidedPlan } from "../plan.ts";
import { AggregateCluster } from "./aggregate.ts";
import { CompositeCluster } from "./composite.ts";
import { EdsDiscovery } from "./eds.ts";
import type { Discovery, DiscoveryContext, ProvidingDiscovery } from "./discovery.ts";
import { DynamicForwardProxyCluster } from "./dynamic_forward_proxy.ts";
import { LogicalDnsDiscovery } from "./logical_dns.ts";
import { OriginalDstCluster } from "./original_dst.ts";
import { StaticDiscovery } from "./static.ts";
import { StrictDnsDiscovery } from "./strict_dns.ts";

/** Of a cluster whose hosts a load balancing policy chooses. */
export function createDiscovery(context: DiscoveryContext): Discovery {
  switch (context.plan.type) {
    case "STRICT_DNS":
      return new StrictDnsDiscovery(context);
    case "LOGICAL_DNS":
      return new LogicalDnsDiscovery(context);
    case "EDS":
      return new EdsDiscovery(context, context.plan.eds!);
    default:
      return new StaticDiscovery(context);
  }
}

/** Of a cluster that chooses hosts itself. */
export function createProvidingDiscovery(context: DiscoveryContext, plan: ProvidedPlan): ProvidingDiscovery {
  switch (plan.type) {
    case "ORIGINAL_DST":
      return new OriginalDstCluster(context, plan);
    case "DYNAMIC_FORWARD_PROXY":
      return new DynamicForwardProxyCluster(context, plan);
    case "AGGREGATE":
      return new AggregateCluster(context, plan);
    case "COMPOSITE":
      return new CompositeCluster(context, plan);
  }
}
