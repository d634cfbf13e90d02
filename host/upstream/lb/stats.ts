// host/upstream/lb/stats.ts: what load balancers count.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: envoy/upstream/upstream.h ALL_CLUSTER_LB_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";

export class LoadBalancerStats {
  readonly healthyPanic: Counter;
  readonly localClusterNotOk: Counter;
  readonly recalculateZoneStructures: Counter;
  readonly zoneClusterTooSmall: Counter;
  readonly zoneNoCapacityLeft: Counter;
  readonly zoneRoutingAllDirectly: Counter;
  readonly zoneRoutingCrossZone: Counter;
  readonly zoneRoutingSampled: Counter;
  readonly subsetsActive: Gauge;
  readonly subsetsCreated: Counter;
  readonly subsetsRemoved: Counter;
  readonly subsetsSelected: Counter;
  readonly subsetsFallback: Counter;
  readonly subsetsFallbackPanic: Counter;

  /** `scope` is the cluster's. */
  constructor(scope: StatsScope) {
    this.healthyPanic = scope.counter("lb_healthy_panic");
    this.localClusterNotOk = scope.counter("lb_local_cluster_not_ok");
    this.recalculateZoneStructures = scope.counter("lb_recalculate_zone_structures");
    this.zoneClusterTooSmall = scope.counter("lb_zone_cluster_too_small");
    this.zoneNoCapacityLeft = scope.counter("lb_zone_no_capacity_left");
    this.zoneRoutingAllDirectly = scope.counter("lb_zone_routing_all_directly");
    this.zoneRoutingCrossZone = scope.counter("lb_zone_routing_cross_zone");
    this.zoneRoutingSampled = scope.counter("lb_zone_routing_sampled");
    this.subsetsActive = scope.gauge("lb_subsets_active");
    this.subsetsCreated = scope.counter("lb_subsets_created");
    this.subsetsRemoved = scope.counter("lb_subsets_removed");
    this.subsetsSelected = scope.counter("lb_subsets_selected");
    this.subsetsFallback = scope.counter("lb_subsets_fallback");
    this.subsetsFallbackPanic = scope.counter("lb_subsets_fallback_panic");
  }
}
