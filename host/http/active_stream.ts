// host/http/active_stream.ts: one downstream stream: its checks, filters, timers, and end.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Sits between the codec and the filter manager. Requests come in by `StreamDecoder`, are checked and made
 * canonical here and nowhere else, and go to the filters; responses come out of the filters by
 * `FilterManagerCallbacks`, get the connection manager's headers and go to the codec.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { TimerMaker } from "../net/scaled_timers.ts";
import type { AccessLogType } from "../observe/formatter.ts";
import { type ConnectionInfo, ResponseFlag, StreamInfo } from "../observe/stream_info.ts";
import type { CodecError, Protocol, ResponseEncoder, StreamCallbacks, StreamDecoder } from "./codec.ts";
import { StreamResetReason } from "./codec.ts";
import type { AccessLogEntry, ConfiguredFilter, ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { LocalReply } from "./filter.ts";
import { FilterManager, type FilterManagerCallbacks } from "./filter_manager.ts";
import { formatGrpcTimeout, parseGrpcTimeoutMs } from "./grpc_timeout.ts";
import { HeaderMap } from "./header_map.ts";
import type { RewrittenReply } from "./local_reply.ts";
import { refusesRequest } from "./overload.ts";
import { mutateRequestHeaders, mutateResponseHeaders } from "./mutate.ts";
import { canonicalizePath } from "./path.ts";
import { addProxyStatus } from "./proxy_status.ts";
import type { Route, RouteConfig } from "./route.ts";

/** What is known of a stream by its listener and filter chain. */
export type ChainInfo = Pick<
  StreamInfo,
  "listenerName" | "filterChainName" | "trafficDirection" | "listenerMetadata"
>;

/** The connection manager, as its streams see it. */
export interface StreamOwner {
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
  /** A timer for the stream's idle timeout, and its return: streams pass them on. */
  takeIdleTimer(stream: ActiveStream): StreamIdleTimer;
  returnIdleTimer(timer: StreamIdleTimer): void;
}

/** An idle timer that goes from stream to stream, so that a stream need not make one. */
export class StreamIdleTimer {
  stream: ActiveStream | null = null;
  readonly timer: Timer;

  constructor(timers: TimerMaker) {
    this.timer = timers.createTimer(() => this.stream?.onIdleTimeout());
  }
}

export class ActiveStream implements StreamDecoder, StreamCallbacks, FilterManagerCallbacks, AccessLogEntry {
  readonly info: StreamInfo;
  readonly #connection: StreamOwner;
  readonly #config: ConnectionManagerConfig;
  #encoder: ResponseEncoder;
  #filters: FilterManager | null = null;
  requestHeaders: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  accessLogType: AccessLogType = "DownstreamEnd";
  #requestEnded = false;
  #responseEnded = false;
  #finished = false;
  /** This side is ending the stream: its connection does not end under it. */
  resetting = false;
  /** CONNECT or Upgrade was accepted: bytes both ways, and no more requests on this connection. */
  #tunnel = false;
  /** An upgrade was let through; the upstream may still refuse it. */
  #upgraded = false;
  #routeConfig: RouteConfig | null = null;
  #route: Route | null | undefined = undefined;
  /** A stable random number of this stream, for fractions and weights. */
  readonly #random: number;
  #idleTimer: StreamIdleTimer | null = null;
  #idleTimeoutMs: number;
  #requestTimer: Timer | null = null;
  #headersTimer: Timer | null = null;
  #durationTimer: Timer | null = null;
  #logTimer: Timer | null = null;

  /** Its request was that of another stream, and is known. */
  readonly #isRecreated: boolean;

  /** `before`: of the stream that it takes the place of. */
  constructor(
    connection: StreamOwner,
    config: ConnectionManagerConfig,
    encoder: ResponseEncoder,
    before: StreamInfo | null = null,
  ) {
    this.#connection = connection;
    this.#config = config;
    this.#encoder = encoder;
    const clock = config.clock;
    this.#isRecreated = before !== null;
    this.info = before === null
      ? new StreamInfo(connection.info, clock.nowMs(), clock.wallMs())
      : new StreamInfo(connection.info, before.startMs, before.startWallMs);
    if (before !== null) this.info.continueFrom(before);
    this.info.protocol = connection.protocol;
    this.info.listenerName = connection.chainInfo.listenerName;
    this.info.filterChainName = connection.chainInfo.filterChainName;
    this.info.trafficDirection = connection.chainInfo.trafficDirection;
    this.info.listenerMetadata = connection.chainInfo.listenerMetadata;
    this.#random = config.random.uint32();
    const plan = config.plan;
    this.#idleTimeoutMs = plan.streamIdleTimeoutMs;
    if (plan.requestHeadersTimeoutMs > 0 && !this.#isRecreated) {
      this.#headersTimer = clock.createTimer(() => this.#onRequestHeadersTimeout());
      this.#headersTimer.enable(plan.requestHeadersTimeoutMs);
    }
    if (plan.requestTimeoutMs > 0 && !this.#isRecreated) {
      this.#requestTimer = clock.createTimer(() => this.#onRequestTimeout());
      this.#requestTimer.enable(plan.requestTimeoutMs);
    }
    if (plan.schemeMatchUpstream) this.info.schemeMatchesUpstream = true;
    if (plan.maxStreamDurationMs > 0) this.#armDuration(plan.maxStreamDurationMs);
    if (plan.accessLogFlushIntervalMs > 0) this.#armLog(plan.accessLogFlushIntervalMs);
    this.#touch();
  }

  /** The head that this stream began with is whole: responses go here from now on. */
  attach(encoder: ResponseEncoder): void {
    this.#encoder = encoder;
    this.info.protocol = this.#connection.protocol;
  }

  get clock(): Clock {
    return this.#config.clock;
  }

  get bufferLimitBytes(): number {
    return this.#config.bufferLimitBytes;
  }

  /** A route can only raise it. */
  get requestBufferLimitBytes(): number {
    const limitBytes = this.#config.bufferLimitBytes;
    const ofRoute = this.#route?.requestBufferLimitBytes ?? null;
    return ofRoute === null || limitBytes === 0 ? limitBytes : Math.max(ofRoute, limitBytes);
  }

  /** True once the stream has left its connection. */
  get finished(): boolean {
    return this.#finished;
  }

  get requestEnded(): boolean {
    return this.#requestEnded;
  }

  // From the codec.

  onHeaders(headers: HeaderMap, end: boolean): void {
    this.requestHeaders = headers;
    this.#headersTimer?.disable();
    this.#touch();
    if (end) this.#onRequestEnd();
    const { overload } = this.#config;
    if (overload !== null && refusesRequest(overload)) {
      this.#config.stats.rqOverloadClose.inc();
      return this.#refuseOverloaded(headers);
    }
    const plan = this.#config.plan;
    const upgrade = headers.protocol ?? (headers.method === "CONNECT" ? CONNECT : null);
    let chain = this.#config.filters;
    let refusedUpgrade = false;
    const refusal = this.#checkRequest(headers) ?? this.#prepareRequest(headers, headers.protocol !== null);
    if (refusal === null) {
      const route = this.route();
      if (upgrade !== null) {
        const filters = this.#upgradeFilters(upgrade.toLowerCase(), route);
        // Without a route the answer is that there is none.
        if (filters === null) refusedUpgrade = route !== null;
        else {
          chain = filters;
          this.#upgraded = true;
          this.#config.stats.cxUpgradesTotal.inc();
          this.#config.stats.cxUpgradesActive.inc();
        }
      }
    }
    this.#filters = this.#createFilters(chain);
    // Filters that made up their minds at once ended the stream already.
    if (this.#finished) return;
    if (plan.flushAccessLogOnNewRequest && refusal === null) this.#log("DownstreamStart");
    if (refusal !== null) {
      this.#filters.request.headers = headers;
      this.#filters.sendLocalReply(refusal);
      return;
    }
    if (refusedUpgrade) {
      this.#config.stats.rqWsOnNonWsRoute.inc();
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
      this.#config.stats.countResponse(100);
      this.#encoder.encode1xxHeaders(informational);
    }
    this.#filters.decodeHeaders(headers, end);
  }

  onData(data: ByteQueue, end: boolean): void {
    this.info.bytesReceived += data.length;
    this.#touch();
    const filters = this.#filters;
    if (end) {
      if (data.length > 0 && filters !== null && !this.#finished && filters.requestEndsApart) {
        // An answer that is made of the last bytes comes before the request's end, and ends the connection.
        filters.decodeData(data, false);
        data.clear();
      }
      this.#onRequestEnd();
    }
    if (filters === null || this.#finished) data.clear();
    else filters.decodeData(data, end);
  }

  onTrailers(trailers: HeaderMap): void {
    this.#touch();
    this.#onRequestEnd();
    if (this.#filters !== null && !this.#finished) this.#filters.decodeTrailers(trailers);
  }

  onResetStream(reason: StreamResetReason, details: string): void {
    if (this.#finished) return;
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

  route(): Route | null {
    if (this.#route !== undefined) return this.#route;
    this.#routeConfig ??= this.#config.routes.current();
    const route = this.#routeConfig === null || this.requestHeaders === null
      ? null
      : this.#routeConfig.route(this.requestHeaders, this.info, this.#random);
    this.#route = route;
    const info = this.info;
    if (route === null) {
      info.routeName = info.clusterName = info.virtualHostName = "";
      info.routeMetadata = info.virtualHostMetadata = null;
      return null;
    }
    info.routeName = route.name;
    info.clusterName = route.clusterName ?? "";
    info.virtualHostName = route.virtualHostName;
    info.routeMetadata = route.metadata ?? null;
    info.virtualHostMetadata = route.virtualHostMetadata ?? null;
    if (route.idleTimeoutMs !== null && route.idleTimeoutMs !== this.#idleTimeoutMs) {
      this.#idleTimeoutMs = route.idleTimeoutMs;
      this.#touch();
    }
    const { flushTimeoutMs } = route;
    if (flushTimeoutMs !== undefined && flushTimeoutMs !== null) this.#encoder.setFlushTimeoutMs?.(flushTimeoutMs);
    this.#limitDuration(route);
    return route;
  }

  clearRouteCache(): void {
    this.#route = undefined;
  }

  rewriteLocalReply(headers: HeaderMap, status: number, body: Uint8Array): RewrittenReply | null {
    // Where a message was bad, what follows it on the connection cannot be trusted either.
    if (status === 400 && !this.#config.plan.http1.streamErrorOnInvalidMessage) {
      this.#connection.closeAfterResponse();
    }
    return this.#config.localReplies?.rewrite(headers, status, body, this) ?? null;
  }

  encode1xxHeaders(headers: HeaderMap): void {
    if (this.#finished) return;
    this.#touch();
    // The proxy answered 100 itself already, and passes others on where it leaves that to the upstream.
    if (!this.#config.plan.proxy100Continue) return;
    this.#config.stats.countResponse(headers.status);
    this.#encoder.encode1xxHeaders(headers);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#finished) return;
    const info = this.info;
    this.responseHeaders = headers;
    this.#touch();
    if (headers.status === 0) headers.status = 500;
    this.#tunnel = this.requestHeaders !== null && isTunnelResponse(this.requestHeaders, headers.status);
    this.mutateResponse(headers);
    info.responseCode = headers.status;
    if (!this.#requestEnded) {
      this.#config.stats.rqResponseBeforeRqComplete.inc();
      // Waiting for the rest of the request would cost more than a new connection.
      if (!this.#tunnel) this.#connection.closeAfterResponse();
    }
    if (this.#connection.decideLastResponse()) headers.set("connection", "close");
    if (info.firstDownstreamTxByteMs < 0) info.firstDownstreamTxByteMs = this.#config.clock.nowMs();
    if (this.#tunnel && this.#config.plan.flushLogOnTunnelSuccessfullyEstablished) {
      this.#log("DownstreamTunnelSuccessfullyEstablished");
    }
    if (end && !this.#requestEnded) this.#beforeEarlyEnd();
    this.#encoder.encodeHeaders(headers, end);
    if (end) this.#onResponseEnd();
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.#finished) return data.clear();
    this.#touch();
    this.info.bytesSent += data.length;
    if (end && !this.#requestEnded) this.#beforeEarlyEnd();
    this.#encoder.encodeData(data, end);
    if (end) this.#onResponseEnd();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#finished) return;
    this.responseTrailers = trailers;
    this.#encoder.encodeTrailers(trailers);
    this.#onResponseEnd();
  }

  resetStream(details: string): void {
    if (this.#finished) return;
    this.#config.stats.rqTxReset.inc();
    if (details !== "") this.info.responseCodeDetails = details;
    this.resetting = true;
    this.#encoder.resetStream(this.#lostTunnel ? StreamResetReason.ConnectError : StreamResetReason.LocalReset);
    this.#finish();
  }

  recreateStream(response: HeaderMap, body: ByteQueue | null): boolean {
    const request = this.requestHeaders;
    if (this.#finished || !this.#requestEnded || request === null) return false;
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
    if (!this.#finished) this.#encoder.readDisable(disable);
  }

  // From the connection manager.

  /** The connection is gone. */
  onConnectionClosed(byClient: boolean): void {
    if (this.#finished) return;
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
    const config = this.#config;
    mutateResponseHeaders(headers, this.requestHeaders, config, this.#tunnel && headers.status === 101);
    const { proxyStatus } = config.plan;
    if (proxyStatus !== null) addProxyStatus(headers, this.info, proxyStatus, config.serviceNode);
  }

  /** It was answered past filters and codec. Filters are told of its end, and nothing else. */
  noteAnswer(headers: HeaderMap, bodyBytes: number): void {
    this.responseHeaders = headers;
    this.info.responseCode = headers.status;
    this.info.bytesSent += bodyBytes;
    if (!this.#requestEnded) this.#config.stats.rqResponseBeforeRqComplete.inc();
    this.#responseEnded = true;
    this.#filters = this.#createFilters(this.#config.filters);
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
    this.#filters = this.#createFilters([]);
    this.#filters.request.headers = headers;
    const marks = this.#config.plan.appendLocalOverload ? LOCAL_OVERLOADED : NO_MARKS;
    this.#filters.sendLocalReply({ status: 503, body: "envoy overloaded", details: "overload", headers: marks });
  }

  /** The filters of an upgrade that the route or else the connection manager allows; null when neither does. */
  #upgradeFilters(type: string, route: Route | null): readonly ConfiguredFilter[] | null {
    const config = this.#config;
    const row = config.plan.upgrades.find((each) => each.type === type);
    const allowed = route?.allowsUpgrade?.(type) ?? row?.enabled ?? false;
    if (!allowed) return null;
    return row === undefined || row.filters < 0 ? config.filters : config.upgradeFilters[row.filters]!;
  }

  /** The chain without the filters that are off for this stream's route. */
  #createFilters(chain: readonly ConfiguredFilter[]): FilterManager {
    for (let i = 0; i < chain.length; i++) {
      const filter = chain[i]!;
      if (!filter.terminal && this.#isDisabled(filter)) {
        return new FilterManager(this, chain.filter((each) => each.terminal || !this.#isDisabled(each)));
      }
    }
    return new FilterManager(this, chain);
  }

  #isDisabled(filter: ConfiguredFilter): boolean {
    const route = this.requestHeaders === null || this.requestHeaders.authority === null ? null : this.route();
    return route?.filterDisabled(filter.name) ?? filter.disabled;
  }

  /** Changes what is changed in every request; refuses one of nobody knows whom. */
  #prepareRequest(headers: HeaderMap, isUpgrade: boolean): LocalReply | null {
    if (this.#isRecreated) return null;
    const config = this.#config;
    const info = this.info;
    for (const mutation of config.earlyHeaderMutations) mutation.mutate(headers, info);
    this.#routeConfig ??= config.routes.current();
    const internalOnly = this.#routeConfig?.internalOnlyHeaders?.(headers) ?? NO_HEADERS;
    const origin = mutateRequestHeaders(headers, info.connection, config, isUpgrade, internalOnly);
    if (origin.rejectStatus > 0) {
      config.stats.rqRejectedViaIpDetection.inc();
      return { status: origin.rejectStatus, details: "rejecting because detection failed" };
    }
    if (origin.remoteAddress !== null) info.remoteAddress = origin.remoteAddress;
    info.requestId = headers.get("x-request-id") ?? "";
    return null;
  }

  /** Refuses what must not reach a filter; makes host and path canonical. */
  #checkRequest(headers: HeaderMap): LocalReply | null {
    const plan = this.#config.plan;
    if (headers.authority === null) {
      return { status: 400, details: "missing_host_header" };
    }
    const isConnect = headers.method === "CONNECT";
    const path = headers.path;
    if (!isConnect || headers.protocol !== null) {
      if (path === null || path === "") return { status: 404, details: "missing_path_rejected" };
      if (path.charCodeAt(0) !== 0x2f) {
        this.#config.stats.rqNonRelativePath.inc();
        return { status: 404, details: "absolute_path_rejected" };
      }
      if (path.includes("#")) return this.#refusePath();
      const rules = plan.path;
      if (rules.normalizePath || rules.mergeSlashes || rules.escapedSlashesAction !== "KEEP_UNCHANGED") {
        const result = canonicalizePath(path, rules);
        headers.path = result.path;
        if (result.kind === "reject") return this.#refusePath();
        if (result.kind === "redirect") {
          this.#config.stats.rqRedirectedWithNormalizedPath.inc();
          return { status: 307, details: "path_normalization_failed", headers: [["location", result.path]] };
        }
      }
    }
    this.#canonicalizeHost(headers);
    return null;
  }

  #refusePath(): LocalReply {
    this.#config.stats.rqFailedPathNormalization.inc();
    return { status: 400, details: "path_normalization_failed" };
  }

  #canonicalizeHost(headers: HeaderMap): void {
    const plan = this.#config.plan;
    if (!plan.stripAnyHostPort && !plan.stripMatchingHostPort && !plan.stripTrailingHostDot) return;
    let host = headers.authority!;
    const colon = portColon(host);
    let port = colon < 0 ? "" : host.slice(colon);
    if (colon >= 0) host = host.slice(0, colon);
    if (plan.stripAnyHostPort) port = "";
    else if (plan.stripMatchingHostPort && port === `:${this.info.connection.localAddress.port}`) port = "";
    if (plan.stripTrailingHostDot && host.endsWith(".")) host = host.slice(0, -1);
    headers.authority = host + port;
  }

  #onRequestEnd(): void {
    this.#requestEnded = true;
    this.info.lastDownstreamRxByteMs = this.#config.clock.nowMs();
    this.#requestTimer?.disable();
  }

  /** A tunnel was asked for, and what it leads to is out of reach or gone. */
  get #lostTunnel(): boolean {
    const request = this.requestHeaders;
    if (request === null || (request.method !== "CONNECT" && request.protocol === null)) return false;
    return this.info.hasFlag(ResponseFlag.UpstreamConnectionTermination) ||
      this.info.hasFlag(ResponseFlag.UpstreamConnectionFailure);
  }

  /** The response is about to end, and the request has not. */
  #beforeEarlyEnd(): void {
    if (this.#lostTunnel) this.#encoder.noteConnectError?.();
  }

  #onResponseEnd(): void {
    this.#responseEnded = true;
    // A tunnel has no regular end but that of an HTTP/2 stream.
    if (this.#tunnel && this.#lostTunnel) this.#config.stats.rqTxReset.inc();
    this.info.lastDownstreamTxByteMs = this.#config.clock.nowMs();
    this.#finish();
  }

  /** Ends the stream: filters are done, it is logged, its connection is told. */
  #finish(): void {
    if (this.#finished) return;
    const { stats } = this.#config;
    if (!this.#requestEnded || !this.#responseEnded) stats.rqRxReset.inc();
    if (this.info.responseCode !== 0) stats.countResponse(this.info.responseCode);
    this.#end();
    stats.rqTime.record(this.info.endMs - this.info.startMs);
    const isConnection = this.#tunnel && this.#connection.protocol !== "HTTP/2";
    this.#connection.onStreamFinished(this, this.#responseEnded && !isConnection);
  }

  /** What ends with the stream, whether the client has an answer or another stream gives it. */
  #end(): void {
    this.#finished = true;
    if (this.#idleTimer !== null) this.#connection.returnIdleTimer(this.#idleTimer);
    this.#idleTimer = null;
    this.#requestTimer?.disable();
    this.#headersTimer?.disable();
    this.#durationTimer?.disable();
    this.#logTimer?.disable();
    const config = this.#config;
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
    for (const logger of this.#config.accessLoggers) logger.log(this);
    this.accessLogType = "DownstreamEnd";
  }

  #armLog(intervalMs: number): void {
    const timer = this.#config.clock.createTimer(() => {
      this.#log("DownstreamPeriodic");
      timer.enable(intervalMs);
    });
    this.#logTimer = timer;
    timer.enable(intervalMs);
  }

  /** Activity in either direction. */
  #touch(): void {
    if (this.#idleTimeoutMs <= 0) {
      this.#idleTimer?.timer.disable();
      return;
    }
    if (this.#finished) return;
    this.#idleTimer ??= this.#connection.takeIdleTimer(this);
    this.#idleTimer.timer.enable(this.#idleTimeoutMs);
  }

  /** How long the route lets the stream be: by the client's `grpc-timeout`, by its own word, or as configured. */
  #limitDuration(route: Route): void {
    const headers = this.requestHeaders!;
    const maxMs = route.grpcTimeoutHeaderMaxMs ?? null;
    const asked = maxMs === null ? null : parseGrpcTimeoutMs(headers.get("grpc-timeout"));
    if (asked === null) {
      if (route.maxStreamDurationMs !== null) this.#armDuration(route.maxStreamDurationMs);
      return;
    }
    let ms = maxMs! > 0 && asked > maxMs! ? maxMs! : asked;
    if (ms > 0) ms = Math.max(0, ms - (route.grpcTimeoutHeaderOffsetMs ?? 0));
    headers.set("grpc-timeout", formatGrpcTimeout(ms));
    this.#armDuration(ms);
  }

  #armDuration(ms: number): void {
    if (ms <= 0) {
      this.#durationTimer?.disable();
      return;
    }
    this.#durationTimer ??= this.#config.clock.createTimer(() => this.#onMaxDuration());
    this.#durationTimer.enable(Math.max(0, ms - (this.#config.clock.nowMs() - this.info.startMs)));
  }

  /** Nothing happened in either direction for as long as may be. */
  onIdleTimeout(): void {
    this.#config.stats.rqIdleTimeout.inc();
    this.info.setFlag(ResponseFlag.StreamIdleTimeout);
    this.#answerTimeout(this.#requestEnded ? 504 : 408, "stream timeout", "stream_idle_timeout");
  }

  #onMaxDuration(): void {
    this.#config.stats.rqMaxDurationReached.inc();
    this.#answerTimeout(
      this.#requestEnded ? 504 : 408,
      "downstream duration timeout",
      "max_duration_timeout",
      GRPC_DEADLINE_EXCEEDED,
    );
  }

  #onRequestTimeout(): void {
    this.#config.stats.rqTimeout.inc();
    this.#answerTimeout(408, "request timeout", "request_overall_timeout");
  }

  #onRequestHeadersTimeout(): void {
    this.#config.stats.rqHeaderTimeout.inc();
    this.#answerTimeout(408, "request header timeout", "request_header_timeout");
  }

  #answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void {
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

const GRPC_DEADLINE_EXCEEDED = 4;
/** The upgrade that a plain CONNECT counts as. */
const CONNECT = "connect";

function isExpectContinue(headers: HeaderMap): boolean {
  const expect = headers.get("expect");
  return expect !== null && expect.toLowerCase() === "100-continue";
}

/** True when the response turns the stream into a tunnel. */
function isTunnelResponse(request: HeaderMap, status: number): boolean {
  if (status === 101) return request.protocol !== null;
  return request.method === "CONNECT" && status >= 200 && status < 300;
}

/** Where the port's colon is; -1 when the host has no port. */
function portColon(host: string): number {
  const colon = host.lastIndexOf(":");
  if (colon < 0 || host.indexOf("]", colon) >= 0) return -1;
  // More than one colon without brackets: a bare IPv6 address.
  return host.charCodeAt(0) !== 0x5b && host.indexOf(":") !== colon ? -1 : colon;
}

const NO_HEADERS: readonly string[] = [];

const LOCAL_OVERLOADED: readonly (readonly [string, string])[] = [["x-envoy-local-overloaded", "true"]];
const NO_MARKS: readonly (readonly [string, string])[] = [];
