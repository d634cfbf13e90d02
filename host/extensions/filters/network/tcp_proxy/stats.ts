// host/extensions/filters/network/tcp_proxy/stats.ts: tcp.<stat_prefix>.*
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/tcp_proxy/tcp_proxy.h ALL_TCP_PROXY_STATS
 * @module
 */
import type { ConnectionStats } from "../../../../net/connection_port.ts";
import type { CounterPort, GaugePort, StatsScope } from "../../../../net/stats.ts";

export class TcpProxyStats {
  readonly downstreamCxTotal: CounterPort;
  readonly downstreamCxNoRoute: CounterPort;
  readonly downstreamFlowControlPausedReading: CounterPort;
  readonly downstreamFlowControlResumedReading: CounterPort;
  readonly downstreamCxOverloadClose: CounterPort;
  readonly idleTimeout: CounterPort;
  readonly maxDownstreamConnectionDuration: CounterPort;
  readonly upstreamFlushTotal: CounterPort;
  readonly upstreamFlushActive: GaugePort;
  readonly connection: ConnectionStats;

  /** `scope` is `tcp.<stat_prefix>.`. */
  constructor(scope: StatsScope) {
    this.downstreamCxTotal = scope.counter("downstream_cx_total");
    this.downstreamCxNoRoute = scope.counter("downstream_cx_no_route");
    this.downstreamFlowControlPausedReading = scope.counter("downstream_flow_control_paused_reading_total");
    this.downstreamFlowControlResumedReading = scope.counter("downstream_flow_control_resumed_reading_total");
    this.downstreamCxOverloadClose = scope.counter("downstream_cx_overload_close");
    this.idleTimeout = scope.counter("idle_timeout");
    this.maxDownstreamConnectionDuration = scope.counter("max_downstream_connection_duration");
    this.upstreamFlushTotal = scope.counter("upstream_flush_total");
    this.upstreamFlushActive = scope.gauge("upstream_flush_active");
    this.connection = {
      rxBytesTotal: scope.counter("downstream_cx_rx_bytes_total"),
      txBytesTotal: scope.counter("downstream_cx_tx_bytes_total"),
      txBytesBuffered: scope.gauge("downstream_cx_tx_bytes_buffered"),
      delayedCloseTimeouts: null,
    };
  }
}
