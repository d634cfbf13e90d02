// host/upstream/host_set.ts: the hosts of one priority, sorted by health.
// pure: no I/O, no clock, no runtime globals
/**
 * Load balancers keep state per list (an index, a schedule), so a list is a new array only when its
 * membership or its weights changed; `version` says when.
 *
 * @see Envoy: source/common/upstream/upstream_impl.h HostSetImpl
 * @module
 */
import type { Host } from "./host.ts";
import type { LocalityPlan } from "./plan.ts";

/** The hosts of one locality. */
export interface LocalityHosts {
  readonly locality: LocalityPlan;
  readonly weight: number;
  readonly hosts: readonly Host[];
}

/** What the localities of a priority are. */
export interface LocalityFacts {
  /** The first one is that of the proxy; absent: it is not. */
  readonly hasLocalLocality?: boolean;
  /** Absent: their weights count. */
  readonly hasLocalityWeights?: boolean;
}

export class HostSet {
  readonly priority: number;
  overprovisioningFactor: number;
  /** Weights of hosts count for its health, not their number. */
  weightedHealth: boolean;
  hosts: readonly Host[] = [];
  healthyHosts: readonly Host[] = [];
  degradedHosts: readonly Host[] = [];
  excludedHosts: readonly Host[] = [];
  /** Those that have hosts: the proxy's own first, then by name. */
  localities: readonly LocalityHosts[] = [];
  /** The first locality is that of the proxy. */
  hasLocalLocality = false;
  /** False where weights of localities mean nothing. */
  hasLocalityWeights = true;
  /** Grows with every change. */
  version = 0;

  constructor(priority: number, overprovisioningFactor: number, weightedHealth = false) {
    this.priority = priority;
    this.overprovisioningFactor = overprovisioningFactor;
    this.weightedHealth = weightedHealth;
  }

  /** Takes a new membership. */
  update(hosts: readonly Host[], localities: readonly LocalityHosts[], facts: LocalityFacts): void {
    this.hosts = hosts;
    this.localities = localities;
    this.hasLocalLocality = facts.hasLocalLocality ?? false;
    this.hasLocalityWeights = facts.hasLocalityWeights ?? true;
    this.refresh();
  }

  /** Sorts the hosts again, after the health or weight of one changed. */
  refresh(): void {
    this.healthyHosts = this.hosts.filter((host) => !host.excluded && host.coarseHealth === "healthy");
    this.degradedHosts = this.hosts.filter((host) => !host.excluded && host.coarseHealth === "degraded");
    this.excludedHosts = this.hosts.filter((host) => host.excluded);
    this.version++;
  }

  /** True when fewer than `thresholdPercent` of the hosts can be used. */
  isInPanic(thresholdPercent: number): boolean {
    const count = this.hosts.length - this.excludedHosts.length;
    const usable = count === 0 ? 0 : 100 * (this.healthyHosts.length + this.degradedHosts.length) / count;
    return usable < thresholdPercent;
  }
}
