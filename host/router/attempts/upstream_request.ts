// host/router/attempts/upstream_request.ts: one attempt of a request at one host.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Waits for a stream from the host's pool, holding what comes meanwhile, and then joins the two half
 * streams. What an attempt's end means (an answer, a retry, a reset) is the router's to decide.
 *
 * @see Envoy: source/common/router/upstream_request.cc
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { Protocol, RequestEncoder, ResponseDecoder, StreamCallbacks } from "../../http/codec.ts";
import { StreamResetReason } from "../../http/codec.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { ConnectionInfo } from "../../observe/stream_info.ts";
import type { Host } from "../../upstream/host.ts";
import type { HttpPool, HttpPoolCallbacks } from "../../upstream/conn_pool/http_pool.ts";
import type { PooledAttempt } from "./upstream_attempt.ts";
import { WaitingAttempt } from "./waiting_attempt.ts";

export class UpstreamRequest extends WaitingAttempt<HttpPool>
  implements PooledAttempt, ResponseDecoder, StreamCallbacks, HttpPoolCallbacks {
  /** Null until the request comes: filters may hold it back. */
  #headers: HeaderMap | null = null;
  #encoder: RequestEncoder | null = null;
  /** What came before the stream was there. */
  #pendingBody: ByteQueue | null = null;
  #pendingTrailers: HeaderMap | null = null;
  #pendingEnd = false;
  responseStarted = false;

  get connected(): boolean {
    return this.#encoder !== null;
  }

  get bufferedBytes(): number {
    return (this.#pendingBody?.length ?? 0) + (this.#encoder?.pendingBytes ?? 0);
  }

  start(): void {
    const waiting = this.pool.newStream(this, this);
    // The pool may have answered, and the attempt may be over, before it returned.
    if (!this.done && this.#encoder === null) this.waiting = waiting;
  }

  /** Comes once, before what follows it. */
  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.done) return;
    this.#headers = headers;
    this.#pendingEnd = end;
    if (this.#encoder !== null) this.#send(this.#encoder, headers);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.done) return data.clear();
    if (this.#encoder !== null) {
      if (this.measure !== null) this.measure.bodyBytesSent += data.length;
      if (end) this.info.lastByteSentMs = this.owner.nowMs;
      this.#encoder.encodeData(data, end);
      return;
    }
    const body = this.#pendingBody ??= new ByteQueue();
    data.moveTo(body);
    if (end) this.#pendingEnd = true;
    this.pauseWhenFull(body.length);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.done) return;
    if (this.#encoder === null) {
      this.#pendingTrailers = trailers;
      return;
    }
    this.info.lastByteSentMs = this.owner.nowMs;
    this.#encoder.encodeTrailers(trailers);
  }

  /** Gives the attempt up. */
  reset(): void {
    if (this.done) return;
    this.done = true;
    this.waiting?.cancel();
    this.waiting = null;
    this.#encoder?.resetStream(StreamResetReason.LocalReset);
    this.clean();
  }

  /** The client is slower than the upstream, or no longer. */
  readDisable(disable: boolean): void {
    if (this.done) return;
    if (this.#encoder !== null) this.#encoder.readDisable(disable);
    else this.pauseOnceReady(disable);
  }

  // From the pool.

  onPoolReady(
    encoder: RequestEncoder,
    host: Host,
    connection: ConnectionInfo,
    protocol: Protocol,
    requestCount: number,
  ): void {
    this.waiting = null;
    this.#encoder = encoder;
    const info = this.info;
    info.connection = connection;
    info.localAddress = connection.localAddress;
    info.requestCount = requestCount;
    info.protocol = protocol;
    info.poolReadyMs = this.owner.nowMs;
    this.owner.onUpstreamHostSelected(this, host);
    this.applyPauses(encoder);
    if (this.#headers !== null) this.#send(encoder, this.#headers);
  }

  /** Sends what there is of the request; what comes later goes straight to the encoder. */
  #send(encoder: RequestEncoder, headers: HeaderMap): void {
    const info = this.info;
    const now = this.owner.nowMs;
    info.firstByteSentMs = now;
    const body = this.#pendingBody;
    const trailers = this.#pendingTrailers;
    const end = this.#pendingEnd && trailers === null;
    // Also one without bytes: what came behind the headers goes behind them.
    const hasBody = body !== null;
    this.#pendingBody = null;
    this.#pendingTrailers = null;
    const headersEnd = end && !hasBody;
    if (headersEnd || (end && hasBody) || trailers !== null) info.lastByteSentMs = now;
    const problem = encoder.encodeHeaders(headers, headersEnd);
    if (typeof problem === "string") return this.#fail(encoder, problem);
    if (hasBody && !this.done) {
      if (this.measure !== null) this.measure.bodyBytesSent += body.length;
      encoder.encodeData(body, end);
    }
    if (trailers !== null && !this.done) encoder.encodeTrailers(trailers);
    this.resumeDownstream();
  }

  /** The request cannot be sent: a filter took away or spoilt what it needs. */
  #fail(encoder: RequestEncoder, problem: string): void {
    this.done = true;
    encoder.resetStream(StreamResetReason.LocalReset);
    this.clean();
    this.owner.onUpstreamReset(this, StreamResetReason.LocalReset, problem);
  }

  // From the codec.

  on1xxHeaders(headers: HeaderMap): void {
    if (!this.done) this.owner.onUpstream1xxHeaders(this, headers);
  }

  onHeaders(headers: HeaderMap, end: boolean): void {
    if (this.done) return;
    this.responseStarted = true;
    this.info.firstByteReceivedMs = this.owner.nowMs;
    if (end) this.#complete();
    this.owner.onUpstreamHeaders(this, headers, end);
  }

  onData(data: ByteQueue, end: boolean): void {
    if (this.done) return data.clear();
    if (end) this.#complete();
    this.owner.onUpstreamData(this, data, end);
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.done) return;
    this.#complete();
    this.owner.onUpstreamTrailers(this, trailers);
  }

  onResetStream(reason: StreamResetReason, _details: string): void {
    if (this.done) return;
    this.done = true;
    this.clean();
    // What exactly was wrong with the upstream's bytes stays between the codec and the debug log, as in Envoy.
    this.owner.onUpstreamReset(this, reason, "");
  }

  onAboveWriteBufferHighWatermark(): void {
    this.pauseDownstream();
  }

  #complete(): void {
    this.done = true;
    this.info.lastByteReceivedMs = this.owner.nowMs;
    this.clean();
  }

  protected override clean(): void {
    const meter = this.#encoder?.meter;
    if (meter !== undefined) {
      const info = this.info;
      info.wireBytesReceived = (info.wireBytesReceived ?? 0) + meter.wireBytesReceived;
      info.wireBytesSent = (info.wireBytesSent ?? 0) + meter.wireBytesSent;
      info.headerBytesReceived = (info.headerBytesReceived ?? 0) + meter.headerBytesReceived;
      info.headerBytesSent = (info.headerBytesSent ?? 0) + meter.headerBytesSent;
    }
    this.#pendingBody = null;
    this.#pendingTrailers = null;
    this.releaseDownstream();
  }
}
