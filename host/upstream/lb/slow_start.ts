// host/upstream/lb/slow_start.ts: hosts that have just become healthy get less, for a while.
// pure: no I/O, no clock, no runtime globals
/**
 * In its window a host weighs max(min_weight_percent, (time since then / window) ^ (1 / aggression)) of its weight.
 * The window begins when a health check passes for the first time, or without checks when the host comes.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc EdfLoadBalancerBase
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Host } from "../host.ts";
import type { SlowStartPlan } from "./plan.ts";
import type { BalancerEnvironment } from "./picker.ts";

export class SlowStart {
  readonly #plan: SlowStartPlan;
  readonly #clock: Clock;
  /** Of all hosts, the latest that began; the first ones begin with the load balancer. */
  #latestMs: number;

  constructor(plan: SlowStartPlan, { clock, priorities }: Pick<BalancerEnvironment, "clock" | "priorities">) {
    this.#plan = plan;
    this.#clock = clock;
    this.#latestMs = clock.nowMs();
    for (const { hosts } of priorities.hostSets) this.#note(hosts);
    priorities.onPriorityUpdate((priority) => this.#note(priorities.hostSets[priority]!.hosts));
  }

  /** True while some host may be in its window: weights then differ even if they are configured to be the same. */
  get isUnderWay(): boolean {
    return this.#clock.nowMs() - this.#latestMs <= this.#plan.windowMs;
  }

  /** What of this weight counts now. */
  apply(weight: number, host: Host): number {
    if (host.healthySinceMs < 0 || host.coarseHealth !== "healthy") return weight;
    const { windowMs, aggression, minWeightPercent } = this.#plan;
    const passedMs = Math.trunc(this.#clock.nowMs() - host.healthySinceMs);
    if (passedMs >= windowMs) return weight;
    const part = Math.max(1, passedMs) / windowMs;
    return weight * Math.max(aggression === 1 ? part : Math.pow(part, 1 / aggression), minWeightPercent / 100);
  }

  #note(hosts: readonly Host[]): void {
    const nowMs = this.#clock.nowMs();
    for (const host of hosts) {
      if (host.coarseHealth !== "healthy") continue;
      if (host.healthySinceMs < 0) host.healthySinceMs = nowMs;
      const sinceMs = host.healthySinceMs;
      if (sinceMs > this.#latestMs && nowMs - sinceMs <= this.#plan.windowMs) this.#latestMs = sinceMs;
    }
  }
}
