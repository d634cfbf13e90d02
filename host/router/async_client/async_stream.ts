// host/router/async_client/async_stream.ts: one stream that the proxy itself opens to a cluster.
// pure: no I/O, no clock, no runtime globals
/**
 * Goes through a router as clients' requests do, by a route that says nothing but the cluster: what the cluster
 * says of retries, hashing, mirrors and filters holds. What goes wrong before the response is the router's answer;
 * what breaks off later is a reset.
 *
 * @see Envoy: source/common/http/async_client_impl.cc AsyncStreamImpl
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { Clock } from "../../base/clock.ts";
import type { LocalReply, TerminalFilterStream } from "../../http/filter.ts";
import { HeaderMap } from "../../http/header_map.ts";
import { isGrpcContentType, prepareLocalReply } from "../../http/local_reply.ts";
import { type ConnectionInfo, StreamInfo } from "../../observe/stream_info.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { OwnRequest, OwnRequestCallbacks, OwnRequestOptions } from "./own_request.ts";
import { ownRoute } from "./own_route.ts";
import type { RouteEntry } from "../routes/route.ts";
import { Router } from "../router.ts";
import type { RouterConfig } from "../router_config.ts";

const TIMEOUT = "x-envoy-upstream-rq-timeout-ms";
const NOWHERE = { address: "", port: 0, text: "" };

/** In the place of a client's connection. */
const NO_CONNECTION: ConnectionInfo = {
  id: -1,
  localAddress: NOWHERE,
  directRemoteAddress: NOWHERE,
  remoteAddress: NOWHERE,
  requestedServerName: "",
  alpn: "",
  tls: null,
  terminationDetails: "",
  transportFailureReason: "",
};

export class AsyncStream implements OwnRequest, TerminalFilterStream {
  readonly info: StreamInfo;
  readonly clock: Clock;
  readonly bufferLimitBytes: number;
  readonly random: number;
  readonly mirrored: number;
  readonly bufferedRequestBody = null;
  readonly bufferedResponseBody = null;
  readonly upstreamOverrideHost = null;
  requestHeaders: HeaderMap | null = null;
  requestTrailers: HeaderMap | null = null;
  responseHeaders: HeaderMap | null = null;
  responseTrailers: HeaderMap | null = null;
  readonly #route: RouteEntry;
  readonly #router: Router;
  readonly #callbacks: OwnRequestCallbacks;
  readonly #timeoutMs: number;
  /** Whoever sends may be a guest that is still running, and filters may be of the same VM. */
  readonly #hasFilters: boolean;
  isOver = false;
  /** How often the upstream asked for a pause without taking it back. */
  #pauses = 0;

  constructor(
    cluster: Cluster,
    config: RouterConfig,
    callbacks: OwnRequestCallbacks,
    clock: Clock,
    options: OwnRequestOptions,
  ) {
    this.clock = clock;
    this.info = new StreamInfo(NO_CONNECTION, clock.nowMs(), clock.wallMs());
    this.random = cluster.random.uint32();
    this.bufferLimitBytes = options.retryBufferLimitBytes;
    this.mirrored = options.mirrored ?? 0;
    this.#timeoutMs = options.timeoutMs;
    this.#callbacks = callbacks;
    this.#route = ownRoute(cluster.name);
    this.#router = new Router(config, this);
    this.#hasFilters = cluster.httpFilters !== null;
  }

  // OwnRequest

  start(headers: HeaderMap, end: boolean): void {
    this.requestHeaders = headers;
    headers.set("x-envoy-internal", "true");
    if (!headers.has(TIMEOUT)) headers.set(TIMEOUT, String(Math.trunc(this.#timeoutMs)));
    this.#pass(() => this.#router.onRequestHeaders(headers, end));
  }

  sendData(data: ByteQueue, end: boolean): void {
    if (this.isOver) return data.clear();
    if (!this.#hasFilters) return void this.#router.onRequestBody(data, end);
    const kept = new ByteQueue();
    data.moveTo(kept);
    this.#pass(() => this.#router.onRequestBody(kept, end));
  }

  sendTrailers(trailers: HeaderMap): void {
    this.requestTrailers = trailers;
    this.#pass(() => this.#router.onRequestTrailers(trailers));
  }

  reset(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.#hasFilters) queueMicrotask(() => this.#router.onDestroy());
    else this.#router.onDestroy();
  }

  get hasRoom(): boolean {
    return this.#pauses <= 0;
  }

  #pass(step: () => void): void {
    if (this.isOver) return;
    if (!this.#hasFilters) return step();
    queueMicrotask(() => {
      if (!this.isOver) step();
    });
  }

  #end(): void {
    this.isOver = true;
    this.#router.onDestroy();
  }

  // TerminalFilterStream: what the router has for whoever sends.

  encode1xxHeaders(): void {}

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.isOver) return;
    this.responseHeaders = headers;
    if (end) this.#end();
    this.#callbacks.onHeaders(headers, end);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.isOver) return data.clear();
    if (end) this.#end();
    this.#callbacks.onData(data, end);
    data.clear();
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.isOver) return;
    this.#end();
    this.#callbacks.onTrailers(trailers);
  }

  sendLocalReply(reply: LocalReply): void {
    if (this.isOver) return;
    if (this.responseHeaders !== null) return this.resetStream();
    this.#end();
    const request = this.requestHeaders!;
    const isGrpc = isGrpcContentType(request.get("content-type"));
    const { headers, body } = prepareLocalReply(reply, isGrpc, request.method === "HEAD");
    this.#callbacks.onHeaders(headers, body.length === 0);
    if (body.length === 0) return;
    const data = new ByteQueue();
    data.push(body);
    this.#callbacks.onData(data, true);
  }

  resetStream(): void {
    if (this.isOver) return;
    this.#end();
    this.#callbacks.onReset();
  }

  readDisableDownstream(disable: boolean): void {
    this.#pauses += disable ? 1 : -1;
  }

  route(): RouteEntry {
    return this.#route;
  }

  /** There is no client to be redirected in the place of. */
  recreateStream(): boolean {
    return false;
  }

  addRequestTrailers(): HeaderMap {
    return this.requestTrailers ??= new HeaderMap();
  }

  addResponseTrailers(): HeaderMap {
    return this.responseTrailers ??= new HeaderMap();
  }

  // Whoever sends takes all that comes, and there is one route, and no filter before the router.
  setDownstreamWatermarkCallbacks(): void {}
  clearRouteCache(): void {}
  continueRequest(): void {}
  continueResponse(): void {}
  setUpstreamOverrideHost(): void {}
}
