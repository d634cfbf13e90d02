// host/upstream/lb/random.ts: any host, with no regard to weights.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * @see Envoy: source/extensions/load_balancing_policies/random/random_lb.h
 * @module
 */
import type { Random } from "../../base/random.ts";
import type { Host } from "../host.ts";
import type { HostPicker } from "./picker.ts";

export function createRandomPicker(hosts: readonly Host[], random: Random): HostPicker {
  return new RandomPicker(hosts, random);
}

class RandomPicker implements HostPicker {
  readonly canPeek = true;
  readonly #hosts: readonly Host[];
  readonly #random: Random;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#random = random;
  }

  pick(): Host {
    return this.#hosts[this.#random.uint32() % this.#hosts.length]!;
  }
}
