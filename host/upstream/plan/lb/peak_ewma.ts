// host/upstream/plan/lb/peak_ewma.ts: PeakEwma as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/load_balancing_policies/peak_ewma/v3/peak_ewma.proto
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { LocalityBalancingPlan, PeakEwmaPlan } from "../../lb/plan.ts";

const AT_ONCE = "a response counts at once, and nothing of it is kept";

export function planPeakEwma(config: ConfigNode): PeakEwmaPlan & LocalityBalancingPlan {
  config.accept("aggregation_interval", AT_ONCE);
  config.accept("max_samples_per_host", AT_ONCE);
  return {
    policy: "PEAK_EWMA",
    decayMs: config.durationMs("decay_time", 10_000),
    defaultRttMs: config.durationMs("default_rtt", 10),
    penalty: config.number("penalty_value", 1_000_000),
    localityWeighted: false,
    failTrafficOnPanic: false,
  };
}
