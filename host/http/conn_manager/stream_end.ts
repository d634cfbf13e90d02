// host/http/conn_manager/stream_end.ts: how a stream ends, and what is logged of it.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/http_path.bench.ts
/**
 * A stream ends once: with its response, by a reset from either side, or with its connection. Then its timers stop,
 * its filters are done, it is logged, and its connection is told.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc doEndStream, doDeferredStreamDestroy; filter_manager.cc log
 * @module
 */
import type { AccessLogType } from "../../observe/formatter.ts";
import { ResponseFlag, type StreamInfo } from "../../observe/stream_info.ts";
import { type ResponseEncoder, StreamResetReason } from "../codec.ts";
import type { AccessLogEntry, ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { FilterManager } from "../filter_manager/filter_manager.ts";
import type { HeaderMap } from "../header_map.ts";
import type { StreamAccount } from "./high_memory_streams.ts";
import { noteBytes, noteDisconnect, noteReset } from "./stream_facts.ts";
import { RoutedStream } from "./stream_route.ts";
import { hasLostTunnel } from "./upgrade.ts";

export abstract class EndingStream extends RoutedStream implements AccessLogEntry, StreamAccount {
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  accessLogType: AccessLogType = "DownstreamEnd";
  /** This side is ending the stream: its connection does not end under it. */
  resetting = false;
  protected encoder: ResponseEncoder;
  protected filters: FilterManager | null = null;
  /** CONNECT or Upgrade was accepted: bytes both ways, and no more requests on this connection. */
  protected tunnel = false;
  /** An upgrade was let through; the upstream may still refuse it. */
  protected upgraded = false;
  #responseEnded = false;

  constructor(config: ConnectionManagerConfig, info: StreamInfo, encoder: ResponseEncoder) {
    super(config, info);
    this.encoder = encoder;
  }

  /** Tells the connection; `complete` when the response was sent whole, and another may follow. */
  protected abstract leaveConnection(complete: boolean): void;

  // From the codec.

  onResetStream(reason: StreamResetReason, details: string): void {
    if (this.finished) return;
    noteReset(this.info, reason, details, this.#responseEnded);
    this.#finish();
  }

  // From the filters.

  resetStream(details: string): void {
    if (this.finished) return;
    this.config.stats.rqTxReset.inc();
    if (details !== "") this.info.responseCodeDetails = details;
    this.resetting = true;
    this.encoder.resetStream(
      hasLostTunnel(this.requestHeaders, this.info) ? StreamResetReason.ConnectError : StreamResetReason.LocalReset,
    );
    this.#finish();
  }

  // From the overload manager.

  get bufferedBytes(): number {
    return (this.encoder.pendingBytes ?? 0) + (this.filters?.bufferedBytes ?? 0);
  }

  shed(): void {
    if (this.finished) return;
    this.resetting = true;
    this.encoder.resetStream(StreamResetReason.OverloadManager);
    this.onResetStream(StreamResetReason.OverloadManager, "");
  }

  // From the connection manager.

  /** The connection is gone. */
  onConnectionClosed(byClient: boolean): void {
    if (this.finished) return;
    noteDisconnect(this.info, byClient);
    this.#finish();
  }

  /** The request was malformed: the codec's verdict, before or after its headers were complete. */
  onCodecError(details: string): void {
    this.info.setFlag(ResponseFlag.DownstreamProtocolError);
    this.info.responseCodeDetails = details;
    this.#finish();
  }

  /** A request of which the head never came whole was answered. */
  onUnreadAnswered(details: string): void {
    this.info.responseCodeDetails = details;
    this.#finish();
  }

  // From the stream.

  /** It was answered past filters and codec. */
  protected noteResponseEnd(): void {
    this.#responseEnded = true;
  }

  protected onResponseEnd(): void {
    this.#responseEnded = true;
    // A tunnel has no regular end but that of an HTTP/2 stream.
    if (this.tunnel && hasLostTunnel(this.requestHeaders, this.info)) this.config.stats.rqTxReset.inc();
    this.info.lastDownstreamTxByteMs = this.config.clock.nowMs();
    this.#finish();
  }

  /** What ends with the stream, whether the client has an answer or another stream gives it. */
  protected end(): void {
    this.finished = true;
    this.stopTimers();
    const { config, filters } = this;
    this.info.endMs = config.clock.nowMs();
    this.recordResolutions();
    if (this.upgraded) config.stats.cxUpgradesActive.dec();
    this.noteWireBytes();
    filters?.onDone();
    config.stats.rqActive.dec();
    filters?.onLog();
    for (const logger of config.accessLoggers) logger.log(this);
    filters?.destroy();
  }

  /** Writes a record of a stream that goes on. */
  protected log(type: AccessLogType): void {
    this.noteWireBytes();
    this.accessLogType = type;
    for (const logger of this.config.accessLoggers) logger.log(this);
    this.accessLogType = "DownstreamEnd";
  }

  protected override logPeriodically(): void {
    this.log("DownstreamPeriodic");
  }

  #finish(): void {
    if (this.finished) return;
    const { stats } = this.config;
    if (!this.requestEnded || !this.#responseEnded) stats.rqRxReset.inc();
    if (this.info.responseCode !== 0) stats.countResponse(this.info.responseCode);
    this.end();
    stats.rqTime.record(this.info.endMs - this.info.startMs);
    const isConnection = this.tunnel && this.info.protocol !== "HTTP/2";
    this.leaveConnection(this.#responseEnded && !isConnection);
  }

  noteWireBytes(): void {
    const { meter } = this.encoder;
    if (meter !== undefined) noteBytes(this.info, meter);
  }
}
