// host/upstream/outlier/runtime.ts: outlier detection with what keys of the runtime say of it.
// pure: no I/O, no clock, no runtime globals
/**
 * The keys are the fields' names, for all clusters.
 *
 * @see Envoy: source/common/upstream/outlier_detection_impl.cc
 * @module
 */
import { type Live, type Runtime, RuntimeValue } from "../../base/runtime.ts";
import { enforcingOf, type OutlierDetectionPlan } from "./plan.ts";

export function liveOutlierDetection(plan: OutlierDetectionPlan, runtime: Runtime): Live<OutlierDetectionPlan> {
  return new RuntimeValue(runtime, (now) => {
    const integer = (name: string, configured: number) => now.integer(`outlier_detection.${name}`, configured);
    const { successRate, failurePercentage, enforcing } = plan;
    return {
      ...plan,
      intervalMs: integer("interval_ms", plan.intervalMs),
      baseEjectionTimeMs: integer("base_ejection_time_ms", plan.baseEjectionTimeMs),
      maxEjectionTimeMs: integer("max_ejection_time_ms", plan.maxEjectionTimeMs),
      maxEjectionTimeJitterMs: integer("max_ejection_time_jitter_ms", plan.maxEjectionTimeJitterMs),
      maxEjectionPercent: Math.min(100, integer("max_ejection_percent", plan.maxEjectionPercent)),
      consecutive5xx: integer("consecutive_5xx", plan.consecutive5xx),
      consecutiveGatewayFailure: integer("consecutive_gateway_failure", plan.consecutiveGatewayFailure),
      consecutiveLocalOriginFailure: integer("consecutive_local_origin_failure", plan.consecutiveLocalOriginFailure),
      successRate: {
        minimumHosts: integer("success_rate_minimum_hosts", successRate.minimumHosts),
        requestVolume: integer("success_rate_request_volume", successRate.requestVolume),
        stdevFactor: integer("success_rate_stdev_factor", successRate.stdevFactor),
      },
      failurePercentage: {
        minimumHosts: integer("failure_percentage_minimum_hosts", failurePercentage.minimumHosts),
        requestVolume: integer("failure_percentage_request_volume", failurePercentage.requestVolume),
        threshold: integer("failure_percentage_threshold", failurePercentage.threshold),
      },
      enforcing: enforcingOf((type, field) => integer(field, enforcing[type])),
    };
  });
}
