// host/upstream/outlier/stats.ts: what outlier detection counts.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/outlier_detection_impl.h ALL_OUTLIER_DETECTION_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";
import type { EjectionType } from "./plan.ts";

/** The last words of `ejections_detected_…` and `ejections_enforced_…`. */
const NAMES: Readonly<Record<EjectionType, string>> = {
  CONSECUTIVE_5XX: "consecutive_5xx",
  CONSECUTIVE_GATEWAY_FAILURE: "consecutive_gateway_failure",
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: "consecutive_local_origin_failure",
  SUCCESS_RATE: "success_rate",
  SUCCESS_RATE_LOCAL_ORIGIN: "local_origin_success_rate",
  FAILURE_PERCENTAGE: "failure_percentage",
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: "local_origin_failure_percentage",
  DEGRADED: "degradation",
};

export class OutlierStats {
  readonly active: Gauge;
  readonly overflow: Counter;
  readonly enforcedTotal: Counter;
  /** These three are deprecated, and still counted. */
  readonly total: Counter;
  readonly consecutive5xx: Counter;
  readonly successRate: Counter;
  readonly detected: Readonly<Record<EjectionType, Counter>>;
  /** Nobody is ejected for being degraded. */
  readonly enforced: Readonly<Partial<Record<EjectionType, Counter>>>;

  /** `scope` is that of the cluster. */
  constructor(scope: StatsScope) {
    const counter = (name: string): Counter => scope.counter(`outlier_detection.ejections_${name}`);
    const types = Object.keys(NAMES) as EjectionType[];
    const counters = (prefix: string, of: readonly EjectionType[]) =>
      Object.fromEntries(of.map((type) => [type, counter(prefix + NAMES[type])])) as Record<EjectionType, Counter>;
    this.active = scope.gauge("outlier_detection.ejections_active");
    this.overflow = counter("overflow");
    this.enforcedTotal = counter("enforced_total");
    this.total = counter("total");
    this.consecutive5xx = counter("consecutive_5xx");
    this.successRate = counter("success_rate");
    this.detected = counters("detected_", types);
    this.enforced = counters("enforced_", types.filter((type) => type !== "DEGRADED"));
    // Shown from the start, as in Envoy.
    this.active.add(0);
  }
}
