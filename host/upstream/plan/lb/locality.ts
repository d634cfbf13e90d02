// host/upstream/plan/lb/locality.ts: how the localities of hosts count.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/load_balancing_policies/common/v3/common.proto LocalityLbConfig
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import { DEFAULT_ZONE_AWARE_PLAN, type LocalityBalancingPlan, type ZoneAwarePlan } from "../../lb/plan.ts";

/** Of `common_lb_config`, or of `locality_lb_config` of a policy's own message. */
export function planLocality(node: ConfigNode | null): LocalityBalancingPlan {
  const config = node?.message("zone_aware_lb_config") ?? null;
  const zoneAware = planZoneAware(config);
  return {
    localityWeighted: node?.has("locality_weighted_lb_config") ?? false,
    failTrafficOnPanic: config?.bool("fail_traffic_on_panic") ?? false,
    ...(!isDefault(zoneAware) && { zoneAware }),
  };
}

/** Policies that hash have `locality_weighted_lb_config` themselves, and know no zones. */
export function planHashLocality(config: ConfigNode | null): LocalityBalancingPlan {
  return { localityWeighted: config?.has("locality_weighted_lb_config") ?? false, failTrafficOnPanic: false };
}

function planZoneAware(node: ConfigNode | null): ZoneAwarePlan {
  const { minClusterSize, routingEnabledPercent } = DEFAULT_ZONE_AWARE_PLAN;
  const enabled = node?.message("routing_enabled") ?? null;
  // The Cluster's own message has no more than these.
  const extension = node?.typeName.startsWith("envoy.extensions.") ? node : null;
  const percent = enabled === null ? routingEnabledPercent : Math.round(enabled.number("value"));
  const minSize = node?.number("min_cluster_size", minClusterSize) ?? minClusterSize;
  const forcedSize = extension === null ? null : planForceLocalZone(extension);
  return {
    routingEnabledPercent: Math.min(100, percent),
    minClusterSize: minSize,
    forceLocalZoneMinSize: forcedSize,
    localityBasis: extension?.enum("locality_basis") === "HEALTHY_HOSTS_WEIGHT"
      ? "HEALTHY_HOSTS_WEIGHT"
      : "HEALTHY_HOSTS_NUM",
  };
}

function isDefault(plan: ZoneAwarePlan): boolean {
  return (Object.keys(plan) as (keyof ZoneAwarePlan)[]).every((key) => plan[key] === DEFAULT_ZONE_AWARE_PLAN[key]);
}

function planForceLocalZone(node: ConfigNode): number | null {
  const force = node.message("force_local_zone");
  const direct = node.bool("force_locality_direct_routing");
  if (force !== null) return force.number("min_size", 1);
  return direct ? 1 : null;
}
