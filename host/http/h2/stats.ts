// host/http/h2/stats.ts: the counters of HTTP/2 codecs.
/**
 * @see Envoy: source/common/http/http2/codec_stats.h ALL_HTTP2_CODEC_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";

export class Http2Stats {
  readonly droppedHeadersWithUnderscores: Counter;
  readonly goawaySent: Counter;
  readonly headerListSizeTooLarge: Counter;
  readonly headerOverflow: Counter;
  readonly headersCbNoStream: Counter;
  readonly inboundEmptyFramesFlood: Counter;
  readonly inboundPriorityFramesFlood: Counter;
  readonly inboundWindowUpdateFramesFlood: Counter;
  readonly keepaliveTimeout: Counter;
  readonly outboundControlFlood: Counter;
  readonly outboundFlood: Counter;
  readonly requestsRejectedWithUnderscoresInHeaders: Counter;
  readonly rxMessagingError: Counter;
  readonly rxReset: Counter;
  readonly streamRefusedErrors: Counter;
  readonly trailers: Counter;
  readonly txFlushTimeout: Counter;
  readonly txReset: Counter;
  readonly outboundControlFramesActive: Gauge;
  readonly outboundFramesActive: Gauge;
  readonly pendingSendBytes: Gauge;
  readonly streamsActive: Gauge;

  /** `parent` is the root for servers, the cluster's scope for clients: names begin with `http2.` there. */
  constructor(parent: StatsScope) {
    const scope = parent.scope("http2");
    this.droppedHeadersWithUnderscores = scope.counter("dropped_headers_with_underscores");
    this.goawaySent = scope.counter("goaway_sent");
    this.headerListSizeTooLarge = scope.counter("header_list_size_too_large");
    this.headerOverflow = scope.counter("header_overflow");
    this.headersCbNoStream = scope.counter("headers_cb_no_stream");
    this.inboundEmptyFramesFlood = scope.counter("inbound_empty_frames_flood");
    this.inboundPriorityFramesFlood = scope.counter("inbound_priority_frames_flood");
    this.inboundWindowUpdateFramesFlood = scope.counter("inbound_window_update_frames_flood");
    this.keepaliveTimeout = scope.counter("keepalive_timeout");
    this.outboundControlFlood = scope.counter("outbound_control_flood");
    this.outboundFlood = scope.counter("outbound_flood");
    this.requestsRejectedWithUnderscoresInHeaders = scope.counter("requests_rejected_with_underscores_in_headers");
    this.rxMessagingError = scope.counter("rx_messaging_error");
    this.rxReset = scope.counter("rx_reset");
    this.streamRefusedErrors = scope.counter("stream_refused_errors");
    this.trailers = scope.counter("trailers");
    this.txFlushTimeout = scope.counter("tx_flush_timeout");
    this.txReset = scope.counter("tx_reset");
    this.outboundControlFramesActive = scope.gauge("outbound_control_frames_active");
    this.outboundFramesActive = scope.gauge("outbound_frames_active");
    this.pendingSendBytes = scope.gauge("pending_send_bytes");
    this.streamsActive = scope.gauge("streams_active");
  }
}
