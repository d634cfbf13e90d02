// host/upstream/async_client.ts: requests that the proxy itself sends to clusters, with buffered responses.
/**
 * What filters use to ask other services. It behaves as a route with this timeout would: no healthy host,
 * a connection that fails or a stream that is reset before its response began is a 503 (502 when the
 * upstream spoke no HTTP), a time-out a 504, each with the router's text. A response that breaks off, or
 * is too large to be held, is a failure.
 *
 * @see Envoy: source/common/http/async_client_impl.cc
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import {
  type Protocol,
  type RequestEncoder,
  type ResponseDecoder,
  type StreamCallbacks,
  StreamResetReason,
} from "../http/codec.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { isGrpcContentType, prepareLocalReply } from "../http/local_reply.ts";
import type { ConnectionInfo } from "../observe/stream_info.ts";
import { ResourcePriority } from "./circuit_breaker.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterManager } from "./cluster_manager.ts";
import type { Host } from "./host.ts";
import type { HttpPoolCallbacks } from "./http_pool.ts";
import type { PoolCancellable, PoolFailureReason } from "./pool.ts";

/** Most bytes of a response body that are held. */
export const DEFAULT_RESPONSE_LIMIT_BYTES: number = 16 * 1024 * 1024;

export interface AsyncRequestMessage {
  /** With `:method`, `:path` and `:authority`. Gets a few headers more; the caller gives it away. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | null;
  /** For the whole exchange; 0 = no limit. */
  readonly timeoutMs: number;
  readonly responseLimitBytes?: number;
}

/** A response of the upstream, or one that the proxy made in its place. */
export interface AsyncResponse {
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | null;
}

/** `reset`: the response broke off. `overflow`: it was larger than the limit. */
export type AsyncFailure = "reset" | "overflow";

export interface AsyncCallbacks {
  onResponse(response: AsyncResponse): void;
  onFailure(reason: AsyncFailure): void;
}

export interface AsyncHandle {
  /** Ends the exchange; no callback comes after it. */
  cancel(): void;
}

export class AsyncClient {
  readonly #clusters: ClusterManager;
  readonly #clock: Clock;

  constructor(clusters: ClusterManager, clock: Clock) {
    this.#clusters = clusters;
    this.#clock = clock;
  }

  /**
   * Sends a request. Null: there is no such cluster. Else exactly one callback comes, maybe before this
   * returns, unless the handle is cancelled.
   */
  send(clusterName: string, message: AsyncRequestMessage, callbacks: AsyncCallbacks): AsyncHandle | null {
    const cluster = this.#clusters.get(clusterName);
    if (cluster === null) return null;
    const exchange = new Exchange(cluster, message, callbacks, this.#clock);
    exchange.start();
    return exchange;
  }
}

class Exchange implements AsyncHandle, ResponseDecoder, StreamCallbacks, HttpPoolCallbacks {
  readonly #cluster: Cluster;
  readonly #message: AsyncRequestMessage;
  readonly #callbacks: AsyncCallbacks;
  readonly #clock: Clock;
  readonly #startMs: number;
  #timer: Timer | null = null;
  #waiting: PoolCancellable | null = null;
  #encoder: RequestEncoder | null = null;
  #host: Host | null = null;
  #headers: HeaderMap | null = null;
  #body: ByteQueue | null = null;
  #over = false;

  constructor(cluster: Cluster, message: AsyncRequestMessage, callbacks: AsyncCallbacks, clock: Clock) {
    this.#cluster = cluster;
    this.#message = message;
    this.#callbacks = callbacks;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  start(): void {
    const { headers, body, timeoutMs } = this.#message;
    if (body.length > 0) headers.set("content-length", String(body.length));
    headers.set("x-envoy-internal", "true");
    if (timeoutMs > 0) headers.set("x-envoy-expected-rq-timeout-ms", String(Math.trunc(timeoutMs)));
    const host = this.#cluster.chooseHost(null);
    if (host === null) return this.#reply(503, "no healthy upstream", "no_healthy_upstream");
    if (timeoutMs > 0) {
      this.#timer = this.#clock.createTimer(() => this.#onTimeout());
      this.#timer.enable(timeoutMs);
    }
    const waiting = this.#cluster.httpPool(host, ResourcePriority.Default).newStream(this, this);
    if (!this.#over && this.#encoder === null) this.#waiting = waiting;
  }

  cancel(): void {
    if (this.#over) return;
    if (this.#encoder !== null) this.#cluster.stats.upstreamRqTxReset.inc();
    this.#giveUp();
  }

  // HttpPoolCallbacks

  onPoolReady(encoder: RequestEncoder, host: Host, _connection: ConnectionInfo, _protocol: Protocol): void {
    const { headers, body, trailers } = this.#message;
    this.#waiting = null;
    this.#encoder = encoder;
    this.#host = host;
    const problem = encoder.encodeHeaders(headers, body.length === 0 && trailers === null);
    if (typeof problem === "string") {
      this.#encoder = null;
      encoder.resetStream(StreamResetReason.LocalReset);
      return this.#reply(503, problem, "missing_required_header");
    }
    if (body.length > 0 && !this.#over) {
      const queue = new ByteQueue();
      queue.push(body);
      encoder.encodeData(queue, trailers === null);
    }
    if (trailers !== null && !this.#over) encoder.encodeTrailers(trailers);
  }

  onPoolFailure(reason: PoolFailureReason, _transportFailureReason: string, host: Host | null): void {
    this.#waiting = null;
    this.#host = host;
    this.#replyToReset(reason);
  }

  // ResponseDecoder

  on1xxHeaders(): void {}

  onHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#over) return;
    const elapsedMs = this.#clock.nowMs() - this.#startMs;
    headers.set("x-envoy-upstream-service-time", String(Math.trunc(elapsedMs)));
    this.#headers = headers;
    this.#countResponse(headers.status);
    if (end) this.#complete(null);
  }

  onData(data: ByteQueue, end: boolean): void {
    if (this.#over) return data.clear();
    const body = this.#body ??= new ByteQueue();
    data.moveTo(body);
    if (body.length > (this.#message.responseLimitBytes ?? DEFAULT_RESPONSE_LIMIT_BYTES)) {
      this.#giveUp();
      this.#callbacks.onFailure("overflow");
    } else if (end) {
      this.#complete(null);
    }
  }

  onTrailers(trailers: HeaderMap): void {
    if (!this.#over) this.#complete(trailers);
  }

  // StreamCallbacks

  onResetStream(reason: StreamResetReason): void {
    if (this.#over) return;
    this.#encoder = null;
    if (reason === StreamResetReason.RemoteReset || reason === StreamResetReason.ConnectionTermination) {
      this.#cluster.stats.upstreamRqRxReset.inc();
    }
    if (this.#headers === null) return this.#replyToReset(reason);
    this.#giveUp();
    this.#callbacks.onFailure("reset");
  }

  // The request is held as a whole already: there is nothing to pause.
  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}

  #onTimeout(): void {
    this.#cluster.stats.upstreamRqTimeout.inc();
    if (this.#host !== null) this.#host.rqTimeout++;
    if (this.#headers !== null) {
      this.#giveUp();
      return this.#callbacks.onFailure("reset");
    }
    this.#abandonStream();
    this.#reply(504, "upstream request timeout", "response_timeout");
  }

  #complete(trailers: HeaderMap | null): void {
    this.#over = true;
    this.#timer?.disable();
    const { stats } = this.#cluster;
    stats.codes.recordTime(this.#clock.nowMs() - this.#startMs, stats.upstreamRqTime, "internal");
    this.#callbacks.onResponse({ headers: this.#headers!, body: this.#body?.toBytes() ?? EMPTY_BYTES, trailers });
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
    this.#over = true;
    this.#timer?.disable();
    this.#countResponse(status);
    const request = this.#message.headers;
    const isGrpc = isGrpcContentType(request.get("content-type"));
    const reply = prepareLocalReply({ status, body, details, headers }, isGrpc, request.method === "HEAD");
    this.#callbacks.onResponse({ headers: reply.headers, body: reply.body, trailers: null });
  }

  #countResponse(status: number): void {
    this.#cluster.stats.codes.chargeResponse(status, "internal", this.#host?.canary ?? false);
    if (this.#host === null) return;
    if (status >= 500) this.#host.rqError++;
    else this.#host.rqSuccess++;
  }

  #giveUp(): void {
    this.#over = true;
    this.#timer?.disable();
    this.#abandonStream();
  }

  #abandonStream(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
    const encoder = this.#encoder;
    this.#encoder = null;
    encoder?.resetStream(StreamResetReason.LocalReset);
  }
}
