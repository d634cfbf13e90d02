// host/upstream/lb/weighted.ts: hosts by a schedule of deadlines where they weigh differently.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with weights; see bench/micro/load_balancing.bench.ts
/**
 * Hosts that are new weigh less than others for a while, and so differently.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc EdfLoadBalancerBase::refresh
 * @module
 */
import type { Live } from "../../base/runtime.ts";
import type { Host } from "../host.ts";
import { EdfScheduler } from "./edf.ts";
import { type BalancerEnvironment, haveEqualWeights, type HostPicker, type HostPickerFactory } from "./picker.ts";
import type { SlowStartPlan } from "./plan.ts";
import { SlowStart } from "./slow_start.ts";

export interface WeightedOptions {
  readonly environment: Pick<BalancerEnvironment, "clock" | "priorities" | "runtime">;
  readonly slowStart: SlowStartPlan | undefined;
  /** Turns that schedules have behind them, so that many proxies, or workers, do not all begin alike. */
  readonly start: number;
  /** Asked when a host has its turn, for how soon the next one is; another one counts for the next list. */
  readonly weightOf: Live<(host: Host) => number>;
}

/** Picks by weights; where they are equal, as the other factory does. */
export function weighted(
  { environment, slowStart: plan, start, weightOf }: WeightedOptions,
  equal: HostPickerFactory,
): HostPickerFactory {
  const slowStart = plan === undefined ? null : new SlowStart(plan, environment);
  return (hosts, previous) => {
    const isEqual = haveEqualWeights(hosts) && (slowStart === null || !slowStart.isUnderWay);
    if (hosts.length <= 1 || isEqual) return equal(hosts, previous);
    const { current } = weightOf;
    const weightOfNow = slowStart === null ? current : (host: Host) => slowStart.apply(current(host), host);
    return new WeightedPicker(hosts, weightOfNow, start);
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
