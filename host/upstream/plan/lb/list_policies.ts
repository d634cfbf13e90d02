// host/upstream/plan/lb/list_policies.ts: policies that pick from a list of hosts, whatever the request.
// pure: no I/O, no clock, no runtime globals
/**
 * Each takes the Cluster's own message for it or the extension's: they have most fields in common.
 *
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { LeastRequestPlan, RoundRobinPlan, SlowStartPlan } from "../../lb/plan.ts";

export function planRoundRobin(node: ConfigNode | null): RoundRobinPlan {
  return { policy: "ROUND_ROBIN", ...planSlowStart(node) };
}

export function planLeastRequest(node: ConfigNode | null): LeastRequestPlan {
  const bias = node?.message("active_request_bias") ?? null;
  const activeRequestBias = bias?.number("default_value") ?? 1;
  const activeRequestBiasKey = bias?.runtimeKey("runtime_key") ?? "";
  if (activeRequestBias < 0) {
    bias!.warn("config/out-of-range", `the bias ${activeRequestBias} is negative: 1 is used, as in Envoy`, {
      field: "default_value",
    });
  }
  return {
    policy: "LEAST_REQUEST",
    choiceCount: node?.number("choice_count", 2) ?? 2,
    selectionMethod: "N_CHOICES",
    activeRequestBias: activeRequestBias < 0 ? 1 : activeRequestBias,
    ...(activeRequestBiasKey !== "" && { activeRequestBiasKey }),
    ...planSlowStart(node),
  };
}

/** With what only the extension's message has. */
export function planLeastRequestExtension(node: ConfigNode): LeastRequestPlan {
  const fullScan = node.enum("selection_method") === "FULL_SCAN" || node.bool("enable_full_scan");
  return { ...planLeastRequest(node), selectionMethod: fullScan ? "FULL_SCAN" : "N_CHOICES" };
}

/** `slow_start_config`; nothing when no window is given. */
export function planSlowStart(node: ConfigNode | null): { readonly slowStart?: SlowStartPlan } {
  const config = node?.message("slow_start_config") ?? null;
  if (config === null) return {};
  const aggression = config.message("aggression");
  const factor = aggression?.number("default_value") ?? 1;
  const aggressionKey = aggression?.runtimeKey("runtime_key") ?? "";
  if (factor <= 0) {
    aggression!.warn("config/out-of-range", `the aggression ${factor} is not positive: 1 is used, as in Envoy`, {
      field: "default_value",
    });
  }
  const windowMs = config.durationMs("slow_start_window", 0);
  const percent = config.message("min_weight_percent");
  const minWeightPercent = percent === null ? 10 : percent.number("value");
  if (windowMs === 0) return {};
  return {
    slowStart: {
      windowMs,
      aggression: factor <= 0 ? 1 : factor,
      ...(aggressionKey !== "" && { aggressionKey }),
      minWeightPercent,
    },
  };
}
