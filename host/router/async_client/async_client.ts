// host/router/async_client/async_client.ts: requests that the proxy itself sends to clusters, with buffered responses.
/**
 * What filters use to ask other services, and mirrors are sent with. A response that breaks off, or is too large to
 * be held, is a failure; what goes wrong before is a response with the router's text (`async_stream.ts`).
 *
 * @see Envoy: source/common/http/async_client_impl.cc
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { EMPTY_BYTES } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { ClusterManager } from "../../upstream/cluster_manager.ts";
import { AsyncStream } from "./async_stream.ts";
import type { OwnRequest, OwnRequestCallbacks, OwnRequestOptions, OwnRequestSender } from "./own_request.ts";
import type { RouterConfig } from "../router_config.ts";
import { RouterStats } from "../router_stats.ts";

/** Most bytes of a response body that are held. */
const DEFAULT_RESPONSE_LIMIT_BYTES: number = 16 * 1024 * 1024;

export interface AsyncRequestMessage {
  /** With `:method`, `:path` and `:authority`. Gets a few headers more; the caller gives it away. */
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap | null;
  /** From the end of the request to that of the response; 0 = no limit. */
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

export class AsyncClient implements OwnRequestSender {
  readonly #clusters: ClusterManager;
  readonly #clock: Clock;
  readonly #config: RouterConfig;

  /** `localAddress` is this machine's own, which mirrors of these requests see. */
  constructor(clusters: ClusterManager, clock: Clock, localAddress: string) {
    this.#clusters = clusters;
    this.#clock = clock;
    this.#config = {
      plan: { suppressEnvoyHeaders: false, respectExpectedRqTimeout: false },
      stats: new RouterStats(clusters.stats.scope("http.async-client")),
      clusters,
      localAddress,
      ownRequests: this,
    };
  }

  open(clusterName: string, callbacks: OwnRequestCallbacks, options: OwnRequestOptions): OwnRequest | null {
    const cluster = this.#clusters.get(clusterName);
    return cluster === null ? null : new AsyncStream(cluster, this.#config, callbacks, this.#clock, options);
  }

  /**
   * Sends a request. Null: there is no such cluster. Else exactly one callback comes, maybe before this
   * returns, unless the handle is cancelled.
   */
  send(clusterName: string, message: AsyncRequestMessage, callbacks: AsyncCallbacks): AsyncHandle | null {
    const exchange = new Exchange(message, callbacks);
    const stream = this.open(clusterName, exchange, { timeoutMs: message.timeoutMs, retryBufferLimitBytes: 0 });
    if (stream === null) return null;
    exchange.start(stream);
    return exchange;
  }
}

/** A request that is sent whole, and a response that is held until it is whole. */
class Exchange implements AsyncHandle, OwnRequestCallbacks {
  readonly #message: AsyncRequestMessage;
  readonly #callbacks: AsyncCallbacks;
  #stream: OwnRequest | null = null;
  #headers: HeaderMap | null = null;
  #body: ByteQueue | null = null;

  constructor(message: AsyncRequestMessage, callbacks: AsyncCallbacks) {
    this.#message = message;
    this.#callbacks = callbacks;
  }

  start(stream: OwnRequest): void {
    this.#stream = stream;
    const { headers, body, trailers } = this.#message;
    if (body.length > 0) headers.set("content-length", String(body.length));
    stream.start(headers, body.length === 0 && trailers === null);
    if (body.length > 0) {
      const data = new ByteQueue();
      data.push(body);
      stream.sendData(data, trailers === null);
    }
    if (trailers !== null) stream.sendTrailers(trailers);
  }

  cancel(): void {
    this.#stream?.reset();
  }

  // OwnRequestCallbacks

  onHeaders(headers: HeaderMap, end: boolean): void {
    this.#headers = headers;
    if (end) this.#complete(null);
  }

  onData(data: ByteQueue, end: boolean): void {
    const body = this.#body ??= new ByteQueue();
    data.moveTo(body);
    if (body.length > (this.#message.responseLimitBytes ?? DEFAULT_RESPONSE_LIMIT_BYTES)) {
      this.#stream!.reset();
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
