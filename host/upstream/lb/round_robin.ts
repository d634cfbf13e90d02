// host/upstream/lb/round_robin.ts: hosts in turn, as often as they weigh.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/pool.bench.ts
/**
 * @see Envoy: source/extensions/load_balancing_policies/round_robin/round_robin_lb.h
 * @module
 */
import type { Random } from "../../base/random.ts";
import type { Host } from "../host.ts";
import { haveEqualWeights, type HostPicker } from "./picker.ts";
import { EdfScheduler } from "./edf.ts";

/** Starts at a random turn, so that many proxies, or workers, do not all begin at the first host. */
export function createRoundRobinPicker(hosts: readonly Host[], random: Random): HostPicker {
  return haveEqualWeights(hosts) ? new TurnPicker(hosts, random) : new WeightedTurnPicker(hosts, random);
}

class TurnPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  #next: number;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#next = random.uint32() % hosts.length;
  }

  pick(): Host {
    const index = this.#next;
    this.#next = index + 1 === this.#hosts.length ? 0 : index + 1;
    return this.#hosts[index]!;
  }
}

function weightOf(host: Host): number {
  return host.weight;
}

class WeightedTurnPicker implements HostPicker {
  readonly #schedule = new EdfScheduler<Host>();

  constructor(hosts: readonly Host[], random: Random) {
    for (const host of hosts) this.#schedule.add(host, host.weight);
    for (let turns = random.uint32() % hosts.length; turns > 0; turns--) this.#schedule.pickAndAdd(weightOf);
  }

  pick(): Host {
    return this.#schedule.pickAndAdd(weightOf);
  }
}
