// host/upstream/lb/locality.ts: localities in turn, as often as they weigh, then a host of the locality.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with locality weights; see bench/micro/pool.bench.ts
/**
 * A locality counts its weight times min(1, overprovisioning factor × usable hosts / all hosts), so that one
 * that loses hosts hands load on before its others are overrun. One without a weight gets nothing.
 *
 * @see Envoy: source/common/upstream/locality_wrr.cc
 * @module
 */
import type { Random } from "../../base/random.ts";
import type { Host } from "../host.ts";
import type { HostSet } from "../host_set.ts";
import { EdfScheduler } from "./edf.ts";
import type { HostPicker, HostPickerFactory, LoadBalancerContext } from "./picker.ts";

interface Turn {
  readonly weight: number;
  readonly picker: HostPicker;
}

/** The picker over a set's localities; null when none of them has weight and usable hosts. */
export function createLocalityPicker(
  set: HostSet,
  usable: readonly Host[],
  createPicker: HostPickerFactory,
  random: Random,
): HostPicker | null {
  const usableHosts = new Set(usable);
  const schedule = new EdfScheduler<Turn>();
  for (const locality of set.localities) {
    const hosts = locality.hosts.filter((host) => usableHosts.has(host));
    const count = locality.hosts.filter((host) => !host.excluded).length;
    if (hosts.length === 0 || locality.weight === 0) continue;
    const availability = Math.min(1, (set.overprovisioningFactor / 100) * (hosts.length / count));
    const turn = { weight: locality.weight * availability, picker: createPicker(hosts, random) };
    schedule.add(turn, turn.weight);
  }
  return schedule.size === 0 ? null : new LocalityPicker(schedule);
}

function weightOf(turn: Turn): number {
  return turn.weight;
}

class LocalityPicker implements HostPicker {
  readonly #schedule: EdfScheduler<Turn>;

  constructor(schedule: EdfScheduler<Turn>) {
    this.#schedule = schedule;
  }

  pick(context: LoadBalancerContext | null): Host {
    return this.#schedule.pickAndAdd(weightOf).picker.pick(context);
  }
}
