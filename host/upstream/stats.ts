// host/upstream/stats.ts: the statistics of a cluster, with Envoy's names.
// hot: several are touched per request; see bench/micro/pool.bench.ts
/**
 * Looked up once per cluster and then held. Response codes are counted three ways (`upstream_rq_200`,
 * `_2xx`, `_completed`) and once more below `external.` or `internal.`, `canary.`, `retry.` or the zones of proxy
 * and host where that applies; these are made when they first occur.
 *
 * @see Envoy: envoy/upstream/upstream.h ALL_CLUSTER_TRAFFIC_STATS, source/common/http/codes.cc
 * @module
 */
import { Http2Stats } from "../http/h2/stats.ts";
import type { ConnectionStats } from "../net/connection_port.ts";
import { type Counter, type Gauge, type Histogram, HistogramUnit, type StatsScope } from "../observe/stats.ts";
import { ForgottenCounter } from "../observe/matched_scope.ts";
import { LoadBalancerStats } from "./lb/stats.ts";
import { createTrackedStats, NOTHING_TRACKED, type TrackedStats, type TrackedStatsPlan } from "./tracked_stats.ts";

export class ClusterStats {
  readonly scope: StatsScope;
  readonly codes: CodeStats;
  /** Null where the cluster is not told to keep them. */
  readonly tracked: TrackedStats | null;
  #http2: Http2Stats | null = null;

  readonly membershipChange: Counter;
  readonly membershipTotal: Gauge;
  readonly membershipHealthy: Gauge;
  readonly membershipDegraded: Gauge;
  readonly membershipExcluded: Gauge;
  readonly maxHostWeight: Gauge;
  readonly updateAttempt: Counter;
  readonly updateSuccess: Counter;
  readonly updateFailure: Counter;
  readonly updateEmpty: Counter;
  readonly updateNoRebuild: Counter;
  readonly warmingState: Gauge;
  readonly originalDstHostInvalid: Counter;
  readonly assignmentStale: Counter;
  readonly loadBalancer: LoadBalancerStats;

  readonly upstreamCxTotal: Counter;
  readonly upstreamCxActive: Gauge;
  readonly upstreamCxHttp1Total: Counter;
  readonly upstreamCxHttp2Total: Counter;
  readonly upstreamCxConnectFail: Counter;
  readonly upstreamCxConnectTimeout: Counter;
  readonly upstreamCxConnectAttemptsExceeded: Counter;
  readonly upstreamCxIdleTimeout: Counter;
  readonly upstreamCxMaxDurationReached: Counter;
  readonly upstreamCxMaxRequests: Counter;
  readonly upstreamCxOverflow: Counter;
  readonly upstreamCxPoolOverflow: Counter;
  readonly upstreamCxPreconnectSkipped: Counter;
  readonly upstreamCxNoneHealthy: Counter;
  readonly upstreamCxProtocolError: Counter;
  readonly upstreamCxCloseNotify: Counter;
  readonly upstreamCxDestroy: Counter;
  readonly upstreamCxDestroyLocal: Counter;
  readonly upstreamCxDestroyRemote: Counter;
  readonly upstreamCxDestroyWithActiveRq: Counter;
  readonly upstreamCxDestroyLocalWithActiveRq: Counter;
  readonly upstreamCxDestroyRemoteWithActiveRq: Counter;
  /** What each connection counts: `upstream_cx_{rx,tx}_bytes_total`, `upstream_cx_tx_bytes_buffered`. */
  readonly connection: ConnectionStats;
  readonly upstreamCxConnectMs: Histogram;
  readonly upstreamCxLengthMs: Histogram;
  readonly upstreamRqPerCx: Histogram;

  readonly upstreamRqTotal: Counter;
  readonly upstreamRqActive: Gauge;
  readonly upstreamRqActiveOverflow: Counter;
  readonly upstreamRqPendingTotal: Counter;
  readonly upstreamRqPendingActive: Gauge;
  readonly upstreamRqPendingOverflow: Counter;
  readonly upstreamRqPendingFailureEject: Counter;
  readonly upstreamRqCancelled: Counter;
  /** Those below are counted by the router and the asynchronous client. */
  readonly upstreamRqTimeout: Counter;
  readonly upstreamRqPerTryTimeout: Counter;
  readonly upstreamRqPerTryIdleTimeout: Counter;
  readonly upstreamRqMaxDurationReached: Counter;
  readonly upstreamRqMaintenanceMode: Counter;
  readonly upstreamRqRxReset: Counter;
  readonly upstreamRqTxReset: Counter;
  readonly upstreamRqRetry: Counter;
  readonly upstreamRqRetrySuccess: Counter;
  readonly upstreamRqRetryOverflow: Counter;
  readonly upstreamRqRetryLimitExceeded: Counter;
  readonly upstreamRqRetryBackoffExponential: Counter;
  readonly upstreamRqRetryBackoffRatelimited: Counter;
  readonly retryOrShadowAbandoned: Counter;
  readonly upstreamInternalRedirectSucceededTotal: Counter;
  readonly upstreamInternalRedirectFailedTotal: Counter;
  readonly upstreamRqTime: Histogram;
  readonly upstreamFlowControlPausedReadingTotal: Counter;
  readonly upstreamFlowControlResumedReadingTotal: Counter;
  readonly upstreamFlowControlBackedUpTotal: Counter;
  readonly upstreamFlowControlDrainedTotal: Counter;
  /** The same four, as users of raw connections take them. */
  readonly flowControl: {
    readonly pausedReading: Counter;
    readonly resumedReading: Counter;
    readonly backedUp: Counter;
    readonly drained: Counter;
  };

  /**
   * `scope` is that of the cluster: `cluster.<name>.` is in front of every name already. `primary` is false
   * on workers that see the same memberships as another one that counts them.
   */
  constructor(scope: StatsScope, primary: boolean, ownZone = "", tracked: TrackedStatsPlan = NOTHING_TRACKED) {
    const shared = (name: string): Counter => primary ? scope.counter(name) : new ForgottenCounter(name);
    const counter = (name: string): Counter => scope.counter(name);
    const gauge = (name: string): Gauge => scope.gauge(name);
    const milliseconds = (name: string): Histogram => scope.histogram(name, HistogramUnit.Milliseconds);
    this.scope = scope;
    this.codes = new CodeStats(scope, ownZone);
    this.tracked = createTrackedStats(tracked, scope);

    this.membershipChange = shared("membership_change");
    this.membershipTotal = gauge("membership_total");
    this.membershipHealthy = gauge("membership_healthy");
    this.membershipDegraded = gauge("membership_degraded");
    this.membershipExcluded = gauge("membership_excluded");
    this.maxHostWeight = gauge("max_host_weight");
    this.updateAttempt = shared("update_attempt");
    this.updateSuccess = shared("update_success");
    this.updateFailure = shared("update_failure");
    this.updateEmpty = shared("update_empty");
    this.updateNoRebuild = shared("update_no_rebuild");
    this.warmingState = gauge("warming_state");
    this.assignmentStale = counter("assignment_stale");
    this.originalDstHostInvalid = counter("original_dst_host_invalid");
    this.loadBalancer = new LoadBalancerStats(scope);

    this.upstreamCxTotal = counter("upstream_cx_total");
    this.upstreamCxActive = gauge("upstream_cx_active");
    this.upstreamCxHttp1Total = counter("upstream_cx_http1_total");
    this.upstreamCxHttp2Total = counter("upstream_cx_http2_total");
    this.upstreamCxConnectFail = counter("upstream_cx_connect_fail");
    this.upstreamCxConnectTimeout = counter("upstream_cx_connect_timeout");
    this.upstreamCxConnectAttemptsExceeded = counter("upstream_cx_connect_attempts_exceeded");
    this.upstreamCxIdleTimeout = counter("upstream_cx_idle_timeout");
    this.upstreamCxMaxDurationReached = counter("upstream_cx_max_duration_reached");
    this.upstreamCxMaxRequests = counter("upstream_cx_max_requests");
    this.upstreamCxOverflow = counter("upstream_cx_overflow");
    this.upstreamCxPoolOverflow = counter("upstream_cx_pool_overflow");
    this.upstreamCxPreconnectSkipped = counter("upstream_cx_preconnect_skipped");
    this.upstreamCxNoneHealthy = counter("upstream_cx_none_healthy");
    this.upstreamCxProtocolError = counter("upstream_cx_protocol_error");
    this.upstreamCxCloseNotify = counter("upstream_cx_close_notify");
    this.upstreamCxDestroy = counter("upstream_cx_destroy");
    this.upstreamCxDestroyLocal = counter("upstream_cx_destroy_local");
    this.upstreamCxDestroyRemote = counter("upstream_cx_destroy_remote");
    this.upstreamCxDestroyWithActiveRq = counter("upstream_cx_destroy_with_active_rq");
    this.upstreamCxDestroyLocalWithActiveRq = counter("upstream_cx_destroy_local_with_active_rq");
    this.upstreamCxDestroyRemoteWithActiveRq = counter("upstream_cx_destroy_remote_with_active_rq");
    this.connection = {
      rxBytesTotal: counter("upstream_cx_rx_bytes_total"),
      txBytesTotal: counter("upstream_cx_tx_bytes_total"),
      txBytesBuffered: gauge("upstream_cx_tx_bytes_buffered"),
      delayedCloseTimeouts: null,
    };
    this.upstreamCxConnectMs = milliseconds("upstream_cx_connect_ms");
    this.upstreamCxLengthMs = milliseconds("upstream_cx_length_ms");
    this.upstreamRqPerCx = scope.histogram("upstream_rq_per_cx");

    this.upstreamRqTotal = counter("upstream_rq_total");
    this.upstreamRqActive = gauge("upstream_rq_active");
    this.upstreamRqActiveOverflow = counter("upstream_rq_active_overflow");
    this.upstreamRqPendingTotal = counter("upstream_rq_pending_total");
    this.upstreamRqPendingActive = gauge("upstream_rq_pending_active");
    this.upstreamRqPendingOverflow = counter("upstream_rq_pending_overflow");
    this.upstreamRqPendingFailureEject = counter("upstream_rq_pending_failure_eject");
    this.upstreamRqCancelled = counter("upstream_rq_cancelled");
    this.upstreamRqTimeout = counter("upstream_rq_timeout");
    this.upstreamRqPerTryTimeout = counter("upstream_rq_per_try_timeout");
    this.upstreamRqPerTryIdleTimeout = counter("upstream_rq_per_try_idle_timeout");
    this.upstreamRqMaxDurationReached = counter("upstream_rq_max_duration_reached");
    this.upstreamRqMaintenanceMode = counter("upstream_rq_maintenance_mode");
    this.upstreamRqRxReset = counter("upstream_rq_rx_reset");
    this.upstreamRqTxReset = counter("upstream_rq_tx_reset");
    this.upstreamRqRetry = counter("upstream_rq_retry");
    this.upstreamRqRetrySuccess = counter("upstream_rq_retry_success");
    this.upstreamRqRetryOverflow = counter("upstream_rq_retry_overflow");
    this.upstreamRqRetryLimitExceeded = counter("upstream_rq_retry_limit_exceeded");
    this.upstreamRqRetryBackoffExponential = counter("upstream_rq_retry_backoff_exponential");
    this.upstreamRqRetryBackoffRatelimited = counter("upstream_rq_retry_backoff_ratelimited");
    this.retryOrShadowAbandoned = counter("retry_or_shadow_abandoned");
    this.upstreamInternalRedirectSucceededTotal = counter("upstream_internal_redirect_succeeded_total");
    this.upstreamInternalRedirectFailedTotal = counter("upstream_internal_redirect_failed_total");
    this.upstreamRqTime = milliseconds("upstream_rq_time");
    this.upstreamFlowControlPausedReadingTotal = counter("upstream_flow_control_paused_reading_total");
    this.upstreamFlowControlResumedReadingTotal = counter("upstream_flow_control_resumed_reading_total");
    this.upstreamFlowControlBackedUpTotal = counter("upstream_flow_control_backed_up_total");
    this.upstreamFlowControlDrainedTotal = counter("upstream_flow_control_drained_total");
    this.flowControl = {
      pausedReading: this.upstreamFlowControlPausedReadingTotal,
      resumedReading: this.upstreamFlowControlResumedReadingTotal,
      backedUp: this.upstreamFlowControlBackedUpTotal,
      drained: this.upstreamFlowControlDrainedTotal,
    };
  }

  /** Those of the HTTP/2 codec; they are there once a connection is. */
  get http2(): Http2Stats {
    return this.#http2 ??= new Http2Stats(this.scope);
  }
}

/** Where a request comes from decides below which second name its response is counted. */
export type CodeOrigin = "external" | "internal";

/** The counters of one status below one prefix. */
class CodeCounters {
  readonly completed: Counter;
  readonly group: Counter | null;
  readonly code: Counter;

  constructor(scope: StatsScope, prefix: string, status: number) {
    const group = Math.floor(status / 100);
    this.completed = scope.counter(`${prefix}upstream_rq_completed`);
    this.group = group >= 1 && group <= 5 ? scope.counter(`${prefix}upstream_rq_${group}xx`) : null;
    this.code = scope.counter(`${prefix}upstream_rq_${status}`);
  }

  inc(): void {
    this.completed.inc();
    this.group?.inc();
    this.code.inc();
  }
}

/** The counters of one prefix. */
export class CodeGroup {
  readonly #scope: StatsScope;
  readonly #prefix: string;
  readonly #byStatus: (CodeCounters | undefined)[] = [];
  #completed: Counter | null = null;
  #time: Histogram | null = null;

  constructor(scope: StatsScope, prefix: string) {
    this.#scope = scope;
    this.#prefix = prefix;
  }

  charge(status: number): void {
    (this.#byStatus[status] ??= new CodeCounters(this.#scope, this.#prefix, status)).inc();
  }

  /** Counts a response of which nobody wants to know the status. */
  chargeCompleted(): void {
    (this.#completed ??= this.#scope.counter(`${this.#prefix}upstream_rq_completed`)).inc();
  }

  recordTime(milliseconds: number): void {
    this.#time ??= this.#scope.histogram(`${this.#prefix}upstream_rq_time`, HistogramUnit.Milliseconds);
    this.#time.record(milliseconds);
  }
}

/** The counters of response codes. @see Envoy: source/common/http/codes.cc CodeStatsImpl */
export class CodeStats {
  readonly #all: CodeGroup;
  readonly #external: CodeGroup;
  readonly #internal: CodeGroup;
  readonly #canary: CodeGroup;
  readonly #retry: CodeGroup;
  readonly #scope: StatsScope;
  readonly #ownZone: string;
  /** From the proxy's zone to that of the host; null until there is one. */
  #byZone: Map<string, CodeGroup> | null = null;

  /** `ownZone` is where the proxy is; "" when it does not know. */
  constructor(scope: StatsScope, ownZone: string) {
    this.#scope = scope;
    this.#ownZone = ownZone;
    this.#all = new CodeGroup(scope, "");
    this.#external = new CodeGroup(scope, "external.");
    this.#internal = new CodeGroup(scope, "internal.");
    this.#canary = new CodeGroup(scope, "canary.");
    this.#retry = new CodeGroup(scope, "retry.");
  }

  /**
   * Counts a response that came from a host of this zone, or that the proxy made in its place. Without `showsStatus`
   * the counters of all responses do not tell what status it had.
   */
  chargeResponse(status: number, origin: CodeOrigin, canary = false, zone = "", showsStatus = true): void {
    if (showsStatus) this.#all.charge(status);
    else this.#all.chargeCompleted();
    (origin === "internal" ? this.#internal : this.#external).charge(status);
    if (canary) this.#canary.charge(status);
    if (this.#ownZone !== "" && zone !== "") this.#zone(zone).charge(status);
  }

  /** Counts a response that is thrown away because the request is tried again. */
  chargeRetry(status: number, showsStatus = true): void {
    if (showsStatus) this.#retry.charge(status);
    else this.#retry.chargeCompleted();
  }

  /** Records how long a response took, below the same second names. */
  recordTime(milliseconds: number, plain: Histogram, origin: CodeOrigin, canary = false, zone = ""): void {
    plain.record(milliseconds);
    (origin === "internal" ? this.#internal : this.#external).recordTime(milliseconds);
    if (canary) this.#canary.recordTime(milliseconds);
    if (this.#ownZone !== "" && zone !== "") this.#zone(zone).recordTime(milliseconds);
  }

  #zone(zone: string): CodeGroup {
    const byZone = this.#byZone ??= new Map();
    let group = byZone.get(zone);
    if (group === undefined) {
      byZone.set(zone, group = new CodeGroup(this.#scope, `zone.${this.#ownZone}.${zone}.`));
    }
    return group;
  }
}
