// host/http/active_stream.ts: one downstream stream, from its head to its log.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Sits between the codec and the filter manager. Requests come in by `StreamDecoder`, are checked and made
 * canonical here and nowhere else, and go to the filters; responses come out of the filters by
 * `FilterManagerCallbacks`, get the connection manager's headers and go to the codec.
 *
 * | what it rests on | |
 * | --- | --- |
 * | `stream_timers.ts` | how long it may take |
 * | `stream_route.ts` | its route, and what that changes |
 * | `request_checks.ts` | what is refused before filters see it |
 * | `upgrade.ts` | what becomes a tunnel |
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { AccessLogType } from "../observe/formatter.ts";
import { type ConnectionInfo, ResponseFlag, StreamInfo } from "../observe/stream_info.ts";
import type { CodecError, Protocol, ResponseEncoder, StreamCallbacks, StreamDecoder } from "./codec.ts";
import { StreamResetReason } from "./codec.ts";
import type { AccessLogEntry, ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { LocalReply } from "./filter.ts";
import { FilterManager } from "./filter_manager.ts";
import type { FilterManagerCallbacks } from "./filter_manager_callbacks.ts";
import { HeaderMap } from "./header_map.ts";
import type { RewrittenReply } from "./local_reply.ts";
import { mutateRequestHeaders, mutateResponseHeaders } from "./mutate.ts";
import { refusesRequest } from "./overload.ts";
import { addProxyStatus } from "./proxy_status.ts";
import { checkRequest, isExpectContinue } from "./request_checks.ts";
import { RoutedStream } from "./stream_route.ts";
import type { IdleTimers } from "./stream_timers.ts";
import { hasLostTunnel, isTunnelResponse, requestedUpgrade, upgradeFilters } from "./upgrade.ts";

/** What is known of a stream by its listener and filter chain. */
export type ChainInfo = Pick<
  StreamInfo,
  "listenerName" | "filterChainName" | "trafficDirection" | "listenerMetadata"
>;

/** The connection manager, as its streams see it. */
export interface StreamOwner extends IdleTimers {
  readonly info: ConnectionInfo;
  /** What streams inherit from their listener and filter chain. */
  readonly chainInfo: ChainInfo;
  readonly protocol: Protocol;
  /** No request will be read after the response that is being made. */
  closeAfterResponse(): void;
  /** Asked when response headers are sent: whether they are the connection's last ones. */
  decideLastResponse(): boolean;
  /** Answers a request of which the head never came whole, and closes. */
  answerUnread(stream: ActiveStream, status: number, body: string, details: string): void;
  /** Makes a stream that answers in the place of one that has ended without an answer. */
  replaceStream(stream: ActiveStream, encoder: ResponseEncoder): ActiveStream;
  /** A stream has ended; `complete` when its response was sent whole. */
  onStreamFinished(stream: ActiveStream, complete: boolean): void;
}

export class ActiveStream extends RoutedStream
  implements StreamDecoder, StreamCallbacks, FilterManagerCallbacks, AccessLogEntry {
  readonly #connection: StreamOwner;
  #encoder: ResponseEncoder;
  #filters: FilterManager | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  accessLogType: AccessLogType = "DownstreamEnd";
  #responseEnded = false;
  /** This side is ending the stream: its connection does not end under it. */
  resetting = false;
  /** CONNECT or Upgrade was accepted: bytes both ways, and no more requests on this connection. */
  #tunnel = false;
  /** An upgrade was let through; the upstream may still refuse it. */
  #upgraded = false;

  /** Its request was that of another stream, and is known. */
  readonly #isRecreated: boolean;

  /** `before`: of the stream that it takes the place of. */
  constructor(
    connection: StreamOwner,
    config: ConnectionManagerConfig,
    encoder: ResponseEncoder,
    before: StreamInfo | null = null,
  ) {
    super(config, connection, beginInfo(connection, config.clock, before));
    this.#isRecreated = before !== null;
    this.#connection = connection;
    this.#encoder = encoder;
    if (config.plan.schemeMatchUpstream) this.info.schemeMatchesUpstream = true;
    this.startTimers(this.#isRecreated);
  }

  /** The head that this stream began with is whole: responses go here from now on. */
  attach(encoder: ResponseEncoder): void {
    this.#encoder = encoder;
    this.info.protocol = this.#connection.protocol;
  }

  get clock(): Clock {
    return this.config.clock;
  }

  // From the codec.

  onHeaders(headers: HeaderMap, end: boolean): void {
    this.requestHeaders = headers;
    this.stopHeadersTimer();
    this.touch();
    if (end) this.#onRequestEnd();
    const { overload } = this.config;
    if (overload !== null && refusesRequest(overload)) {
      this.config.stats.rqOverloadClose.inc();
      return this.#refuseOverloaded(headers);
    }
    const plan = this.config.plan;
    const upgrade = requestedUpgrade(headers);
    let chain = this.config.filters;
    let refusedUpgrade = false;
    const refusal = checkRequest(headers, this.info, this.config) ??
      this.#prepareRequest(headers, headers.protocol !== null);
    if (refusal === null) {
      const route = this.route();
      if (upgrade !== null) {
        const filters = upgradeFilters(upgrade, route, this.config);
        // Without a route the answer is that there is none.
        if (filters === null) refusedUpgrade = route !== null;
        else {
          chain = filters;
          this.#upgraded = true;
          this.config.stats.cxUpgradesTotal.inc();
          this.config.stats.cxUpgradesActive.inc();
        }
      }
    }
    this.#filters = new FilterManager(this, this.enabledFilters(chain));
    // Filters that made up their minds at once ended the stream already.
    if (this.finished) return;
    if (plan.flushAccessLogOnNewRequest && refusal === null) this.#log("DownstreamStart");
    if (refusal !== null) {
      this.#filters.request.headers = headers;
      this.#filters.sendLocalReply(refusal);
      return;
    }
    if (refusedUpgrade) {
      this.config.stats.rqWsOnNonWsRoute.inc();
      // What follows on the connection may be meant for the tunnel that there is not.
      this.#connection.closeAfterResponse();
      this.#filters.request.headers = headers;
      this.#filters.sendLocalReply({ status: 403, details: "upgrade_failed" });
      return;
    }
    if (plan.proxy100Continue ? false : isExpectContinue(headers)) {
      headers.remove("expect");
      const informational = new HeaderMap();
      informational.status = 100;
      this.info.responseCode = 100;
      this.config.stats.countResponse(100);
      this.#encoder.encode1xxHeaders(informational);
    }
    this.#filters.decodeHeaders(headers, end);
  }

  onData(data: ByteQueue, end: boolean): void {
    this.info.bytesReceived += data.length;
    this.touch();
    const filters = this.#filters;
    if (end) {
      if (data.length > 0 && filters !== null && !this.finished && filters.requestEndsApart) {
        // An answer that is made of the last bytes comes before the request's end, and ends the connection.
        filters.decodeData(data, false);
        data.clear();
      }
      this.#onRequestEnd();
    }
    if (filters === null || this.finished) data.clear();
    else filters.decodeData(data, end);
  }

  onTrailers(trailers: HeaderMap): void {
    this.touch();
    this.#onRequestEnd();
    if (this.#filters !== null && !this.finished) this.#filters.decodeTrailers(trailers);
  }

  onResetStream(reason: StreamResetReason, details: string): void {
    if (this.finished) return;
    if (reason === StreamResetReason.ConnectionTermination || reason === StreamResetReason.RemoteReset) {
      this.info.setFlag(
        reason === StreamResetReason.RemoteReset
          ? ResponseFlag.DownstreamRemoteReset
          : ResponseFlag.DownstreamConnectionTermination,
      );
      if (this.info.responseCodeDetails === "" || !this.#responseEnded) {
        this.info.responseCodeDetails = details === "" ? "downstream_remote_disconnect" : details;
      }
    } else {
      // What the codec refuses to take counts as reset by the client, as in Envoy.
      this.info.setFlag(
        reason === StreamResetReason.ProtocolError
          ? ResponseFlag.DownstreamProtocolError
          : ResponseFlag.DownstreamRemoteReset,
      );
      if (details !== "") this.info.responseCodeDetails = details;
    }
    this.#finish();
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#filters?.onAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#filters?.onBelowWriteBufferLowWatermark();
  }

  // From the filter manager.

  rewriteLocalReply(headers: HeaderMap, status: number, body: Uint8Array): RewrittenReply | null {
    // Where a message was bad, what follows it on the connection cannot be trusted either.
    if (status === 400 && !this.config.plan.http1.streamErrorOnInvalidMessage) {
      this.#connection.closeAfterResponse();
    }
    return this.config.localReplies?.rewrite(headers, status, body, this) ?? null;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    if (this.finished) return;
    this.touch();
    // The proxy answered 100 itself already, and passes others on where it leaves that to the upstream.
    if (!this.config.plan.proxy100Continue) return;
    this.config.stats.countResponse(headers.status);
    this.#encoder.encode1xxHeaders(headers);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.finished) return;
    const info = this.info;
    this.responseHeaders = headers;
    this.touch();
    if (headers.status === 0) headers.status = 500;
    this.#tunnel = this.requestHeaders !== null && isTunnelResponse(this.requestHeaders, headers.status);
    this.mutateResponse(headers);
    info.responseCode = headers.status;
    if (!this.requestEnded) {
      this.config.stats.rqResponseBeforeRqComplete.inc();
      // Waiting for the rest of the request would cost more than a new connection.
      if (!this.#tunnel) this.#connection.closeAfterResponse();
    }
    if (this.#connection.decideLastResponse()) headers.set("connection", "close");
    if (info.firstDownstreamTxByteMs < 0) info.firstDownstreamTxByteMs = this.config.clock.nowMs();
    if (this.#tunnel && this.config.plan.flushLogOnTunnelSuccessfullyEstablished) {
      this.#log("DownstreamTunnelSuccessfullyEstablished");
    }
    if (end && !this.requestEnded) this.#beforeEarlyEnd();
    this.#encoder.encodeHeaders(headers, end);
    if (end) this.#onResponseEnd();
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.finished) return data.clear();
    this.touch();
    this.info.bytesSent += data.length;
    if (end && !this.requestEnded) this.#beforeEarlyEnd();
    this.#encoder.encodeData(data, end);
    if (end) this.#onResponseEnd();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.finished) return;
    this.responseTrailers = trailers;
    this.#encoder.encodeTrailers(trailers);
    this.#onResponseEnd();
  }

  resetStream(details: string): void {
    if (this.finished) return;
    this.config.stats.rqTxReset.inc();
    if (details !== "") this.info.responseCodeDetails = details;
    this.resetting = true;
    this.#encoder.resetStream(
      hasLostTunnel(this.requestHeaders, this.info) ? StreamResetReason.ConnectError : StreamResetReason.LocalReset,
    );
    this.#finish();
  }

  recreateStream(response: HeaderMap, body: ByteQueue | null): boolean {
    const request = this.requestHeaders;
    if (this.finished || !this.requestEnded || request === null) return false;
    this.responseHeaders = response;
    this.info.responseCode = response.status;
    this.info.responseCodeDetails = "internal_redirect";
    this.#end();
    const next = this.#connection.replaceStream(this, this.#encoder);
    next.onHeaders(request, body === null);
    if (body !== null) next.onData(body, true);
    return true;
  }

  readDisable(disable: boolean): void {
    if (!this.finished) this.#encoder.readDisable(disable);
  }

  // From the connection manager.

  /** The connection is gone. */
  onConnectionClosed(byClient: boolean): void {
    if (this.finished) return;
    if (byClient) {
      this.info.setFlag(ResponseFlag.DownstreamConnectionTermination);
      this.info.responseCodeDetails = "downstream_remote_disconnect";
    } else if (this.info.responseCodeDetails === "") {
      this.info.responseCodeDetails = "downstream_local_disconnect";
    }
    this.#finish();
  }

  /** The request was malformed: the codec's verdict, before or after its headers were complete. */
  onCodecError(details: string): void {
    this.info.setFlag(ResponseFlag.DownstreamProtocolError);
    this.info.responseCodeDetails = details;
    this.#finish();
  }

  /**
   * Has the filters answer a request that turned out to be malformed behind its headers; false when they have not
   * seen it. Where they have begun a response there is none to be made.
   */
  answerCodecError({ status, body, details }: CodecError): boolean {
    const filters = this.#filters;
    if (filters === null) return false;
    this.info.setFlag(ResponseFlag.DownstreamProtocolError);
    if (!filters.responseStarted) filters.sendLocalReply({ status, body, details });
    return true;
  }

  /** Gives a response the headers that all of them have. */
  mutateResponse(headers: HeaderMap): void {
    const config = this.config;
    mutateResponseHeaders(headers, this.requestHeaders, config, this.#tunnel && headers.status === 101);
    const { proxyStatus } = config.plan;
    if (proxyStatus !== null) addProxyStatus(headers, this.info, proxyStatus, config.serviceNode);
  }

  /** It was answered past filters and codec. Filters are told of its end, and nothing else. */
  noteAnswer(headers: HeaderMap, bodyBytes: number): void {
    this.responseHeaders = headers;
    this.info.responseCode = headers.status;
    this.info.bytesSent += bodyBytes;
    if (!this.requestEnded) this.config.stats.rqResponseBeforeRqComplete.inc();
    this.#responseEnded = true;
    this.#filters = new FilterManager(this, this.enabledFilters(this.config.filters));
    this.#filters.response.headers = headers;
  }

  /** A request of which the head never came whole was answered. */
  onUnreadAnswered(details: string): void {
    this.info.responseCodeDetails = details;
    this.#finish();
  }

  // Private.

  /** Answers without any filter: they would take what there is too little of. */
  #refuseOverloaded(headers: HeaderMap): void {
    this.#filters = new FilterManager(this, []);
    this.#filters.request.headers = headers;
    const marks = this.config.plan.appendLocalOverload ? LOCAL_OVERLOADED : NO_MARKS;
    this.#filters.sendLocalReply({ status: 503, body: "envoy overloaded", details: "overload", headers: marks });
  }

  /** Changes what is changed in every request; refuses one of nobody knows whom. */
  #prepareRequest(headers: HeaderMap, isUpgrade: boolean): LocalReply | null {
    if (this.#isRecreated) return null;
    const config = this.config;
    const info = this.info;
    for (const mutation of config.earlyHeaderMutations) mutation.mutate(headers, info);
    const internalOnly = this.internalOnlyHeaders(headers);
    const origin = mutateRequestHeaders(headers, info.connection, config, isUpgrade, internalOnly);
    if (origin.rejectStatus > 0) {
      config.stats.rqRejectedViaIpDetection.inc();
      return { status: origin.rejectStatus, details: "rejecting because detection failed" };
    }
    if (origin.remoteAddress !== null) info.remoteAddress = origin.remoteAddress;
    info.requestId = headers.get("x-request-id") ?? "";
    return null;
  }

  #onRequestEnd(): void {
    this.requestEnded = true;
    this.info.lastDownstreamRxByteMs = this.config.clock.nowMs();
    this.stopRequestTimer();
  }

  /** The response is about to end, and the request has not. */
  #beforeEarlyEnd(): void {
    if (hasLostTunnel(this.requestHeaders, this.info)) this.#encoder.noteConnectError?.();
  }

  #onResponseEnd(): void {
    this.#responseEnded = true;
    // A tunnel has no regular end but that of an HTTP/2 stream.
    if (this.#tunnel && hasLostTunnel(this.requestHeaders, this.info)) this.config.stats.rqTxReset.inc();
    this.info.lastDownstreamTxByteMs = this.config.clock.nowMs();
    this.#finish();
  }

  /** Ends the stream: filters are done, it is logged, its connection is told. */
  #finish(): void {
    if (this.finished) return;
    const { stats } = this.config;
    if (!this.requestEnded || !this.#responseEnded) stats.rqRxReset.inc();
    if (this.info.responseCode !== 0) stats.countResponse(this.info.responseCode);
    this.#end();
    stats.rqTime.record(this.info.endMs - this.info.startMs);
    const isConnection = this.#tunnel && this.#connection.protocol !== "HTTP/2";
    this.#connection.onStreamFinished(this, this.#responseEnded && !isConnection);
  }

  /** What ends with the stream, whether the client has an answer or another stream gives it. */
  #end(): void {
    this.finished = true;
    this.stopTimers();
    const { config } = this;
    this.info.endMs = config.clock.nowMs();
    if (this.#upgraded) config.stats.cxUpgradesActive.dec();
    this.#readMeter();
    const filters = this.#filters;
    filters?.onDone();
    config.stats.rqActive.dec();
    filters?.onLog();
    for (const logger of config.accessLoggers) logger.log(this);
    filters?.destroy();
  }

  /** What the codec has counted becomes facts of the stream. */
  #readMeter(): void {
    const meter = this.#encoder.meter;
    if (meter === undefined) return;
    const info = this.info;
    info.wireBytesReceived = meter.wireBytesReceived;
    info.wireBytesSent = meter.wireBytesSent;
    info.headerBytesReceived = meter.headerBytesReceived;
    info.headerBytesSent = meter.headerBytesSent;
  }

  /** Writes a record of a stream that goes on. */
  #log(type: AccessLogType): void {
    this.#readMeter();
    this.accessLogType = type;
    for (const logger of this.config.accessLoggers) logger.log(this);
    this.accessLogType = "DownstreamEnd";
  }

  protected override setFlushTimeoutMs(timeoutMs: number): void {
    this.#encoder.setFlushTimeoutMs?.(timeoutMs);
  }

  protected override logPeriodically(): void {
    this.#log("DownstreamPeriodic");
  }

  protected override answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void {
    if (this.#filters === null) {
      this.#connection.answerUnread(this, status, body, details);
    } else if (this.responseHeaders !== null) {
      this.info.responseCodeDetails = details;
      this.resetStream(details);
    } else {
      this.#filters.sendLocalReply({ status, body, details, ...(grpcStatus === undefined ? {} : { grpcStatus }) });
    }
  }
}

const LOCAL_OVERLOADED: readonly (readonly [string, string])[] = [["x-envoy-local-overloaded", "true"]];
const NO_MARKS: readonly (readonly [string, string])[] = [];

/** What is known of a stream when it begins. */
function beginInfo(
  { info: connection, protocol, chainInfo }: StreamOwner,
  clock: Clock,
  before: StreamInfo | null,
): StreamInfo {
  const info = before === null
    ? new StreamInfo(connection, clock.nowMs(), clock.wallMs())
    : new StreamInfo(connection, before.startMs, before.startWallMs);
  if (before !== null) info.continueFrom(before);
  info.protocol = protocol;
  info.listenerName = chainInfo.listenerName;
  info.filterChainName = chainInfo.filterChainName;
  info.trafficDirection = chainInfo.trafficDirection;
  info.listenerMetadata = chainInfo.listenerMetadata;
  return info;
}
