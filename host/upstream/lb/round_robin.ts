// host/upstream/lb/round_robin.ts: hosts in turn, as often as they weigh.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * @see Envoy: source/extensions/load_balancing_policies/round_robin/round_robin_lb.h
 * @module
 */
import type { Host } from "../host.ts";
import type { RoundRobinPlan } from "./plan.ts";
import { EdfScheduler } from "./edf.ts";
import { type BalancerEnvironment, haveEqualWeights, type HostPicker, type HostPickerFactory } from "./picker.ts";
import { SlowStart } from "./slow_start.ts";

/** Turns stay small integers. */
const LAST_TURN = 0x3fff_ffff;

/** Starts at a random turn, so that many proxies, or workers, do not all begin at the first host. */
export function roundRobin(
  plan: RoundRobinPlan,
  environment: Pick<BalancerEnvironment, "clock" | "random" | "priorities">,
): HostPickerFactory {
  const start = environment.random.uint32() & LAST_TURN;
  const slowStart = plan.slowStart === undefined ? null : new SlowStart(plan.slowStart, environment);
  const weightOf = slowStart === null
    ? (host: Host) => host.weight
    : (host: Host) => slowStart.apply(host.weight, host);
  return (hosts, previous) => {
    const isEqual = haveEqualWeights(hosts) && (slowStart === null || !slowStart.isUnderWay);
    if (hosts.length > 1 && !isEqual) return new WeightedTurnPicker(hosts, weightOf, start);
    return new TurnPicker(hosts, previous instanceof TurnPicker ? previous.turn : start);
  };
}

class TurnPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly canPeek = true;
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

class WeightedTurnPicker implements HostPicker {
  readonly canPeek = true;
  readonly #schedule: EdfScheduler<Host>;

  constructor(hosts: readonly Host[], weightOf: (host: Host) => number, start: number) {
    this.#schedule = new EdfScheduler(hosts, weightOf, start);
  }

  pick(): Host {
    return this.#schedule.pickAndAdd();
  }
}
