// host/upstream/lb/round_robin.ts: hosts in turn, as often as they weigh.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/pool.bench.ts
/**
 * @see Envoy: source/extensions/load_balancing_policies/round_robin/round_robin_lb.h
 * @module
 */
import type { Random } from "../../base/random.ts";
import type { Host } from "../host.ts";
import { EdfScheduler } from "./edf.ts";
import { haveEqualWeights, type HostPicker, type HostPickerFactory } from "./picker.ts";

/** Turns stay small integers. */
const LAST_TURN = 0x3fff_ffff;

/** Starts at a random turn, so that many proxies, or workers, do not all begin at the first host. */
export function roundRobin(random: Random): HostPickerFactory {
  const start = random.uint32() & LAST_TURN;
  return (hosts, previous) => {
    if (!haveEqualWeights(hosts)) return new WeightedTurnPicker(hosts, start);
    return new TurnPicker(hosts, previous instanceof TurnPicker ? previous.turn : start);
  };
}

class TurnPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  /** Goes on counting when the list changes. */
  turn: number;

  constructor(hosts: readonly Host[], turn: number) {
    this.#hosts = hosts;
    this.turn = turn;
  }

  pick(): Host {
    const { turn } = this;
    this.turn = turn === LAST_TURN ? 0 : turn + 1;
    return this.#hosts[turn % this.#hosts.length]!;
  }
}

function weightOf(host: Host): number {
  return host.weight;
}

class WeightedTurnPicker implements HostPicker {
  readonly #schedule: EdfScheduler<Host>;

  constructor(hosts: readonly Host[], start: number) {
    this.#schedule = EdfScheduler.withPicks(hosts, weightOf, start);
  }

  pick(): Host {
    return this.#schedule.pickAndAdd(weightOf);
  }
}
