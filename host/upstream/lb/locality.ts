// host/upstream/lb/locality.ts: localities in turn, as often as they weigh, then a host of the locality.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with locality weights; see bench/micro/load_balancing.bench.ts
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
import type { LoadBalancerContext } from "./context.ts";
import type { HostPicker, HostPickerFactory } from "./picker.ts";

interface Turn {
  readonly weight: number;
  /** Of the locality in its set. */
  readonly index: number;
  readonly picker: HostPicker;
}

/** The picker over a set's localities; null when none of them has weight and usable hosts. */
export function createLocalityPicker(
  set: HostSet,
  usable: readonly Host[],
  createPicker: HostPickerFactory,
  random: Random,
  previous: HostPicker | null,
): HostPicker | null {
  const usableHosts = new Set(usable);
  const turns: Turn[] = [];
  set.localities.forEach((locality, index) => {
    const hosts = locality.hosts.filter((host) => usableHosts.has(host));
    const count = locality.hosts.filter((host) => !host.excluded).length;
    if (hosts.length === 0 || locality.weight === 0) return;
    const availability = Math.min(1, (set.overprovisioningFactor / 100) * (hosts.length / count));
    const before = previous instanceof LocalityPicker ? previous.pickerOf(index) : null;
    turns.push({ weight: locality.weight * availability, index, picker: createPicker(hosts, before) });
  });
  return turns.length === 0 ? null : new LocalityPicker(turns, random.uint32());
}

function weightOf(turn: Turn): number {
  return turn.weight;
}

class LocalityPicker implements HostPicker {
  readonly #turns: readonly Turn[];
  readonly #schedule: EdfScheduler<Turn>;
  readonly canPeek: boolean;

  constructor(turns: readonly Turn[], start: number) {
    this.#turns = turns;
    this.canPeek = turns.every(({ picker }) => picker.canPeek === true);
    this.#schedule = new EdfScheduler(turns, weightOf, start);
  }

  pick(context: LoadBalancerContext | null): Host | null {
    return this.#schedule.pickAndAdd().picker.pick(context);
  }

  pickerOf(locality: number): HostPicker | null {
    return this.#turns.find(({ index }) => index === locality)?.picker ?? null;
  }
}
