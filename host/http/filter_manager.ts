// host/http/filter_manager.ts: runs a stream's filters, both ways, and the replies that they make.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * One per stream. It knows no sockets and no codec: what is below it is a `FilterManagerCallbacks`, which
 * the connection manager, the authors' test harness and the middleware adapters each implement.
 *
 * Promises: a stream is answered at most once; after `destroy` no filter is called but for its own
 * `onDestroy`; a local reply asked for inside a callback is made when that callback has returned.
 *
 * @see Envoy: source/common/http/filter_manager.h
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import {
  DataStatus,
  type DownstreamWatermarkCallbacks,
  HeadersStatus,
  type HttpFilter,
  type HttpFilterFactory,
  type LocalReply,
  type OverrideHost,
  type TerminalFilterStream,
  TrailersStatus,
  type UpstreamStream,
} from "./filter.ts";
import { FilterPass, type PassSlot } from "./filter_pass.ts";
import { HeaderMap } from "./header_map.ts";
import { isGrpcContentType, prepareLocalReply, type ReplyRewriter } from "./local_reply.ts";
import type { Route } from "./route.ts";

/** What a stream's owner does for its filter manager. */
export interface FilterManagerCallbacks extends ReplyRewriter {
  readonly info: StreamInfo;
  readonly clock: Clock;
  readonly bufferLimitBytes: number;
  /** Of requests, where it is another one. */
  readonly requestBufferLimitBytes?: number;
  route(): Route | null;
  clearRouteCache(): void;
  /** The response, after all filters. */
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, end: boolean): void;
  encodeData(data: ByteQueue, end: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Ends the stream without, or in the middle of, a response. */
  resetStream(details: string): void;
  /** Stops or goes on reading the request. */
  readDisable(disable: boolean): void;
  /** Begins the stream anew; absent where that cannot be. */
  recreateStream?(response: HeaderMap, body: ByteQueue | null): boolean;
  /** Takes local replies that are not to pass these filters: theirs is only a part of the way. */
  answer?(reply: LocalReply): void;
  /** The attempt that these filters belong to; absent for those of a listener. */
  readonly upstream?: UpstreamStream;
}

/** What makes a stream's filter. */
export interface FilterMaker {
  readonly create: HttpFilterFactory;
}

/** One filter's place in one stream: what the filter is given. */
class FilterSlot implements TerminalFilterStream {
  filter: HttpFilter | null = null;
  readonly request: PassSlot = { held: null, calling: false, continueAsked: false };
  readonly response: PassSlot = { held: null, calling: false, continueAsked: false };
  readonly #manager: FilterManager;
  readonly #index: number;

  constructor(manager: FilterManager, index: number) {
    this.#manager = manager;
    this.#index = index;
  }

  get info(): StreamInfo {
    return this.#manager.callbacks.info;
  }

  get clock(): Clock {
    return this.#manager.callbacks.clock;
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

/** The request's way: first filter to last; the last, the router, takes it. */
class RequestPass extends FilterPass<FilterSlot> {
  readonly #manager: FilterManager;
  readonly #slots: readonly FilterSlot[];
  protected override readonly first = 0;
  protected override readonly beyond: number;
  protected override readonly step = 1;

  constructor(manager: FilterManager, slots: readonly FilterSlot[]) {
    super();
    this.#manager = manager;
    this.#slots = slots;
    this.beyond = slots.length;
  }

  override get limitBytes(): number {
    const { callbacks } = this.#manager;
    return callbacks.requestBufferLimitBytes ?? callbacks.bufferLimitBytes;
  }

  protected override slotAt(index: number): FilterSlot {
    return this.#slots[index]!;
  }

  protected override passSlot(slot: FilterSlot): PassSlot {
    return slot.request;
  }

  protected override callHeaders(slot: FilterSlot, headers: HeaderMap, end: boolean): HeadersStatus {
    const filter = slot.filter!;
    if (filter.onRequestHeaders === undefined) return HeadersStatus.Continue;
    this.#manager.enter(slot.request);
    const status = filter.onRequestHeaders(headers, end);
    this.#manager.leave(slot.request);
    return status;
  }

  protected override callBody(slot: FilterSlot, body: ByteQueue, end: boolean): DataStatus {
    const filter = slot.filter!;
    if (filter.onRequestBody === undefined) return DataStatus.Continue;
    this.#manager.enter(slot.request);
    const status = filter.onRequestBody(body, end);
    this.#manager.leave(slot.request);
    return status;
  }

  protected override callTrailers(slot: FilterSlot, trailers: HeaderMap): TrailersStatus {
    const filter = slot.filter!;
    if (filter.onRequestTrailers === undefined) return TrailersStatus.Continue;
    this.#manager.enter(slot.request);
    const status = filter.onRequestTrailers(trailers);
    this.#manager.leave(slot.request);
    return status;
  }

  protected override deliverHeaders(): void {}

  protected override deliverBody(body: ByteQueue): void {
    body.clear();
  }

  protected override deliverTrailers(): void {}

  protected override pauseSender(pause: boolean): void {
    this.#manager.callbacks.readDisable(pause);
  }

  protected override onBufferLimit(): void {
    this.#manager.sendLocalReply({ status: 413, body: "Payload Too Large", details: "request_payload_too_large" });
  }
}

/** The response's way: last filter to first, then the codec. */
class ResponsePass extends FilterPass<FilterSlot> {
  readonly #manager: FilterManager;
  readonly #slots: readonly FilterSlot[];
  protected override readonly first: number;
  protected override readonly beyond = -1;
  protected override readonly step = -1;
  /** Headers went to the codec: from here on the response can only be completed or cut. */
  delivered = false;

  constructor(manager: FilterManager, slots: readonly FilterSlot[]) {
    super();
    this.#manager = manager;
    this.#slots = slots;
    this.first = slots.length - 1;
  }

  override get limitBytes(): number {
    return this.#manager.callbacks.bufferLimitBytes;
  }

  protected override slotAt(index: number): FilterSlot {
    return this.#slots[index]!;
  }

  protected override passSlot(slot: FilterSlot): PassSlot {
    return slot.response;
  }

  protected override callHeaders(slot: FilterSlot, headers: HeaderMap, end: boolean): HeadersStatus {
    const filter = slot.filter!;
    if (filter.onResponseHeaders === undefined) return HeadersStatus.Continue;
    this.#manager.enter(slot.response);
    const status = filter.onResponseHeaders(headers, end);
    this.#manager.leave(slot.response);
    return status;
  }

  protected override callBody(slot: FilterSlot, body: ByteQueue, end: boolean): DataStatus {
    const filter = slot.filter!;
    if (filter.onResponseBody === undefined) return DataStatus.Continue;
    this.#manager.enter(slot.response);
    const status = filter.onResponseBody(body, end);
    this.#manager.leave(slot.response);
    return status;
  }

  protected override callTrailers(slot: FilterSlot, trailers: HeaderMap): TrailersStatus {
    const filter = slot.filter!;
    if (filter.onResponseTrailers === undefined) return TrailersStatus.Continue;
    this.#manager.enter(slot.response);
    const status = filter.onResponseTrailers(trailers);
    this.#manager.leave(slot.response);
    return status;
  }

  protected override deliverHeaders(headers: HeaderMap, end: boolean): void {
    if (headers.status === 0) return this.#manager.sendLocalReply(WITHOUT_STATUS);
    this.delivered = true;
    this.#manager.callbacks.encodeHeaders(headers, end);
  }

  protected override deliverBody(body: ByteQueue, end: boolean): void {
    this.#manager.callbacks.encodeData(body, end);
  }

  protected override deliverTrailers(trailers: HeaderMap): void {
    this.#manager.callbacks.encodeTrailers(trailers);
  }

  protected override pauseSender(pause: boolean): void {
    if (pause) this.#manager.onAboveWriteBufferHighWatermark();
    else this.#manager.onBelowWriteBufferLowWatermark();
  }

  protected override onBufferLimit(): void {
    this.#manager.sendLocalReply({
      status: 500,
      body: "Internal Server Error",
      details: "response_payload_too_large",
    });
  }
}

export class FilterManager {
  readonly callbacks: FilterManagerCallbacks;
  readonly request: RequestPass;
  readonly response: ResponsePass;
  /** Set by a filter for the router. */
  upstreamOverrideHost: OverrideHost | null = null;
  readonly #slots: FilterSlot[];
  /** Filter callbacks running now, one inside the other. */
  #depth = 0;
  #pendingReply: LocalReply | null = null;
  #replied = false;
  #destroyed = false;
  #watermarks: DownstreamWatermarkCallbacks | null = null;
  #aboveHighWatermark = 0;

  constructor(callbacks: FilterManagerCallbacks, chain: readonly FilterMaker[]) {
    this.callbacks = callbacks;
    let count = 0;
    this.#slots = new Array<FilterSlot>(chain.length);
    for (let i = 0; i < chain.length; i++) {
      const slot = new FilterSlot(this, count);
      slot.filter = chain[i]!.create(slot);
      if (slot.filter !== null) this.#slots[count++] = slot;
    }
    this.#slots.length = count;
    this.request = new RequestPass(this, this.#slots);
    this.response = new ResponsePass(this, this.#slots);
  }

  decodeHeaders(headers: HeaderMap, end: boolean): void {
    this.request.startHeaders(headers, end);
  }

  decodeData(data: ByteQueue, end: boolean): void {
    if (end && data.length > 0 && this.requestEndsApart) {
      this.request.startBody(data, false);
      data.clear();
    }
    this.request.startBody(data, end);
  }

  decodeTrailers(trailers: HeaderMap): void {
    this.request.startTrailers(trailers);
  }

  /** Whether filters are told of the end of this request's body apart from its last bytes. */
  get requestEndsApart(): boolean {
    return this.#wantsEndApart("onRequestBody") && isHttp1(this.callbacks.info.protocol);
  }

  encode1xxHeaders(headers: HeaderMap): void {
    if (this.#replied || this.#destroyed || this.response.delivered) return;
    this.callbacks.encode1xxHeaders(headers);
  }

  /** The upstream's response; dropped when a local reply was made instead. */
  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (this.#replied || this.#destroyed) return;
    this.response.startHeaders(headers, end);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.#replied || this.#destroyed) return data.clear();
    if (
      end && data.length > 0 && this.#wantsEndApart("onResponseBody") && isHttp1(this.callbacks.info.upstream?.protocol)
    ) {
      this.response.startBody(data, false);
      data.clear();
      if (this.#replied || this.#destroyed) return;
    }
    this.response.startBody(data, end);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#replied || this.#destroyed) return;
    this.response.startTrailers(trailers);
  }

  /** True once the response began, be it upstream's or local. */
  get responseStarted(): boolean {
    return this.#replied || this.response.headers !== null;
  }

  /** True once a local reply was made or asked for. */
  get hasLocalReply(): boolean {
    return this.#replied;
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  /**
   * Answers in place of the upstream. A filter that fails while an earlier reply passes it replaces that
   * reply; one that asks twice in one callback is answered once.
   */
  sendLocalReply(reply: LocalReply): void {
    if (this.#destroyed || this.#pendingReply !== null) return;
    const elsewhere = this.callbacks.answer !== undefined;
    if (this.response.delivered && !elsewhere) {
      this.callbacks.info.responseCodeDetails = detailsToken(reply.details);
      this.resetStream(reply.details);
      return;
    }
    this.#replied = true;
    this.#pendingReply = reply;
    this.request.close();
    if (this.response.headers !== null || elsewhere) this.response.close();
    if (this.#depth === 0) this.#makeReply();
  }

  resetStream(details: string): void {
    if (this.#destroyed) return;
    this.request.close();
    this.response.close();
    this.callbacks.resetStream(details);
  }

  setWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks | null): void {
    this.#watermarks = callbacks;
    // A router that joins late must know how full the client's side is.
    for (let i = 0; callbacks !== null && i < this.#aboveHighWatermark; i++) {
      callbacks.onAboveWriteBufferHighWatermark();
    }
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#aboveHighWatermark++;
    this.#watermarks?.onAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#aboveHighWatermark--;
    this.#watermarks?.onBelowWriteBufferLowWatermark();
  }

  /** The stream is over: tells the filters, in their order, that it is done. */
  onDone(): void {
    for (const slot of this.#slots) slot.filter!.onDone?.();
  }

  /** The facts are complete. */
  onLog(): void {
    for (const slot of this.#slots) slot.filter!.onLog?.();
  }

  /** Ends every filter; from here on nothing that a filter asks for has an effect. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.request.close();
    this.response.close();
    this.#watermarks = null;
    for (const slot of this.#slots) slot.filter!.onDestroy?.();
  }

  /** Marks the start of a filter callback. */
  enter(place: PassSlot): void {
    place.calling = true;
    place.continueAsked = false;
    this.#depth++;
  }

  /** Marks its end; a reply that it asked for is made now. */
  leave(place: PassSlot): void {
    place.calling = false;
    if (--this.#depth === 0 && this.#pendingReply !== null) this.#makeReply();
  }

  /** Whether a filter before the terminal one wants to be told of a body's end apart from its last bytes. */
  #wantsEndApart(callback: "onRequestBody" | "onResponseBody"): boolean {
    const slots = this.#slots;
    for (let i = slots.length - 2; i >= 0; i--) {
      const filter = slots[i]!.filter!;
      if (filter.wantsEndApart === true && filter[callback] !== undefined) return true;
    }
    return false;
  }

  #makeReply(): void {
    if (this.callbacks.answer !== undefined) {
      const reply = this.#pendingReply!;
      this.#pendingReply = null;
      if (!this.#destroyed) this.callbacks.answer(reply);
      return;
    }
    const reply = this.#pendingReply!;
    this.#pendingReply = null;
    if (this.#destroyed) return;
    const request = this.request.headers;
    const isGrpc = request !== null && isGrpcContentType(request.get("content-type"));
    this.callbacks.info.responseCodeDetails = detailsToken(reply.details);
    const isHead = request !== null && request.method === "HEAD";
    const prepared = prepareLocalReply(reply, isGrpc, isHead, this.callbacks);
    const end = prepared.body.length === 0;
    // Filters that saw a response already must not see a second one begin: the reply goes past them.
    if (this.response.closed) {
      this.response.delivered = true;
      this.callbacks.encodeHeaders(prepared.headers, end);
      if (!end && !this.#destroyed) this.callbacks.encodeData(queueOf(prepared.body), true);
      return;
    }
    this.response.startHeaders(prepared.headers, end);
    if (!end && !this.#destroyed) this.response.startBody(queueOf(prepared.body), true);
  }
}

/** The answer in place of a response of which a filter has removed the status. */
const WITHOUT_STATUS: LocalReply = {
  status: 502,
  body: "missing required header: :status",
  details: "filter_removed_required_response_headers{missing_required_header:_:status}",
};

/** HTTP/1 says that a body ends only behind its last bytes. */
function isHttp1(protocol: string | undefined): boolean {
  return protocol !== undefined && protocol.startsWith("HTTP/1");
}

function queueOf(bytes: Uint8Array): ByteQueue {
  const queue = new ByteQueue();
  queue.push(bytes);
  return queue;
}

/** `response_code_details` is one word: white space becomes underscores. */
function detailsToken(details: string): string {
  return details.includes(" ") || details.includes("\t") || details.includes("\n")
    ? details.replace(/\s/g, "_")
    : details;
}
