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
import type { Host } from "./host.ts";
import { HostSet, type LocalityHosts } from "./host_set.ts";

/** Which list of a host set is picked from. */
export type HostSource = "healthy" | "degraded" | "all";

/** The loads of all priorities, in percent. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  readonly panic: readonly boolean[];
}

/** All priorities of a cluster. */
export class PrioritySet {
  readonly #sets: HostSet[] = [];
  readonly #overprovisioningFactor: number;
  readonly #panicThresholdPercent: number;
  readonly #listeners: ((added: readonly Host[], removed: readonly Host[]) => void)[] = [];
  readonly #listenersBefore: ((added: readonly Host[]) => void)[] = [];
  #load: PriorityLoad;

  constructor(overprovisioningFactor: number, panicThresholdPercent: number) {
    this.#overprovisioningFactor = overprovisioningFactor;
    this.#panicThresholdPercent = panicThresholdPercent;
    this.ensurePriority(0);
    this.#load = computePriorityLoad(this.#sets, panicThresholdPercent);
  }

  get hostSets(): readonly HostSet[] {
    return this.#sets;
  }

  get load(): PriorityLoad {
    return this.#load;
  }

  /** The host set of a priority; made, with those before it, when it is new. */
  ensurePriority(priority: number): HostSet {
    while (this.#sets.length <= priority) {
      this.#sets.push(new HostSet(this.#sets.length, this.#overprovisioningFactor));
    }
    return this.#sets[priority]!;
  }

  /** Called before hosts are sorted by their health for the first time. */
  onBeforeMemberUpdate(listener: (added: readonly Host[]) => void): void {
    this.#listenersBefore.push(listener);
  }

  /** Called after every change of membership. */
  onMemberUpdate(listener: (added: readonly Host[], removed: readonly Host[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Gives a priority its hosts. */
  updateHosts(priority: number, hosts: readonly Host[], localities: readonly LocalityHosts[]): void {
    const set = this.ensurePriority(priority);
    const before = new Set(set.hosts);
    const after = new Set(hosts);
    const added = hosts.filter((host) => !before.has(host));
    const removed = set.hosts.filter((host) => !after.has(host));
    for (const listener of this.#listenersBefore) listener(added);
    set.update(hosts, localities);
    this.#recompute();
    for (const listener of this.#listeners) listener(added, removed);
  }

  /** Takes in that the health of some hosts of these priorities changed. */
  refreshHealth(priorities: ReadonlySet<number>): void {
    for (const set of this.#sets) if (priorities.has(set.priority)) set.refresh();
    this.#recompute();
  }

  *hosts(): Generator<Host> {
    for (const set of this.#sets) yield* set.hosts;
  }

  #recompute(): void {
    this.#load = computePriorityLoad(this.#sets, this.#panicThresholdPercent);
  }
}

/** Loads of all priorities from the health of their hosts. */
export function computePriorityLoad(sets: readonly HostSet[], panicThresholdPercent: number): PriorityLoad {
  const health = sets.map((set) => healthPercent(set, set.healthyHosts.length));
  const degradedHealth = sets.map((set) => healthPercent(set, set.degradedHosts.length));
  const availability = Math.min(100, sum(health) + sum(degradedHealth));
  const panic = sets.map((set) => availability < 100 && set.isInPanic(panicThresholdPercent));
  const none = sets.map(() => 0);

  if (panic.every((yes) => yes)) return { healthy: loadByHostCount(sets), degraded: none, panic };
  if (availability === 0) {
    // Everything is down and panic is off: priority 0 takes it and finds no host.
    return { healthy: sets.map((_, priority) => priority === 0 ? 100 : 0), degraded: none, panic };
  }

  const first = distribute(health, 100, availability);
  const second = distribute(degradedHealth, first.left, availability);
  const healthy = first.load, degraded = second.load;
  // Rounding leaves a percent or two: they go to the first priority that can take anything.
  if (second.left > 0) {
    if (first.firstAvailable >= 0) healthy[first.firstAvailable]! += second.left;
    else degraded[second.firstAvailable]! += second.left;
  }
  return { healthy, degraded, panic };
}

function healthPercent(set: HostSet, usable: number): number {
  const count = set.hosts.length - set.excludedHosts.length;
  return count === 0 ? 0 : Math.min(100, Math.floor(set.overprovisioningFactor * usable / count));
}

function distribute(
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
function loadByHostCount(sets: readonly HostSet[]): number[] {
  const total = sum(sets.map((set) => set.hosts.length));
  if (total === 0) return sets.map((_, priority) => priority === 0 ? 100 : 0);
  let left = 100;
  const load = sets.map((set) => {
    const share = Math.min(left, Math.floor(100 * set.hosts.length / total));
    left -= share;
    return share;
  });
  const first = sets.findIndex((set) => set.hosts.length > 0);
  load[first]! += left;
  return load;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The priority and kind of health for a number from 0 to 99. */
export function choosePriority(load: PriorityLoad, hundredth: number): { priority: number; degraded: boolean } {
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
