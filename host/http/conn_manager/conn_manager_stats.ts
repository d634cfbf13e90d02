// host/http/conn_manager/conn_manager_stats.ts: the counters of a connection manager.
/**
 * @see Envoy: source/common/http/conn_manager_config.h ALL_HTTP_CONN_MAN_STATS
 * @module
 */
import type { ConnectionStats } from "../../net/connection_port.ts";
import { type Counter, type Gauge, type Histogram, HistogramUnit, type StatsScope } from "../../observe/stats.ts";

export class ConnectionManagerStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxHttp1Active: Gauge;
  readonly cxHttp2Total: Counter;
  readonly cxHttp2Active: Gauge;
  readonly cxDestroy: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyActiveRq: Counter;
  readonly cxDestroyLocalActiveRq: Counter;
  readonly cxDestroyRemoteActiveRq: Counter;
  readonly cxDrainClose: Counter;
  readonly cxOverloadDisableKeepalive: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxMaxRequestsReached: Counter;
  readonly cxProtocolError: Counter;
  readonly cxDelayedCloseTimeout: Counter;
  readonly cxUpgradesTotal: Counter;
  readonly cxUpgradesActive: Gauge;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  /** What the connection counts itself. */
  readonly connection: ConnectionStats;
  readonly cxLengthMs: Histogram;
  readonly rqTotal: Counter;
  readonly rqActive: Gauge;
  readonly rqHttp1Total: Counter;
  readonly rqHttp2Total: Counter;
  readonly rqCompleted: Counter;
  readonly rqByClass: readonly Counter[];
  readonly rqTime: Histogram;
  readonly rqIdleTimeout: Counter;
  readonly rqTimeout: Counter;
  readonly rqHeaderTimeout: Counter;
  readonly rqMaxDurationReached: Counter;
  readonly rqRxReset: Counter;
  readonly rqTxReset: Counter;
  readonly rqTooManyPrematureResets: Counter;
  readonly rqTooLarge: Counter;
  readonly rqOverloadClose: Counter;
  readonly rqNonRelativePath: Counter;
  readonly rqRejectedViaIpDetection: Counter;
  readonly rqRedirectedWithNormalizedPath: Counter;
  readonly rqFailedPathNormalization: Counter;
  readonly rqResponseBeforeRqComplete: Counter;
  readonly rqWsOnNonWsRoute: Counter;
  readonly rsTooLarge: Counter;
  /** The same two per listener: `listener.<address>.http.<prefix>.downstream_rq_…`. */
  readonly listenerRqCompleted: Counter;
  readonly listenerRqByClass: readonly Counter[];

  /** `scope` is `http.<stat_prefix>.`, `listenerScope` is `listener.<address>.http.<stat_prefix>.`. */
  constructor(scope: StatsScope, listenerScope: StatsScope) {
    const counter = (name: string): Counter => scope.counter("downstream_" + name);
    this.cxTotal = counter("cx_total");
    this.cxActive = scope.gauge("downstream_cx_active");
    this.cxHttp1Total = counter("cx_http1_total");
    this.cxHttp1Active = scope.gauge("downstream_cx_http1_active");
    this.cxHttp2Total = counter("cx_http2_total");
    this.cxHttp2Active = scope.gauge("downstream_cx_http2_active");
    this.cxDestroy = counter("cx_destroy");
    this.cxDestroyLocal = counter("cx_destroy_local");
    this.cxDestroyRemote = counter("cx_destroy_remote");
    this.cxDestroyActiveRq = counter("cx_destroy_active_rq");
    this.cxDestroyLocalActiveRq = counter("cx_destroy_local_active_rq");
    this.cxDestroyRemoteActiveRq = counter("cx_destroy_remote_active_rq");
    this.cxDrainClose = counter("cx_drain_close");
    this.cxOverloadDisableKeepalive = counter("cx_overload_disable_keepalive");
    this.cxIdleTimeout = counter("cx_idle_timeout");
    this.cxMaxDurationReached = counter("cx_max_duration_reached");
    this.cxMaxRequestsReached = counter("cx_max_requests_reached");
    this.cxProtocolError = counter("cx_protocol_error");
    this.cxDelayedCloseTimeout = counter("cx_delayed_close_timeout");
    this.cxUpgradesTotal = counter("cx_upgrades_total");
    this.cxUpgradesActive = scope.gauge("downstream_cx_upgrades_active");
    this.cxRxBytesTotal = counter("cx_rx_bytes_total");
    this.cxTxBytesTotal = counter("cx_tx_bytes_total");
    this.connection = {
      rxBytesTotal: this.cxRxBytesTotal,
      txBytesTotal: this.cxTxBytesTotal,
      txBytesBuffered: null,
      delayedCloseTimeouts: this.cxDelayedCloseTimeout,
    };
    this.cxLengthMs = scope.histogram("downstream_cx_length_ms", HistogramUnit.Milliseconds);
    this.rqTotal = counter("rq_total");
    this.rqActive = scope.gauge("downstream_rq_active");
    this.rqHttp1Total = counter("rq_http1_total");
    this.rqHttp2Total = counter("rq_http2_total");
    this.rqCompleted = counter("rq_completed");
    this.rqByClass = CLASSES.map((name) => counter("rq_" + name));
    this.rqTime = scope.histogram("downstream_rq_time", HistogramUnit.Milliseconds);
    this.rqIdleTimeout = counter("rq_idle_timeout");
    this.rqTimeout = counter("rq_timeout");
    this.rqHeaderTimeout = counter("rq_header_timeout");
    this.rqMaxDurationReached = counter("rq_max_duration_reached");
    this.rqRxReset = counter("rq_rx_reset");
    this.rqTxReset = counter("rq_tx_reset");
    this.rqTooManyPrematureResets = counter("rq_too_many_premature_resets");
    this.rqTooLarge = counter("rq_too_large");
    this.rqOverloadClose = counter("rq_overload_close");
    this.rqNonRelativePath = counter("rq_non_relative_path");
    this.rqRejectedViaIpDetection = counter("rq_rejected_via_ip_detection");
    this.rqFailedPathNormalization = counter("rq_failed_path_normalization");
    this.rqRedirectedWithNormalizedPath = counter("rq_redirected_with_normalized_path");
    this.rqResponseBeforeRqComplete = counter("rq_response_before_rq_complete");
    this.rqWsOnNonWsRoute = counter("rq_ws_on_non_ws_route");
    this.rsTooLarge = scope.counter("rs_too_large");
    this.listenerRqCompleted = listenerScope.counter("downstream_rq_completed");
    this.listenerRqByClass = CLASSES.map((name) => listenerScope.counter("downstream_rq_" + name));
  }

  countRequest(isHttp2: boolean): void {
    this.rqTotal.inc();
    this.rqActive.inc();
    (isHttp2 ? this.rqHttp2Total : this.rqHttp1Total).inc();
  }

  /** A connection ended that had so many streams. */
  countDestroyed(byThisSide: boolean, activeStreams: number): void {
    this.cxDestroy.inc();
    (byThisSide ? this.cxDestroyLocal : this.cxDestroyRemote).inc();
    if (activeStreams === 0) return;
    this.cxDestroyActiveRq.inc();
    (byThisSide ? this.cxDestroyLocalActiveRq : this.cxDestroyRemoteActiveRq).inc();
  }

  /** Counts a response under its class; a status outside 1xx to 5xx counts as completed only. */
  countResponse(status: number): void {
    this.rqCompleted.inc();
    this.listenerRqCompleted.inc();
    const index = Math.floor(status / 100) - 1;
    if (index < 0 || index > 4) return;
    this.rqByClass[index]!.inc();
    this.listenerRqByClass[index]!.inc();
  }
}

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];
