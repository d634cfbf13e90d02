// host/http/filter_manager/filter_slot.ts: one filter's place in one stream: what the filter is given.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/http/filter_manager.h ActiveStreamFilterBase
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { Clock } from "../../base/clock.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type {
  DownstreamWatermarkCallbacks,
  HttpFilter,
  LocalReply,
  OverrideHost,
  TerminalFilterStream,
  UpstreamStream,
} from "../filter.ts";
import type { FilterManagerCallbacks } from "./filter_manager_callbacks.ts";
import type { FilterPass, PassSlot } from "./filter_pass.ts";
import { HeaderMap } from "../header_map.ts";
import type { Route } from "../route.ts";

/** The filter manager, as its filters reach it. */
export interface FilterSlotOwner {
  readonly callbacks: FilterManagerCallbacks;
  readonly request: FilterPass<FilterSlot>;
  readonly response: FilterPass<FilterSlot>;
  /** Set by a filter for the router. */
  upstreamOverrideHost: OverrideHost | null;
  sendLocalReply(reply: LocalReply): void;
  resetStream(details: string): void;
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, end: boolean): void;
  encodeData(data: ByteQueue, end: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  setWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks | null): void;
}

export class FilterSlot implements TerminalFilterStream {
  filter: HttpFilter | null = null;
  readonly request: PassSlot = { held: null, calling: false, continueAsked: false };
  readonly response: PassSlot = { held: null, calling: false, continueAsked: false };
  readonly #manager: FilterSlotOwner;
  readonly #index: number;

  constructor(manager: FilterSlotOwner, index: number) {
    this.#manager = manager;
    this.#index = index;
  }

  get info(): StreamInfo {
    return this.#manager.callbacks.info;
  }

  get clock(): Clock {
    return this.#manager.callbacks.clock;
  }

  noteWireBytes(): void {
    this.#manager.callbacks.noteWireBytes?.();
  }

  get random(): number {
    return this.#manager.callbacks.random;
  }

  get bufferLimitBytes(): number {
    return this.#manager.callbacks.bufferLimitBytes;
  }

  get requestHeaders(): HeaderMap | null {
    return this.#manager.request.headers;
  }

  get requestTrailers(): HeaderMap | null {
    return this.#manager.request.trailers;
  }

  get responseHeaders(): HeaderMap | null {
    return this.#manager.response.headers;
  }

  get responseTrailers(): HeaderMap | null {
    return this.#manager.response.trailers;
  }

  get bufferedRequestBody(): ByteQueue | null {
    return this.request.held !== null && this.request.held.stopped ? this.request.held.body : null;
  }

  get bufferedResponseBody(): ByteQueue | null {
    return this.response.held !== null && this.response.held.stopped ? this.response.held.body : null;
  }

  route(): Route | null {
    return this.#manager.callbacks.route();
  }

  clearRouteCache(): void {
    this.#manager.callbacks.clearRouteCache();
  }

  continueRequest(): void {
    this.#manager.request.resume(this.#index);
  }

  continueResponse(): void {
    this.#manager.response.resume(this.#index);
  }

  setUpstreamOverrideHost(host: OverrideHost): void {
    this.#manager.upstreamOverrideHost = host;
  }

  get upstreamOverrideHost(): OverrideHost | null {
    return this.#manager.upstreamOverrideHost;
  }

  sendLocalReply(reply: LocalReply): void {
    this.#manager.sendLocalReply(reply);
  }

  resetStream(details: string): void {
    this.#manager.resetStream(details);
  }

  addRequestTrailers(): HeaderMap {
    return this.#manager.request.trailers ??= new HeaderMap();
  }

  addResponseTrailers(): HeaderMap {
    return this.#manager.response.trailers ??= new HeaderMap();
  }

  encode1xxHeaders(headers: HeaderMap): void {
    this.#manager.encode1xxHeaders(headers);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    this.#manager.encodeHeaders(headers, end);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    this.#manager.encodeData(data, end);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.#manager.encodeTrailers(trailers);
  }

  recreateStream(response: HeaderMap, body: ByteQueue | null): boolean {
    return this.#manager.callbacks.recreateStream?.(response, body) ?? false;
  }

  readDisableDownstream(disable: boolean): void {
    this.#manager.callbacks.readDisable(disable);
  }

  setDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks | null): void {
    this.#manager.setWatermarkCallbacks(callbacks);
  }

  get upstream(): UpstreamStream | null {
    return this.#manager.callbacks.upstream ?? null;
  }
}
