// host/upstream/lb/slow_start.ts: hosts that have just become healthy get less, for a while.
// pure: no I/O, no clock, no runtime globals
// hot: once per request while hosts are new; see bench/micro/load_balancing.bench.ts
/**
 * In its window a host weighs max(min_weight_percent, (time since then / window) ^ (1 / aggression)) of its weight.
 * The window begins when a health check passes for the first time, or without checks when the host comes.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc EdfLoadBalancerBase
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import { type Live, NO_RUNTIME, RuntimeValue } from "../../base/runtime.ts";
import type { Host } from "../host.ts";
import type { SlowStartPlan } from "./plan.ts";
import type { BalancerEnvironment } from "./picker.ts";

export class SlowStart {
  readonly #windowMs: number;
  readonly #exponent: Live<number>;
  readonly #least: number;
  readonly #clock: Clock;
  /** Of all hosts, the latest that began; the first ones begin with the load balancer. */
  #latestMs: number;
  /** Every window is: nobody has to look at the time any more. */
  #isOver = false;

  constructor(
    plan: SlowStartPlan,
    { clock, priorities, runtime = NO_RUNTIME }: Pick<BalancerEnvironment, "clock" | "priorities" | "runtime">,
  ) {
    this.#windowMs = plan.windowMs;
    this.#exponent = new RuntimeValue(runtime, (now) => {
      const aggression = now.number(plan.aggressionKey ?? "", plan.aggression);
      return aggression > 0 ? 1 / aggression : 1;
    });
    this.#least = plan.minWeightPercent / 100;
    this.#clock = clock;
    this.#latestMs = clock.nowMs();
    for (const { hosts } of priorities.hostSets) this.#note(hosts);
    priorities.onPriorityUpdate((priority) => this.#note(priorities.hostSets[priority]!.hosts));
  }

  /** True while some host may be in its window: weights then differ even if they are configured to be the same. */
  get isUnderWay(): boolean {
    return this.#clock.nowMs() - this.#latestMs <= this.#windowMs;
  }

  /** What of this weight counts now. */
  apply(weight: number, host: Host): number {
    if (this.#isOver || host.healthySinceMs < 0 || host.coarseHealth !== "healthy") return weight;
    const nowMs = this.#clock.nowMs(), windowMs = this.#windowMs;
    const passedMs = Math.trunc(nowMs - host.healthySinceMs);
    if (passedMs >= windowMs) {
      if (nowMs - this.#latestMs > windowMs) this.#isOver = true;
      return weight;
    }
    const part = Math.max(1, passedMs) / windowMs;
    const exponent = this.#exponent.current;
    return weight * Math.max(exponent === 1 ? part : Math.pow(part, exponent), this.#least);
  }

  #note(hosts: readonly Host[]): void {
    const nowMs = this.#clock.nowMs();
    for (const host of hosts) {
      if (host.coarseHealth !== "healthy") continue;
      if (host.healthySinceMs < 0) host.healthySinceMs = nowMs;
      const sinceMs = host.healthySinceMs;
      if (sinceMs <= this.#latestMs || nowMs - sinceMs > this.#windowMs) continue;
      this.#latestMs = sinceMs;
      this.#isOver = false;
    }
  }
}
