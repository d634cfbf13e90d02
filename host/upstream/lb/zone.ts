// host/upstream/lb/zone.ts: load stays in the proxy's own zone, as far as that is fair to the hosts there.
// pure: no I/O, no clock, no runtime globals
// hot: once per request where a local cluster is known; see bench/micro/load_balancing.bench.ts
/**
 * Every proxy of the local cluster sends as much as it can to hosts of its own zone. When a zone has a smaller
 * share of the hosts than of the proxies, the rest goes to zones that have capacity left:
 *
 * | | zone A | zone B | zone C |
 * | --- | --- | --- | --- |
 * | share of proxies | 40 % | 40 % | 20 % |
 * | share of hosts | 25 % | 50 % | 25 % |
 * | capacity left | none | 10 % | 5 % |
 * | a proxy of A sends there | 62.5 % | 25 % | 12.5 % |
 *
 * Priority 0 alone is routed so.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc ZoneAwareLoadBalancerBase
 * @module
 */
import type { Random } from "../../base/random.ts";
import { type Live, type Runtime, RuntimeValue } from "../../base/runtime.ts";
import type { Host } from "../host.ts";
import type { HostSet, LocalityHosts } from "../host_set.ts";
import type { LocalCluster } from "../local_cluster.ts";
import { localityKey } from "../localities.ts";
import type { ZoneAwarePlan } from "./plan.ts";
import type { PrioritySet } from "../priority.ts";
import type { LoadBalancerContext } from "./context.ts";
import type { HostPicker, HostPickerFactory } from "./picker.ts";
import type { LoadBalancerStats } from "./stats.ts";

/** Shares and chances are of this much. */
const WHOLE = 10_000;

/** What is chosen instead of a locality. */
const ANY_LOCALITY = -1;
const NO_HOST = -2;

/** The parts of the hosts, and of the proxies, that one locality has. */
interface Shares {
  readonly hosts: number;
  readonly proxies: number;
}

export interface ZoneRoutingOptions {
  readonly plan: Live<ZoneAwarePlan>;
  readonly failTrafficOnPanic: boolean;
  readonly local: LocalCluster;
  readonly priorities: PrioritySet;
  readonly random: Random;
  readonly stats: LoadBalancerStats;
}

/** The plan with what keys of the runtime, which are for all clusters, say of it. */
export function liveZoneAware(plan: ZoneAwarePlan, runtime: Runtime): Live<ZoneAwarePlan> {
  return new RuntimeValue(runtime, (now) => ({
    ...plan,
    routingEnabledPercent: Math.min(100, now.integer("upstream.zone_routing.enabled", plan.routingEnabledPercent)),
    minClusterSize: now.integer("upstream.zone_routing.min_cluster_size", plan.minClusterSize),
    forceLocalZoneMinSize: now.integer("upstream.zone_routing.force_local_zone.min_size", 0) ||
      plan.forceLocalZoneMinSize,
  }));
}

export class ZoneRouting {
  readonly #options: ZoneRoutingOptions;
  readonly #stopListening: () => void;
  #state: "none" | "direct" | "residual" = "none";
  /** With `residual`: the chance of the own zone. */
  #localChance = 0;
  /** Capacity left in the localities up to each. */
  #residual: readonly number[] = [];

  constructor(options: ZoneRoutingOptions) {
    this.#options = options;
    options.priorities.onPriorityUpdate((priority) => {
      if (priority === 0) this.#recalculate();
    });
    this.#stopListening = options.local.onUpdate(() => this.#recalculate());
  }

  /** The index of the locality of priority 0 that a request goes to, or `ANY_LOCALITY`, or `NO_HOST`. */
  choose(): number {
    if (this.#state === "none") return ANY_LOCALITY;
    const { plan, failTrafficOnPanic, local, priorities, random, stats } = this.#options;
    const { routingEnabledPercent } = plan.current;
    if (routingEnabledPercent < 100 && random.uint32() % 100 >= routingEnabledPercent) return ANY_LOCALITY;
    if (local.hostSet!.isInPanic(priorities.panicThresholdPercent)) {
      stats.localClusterNotOk.inc();
      return failTrafficOnPanic ? NO_HOST : ANY_LOCALITY;
    }
    if (this.#state === "direct") {
      stats.zoneRoutingAllDirectly.inc();
      return 0;
    }
    if (random.uint32() % WHOLE < this.#localChance) {
      stats.zoneRoutingSampled.inc();
      return 0;
    }
    stats.zoneRoutingCrossZone.inc();
    const residual = this.#residual;
    const left = residual.at(-1)!;
    if (left === 0) {
      // Rounding may leave nothing.
      stats.zoneNoCapacityLeft.inc();
      return random.uint32() % residual.length;
    }
    const at = random.uint32() % left;
    let locality = 0;
    while (at >= residual[locality]!) locality++;
    return locality;
  }

  close(): void {
    this.#stopListening();
  }

  #recalculate(): void {
    const { plan, local, priorities, stats } = this.#options;
    stats.recalculateZoneStructures.inc();
    const set = priorities.hostSets[0]!;
    const proxies = local.hostSet;
    this.#state = "none";
    if (proxies === null || !this.#canRoute(set, proxies)) return;
    const shares = sharesOf(set, proxies, plan.current.localityBasis);
    const own = set.hasLocalLocality ? shares[0]! : null;
    if (own !== null) {
      const { forceLocalZoneMinSize } = plan.current;
      const isForced = forceLocalZoneMinSize !== null &&
        healthyOf(set.localities[0]!).length >= forceLocalZoneMinSize;
      if (isForced || (own.hosts > 0 && own.hosts >= own.proxies)) {
        this.#state = "direct";
        return;
      }
    }
    this.#state = "residual";
    this.#localChance = own !== null && own.proxies > 0 ? Math.floor(own.hosts * WHOLE / own.proxies) : 0;
    let sum = 0;
    this.#residual = shares.map((share) => {
      // What the own zone can take it takes already.
      if (share !== own) sum += Math.max(0, share.hosts - share.proxies);
      return sum;
    });
  }

  #canRoute(set: HostSet, proxies: HostSet): boolean {
    const { plan, stats } = this.#options;
    if (set.localities.length < 2) return false;
    if (proxies.localities.length < 2 && plan.current.forceLocalZoneMinSize === null) return false;
    if (!proxies.hasLocalLocality) {
      stats.localClusterNotOk.inc();
      return false;
    }
    if (set.healthyHosts.length < plan.current.minClusterSize) {
      stats.zoneClusterTooSmall.inc();
      return false;
    }
    return true;
  }
}

function sharesOf(set: HostSet, proxies: HostSet, basis: ZoneAwarePlan["localityBasis"]): Shares[] {
  const amount = (locality: LocalityHosts): number => {
    const hosts = healthyOf(locality);
    return basis === "HEALTHY_HOSTS_NUM" ? hosts.length : hosts.reduce((sum, host) => sum + host.weight, 0);
  };
  const share = (part: number, whole: number): number => whole === 0 ? 0 : Math.floor(WHOLE * part / whole);
  const proxyAmounts = new Map(proxies.localities.map((each) => [localityKey(each.locality), amount(each)]));
  const amounts = set.localities.map(amount);
  const total = amounts.reduce((sum, each) => sum + each, 0);
  const proxyTotal = [...proxyAmounts.values()].reduce((sum, each) => sum + each, 0);
  return set.localities.map((locality, index) => {
    // Without hosts there it does not matter who else is there.
    if (healthyOf(locality).length === 0) return { hosts: 0, proxies: 0 };
    const there = proxyAmounts.get(localityKey(locality.locality)) ?? 0;
    return { hosts: share(amounts[index]!, total), proxies: share(there, proxyTotal) };
  });
}

function healthyOf({ hosts }: LocalityHosts): readonly Host[] {
  return hosts.filter((host) => !host.excluded && host.coarseHealth === "healthy");
}

/** Picks among the usable hosts of the locality that `routing` chooses, or among all. */
export class ZonePicker implements HostPicker {
  readonly #routing: ZoneRouting;
  readonly #any: HostPicker;
  /** Null where nobody is usable. */
  readonly #byLocality: readonly (HostPicker | null)[];

  constructor(
    routing: ZoneRouting,
    set: HostSet,
    usable: readonly Host[],
    createPicker: HostPickerFactory,
    previous: HostPicker | null,
  ) {
    const before = previous instanceof ZonePicker ? previous : null;
    const usableHosts = new Set(usable);
    this.#routing = routing;
    this.#any = createPicker(usable, before === null ? null : before.#any);
    this.#byLocality = set.localities.map((locality, index) => {
      const hosts = locality.hosts.filter((host) => usableHosts.has(host));
      return hosts.length === 0
        ? null
        : createPicker(hosts, before === null ? null : before.#byLocality[index] ?? null);
    });
  }

  pick(context: LoadBalancerContext | null): Host | null {
    const locality = this.#routing.choose();
    if (locality === ANY_LOCALITY) return this.#any.pick(context);
    return locality === NO_HOST ? null : this.#byLocality[locality]?.pick(context) ?? null;
  }
}
