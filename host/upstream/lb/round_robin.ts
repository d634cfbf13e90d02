// host/upstream/lb/round_robin.ts: hosts in turn, as often as they weigh.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * @see Envoy: source/extensions/load_balancing_policies/round_robin/round_robin_lb.h
 * @module
 */
import type { Host } from "../host.ts";
import type { RoundRobinPlan } from "./plan.ts";
import type { BalancerEnvironment, HostPicker, HostPickerFactory } from "./picker.ts";
import { weighted } from "./weighted.ts";

/** Turns stay small integers. */
const LAST_TURN = 0x3fff_ffff;

/** Starts at a random turn, so that many proxies, or workers, do not all begin at the first host. */
export function roundRobin(
  { slowStart }: Pick<RoundRobinPlan, "slowStart">,
  environment: Pick<BalancerEnvironment, "clock" | "random" | "priorities" | "runtime">,
): HostPickerFactory {
  const start = environment.random.uint32() & LAST_TURN;
  return weighted(
    { environment, slowStart, start, weightOf: { current: ownWeight } },
    (hosts, previous) => new TurnPicker(hosts, previous instanceof TurnPicker ? previous.turn : start),
  );
}

function ownWeight(host: Host): number {
  return host.weight;
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
