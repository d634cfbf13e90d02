// host/http/conn_manager/active_stream.ts: one downstream stream, from its head to its log.
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
 * | `stream_end.ts` | how it ends, and its log |
 * | `request_checks.ts` | what is refused before filters see it |
 * | `upgrade.ts` | what becomes a tunnel |
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { Clock } from "../../base/clock.ts";
import { ResponseFlag, type StreamInfo } from "../../observe/stream_info.ts";
import type { CodecError, ResponseEncoder, StreamCallbacks, StreamDecoder } from "../codec.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import { FilterManager } from "../filter_manager/filter_manager.ts";
import type { FilterManagerCallbacks } from "../filter_manager/filter_manager_callbacks.ts";
import { HeaderMap } from "../header_map.ts";
import type { RewrittenReply } from "../local_reply.ts";
import { mutateResponseHeaders } from "./mutate.ts";
import { refusesRequest } from "./overload.ts";
import { addProxyStatus } from "./proxy_status.ts";
import { admitRequest, type AdmittedStream, isExpectContinue } from "./request_checks.ts";
import { EndingStream } from "./stream_end.ts";
import { beginStreamInfo, type StreamOrigin } from "./stream_facts.ts";
import { hasLostTunnel, isTunnelResponse, requestedUpgrade, upgradeFilters } from "./upgrade.ts";

/** The connection manager, as its streams see it. */
export interface StreamOwner extends StreamOrigin {
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

export class ActiveStream extends EndingStream
  implements StreamDecoder, StreamCallbacks, FilterManagerCallbacks, AdmittedStream {
  /** Its request was that of another stream, and is known. */
  readonly isRecreated: boolean;
  readonly #connection: StreamOwner;

  /** `before`: of the stream that it takes the place of. */
  constructor(
    connection: StreamOwner,
    config: ConnectionManagerConfig,
    encoder: ResponseEncoder,
    before: StreamInfo | null = null,
  ) {
    super(config, beginStreamInfo(connection, config.clock, before), encoder);
    this.isRecreated = before !== null;
    this.#connection = connection;
    if (config.plan.schemeMatchUpstream) this.info.schemeMatchesUpstream = true;
    this.startTimers(this.isRecreated);
  }

  /** The head that this stream began with is whole: responses go here from now on. */
  attach(encoder: ResponseEncoder): void {
    this.encoder = encoder;
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
    const refusal = admitRequest(headers, this, this.config);
    // One that is refused early has a route, for the log and the filters, if somebody said by which scheme it came.
    const route = refusal === null || headers.has("x-forwarded-proto") ? this.route() : null;
    if (refusal === null && upgrade !== null) {
      const filters = upgradeFilters(upgrade, route, this.config);
      // Without a route the answer is that there is none.
      if (filters === null) refusedUpgrade = route !== null;
      else {
        chain = filters;
        this.upgraded = true;
        this.config.stats.cxUpgradesTotal.inc();
        this.config.stats.cxUpgradesActive.inc();
      }
    }
    this.filters = new FilterManager(this, this.enabledFilters(chain));
    // Filters that made up their minds at once ended the stream already.
    if (this.finished) return;
    if (plan.flushAccessLogOnNewRequest && refusal === null) this.log("DownstreamStart");
    if (refusal !== null) {
      this.filters.request.headers = headers;
      this.filters.sendLocalReply(refusal);
      return;
    }
    if (refusedUpgrade) {
      this.config.stats.rqWsOnNonWsRoute.inc();
      // What follows on the connection may be meant for the tunnel that there is not.
      this.#connection.closeAfterResponse();
      this.filters.request.headers = headers;
      this.filters.sendLocalReply({ status: 403, details: "upgrade_failed" });
      return;
    }
    if (plan.proxy100Continue ? false : isExpectContinue(headers)) {
      headers.remove("expect");
      const informational = new HeaderMap();
      informational.status = 100;
      this.info.responseCode = 100;
      this.config.stats.countResponse(100);
      this.encoder.encode1xxHeaders(informational);
    }
    this.filters.decodeHeaders(headers, end);
  }

  onData(data: ByteQueue, end: boolean): void {
    this.info.bytesReceived += data.length;
    this.touch();
    const filters = this.filters;
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
    if (this.filters !== null && !this.finished) this.filters.decodeTrailers(trailers);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.filters?.onAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.filters?.onBelowWriteBufferLowWatermark();
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
    this.encoder.encode1xxHeaders(headers);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.finished) return;
    const info = this.info;
    this.responseHeaders = headers;
    this.touch();
    if (headers.status === 0) headers.status = 500;
    this.tunnel = this.requestHeaders !== null && isTunnelResponse(this.requestHeaders, headers.status);
    this.mutateResponse(headers);
    info.responseCode = headers.status;
    if (!this.requestEnded) {
      this.config.stats.rqResponseBeforeRqComplete.inc();
      // Waiting for the rest of the request would cost more than a new connection.
      if (!this.tunnel) this.#connection.closeAfterResponse();
    }
    if (this.#connection.decideLastResponse()) headers.set("connection", "close");
    if (info.firstDownstreamTxByteMs < 0) info.firstDownstreamTxByteMs = this.config.clock.nowMs();
    if (this.tunnel && this.config.plan.flushLogOnTunnelSuccessfullyEstablished) {
      this.log("DownstreamTunnelSuccessfullyEstablished");
    }
    if (end && !this.requestEnded) this.#beforeEarlyEnd();
    this.encoder.encodeHeaders(headers, end);
    if (end) this.onResponseEnd();
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.finished) return data.clear();
    this.touch();
    this.info.bytesSent += data.length;
    if (end && !this.requestEnded) this.#beforeEarlyEnd();
    this.encoder.encodeData(data, end);
    if (end) this.onResponseEnd();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.finished) return;
    this.responseTrailers = trailers;
    this.encoder.encodeTrailers(trailers);
    this.onResponseEnd();
  }

  recreateStream(response: HeaderMap, body: ByteQueue | null): boolean {
    const request = this.requestHeaders;
    if (this.finished || !this.requestEnded || request === null) return false;
    this.responseHeaders = response;
    this.info.responseCode = response.status;
    this.info.responseCodeDetails = "internal_redirect";
    this.end();
    const next = this.#connection.replaceStream(this, this.encoder);
    next.onHeaders(request, body === null);
    if (body !== null) next.onData(body, true);
    return true;
  }

  readDisable(disable: boolean): void {
    if (!this.finished) this.encoder.readDisable(disable);
  }

  // From the connection manager.

  /** It was answered past filters and codec. Filters are told of its end, and nothing else. */
  noteAnswer(headers: HeaderMap, bodyBytes: number): void {
    this.responseHeaders = headers;
    this.info.responseCode = headers.status;
    this.info.bytesSent += bodyBytes;
    if (!this.requestEnded) this.config.stats.rqResponseBeforeRqComplete.inc();
    this.noteResponseEnd();
    this.filters = new FilterManager(this, this.enabledFilters(this.config.filters));
    this.filters.response.headers = headers;
  }

  /**
   * Has the filters answer a request that turned out to be malformed behind its headers; false when they have not
   * seen it. Where they have begun a response there is none to be made.
   */
  answerCodecError({ status, body, details }: CodecError): boolean {
    const filters = this.filters;
    if (filters === null) return false;
    this.info.setFlag(ResponseFlag.DownstreamProtocolError);
    if (!filters.responseStarted) filters.sendLocalReply({ status, body, details });
    return true;
  }

  /** Gives a response the headers that all of them have. */
  mutateResponse(headers: HeaderMap): void {
    const config = this.config;
    mutateResponseHeaders(headers, this.requestHeaders, config, this.tunnel && headers.status === 101);
    const { proxyStatus } = config.plan;
    if (proxyStatus !== null) addProxyStatus(headers, this.info, proxyStatus, config.serviceNode);
  }

  // Private.

  /** Answers without any filter: they would take what there is too little of. */
  #refuseOverloaded(headers: HeaderMap): void {
    this.filters = new FilterManager(this, []);
    this.filters.request.headers = headers;
    const marks = this.config.plan.appendLocalOverload ? LOCAL_OVERLOADED : NO_MARKS;
    this.filters.sendLocalReply({ status: 503, body: "envoy overloaded", details: "overload", headers: marks });
  }

  #onRequestEnd(): void {
    this.requestEnded = true;
    this.info.lastDownstreamRxByteMs = this.config.clock.nowMs();
    this.stopRequestTimer();
  }

  /** The response is about to end, and the request has not. */
  #beforeEarlyEnd(): void {
    if (hasLostTunnel(this.requestHeaders, this.info)) this.encoder.noteConnectError?.();
  }

  protected override leaveConnection(complete: boolean): void {
    this.#connection.onStreamFinished(this, complete);
  }

  protected override setFlushTimeoutMs(timeoutMs: number): void {
    this.encoder.setFlushTimeoutMs?.(timeoutMs);
  }

  protected override answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void {
    if (this.filters === null) {
      this.#connection.answerUnread(this, status, body, details);
    } else if (this.responseHeaders !== null) {
      this.info.responseCodeDetails = details;
      this.resetStream(details);
    } else {
      this.filters.sendLocalReply({ status, body, details, ...(grpcStatus === undefined ? {} : { grpcStatus }) });
    }
  }
}

const LOCAL_OVERLOADED: readonly (readonly [string, string])[] = [["x-envoy-local-overloaded", "true"]];
const NO_MARKS: readonly (readonly [string, string])[] = [];
