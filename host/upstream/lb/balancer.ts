// host/upstream/lb/balancer.ts: the load balancer of policies that pick from a list: the steps they share.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * A `HostPicker` picks from one list of hosts; which list (priority, healthy or all) is decided here, the
 * same for every policy.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc
 * @module
 */
import type { Random } from "../../base/random.ts";
import { NO_RUNTIME } from "../../base/runtime.ts";
import type { Host } from "../host.ts";
import type { HostSet } from "../host_set.ts";
import { DEFAULT_ZONE_AWARE_PLAN, type LocalityBalancingPlan } from "./plan.ts";
import { choosePriority, type HostSource, type PriorityPercentages, type PrioritySet } from "../priority.ts";
import type { LoadBalancerContext } from "./context.ts";
import { createLocalityPicker } from "./locality.ts";
import type { BalancerEnvironment, ClusterBalancer, HostPicker, HostPickerFactory } from "./picker.ts";
import type { LoadBalancerStats } from "./stats.ts";
import { liveZoneAware, ZonePicker, ZoneRouting } from "./zone.ts";

/** The pickers of one host set, made when they are first asked, and again when its version changed. */
interface SetPickers {
  version: number;
  readonly current: Record<HostSource, HostPicker | null>;
  /** As of the version before, until there are current ones. */
  readonly previous: Record<HostSource, HostPicker | null>;
}

export class LoadBalancer implements ClusterBalancer {
  readonly #priorities: PrioritySet;
  readonly #createPicker: HostPickerFactory;
  readonly #random: Random;
  readonly #failTrafficOnPanic: boolean;
  readonly #localityWeighted: boolean;
  readonly #stats: LoadBalancerStats;
  /** Null without a local cluster. */
  readonly #zones: ZoneRouting | null;
  readonly #pickers: SetPickers[] = [];
  /** Choices that were looked at before they are made; null while nobody does. */
  #peeked: Peeked[] | null = null;

  constructor(
    plan: LocalityBalancingPlan,
    createPicker: HostPickerFactory,
    { priorities, random, stats, local, runtime = NO_RUNTIME }: BalancerEnvironment,
  ) {
    this.#createPicker = createPicker;
    this.#failTrafficOnPanic = plan.failTrafficOnPanic;
    this.#localityWeighted = plan.localityWeighted;
    this.#priorities = priorities;
    this.#random = random;
    this.#stats = stats;
    this.#zones = local === null ? null : new ZoneRouting({
      plan: liveZoneAware(plan.zoneAware ?? DEFAULT_ZONE_AWARE_PLAN, runtime),
      failTrafficOnPanic: plan.failTrafficOnPanic,
      local,
      priorities,
      random,
      stats,
    });
  }

  close(): void {
    this.#zones?.close();
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    let host = this.#chooseOnce(context);
    if (context === null) return host;
    let tries = context.hostSelectionRetryCount;
    while (host !== null && tries-- > 0 && context.shouldSelectAnotherHost(host)) host = this.#chooseOnce(context);
    return host;
  }

  peekAnotherHost(): Host | null {
    const { hostSets, load } = this.#priorities;
    const peeked = this.#peeked ??= [];
    let healthyHosts = 0;
    for (const set of hostSets) healthyHosts += set.healthyHosts.length;
    if (peeked.length >= healthyHosts) return null;
    const picker = this.#pickerOfChoice(load);
    if (picker === null || picker.canPeek !== true) return null;
    const host = picker.pick(null);
    if (host !== null) peeked.push({ host, versions: this.#versions() });
    return host;
  }

  /** Changes with any of the lists that hosts are picked from. */
  #versions(): number {
    let sum = 0;
    for (const set of this.#priorities.hostSets) sum += set.version;
    return sum;
  }

  #choosePeeked(peeked: Peeked[]): Host | null {
    for (;;) {
      const next = peeked.shift();
      if (next === undefined) return null;
      if (next.versions === this.#versions()) return next.host;
    }
  }

  #chooseOnce(context: LoadBalancerContext | null): Host | null {
    const { load } = this.#priorities;
    const wanted = context === null ? load : context.priorityLoad(this.#priorities, load);
    if (this.#peeked !== null && wanted === load) {
      const host = this.#choosePeeked(this.#peeked);
      if (host !== null) return host;
    }
    return this.#pickerOfChoice(wanted)?.pick(context) ?? null;
  }

  /** The picker of the next choice; null when there is no host. */
  #pickerOfChoice(wanted: PriorityPercentages): HostPicker | null {
    const { load } = this.#priorities;
    let priority = 0;
    let source: HostSource = "healthy";
    if (wanted.healthy[0] !== 100) {
      const choice = choosePriority(wanted, this.#random.uint32() % 100);
      priority = choice.priority;
      if (choice.degraded) source = "degraded";
    }
    if (load.panic[priority]) {
      this.#stats.healthyPanic.inc();
      if (this.#failTrafficOnPanic) return null;
      source = "all";
    }
    const set = this.#priorities.hostSets[priority]!;
    const hosts = source === "healthy" ? set.healthyHosts : source === "degraded" ? set.degradedHosts : set.hosts;
    if (hosts.length === 0) return null;
    return this.#picker(set, source, hosts);
  }

  #picker(set: HostSet, source: HostSource, hosts: readonly Host[]): HostPicker {
    const pickers = this.#pickers[set.priority] ??= {
      version: set.version,
      current: noPickers(),
      previous: noPickers(),
    };
    const { current, previous } = pickers;
    if (pickers.version !== set.version) {
      pickers.version = set.version;
      for (const each of SOURCES) {
        previous[each] = current[each] ?? previous[each];
        current[each] = null;
      }
    }
    let picker = current[source];
    if (picker === null) {
      current[source] = picker = this.#createSourcePicker(set, source, hosts, previous[source]);
      // Nothing keeps hosts that are gone.
      previous[source] = null;
    }
    return picker;
  }

  #createSourcePicker(
    set: HostSet,
    source: HostSource,
    hosts: readonly Host[],
    previous: HostPicker | null,
  ): HostPicker {
    // In panic localities do not count any more.
    if (source !== "all") {
      const byLocality = this.#localityWeighted
        ? createLocalityPicker(set, hosts, this.#createPicker, this.#random, previous)
        : null;
      if (byLocality !== null) return byLocality;
      if (this.#zones !== null && set.priority === 0) {
        return new ZonePicker(this.#zones, set, hosts, this.#createPicker, previous);
      }
    }
    return this.#createPicker(hosts, previous);
  }
}

interface Peeked {
  readonly host: Host;
  readonly versions: number;
}

const SOURCES: readonly HostSource[] = ["healthy", "degraded", "all"];

function noPickers(): Record<HostSource, HostPicker | null> {
  return { healthy: null, degraded: null, all: null };
}
