// host/upstream/priority.ts: how much load each priority gets, and which of its hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * Priority 0 takes everything while enough of its hosts are healthy; what it cannot take spills over. A
 * priority of which too few hosts are healthy is in panic and uses all of them.
 *
 * | name | meaning |
 * | --- | --- |
 * | health | min(100, overprovisioning factor × healthy / all), per priority |
 * | availability | min(100, sum of the healths, degraded ones included) |
 * | load | percent of the requests, per priority, healthy before degraded |
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc LoadBalancerBase
 * @module
 */
import type { Live } from "../base/runtime.ts";
import type { Host } from "./host.ts";
import { HostSet, type LocalityFacts, type LocalityHosts } from "./host_set.ts";

/** Which list of a host set is picked from. */
export type HostSource = "healthy" | "degraded" | "all";

/** A number from 0 to 100 for each priority: of its healthy hosts, and of its degraded ones. */
export interface PriorityPercentages {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
}

/** How much load each priority gets: all together 100. */
export interface PriorityLoad extends PriorityPercentages {
  readonly panic: readonly boolean[];
}

/** All priorities of a cluster. */
export class PrioritySet {
  readonly #sets: HostSet[] = [];
  #overprovisioningFactor: number;
  #weightedHealth: boolean;
  readonly #panicThreshold: Live<number>;
  readonly #listeners: ((added: readonly Host[], removed: readonly Host[]) => void)[] = [];
  readonly #listenersBefore: ((added: readonly Host[]) => void)[] = [];
  readonly #priorityListeners: ((priority: number) => void)[] = [];
  /** Made when somebody asks for a host by its address. */
  #byAddress: Map<string, Host> | null = null;
  #load: PriorityLoad;
  /** Grows with every change. */
  version = 0;

  /** With `weightedHealth` the weights of hosts count for the health of a priority, not their number. */
  constructor(overprovisioningFactor: number, panicThreshold: Live<number>, weightedHealth = false) {
    this.#overprovisioningFactor = overprovisioningFactor;
    this.#weightedHealth = weightedHealth;
    this.#panicThreshold = panicThreshold;
    this.ensurePriority(0);
    this.#load = computePriorityLoad(this.#sets, panicThreshold.current);
  }

  /** Percent. Another one counts for the load from the next change of hosts on. */
  get panicThresholdPercent(): number {
    return this.#panicThreshold.current;
  }

  get hostSets(): readonly HostSet[] {
    return this.#sets;
  }

  get load(): PriorityLoad {
    return this.#load;
  }

  /** One without hosts, for some of the hosts of this one. */
  emptyCopy(): PrioritySet {
    return new PrioritySet(this.#overprovisioningFactor, this.#panicThreshold, this.#weightedHealth);
  }

  /** The host set of a priority; made, with those before it, when it is new. */
  ensurePriority(priority: number): HostSet {
    while (this.#sets.length <= priority) {
      this.#sets.push(new HostSet(this.#sets.length, this.#overprovisioningFactor, this.#weightedHealth));
    }
    return this.#sets[priority]!;
  }

  /** The host of an address, whatever its priority or health; the first of several. */
  hostAt(address: string): Host | null {
    let byAddress = this.#byAddress;
    if (byAddress === null) {
      byAddress = new Map();
      for (const host of this.hosts()) if (!byAddress.has(host.address.text)) byAddress.set(host.address.text, host);
      this.#byAddress = byAddress;
    }
    return byAddress.get(address) ?? null;
  }

  /** Takes another way to count; effective with the next change of the hosts. */
  setPolicy(overprovisioningFactor: number, weightedHealth: boolean): void {
    if (overprovisioningFactor === this.#overprovisioningFactor && weightedHealth === this.#weightedHealth) return;
    this.#overprovisioningFactor = overprovisioningFactor;
    this.#weightedHealth = weightedHealth;
    for (const set of this.#sets) {
      set.overprovisioningFactor = overprovisioningFactor;
      set.weightedHealth = weightedHealth;
    }
    this.#recompute();
  }

  /** Called before hosts are sorted by their health for the first time. */
  onBeforeMemberUpdate(listener: (added: readonly Host[]) => void): void {
    this.#listenersBefore.push(listener);
  }

  /** Called after every change of membership. */
  onMemberUpdate(listener: (added: readonly Host[], removed: readonly Host[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Called after every change of a priority: of its members, of their health or of their weights. */
  onPriorityUpdate(listener: (priority: number) => void): void {
    this.#priorityListeners.push(listener);
  }

  /** Gives a priority its hosts; true when some came or went. */
  updateHosts(
    priority: number,
    hosts: readonly Host[],
    localities: readonly LocalityHosts[],
    facts: LocalityFacts = {},
  ): boolean {
    const set = this.ensurePriority(priority);
    const before = new Set(set.hosts);
    const after = new Set(hosts);
    const added = hosts.filter((host) => !before.has(host));
    const removed = set.hosts.filter((host) => !after.has(host));
    for (const listener of this.#listenersBefore) listener(added);
    this.#byAddress = null;
    set.update(hosts, localities, facts);
    this.#recompute();
    for (const listener of this.#priorityListeners) listener(priority);
    for (const listener of this.#listeners) listener(added, removed);
    return added.length > 0 || removed.length > 0;
  }

  /** Takes in that the health of some hosts of these priorities changed. */
  refreshHealth(priorities: ReadonlySet<number>): void {
    for (const set of this.#sets) if (priorities.has(set.priority)) set.refresh();
    this.#recompute();
    for (const priority of priorities) for (const listener of this.#priorityListeners) listener(priority);
  }

  *hosts(): Generator<Host> {
    for (const set of this.#sets) yield* set.hosts;
  }

  #recompute(): void {
    this.version++;
    this.#load = computePriorityLoad(this.#sets, this.panicThresholdPercent);
  }
}

/** Loads of all priorities from the health of their hosts. */
export function computePriorityLoad(sets: readonly HostSet[], panicThresholdPercent: number): PriorityLoad {
  const health = priorityHealth(sets);
  const availability = availabilityOf(health);
  const panic = sets.map((set) => availability < 100 && set.isInPanic(panicThresholdPercent));
  if (panic.every((yes) => yes)) return { ...loadByHostCount(sets), panic };
  // Everything may be down and panic off: priority 0 takes it and finds no host.
  return { ...(distributeLoad(health) ?? allToFirst(sets.length)), panic };
}

/** How much each priority could take, were it alone. */
export function priorityHealth(sets: readonly HostSet[]): PriorityPercentages {
  return {
    healthy: sets.map((set) => healthPercent(set, set.healthyHosts)),
    degraded: sets.map((set) => healthPercent(set, set.degradedHosts)),
  };
}

/** Load by health, degraded hosts after all healthy ones; null when nothing is available. */
export function distributeLoad(health: PriorityPercentages): PriorityPercentages | null {
  const availability = availabilityOf(health);
  if (availability === 0) return null;
  const first = share(health.healthy, 100, availability);
  const second = share(health.degraded, first.left, availability);
  const healthy = first.load, degraded = second.load;
  // Rounding leaves a percent or two: they go to the first priority that can take anything.
  if (second.left > 0) {
    if (first.firstAvailable >= 0) healthy[first.firstAvailable]! += second.left;
    else degraded[second.firstAvailable]! += second.left;
  }
  return { healthy, degraded };
}

function availabilityOf({ healthy, degraded }: PriorityPercentages): number {
  return Math.min(100, sum(healthy) + sum(degraded));
}

function healthPercent(set: HostSet, usable: readonly Host[]): number {
  const amount = (hosts: readonly Host[]) => set.weightedHealth ? sum(hosts.map(({ weight }) => weight)) : hosts.length;
  const all = amount(set.hosts) - amount(set.excludedHosts);
  return all === 0 ? 0 : Math.min(100, Math.floor(set.overprovisioningFactor * amount(usable) / all));
}

function share(
  health: readonly number[],
  total: number,
  availability: number,
): { load: number[]; left: number; firstAvailable: number } {
  let left = total;
  let firstAvailable = -1;
  const load = health.map((percent, priority) => {
    if (percent > 0 && firstAvailable < 0) firstAvailable = priority;
    const share = Math.min(left, Math.floor(percent * 100 / availability));
    left -= share;
    return share;
  });
  return { load, left, firstAvailable };
}

/** With every priority in panic, health says nothing any more: load goes by number of hosts. */
function loadByHostCount(sets: readonly HostSet[]): PriorityPercentages {
  const total = sum(sets.map((set) => set.hosts.length));
  if (total === 0) return allToFirst(sets.length);
  let left = 100;
  const healthy = sets.map((set) => {
    const share = Math.min(left, Math.floor(100 * set.hosts.length / total));
    left -= share;
    return share;
  });
  const first = sets.findIndex((set) => set.hosts.length > 0);
  healthy[first]! += left;
  return { healthy, degraded: sets.map(() => 0) };
}

function allToFirst(count: number): PriorityPercentages {
  const none = new Array<number>(count).fill(0);
  return { healthy: none.with(0, 100), degraded: none };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The priority and kind of health for a number from 0 to 99. */
export function choosePriority(load: PriorityPercentages, hundredth: number): { priority: number; degraded: boolean } {
  let reached = 0;
  for (let priority = 0; priority < load.healthy.length; priority++) {
    reached += load.healthy[priority]!;
    if (hundredth < reached) return { priority, degraded: false };
  }
  for (let priority = 0; priority < load.degraded.length; priority++) {
    reached += load.degraded[priority]!;
    if (hundredth < reached) return { priority, degraded: true };
  }
  return { priority: 0, degraded: false };
}
