// host/upstream/lb/peak_ewma.ts: the host that will answer first, by what its last responses took.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * Each host has an average of its response times: a response that takes longer is believed at once, faster ones
 * and the passing of time lower it again. A host costs its average times its requests in flight and one more; of
 * two hosts taken at random the cheaper one is picked. A slow host so gets little, and is asked again after a while.
 *
 * | host | cost |
 * | --- | --- |
 * | measured | average × (active + 1) |
 * | never measured, idle | default × 1 |
 * | never measured, busy | penalty + active: it may not answer at all |
 *
 * An attempt without a response counts as one that took a hundred times the default. Nothing is known of what
 * other workers see.
 *
 * @see https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/
 * @see Envoy: source/extensions/load_balancing_policies/peak_ewma/
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { Host } from "../host.ts";
import type { PeakEwmaPlan } from "./plan.ts";
import type { HostPolicyData } from "./host_data.ts";
import type { BalancerEnvironment, HostPicker, HostPickerFactory } from "./picker.ts";

/** A failed attempt took so many times the default. */
const FAILURE_FACTOR = 100;
/** Nothing takes no time at all. */
const SHORTEST_MS = 0.001;

/** The response times of one host. */
export class ResponseTime implements HostPolicyData {
  readonly #plan: PeakEwmaPlan;
  readonly #clock: Clock;
  #averageMs = 0;
  #updatedMs = 0;
  #measured = false;

  constructor(plan: PeakEwmaPlan, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
  }

  onResponseHeaders(_headers: HeaderMap, elapsedMs: number): boolean {
    this.#observe(elapsedMs);
    return false;
  }

  onResponseTrailers(): void {}

  onFailure(): void {
    this.#observe(FAILURE_FACTOR * this.#plan.defaultRttMs);
  }

  cost(active: number): number {
    if (this.#measured) return this.#decayed(this.#clock.nowMs()) * (active + 1);
    return active === 0 ? this.#plan.defaultRttMs : this.#plan.penalty + active;
  }

  /** True when it costs no more than another host: as both decay alike, it does not matter what time it is. */
  isCheaper(active: number, other: ResponseTime, otherActive: number): boolean {
    if (!this.#measured || !other.#measured) return this.cost(active) <= other.cost(otherActive);
    const newer = Math.exp((this.#updatedMs - other.#updatedMs) / this.#plan.decayMs);
    return this.#averageMs * (active + 1) * newer <= other.#averageMs * (otherActive + 1);
  }

  #observe(measuredMs: number): void {
    const elapsedMs = Math.max(SHORTEST_MS, measuredMs);
    const nowMs = this.#clock.nowMs();
    const before = this.#decayed(nowMs);
    if (!this.#measured || elapsedMs > before) {
      this.#averageMs = elapsedMs;
    } else {
      const weight = Math.exp((this.#updatedMs - nowMs) / this.#plan.decayMs);
      this.#averageMs = this.#averageMs * weight + elapsedMs * (1 - weight);
    }
    this.#measured = true;
    this.#updatedMs = nowMs;
  }

  /** What nothing is heard of becomes fast. */
  #decayed(nowMs: number): number {
    return this.#averageMs * Math.exp((this.#updatedMs - nowMs) / this.#plan.decayMs);
  }
}

/** Hosts keep what is known of them when the list changes. */
export function peakEwma(
  plan: PeakEwmaPlan,
  { clock, random }: Pick<BalancerEnvironment, "clock" | "random">,
): HostPickerFactory {
  return (hosts) => {
    const times = hosts.map((host) => {
      if (!(host.policyData instanceof ResponseTime)) host.policyData = new ResponseTime(plan, clock);
      return host.policyData as ResponseTime;
    });
    return new PeakEwmaPicker(hosts, times, random);
  };
}

class PeakEwmaPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #times: readonly ResponseTime[];
  readonly #random: Random;

  constructor(hosts: readonly Host[], times: readonly ResponseTime[], random: Random) {
    this.#hosts = hosts;
    this.#times = times;
    this.#random = random;
  }

  pick(): Host {
    const hosts = this.#hosts;
    const count = hosts.length;
    if (count === 1) return hosts[0]!;
    const first = this.#random.uint32() % count;
    let second = this.#random.uint32() % (count - 1);
    if (second >= first) second++;
    const a = hosts[first]!, b = hosts[second]!;
    return this.#times[first]!.isCheaper(a.rqActive, this.#times[second]!, b.rqActive) ? a : b;
  }
}
