// host/upstream/lb/least_request.ts: the host with the fewest requests in flight.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * With equal weights: the best of a few hosts taken at random (two by default, which is nearly as good as
 * looking at all and never herds), or of all with `FULL_SCAN`. With unequal weights: a schedule in which a
 * host counts `weight / (active requests + 1) ^ bias`.
 *
 * @see Envoy: source/extensions/load_balancing_policies/least_request/least_request_lb.cc
 * @module
 */
import type { Random } from "../../base/random.ts";
import { NO_RUNTIME, RuntimeValue } from "../../base/runtime.ts";
import type { Host } from "../host.ts";
import type { LeastRequestPlan } from "./plan.ts";
import type { BalancerEnvironment, HostPicker, HostPickerFactory } from "./picker.ts";
import { weighted } from "./weighted.ts";

export function leastRequest(
  plan: LeastRequestPlan,
  environment: Pick<BalancerEnvironment, "clock" | "random" | "priorities" | "runtime">,
): HostPickerFactory {
  const { random, runtime = NO_RUNTIME } = environment;
  const { slowStart } = plan;
  const weightOf = new RuntimeValue(runtime, (now) => {
    const bias = now.number(plan.activeRequestBiasKey ?? "", plan.activeRequestBias);
    return weightBy(bias >= 0 ? bias : 1);
  });
  return weighted(
    { environment, slowStart, start: random.uint32(), weightOf },
    (hosts) =>
      plan.selectionMethod === "FULL_SCAN"
        ? new FullScanPicker(hosts, random)
        : new ChoicesPicker(hosts, random, plan.choiceCount),
  );
}

function weightBy(bias: number): (host: Host) => number {
  if (bias === 1) return (host) => host.weight / (host.rqActive + 1);
  if (bias === 0) return (host) => host.weight;
  return (host) => host.weight / Math.pow(host.rqActive + 1, bias);
}

class ChoicesPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #random: Random;
  readonly #choiceCount: number;

  constructor(hosts: readonly Host[], random: Random, choiceCount: number) {
    this.#hosts = hosts;
    this.#random = random;
    this.#choiceCount = choiceCount;
  }

  pick(): Host {
    const hosts = this.#hosts;
    if (hosts.length === 1) return hosts[0]!;
    let best = hosts[this.#random.uint32() % hosts.length]!;
    for (let i = 1; i < this.#choiceCount; i++) {
      const other = hosts[this.#random.uint32() % hosts.length]!;
      if (other.rqActive < best.rqActive) best = other;
    }
    return best;
  }
}

class FullScanPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #random: Random;
  /** The first ones are the hosts that are equally good. */
  readonly #ties: Uint32Array;

  constructor(hosts: readonly Host[], random: Random) {
    this.#hosts = hosts;
    this.#random = random;
    this.#ties = new Uint32Array(hosts.length);
  }

  pick(): Host {
    const hosts = this.#hosts, ties = this.#ties;
    let fewest = Infinity, count = 0;
    for (let i = 0; i < hosts.length; i++) {
      const { rqActive } = hosts[i]!;
      if (rqActive > fewest) continue;
      if (rqActive < fewest) {
        fewest = rqActive;
        count = 0;
      }
      ties[count++] = i;
    }
    return hosts[ties[this.#random.uint32() % count]!]!;
  }
}
