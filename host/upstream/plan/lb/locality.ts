// host/upstream/plan/lb/locality.ts: how the localities of hosts count.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/load_balancing_policies/common/v3/common.proto LocalityLbConfig
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import { DEFAULT_ZONE_AWARE_PLAN, type LocalityBalancingPlan, type ZoneAwarePlan } from "../../plan.ts";

/** Of `common_lb_config`, or of `locality_lb_config` of a policy's own message. */
export function planLocality(node: ConfigNode | null): LocalityBalancingPlan {
  const zoneAware = node?.message("zone_aware_lb_config") ?? null;
  return {
    localityWeighted: node?.has("locality_weighted_lb_config") ?? false,
    failTrafficOnPanic: zoneAware?.bool("fail_traffic_on_panic") ?? false,
    ...(zoneAware !== null && { zoneAware: planZoneAware(zoneAware) }),
  };
}

/** Policies that hash have `locality_weighted_lb_config` themselves, and know no zones. */
export function planHashLocality(config: ConfigNode | null): LocalityBalancingPlan {
  return { localityWeighted: config?.has("locality_weighted_lb_config") ?? false, failTrafficOnPanic: false };
}

function planZoneAware(node: ConfigNode): ZoneAwarePlan {
  const { minClusterSize, routingEnabledPercent } = DEFAULT_ZONE_AWARE_PLAN;
  const enabled = node.message("routing_enabled");
  // The Cluster's own message has no more than these.
  const isExtension = node.typeName.startsWith("envoy.extensions.");
  return {
    routingEnabledPercent: enabled === null ? routingEnabledPercent : Math.round(enabled.number("value")),
    minClusterSize: node.number("min_cluster_size", minClusterSize),
    forceLocalZoneMinSize: isExtension ? planForceLocalZone(node) : null,
    localityBasis: isExtension && node.enum("locality_basis") === "HEALTHY_HOSTS_WEIGHT"
      ? "HEALTHY_HOSTS_WEIGHT"
      : "HEALTHY_HOSTS_NUM",
  };
}

function planForceLocalZone(node: ConfigNode): number | null {
  const force = node.message("force_local_zone");
  const direct = node.bool("force_locality_direct_routing");
  if (force !== null) return force.number("min_size", 1);
  return direct ? 1 : null;
}
