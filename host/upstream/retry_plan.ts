// host/upstream/retry_plan.ts: RetryPolicy as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RetryPolicy
 * @module
 */
import type { HeaderMatcherPlan } from "../matching/header_matcher.ts";

export interface RetryPolicyPlan {
  /** Names of conditions, separated by commas. */
  readonly retryOn: string;
  readonly numRetries: number;
  /** From when an attempt has a connection, and the request is complete; 0 for no limit. */
  readonly perTryTimeoutMs: number;
  /** Between two signs of life of such an attempt, also while its response comes; 0 for no limit. */
  readonly perTryIdleTimeoutMs: number;
  /** The first wait, which doubles up to the last one; null for the usual ones. */
  readonly backOff: { readonly baseIntervalMs: number; readonly maxIntervalMs: number } | null;
  /** When the upstream says how long to wait; null does not look. */
  readonly rateLimited: {
    readonly resetHeaders: readonly ResetHeaderPlan[];
    readonly maxIntervalMs: number;
  } | null;
  readonly retriableStatusCodes: readonly number[];
  readonly retriableHeaders: readonly HeaderMatcherPlan[];
  /** Requests of which none matches are not retried; empty for all requests. */
  readonly retriableRequestHeaders: readonly HeaderMatcherPlan[];
  /** Each retry goes to the cluster that the route leads to then. */
  readonly refreshesCluster: boolean;
  /** Which priorities retries go to: others than before, looked at anew after so many attempts; null leaves them. */
  readonly retryPriority: { readonly updateFrequency: number } | null;
  readonly hostPredicates: readonly HostPredicatePlan[];
  /** How often another host is asked for when a predicate refuses one. */
  readonly hostSelectionRetryCount: number;
}

export interface ResetHeaderPlan {
  readonly name: string;
  readonly format: "SECONDS" | "UNIX_TIMESTAMP";
}

/** Hosts that a retry does not go to. */
export type HostPredicatePlan =
  | { readonly kind: "previousHosts" }
  | { readonly kind: "omitCanaryHosts" }
  /** Fields of the namespace `envoy.lb`; one is enough. */
  | { readonly kind: "omitHostMetadata"; readonly metadata: Readonly<Record<string, unknown>> };
