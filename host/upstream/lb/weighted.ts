// host/upstream/lb/weighted.ts: hosts by a schedule of deadlines where they weigh differently.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with weights; see bench/micro/load_balancing.bench.ts
/**
 * Hosts that are new weigh less than others for a while, and so differently.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc EdfLoadBalancerBase::refresh
 * @module
 */
import type { Host } from "../host.ts";
import { EdfScheduler } from "./edf.ts";
import { type BalancerEnvironment, haveEqualWeights, type HostPicker, type HostPickerFactory } from "./picker.ts";
import type { SlowStartPlan } from "./plan.ts";
import { SlowStart } from "./slow_start.ts";

export interface WeightedOptions {
  readonly environment: Pick<BalancerEnvironment, "clock" | "priorities">;
  readonly slowStart: SlowStartPlan | undefined;
  /** Turns that schedules have behind them, so that many proxies, or workers, do not all begin alike. */
  readonly start: number;
  /** Asked when a host has its turn, for how soon the next one is. */
  readonly weightOf: (host: Host) => number;
}

/** Picks by weights; where they are equal, as the other factory does. */
export function weighted(
  { environment, slowStart: plan, start, weightOf }: WeightedOptions,
  equal: HostPickerFactory,
): HostPickerFactory {
  const slowStart = plan === undefined ? null : new SlowStart(plan, environment);
  const weightOfNow = slowStart === null ? weightOf : (host: Host) => slowStart.apply(weightOf(host), host);
  return (hosts, previous) => {
    const isEqual = haveEqualWeights(hosts) && (slowStart === null || !slowStart.isUnderWay);
    return hosts.length > 1 && !isEqual ? new WeightedPicker(hosts, weightOfNow, start) : equal(hosts, previous);
  };
}

class WeightedPicker implements HostPicker {
  readonly canPeek = true;
  readonly #schedule: EdfScheduler<Host>;

  constructor(hosts: readonly Host[], weightOf: (host: Host) => number, start: number) {
    this.#schedule = new EdfScheduler(hosts, weightOf, start);
  }

  pick(): Host {
    return this.#schedule.pickAndAdd();
  }
}
