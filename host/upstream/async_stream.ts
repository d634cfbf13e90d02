// host/upstream/async_stream.ts: one stream that the proxy itself opens to a cluster.
/**
 * Behaves as a route with this timeout would: no healthy host, a connection that fails or a stream that is
 * reset before its response began is a 503 (502 when the upstream spoke no HTTP), a time-out a 504, each
 * with the router's text. What breaks off later is a reset. What is sent before the connection is there
 * waits.
 *
 * @see Envoy: source/common/http/async_client_impl.cc AsyncStreamImpl
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import type { Clock, Timer } from "../base/clock.ts";
import {
  type Protocol,
  type RequestEncoder,
  type ResponseDecoder,
  type StreamCallbacks,
  StreamResetReason,
} from "../http/codec.ts";
import type { LocalReply } from "../http/filter.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { isGrpcContentType, prepareLocalReply } from "../http/local_reply.ts";
import { putResponseHeaders } from "./outlier/response.ts";
import type { ConnectionInfo } from "../observe/stream_info.ts";
import { AsyncFilters, type FilteredStream } from "./async_filters.ts";
import { ResourcePriority } from "./circuit_breaker.ts";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { LoadBalancerContextBase } from "./lb/context.ts";
import type { HttpPoolCallbacks } from "./http_pool.ts";
import type { PoolCancellable, PoolFailureReason } from "./pool.ts";

/** Events of such a stream. Nothing comes after the response's end, `onReset`, or `reset()`. */
export interface AsyncStreamCallbacks {
  onHeaders(headers: HeaderMap, end: boolean): void;
  /** `data` is lent: what is left in it when the call returns is lost. */
  onData(data: ByteQueue, end: boolean): void;
  onTrailers(trailers: HeaderMap): void;
  /** The response broke off after its head. */
  onReset(): void;
}

/** A stream. `start` sends the head; then data and trailers may follow unless it ended the request. */
export class AsyncStream implements FilteredStream, ResponseDecoder, StreamCallbacks, HttpPoolCallbacks {
  readonly #cluster: Cluster;
  readonly #callbacks: AsyncStreamCallbacks;
  readonly #clock: Clock;
  readonly #startMs: number;
  #headers: HeaderMap | null = null;
  /** The cluster's filters; null when it has none. */
  #filters: AsyncFilters | null = null;
  /** The head has passed the filters. */
  #hasHead = false;
  #endsWithHeaders = false;
  /** What waits for the connection. */
  #pending: ByteQueue | null = null;
  #pendingEnd = false;
  #pendingTrailers: HeaderMap | null = null;
  #timer: Timer | null = null;
  #waiting: PoolCancellable | null = null;
  #encoder: RequestEncoder | null = null;
  #host: Host | null = null;
  #responded = false;
  /** Load balancing learnt from the headers what the trailers may say. */
  #balancerKnows = false;
  #over = false;
  /** Whoever uses the stream is calling it: see `#throughFilters`. */
  #isAsked = false;
  /** How often the write buffer went above its high watermark without coming back. */
  #above = 0;

  constructor(cluster: Cluster, callbacks: AsyncStreamCallbacks, clock: Clock) {
    this.#cluster = cluster;
    this.#callbacks = callbacks;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** True after the response's end, a reset, or a reply in the upstream's place. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Milliseconds since the stream was made. */
  get elapsedMs(): number {
    return this.#clock.nowMs() - this.#startMs;
  }

  /**
   * Sends the head. Callbacks may come before this returns.
   *
   * @param headers With `:method`, `:path` and `:authority`. Gets a few headers more; the caller gives it away.
   * @param timeoutMs For the whole exchange; 0 = no limit.
   */
  start(headers: HeaderMap, end: boolean, timeoutMs: number): void {
    this.#headers = headers;
    headers.set("x-envoy-internal", "true");
    if (timeoutMs > 0) headers.set("x-envoy-expected-rq-timeout-ms", String(Math.trunc(timeoutMs)));
    const host = this.#cluster.chooseHost(new OwnRequest(headers));
    if (host === null) return this.#reply(503, "no healthy upstream", "no_healthy_upstream");
    if (timeoutMs > 0) this.limit(timeoutMs);
    const chain = this.#cluster.httpFilters;
    if (chain === null) {
      this.encodeHeaders(headers, end);
    } else {
      const limitBytes = this.#cluster.plan.perConnectionBufferLimitBytes;
      this.#filters = new AsyncFilters(this, chain, this.#clock, limitBytes);
    }
    this.#isAsked = true;
    const waiting = this.#cluster.httpPool(host, ResourcePriority.Default).newStream(this, this);
    this.#isAsked = false;
    if (!this.#over && this.#encoder === null) this.#waiting = waiting;
    this.#throughFilters((filters) => filters.manager.decodeHeaders(headers, end));
  }

  /** Gives the exchange so much time from now. */
  limit(timeoutMs: number): void {
    if (this.#over) return;
    this.#timer ??= this.#clock.createTimer(() => this.#onTimeout());
    this.#timer.enable(timeoutMs);
  }

  /** Sends a part of the body, taking it out of `data`. */
  sendData(data: ByteQueue, end: boolean): void {
    if (this.#over) return data.clear();
    if (this.#filters === null) return this.encodeData(data, end);
    const kept = new ByteQueue();
    data.moveTo(kept);
    this.#throughFilters((filters) => filters.manager.decodeData(kept, end));
  }

  /** Ends the request. */
  sendTrailers(trailers: HeaderMap): void {
    if (this.#over) return;
    if (this.#filters === null) this.encodeTrailers(trailers);
    else this.#throughFilters((filters) => filters.manager.decodeTrailers(trailers));
  }

  /**
   * Gives the filters something once whoever sends it is done. A guest that sends is still running, and the
   * filter may be one of the same VM, which cannot be entered now.
   */
  #throughFilters(pass: (filters: AsyncFilters) => void): void {
    const filters = this.#filters;
    if (filters === null) return;
    queueMicrotask(() => {
      if (!this.#over) pass(filters);
    });
  }

  // FilteredStream: what goes to the upstream.

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    this.#headers = headers;
    this.#hasHead = true;
    this.#endsWithHeaders = end;
    if (this.#encoder !== null) this.#flush(this.#encoder);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.#over) return data.clear();
    if (this.#encoder !== null) return this.#encoder.encodeData(data, end);
    data.moveTo(this.#pending ??= new ByteQueue());
    this.#pendingEnd = end;
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#over) return;
    if (this.#encoder !== null) this.#encoder.encodeTrailers(trailers);
    else this.#pendingTrailers = trailers;
  }

  readDisable(disable: boolean): void {
    this.#encoder?.readDisable(disable);
  }

  // FilteredStream: what comes from there.

  onFilteredHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#over) return;
    headers.set("x-envoy-upstream-service-time", String(Math.trunc(this.elapsedMs)));
    this.#countResponse(headers.status);
    if (end) this.#complete();
    this.#callbacks.onHeaders(headers, end);
  }

  onFilteredData(data: ByteQueue, end: boolean): void {
    if (this.#over) return data.clear();
    if (end) this.#complete();
    this.#callbacks.onData(data, end);
    data.clear();
  }

  onFilteredTrailers(trailers: HeaderMap): void {
    if (this.#over) return;
    this.#complete();
    this.#callbacks.onTrailers(trailers);
  }

  onFilterReply(reply: LocalReply): void {
    if (this.#over) return;
    this.#abandon();
    this.#answer(reply);
  }

  onFilterReset(): void {
    if (this.#over) return;
    this.#giveUp();
    this.#callbacks.onReset();
  }

  /** Ends the stream; no callback comes after it. */
  reset(): void {
    if (this.#over) return;
    this.#isAsked = true;
    this.#giveUp();
    this.#isAsked = false;
  }

  // HttpPoolCallbacks

  onPoolReady(encoder: RequestEncoder, host: Host, _connection: ConnectionInfo, _protocol: Protocol): void {
    this.#waiting = null;
    this.#encoder = encoder;
    this.#host = host;
    host.outlierMonitor?.putResult("connected");
    if (this.#hasHead) this.#flush(encoder);
  }

  /** Sends what waited for the connection. */
  #flush(encoder: RequestEncoder): void {
    const problem = encoder.encodeHeaders(this.#headers!, this.#endsWithHeaders);
    if (typeof problem === "string") {
      this.#encoder = null;
      encoder.resetStream(StreamResetReason.LocalReset);
      return this.#reply(503, problem, "missing_required_header");
    }
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null && !this.#over) encoder.encodeData(pending, this.#pendingEnd);
    if (this.#pendingTrailers !== null && !this.#over) encoder.encodeTrailers(this.#pendingTrailers);
  }

  onPoolFailure(reason: PoolFailureReason, _transportFailureReason: string, host: Host | null): void {
    this.#waiting = null;
    this.#host = host;
    this.#noteReset(reason);
    this.#replyToReset(reason);
  }

  // ResponseDecoder

  on1xxHeaders(): void {}

  onHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#over) return;
    this.#responded = true;
    this.#balancerKnows = this.#host?.policyData?.onResponseHeaders(headers, this.elapsedMs) ?? false;
    const monitor = this.#host?.outlierMonitor ?? null;
    if (monitor !== null) {
      const isGrpc = isGrpcContentType(this.#headers!.get("content-type"));
      putResponseHeaders(monitor, headers, isGrpc, this.#cluster.outliers!.isError);
    }
    if (this.#filters === null) this.onFilteredHeaders(headers, end);
    else this.#filters.manager.encodeHeaders(headers, end);
  }

  onData(data: ByteQueue, end: boolean): void {
    if (this.#over) return data.clear();
    if (this.#filters === null) this.onFilteredData(data, end);
    else this.#filters.manager.encodeData(data, end);
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.#over) return;
    if (!this.#balancerKnows) this.#host?.policyData?.onResponseTrailers(trailers);
    if (this.#filters === null) this.onFilteredTrailers(trailers);
    else this.#filters.manager.encodeTrailers(trailers);
  }

  // StreamCallbacks

  onResetStream(reason: StreamResetReason): void {
    if (this.#over) return;
    this.#encoder = null;
    this.#noteReset(reason);
    if (!this.#responded) return this.#replyToReset(reason);
    this.#giveUp();
    this.#callbacks.onReset();
  }

  // Whoever sends can ask; there is nothing to pause.
  onAboveWriteBufferHighWatermark(): void {
    this.#above++;
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#above--;
  }

  /** False while more is waiting to be sent than the connection's buffer limit. */
  get hasRoom(): boolean {
    return this.#above <= 0 && (this.#pending?.length ?? 0) <= this.#cluster.plan.perConnectionBufferLimitBytes;
  }

  #onTimeout(): void {
    this.#cluster.stats.upstreamRqTimeout.inc();
    if (this.#host !== null) this.#host.rqTimeout++;
    if (this.#responded) {
      this.#giveUp();
      return this.#callbacks.onReset();
    }
    this.#host?.outlierMonitor?.putResult("timeout", 504);
    this.#host?.policyData?.onFailure();
    this.#abandon();
    this.#reply(504, "upstream request timeout", "response_timeout");
  }

  /** The response has ended. */
  #complete(): void {
    this.#end();
    const { stats } = this.#cluster;
    stats.codes.recordTime(this.elapsedMs, stats.upstreamRqTime, "internal");
  }

  #noteReset(reason: StreamResetReason): void {
    if (reason === StreamResetReason.Overflow || this.#host === null) return;
    this.#host.outlierMonitor?.putResult("connect_failed");
    if (!this.#responded) this.#host.policyData?.onFailure();
  }

  #replyToReset(reason: StreamResetReason): void {
    const overloaded: readonly (readonly [string, string])[] = reason === StreamResetReason.Overflow
      ? [["x-envoy-overloaded", "true"]]
      : [];
    const words = reason.replaceAll("_", " ");
    this.#reply(
      reason === StreamResetReason.ProtocolError ? 502 : 503,
      `upstream connect error or disconnect/reset before headers. reset reason: ${words}`,
      `upstream_reset_before_response_started{${reason}}`,
      overloaded,
    );
  }

  /** Answers in the upstream's place. */
  #reply(status: number, body: string, details: string, headers: readonly (readonly [string, string])[] = []): void {
    this.#countResponse(status);
    this.#answer({ status, body, details, headers });
  }

  #answer(local: LocalReply): void {
    this.#end();
    const request = this.#headers!;
    const isGrpc = isGrpcContentType(request.get("content-type"));
    const reply = prepareLocalReply(local, isGrpc, request.method === "HEAD");
    if (reply.body.length === 0) return this.#callbacks.onHeaders(reply.headers, true);
    this.#callbacks.onHeaders(reply.headers, false);
    const data = new ByteQueue();
    data.push(reply.body);
    this.#callbacks.onData(data, true);
  }

  #countResponse(status: number): void {
    this.#cluster.stats.codes.chargeResponse(status, "internal", this.#host?.canary ?? false);
    if (this.#host === null) return;
    if (status >= 500) this.#host.rqError++;
    else this.#host.rqSuccess++;
  }

  #giveUp(): void {
    this.#end();
    this.#abandon();
  }

  #end(): void {
    this.#over = true;
    this.#timer?.disable();
    const filters = this.#filters;
    if (this.#isAsked && filters !== null) queueMicrotask(() => filters.end());
    else filters?.end();
  }

  #abandon(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
    const encoder = this.#encoder;
    this.#encoder = null;
    encoder?.resetStream(StreamResetReason.LocalReset);
  }
}

/** A request of the proxy itself, as load balancers see it. */
class OwnRequest extends LoadBalancerContextBase {
  readonly #headers: HeaderMap;

  constructor(headers: HeaderMap) {
    super();
    this.#headers = headers;
  }

  override get requestHeaders(): HeaderMap {
    return this.#headers;
  }
}
