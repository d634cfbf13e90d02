// host/upstream/async_client.ts: requests that the proxy itself sends to clusters, with buffered responses.
/**
 * What filters use to ask other services. A response that breaks off, or is too large to be held, is a
 * failure; what goes wrong before is a response with the router's text (`async_stream.ts`).
 *
 * @see Envoy: source/common/http/async_client_impl.cc
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { AsyncStream, type AsyncStreamCallbacks } from "./async_stream.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterManager } from "./cluster_manager.ts";

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

/** A request that is sent whole, and a response that is held until it is whole. */
class Exchange implements AsyncHandle, AsyncStreamCallbacks {
  readonly #message: AsyncRequestMessage;
  readonly #callbacks: AsyncCallbacks;
  readonly #stream: AsyncStream;
  #headers: HeaderMap | null = null;
  #body: ByteQueue | null = null;

  constructor(cluster: Cluster, message: AsyncRequestMessage, callbacks: AsyncCallbacks, clock: Clock) {
    this.#message = message;
    this.#callbacks = callbacks;
    this.#stream = new AsyncStream(cluster, this, clock);
  }

  start(): void {
    const { headers, body, trailers, timeoutMs } = this.#message;
    if (body.length > 0) headers.set("content-length", String(body.length));
    this.#stream.start(headers, body.length === 0 && trailers === null, timeoutMs);
    if (body.length > 0) {
      const data = new ByteQueue();
      data.push(body);
      this.#stream.sendData(data, trailers === null);
    }
    if (trailers !== null) this.#stream.sendTrailers(trailers);
  }

  cancel(): void {
    this.#stream.reset();
  }

  // AsyncStreamCallbacks

  onHeaders(headers: HeaderMap, end: boolean): void {
    this.#headers = headers;
    if (end) this.#complete(null);
  }

  onData(data: ByteQueue, end: boolean): void {
    const body = this.#body ??= new ByteQueue();
    data.moveTo(body);
    if (body.length > (this.#message.responseLimitBytes ?? DEFAULT_RESPONSE_LIMIT_BYTES)) {
      this.#stream.reset();
      this.#callbacks.onFailure("overflow");
    } else if (end) {
      this.#complete(null);
    }
  }

  onTrailers(trailers: HeaderMap): void {
    this.#complete(trailers);
  }

  onReset(): void {
    this.#callbacks.onFailure("reset");
  }

  #complete(trailers: HeaderMap | null): void {
    this.#callbacks.onResponse({ headers: this.#headers!, body: this.#body?.toBytes() ?? EMPTY_BYTES, trailers });
  }
}
