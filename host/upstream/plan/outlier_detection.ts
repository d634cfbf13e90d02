// host/upstream/plan/outlier_detection.ts: an OutlierDetection message as a plan, with the runtime keys that override it.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/outlier_detection_impl.cc DetectorConfig
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { RuntimeValues } from "../../config/runtime.ts";
import {
  DEFAULT_OUTLIER_DETECTION as DEFAULTS,
  type EjectionType,
  type OutlierDetectionPlan,
} from "../outlier/plan.ts";

/** The fields that say how likely a host that was found out is ejected. */
const ENFORCING: Readonly<Record<Exclude<EjectionType, "DEGRADED">, string>> = {
  CONSECUTIVE_5XX: "enforcing_consecutive_5xx",
  CONSECUTIVE_GATEWAY_FAILURE: "enforcing_consecutive_gateway_failure",
  SUCCESS_RATE: "enforcing_success_rate",
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: "enforcing_consecutive_local_origin_failure",
  SUCCESS_RATE_LOCAL_ORIGIN: "enforcing_local_origin_success_rate",
  FAILURE_PERCENTAGE: "enforcing_failure_percentage",
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: "enforcing_failure_percentage_local_origin",
};

export function planOutlierDetection(node: ConfigNode, runtime: RuntimeValues): OutlierDetectionPlan {
  const key = (name: string): string => `outlier_detection.${name}`;
  const number = (field: string, whenUnset: number): number =>
    runtime.integer(key(field), node.number(field, whenUnset));
  const milliseconds = (field: string, whenUnset: number): number => node.durationMs(field, whenUnset);

  const configuredBaseMs = milliseconds("base_ejection_time", DEFAULTS.baseEjectionTimeMs);
  const configuredMaxMs = milliseconds(
    "max_ejection_time",
    Math.max(DEFAULTS.maxEjectionTimeMs, configuredBaseMs),
  );
  if (configuredMaxMs < configuredBaseMs) {
    node.error("config/conflict", "max_ejection_time is shorter than base_ejection_time", {
      field: "max_ejection_time",
    });
  }
  node.accept("monitors", "Envoy 1.40 has none of these extensions: it takes the field and looks no further");
  const enforcing = Object.fromEntries(
    Object.entries(ENFORCING).map(([type, field]) =>
      [type, number(field, DEFAULTS.enforcing[type as keyof typeof ENFORCING])] as const
    ),
  ) as OutlierDetectionPlan["enforcing"];
  const { successRate, failurePercentage } = DEFAULTS;
  return {
    intervalMs: runtime.integer(key("interval_ms"), milliseconds("interval", DEFAULTS.intervalMs)),
    baseEjectionTimeMs: runtime.integer(key("base_ejection_time_ms"), configuredBaseMs),
    maxEjectionTimeMs: runtime.integer(key("max_ejection_time_ms"), configuredMaxMs),
    maxEjectionTimeJitterMs: runtime.integer(
      key("max_ejection_time_jitter_ms"),
      milliseconds("max_ejection_time_jitter", DEFAULTS.maxEjectionTimeJitterMs),
    ),
    maxEjectionPercent: Math.min(100, number("max_ejection_percent", DEFAULTS.maxEjectionPercent)),
    alwaysEjectOneHost: node.bool("always_eject_one_host"),
    splitsLocalOrigin: node.bool("split_external_local_origin_errors"),
    consecutive5xx: number("consecutive_5xx", DEFAULTS.consecutive5xx),
    consecutiveGatewayFailure: number("consecutive_gateway_failure", DEFAULTS.consecutiveGatewayFailure),
    consecutiveLocalOriginFailure: number(
      "consecutive_local_origin_failure",
      DEFAULTS.consecutiveLocalOriginFailure,
    ),
    successRate: {
      minimumHosts: number("success_rate_minimum_hosts", successRate.minimumHosts),
      requestVolume: number("success_rate_request_volume", successRate.requestVolume),
      stdevFactor: number("success_rate_stdev_factor", successRate.stdevFactor),
    },
    failurePercentage: {
      minimumHosts: number("failure_percentage_minimum_hosts", failurePercentage.minimumHosts),
      requestVolume: number("failure_percentage_request_volume", failurePercentage.requestVolume),
      threshold: number("failure_percentage_threshold", failurePercentage.threshold),
    },
    enforcing,
    healthCheckUnejects: node.bool("successful_active_health_check_uneject_host", true),
    detectsDegraded: node.bool("detect_degraded_hosts"),
  };
}
