// host/upstream/plan/outlier_detection.ts: an OutlierDetection message as a plan.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/outlier_detection_impl.cc DetectorConfig
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { DEFAULT_OUTLIER_DETECTION as DEFAULTS, enforcingOf, type OutlierDetectionPlan } from "../outlier/plan.ts";

export function planOutlierDetection(node: ConfigNode): OutlierDetectionPlan {
  const baseEjectionTimeMs = node.durationMs("base_ejection_time", DEFAULTS.baseEjectionTimeMs);
  const maxEjectionTimeMs = node.durationMs(
    "max_ejection_time",
    Math.max(DEFAULTS.maxEjectionTimeMs, baseEjectionTimeMs),
  );
  if (maxEjectionTimeMs < baseEjectionTimeMs) {
    node.error("config/conflict", "max_ejection_time is shorter than base_ejection_time", {
      field: "max_ejection_time",
    });
  }
  node.accept("monitors", "Envoy 1.40 has none of these extensions: it takes the field and looks no further");
  const { successRate, failurePercentage } = DEFAULTS;
  return {
    intervalMs: node.durationMs("interval", DEFAULTS.intervalMs),
    baseEjectionTimeMs,
    maxEjectionTimeMs,
    maxEjectionTimeJitterMs: node.durationMs("max_ejection_time_jitter", DEFAULTS.maxEjectionTimeJitterMs),
    maxEjectionPercent: node.number("max_ejection_percent", DEFAULTS.maxEjectionPercent),
    alwaysEjectOneHost: node.bool("always_eject_one_host"),
    splitsLocalOrigin: node.bool("split_external_local_origin_errors"),
    consecutive5xx: node.number("consecutive_5xx", DEFAULTS.consecutive5xx),
    consecutiveGatewayFailure: node.number("consecutive_gateway_failure", DEFAULTS.consecutiveGatewayFailure),
    consecutiveLocalOriginFailure: node.number(
      "consecutive_local_origin_failure",
      DEFAULTS.consecutiveLocalOriginFailure,
    ),
    successRate: {
      minimumHosts: node.number("success_rate_minimum_hosts", successRate.minimumHosts),
      requestVolume: node.number("success_rate_request_volume", successRate.requestVolume),
      stdevFactor: node.number("success_rate_stdev_factor", successRate.stdevFactor),
    },
    failurePercentage: {
      minimumHosts: node.number("failure_percentage_minimum_hosts", failurePercentage.minimumHosts),
      requestVolume: node.number("failure_percentage_request_volume", failurePercentage.requestVolume),
      threshold: node.number("failure_percentage_threshold", failurePercentage.threshold),
    },
    enforcing: enforcingOf((type, field) => node.number(field, DEFAULTS.enforcing[type])),
    healthCheckUnejects: node.bool("successful_active_health_check_uneject_host", true),
    detectsDegraded: node.bool("detect_degraded_hosts"),
  };
}
