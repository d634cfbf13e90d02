// host/upstream/outlier/plan.ts: when a host is an outlier, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/cluster/v3/outlier_detection.proto
 * @module
 */

/** Why a host is an outlier, with the names of the event log. */
export type EjectionType =
  | "CONSECUTIVE_5XX"
  | "CONSECUTIVE_GATEWAY_FAILURE"
  | "SUCCESS_RATE"
  | "CONSECUTIVE_LOCAL_ORIGIN_FAILURE"
  | "SUCCESS_RATE_LOCAL_ORIGIN"
  | "FAILURE_PERCENTAGE"
  | "FAILURE_PERCENTAGE_LOCAL_ORIGIN"
  | "DEGRADED";

export interface OutlierDetectionPlan {
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  readonly maxEjectionTimeMs: number;
  readonly maxEjectionTimeJitterMs: number;
  /** Percent of the cluster's hosts. */
  readonly maxEjectionPercent: number;
  /** One host may be ejected whatever that percentage says. */
  readonly alwaysEjectOneHost: boolean;
  /** Errors of the proxy's own, such as a connection that is refused, count apart from those of the host. */
  readonly splitsLocalOrigin: boolean;
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly successRate: {
    readonly minimumHosts: number;
    readonly requestVolume: number;
    /** In thousandths. */
    readonly stdevFactor: number;
  };
  readonly failurePercentage: {
    readonly minimumHosts: number;
    readonly requestVolume: number;
    readonly threshold: number;
  };
  /** With so many percent of probability a host that is found to be an outlier is ejected. */
  readonly enforcing: Readonly<Record<Exclude<EjectionType, "DEGRADED">, number>>;
  /** A host that passes an active health check is taken back at once. */
  readonly healthCheckUnejects: boolean;
  /** Hosts that answer with `x-envoy-degraded` are degraded for a while. */
  readonly detectsDegraded: boolean;
}

/** The fields, and keys of the runtime, that say how likely a host that was found out is ejected. */
const ENFORCING_FIELDS: Readonly<Record<Exclude<EjectionType, "DEGRADED">, string>> = {
  CONSECUTIVE_5XX: "enforcing_consecutive_5xx",
  CONSECUTIVE_GATEWAY_FAILURE: "enforcing_consecutive_gateway_failure",
  SUCCESS_RATE: "enforcing_success_rate",
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: "enforcing_consecutive_local_origin_failure",
  SUCCESS_RATE_LOCAL_ORIGIN: "enforcing_local_origin_success_rate",
  FAILURE_PERCENTAGE: "enforcing_failure_percentage",
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: "enforcing_failure_percentage_local_origin",
};

/** The chances of all types, each from its field. */
export function enforcingOf(
  chance: (type: keyof typeof ENFORCING_FIELDS, field: string) => number,
): OutlierDetectionPlan["enforcing"] {
  const types = Object.keys(ENFORCING_FIELDS) as (keyof typeof ENFORCING_FIELDS)[];
  return Object.fromEntries(
    types.map((type) => [type, chance(type, ENFORCING_FIELDS[type])]),
  ) as OutlierDetectionPlan["enforcing"];
}

export const DEFAULT_OUTLIER_DETECTION: OutlierDetectionPlan = {
  intervalMs: 10_000,
  baseEjectionTimeMs: 30_000,
  maxEjectionTimeMs: 300_000,
  maxEjectionTimeJitterMs: 0,
  maxEjectionPercent: 10,
  alwaysEjectOneHost: false,
  splitsLocalOrigin: false,
  consecutive5xx: 5,
  consecutiveGatewayFailure: 5,
  consecutiveLocalOriginFailure: 5,
  successRate: { minimumHosts: 5, requestVolume: 100, stdevFactor: 1900 },
  failurePercentage: { minimumHosts: 5, requestVolume: 50, threshold: 85 },
  enforcing: {
    CONSECUTIVE_5XX: 100,
    CONSECUTIVE_GATEWAY_FAILURE: 0,
    SUCCESS_RATE: 100,
    CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 100,
    SUCCESS_RATE_LOCAL_ORIGIN: 100,
    FAILURE_PERCENTAGE: 0,
    FAILURE_PERCENTAGE_LOCAL_ORIGIN: 0,
  },
  healthCheckUnejects: true,
  detectsDegraded: false,
};
