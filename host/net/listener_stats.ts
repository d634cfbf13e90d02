// host/net/listener_stats.ts: what a listener counts, by Envoy's names.
/**
 * @see Envoy: envoy/server/… listener stats, docs/root/configuration/listeners/stats.rst
 * @module
 */
import type { CounterPort, GaugePort, HistogramPort, StatsScope } from "./stats.ts";

export class ListenerStats {
  readonly downstreamCxTotal: CounterPort;
  readonly downstreamCxDestroy: CounterPort;
  readonly downstreamCxActive: GaugePort;
  readonly downstreamCxLengthMs: HistogramPort;
  readonly downstreamCxOverflow: CounterPort;
  readonly downstreamGlobalCxOverflow: CounterPort;
  readonly downstreamCxOverloadReject: CounterPort;
  readonly downstreamCxTransportSocketConnectTimeout: CounterPort;
  readonly downstreamPreCxTimeout: CounterPort;
  readonly downstreamPreCxActive: GaugePort;
  readonly downstreamListenerFilterRemoteClose: CounterPort;
  readonly downstreamListenerFilterError: CounterPort;
  readonly noFilterChainMatch: CounterPort;
  readonly #workerCxTotal: CounterPort | null;
  readonly #workerCxActive: GaugePort | null;

  constructor(scope: StatsScope, workerScope: StatsScope | null) {
    this.downstreamCxTotal = scope.counter("downstream_cx_total");
    this.downstreamCxDestroy = scope.counter("downstream_cx_destroy");
    this.downstreamCxActive = scope.gauge("downstream_cx_active");
    this.downstreamCxLengthMs = scope.histogram("downstream_cx_length_ms");
    this.downstreamCxOverflow = scope.counter("downstream_cx_overflow");
    this.downstreamGlobalCxOverflow = scope.counter("downstream_global_cx_overflow");
    this.downstreamCxOverloadReject = scope.counter("downstream_cx_overload_reject");
    this.downstreamCxTransportSocketConnectTimeout = scope.counter("downstream_cx_transport_socket_connect_timeout");
    this.downstreamPreCxTimeout = scope.counter("downstream_pre_cx_timeout");
    this.downstreamPreCxActive = scope.gauge("downstream_pre_cx_active");
    this.downstreamListenerFilterRemoteClose = scope.counter("downstream_listener_filter_remote_close");
    this.downstreamListenerFilterError = scope.counter("downstream_listener_filter_error");
    this.noFilterChainMatch = scope.counter("no_filter_chain_match");
    this.#workerCxTotal = workerScope?.counter("downstream_cx_total") ?? null;
    this.#workerCxActive = workerScope?.gauge("downstream_cx_active") ?? null;
  }

  onConnection(): void {
    this.downstreamCxTotal.inc();
    this.downstreamCxActive.inc();
    this.#workerCxTotal?.inc();
    this.#workerCxActive?.inc();
  }

  onConnectionGone(lengthMs: number): void {
    this.downstreamCxDestroy.inc();
    this.downstreamCxActive.dec();
    this.downstreamCxLengthMs.record(lengthMs);
    this.#workerCxActive?.dec();
  }
}
