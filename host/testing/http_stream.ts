// host/testing/http_stream.ts: one request through a filter, driven by the test from both ends.
/**
 * Between the two ends run the proxy's own filter manager and the filter. The last filter of the chain, which
 * in a proxy is the router, hands what reaches it to the test, and takes the test's response.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { ByteQueue } from "../base/byte_queue.ts";
import { NuncioError } from "../base/error.ts";
import { FilterManager } from "../http/filter_manager/filter_manager.ts";
import type { FilterManagerCallbacks } from "../http/filter_manager/filter_manager_callbacks.ts";
import {
  DataStatus,
  HeadersStatus,
  type HttpFilter,
  type HttpFilterFactory,
  type TerminalFilterStream,
  TrailersStatus,
} from "../http/filter.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { Route } from "../http/route.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import { type BytesInit, type HeadersInit, Message, toHeaderMap, toQueue } from "./message.ts";

/** An answer that did not come from the upstream. */
export interface LocalAnswer {
  readonly status: number;
  /** `response_code_details`, as the filter gave them. */
  readonly details: string;
}

/** Stands where the router stands: the message that reaches it has reached the upstream. */
class TestUpstream implements HttpFilter {
  readonly #request: Message;

  constructor(request: Message) {
    this.#request = request;
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.#request.headers = headers;
    this.#request.forwarded = true;
    this.#request.ended = end;
    return HeadersStatus.StopIteration;
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    this.#request.take(body);
    this.#request.ended = end;
    return DataStatus.StopIterationNoBuffer;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    this.#request.trailers = trailers;
    this.#request.ended = true;
    return TrailersStatus.StopIteration;
  }
}

export class HttpStream implements FilterManagerCallbacks {
  readonly info: StreamInfo;
  readonly clock: Clock;
  readonly random = 0;
  readonly bufferLimitBytes: number;
  /** The request: on its way until `forwarded`, then what the upstream got. */
  readonly request: Message = new Message();
  /** The response: on its way until `forwarded`, then what the client got. */
  readonly response: Message = new Message();
  /** The answer of the filter, when it made one instead of the upstream. */
  local: LocalAnswer | null = null;
  /** Why the stream was reset; null when it was not. */
  reset: string | null = null;
  /** How often reading the request was stopped and not yet gone on with: above 0 the client must wait. */
  readDisabled = 0;
  readonly #manager: FilterManager;
  #upstream: TerminalFilterStream | null = null;
  #finished = false;

  /** For the harness: see `FilterHost.http`. */
  constructor(info: StreamInfo, clock: Clock, bufferLimitBytes: number, filter: HttpFilterFactory) {
    this.info = info;
    this.clock = clock;
    this.bufferLimitBytes = bufferLimitBytes;
    const upstream: HttpFilterFactory = (stream) => {
      this.#upstream = stream;
      return new TestUpstream(this.request);
    };
    this.#manager = new FilterManager(this, [{ create: filter }, { create: upstream }]);
  }

  // --- The client ---

  /** The client sends headers. `:method`, `:path`, `:authority` and `:scheme` are filled in when absent. */
  requestHeaders(init: HeadersInit, end = true): this {
    const headers = toHeaderMap(init);
    headers.method ??= "GET";
    headers.path ??= "/";
    headers.authority ??= "example.test";
    headers.scheme ??= "http";
    this.request.headers = headers;
    this.#manager.decodeHeaders(headers, end);
    return this;
  }

  /** The client sends a piece of the body. */
  requestBody(chunk: BytesInit, end = true): this {
    this.#manager.decodeData(toQueue(chunk), end);
    return this;
  }

  /** The client ends the request with trailers. */
  requestTrailers(trailers: HeadersInit): this {
    this.#manager.decodeTrailers(toHeaderMap(trailers));
    return this;
  }

  /** The request has not reached the upstream and nobody has answered it. */
  get requestHeld(): boolean {
    return this.request.headers !== null && !this.request.forwarded && !this.#manager.hasLocalReply &&
      this.reset === null;
  }

  // --- The upstream ---

  /**
   * The upstream answers. `:status` is 200 unless given.
   * @throws testing/no-request when the request has not reached the upstream
   */
  responseHeaders(init: HeadersInit = {}, end = false): this {
    if (!this.request.forwarded) {
      throw new NuncioError("testing/no-request", "the request has not reached the upstream, which cannot answer it");
    }
    const headers = toHeaderMap(init);
    if (headers.status === 0) headers.status = 200;
    this.response.headers = headers;
    this.#upstream!.encodeHeaders(headers, end);
    return this;
  }

  /** The upstream sends a piece of the body. */
  responseBody(chunk: BytesInit, end = true): this {
    this.#upstream!.encodeData(toQueue(chunk), end);
    return this;
  }

  /** The upstream ends the response with trailers. */
  responseTrailers(trailers: HeadersInit): this {
    this.#upstream!.encodeTrailers(toHeaderMap(trailers));
    return this;
  }

  /** The response came and has not reached the client. */
  get responseHeld(): boolean {
    return this.response.headers !== null && !this.response.forwarded && this.reset === null;
  }

  /** The stream is over: the filter gets its last callbacks. May come at any time, as a client may go away. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#manager.onDone();
    this.#manager.onLog();
    this.#manager.destroy();
  }

  // --- What the filter manager asks for ---

  route(): Route | null {
    return null;
  }

  clearRouteCache(): void {}

  encode1xxHeaders(_headers: HeaderMap): void {}

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.local !== null) this.response.clear();
    this.response.headers = headers;
    this.response.forwarded = true;
    this.response.ended = end;
    this.info.responseCode = headers.status;
  }

  encodeData(data: ByteQueue, end: boolean): void {
    this.response.take(data);
    this.response.ended = end;
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.response.trailers = trailers;
    this.response.ended = true;
  }

  rewriteLocalReply(_headers: HeaderMap, status: number): null {
    this.local = { status, details: this.info.responseCodeDetails };
    return null;
  }

  resetStream(details: string): void {
    this.reset = details;
  }

  readDisable(disable: boolean): void {
    this.readDisabled += disable ? 1 : -1;
  }
}
