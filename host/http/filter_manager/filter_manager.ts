// host/http/filter_manager/filter_manager.ts: runs a stream's filters, both ways, and the replies that they make.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * One per stream. It knows no sockets and no codec: what is below it is a `FilterManagerCallbacks`.
 *
 * Promises: a stream is answered at most once; after `destroy` no filter is called but for its own
 * `onDestroy`; a local reply asked for inside a callback is made when that callback has returned.
 *
 * @see Envoy: source/common/http/filter_manager.h
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import type { DownstreamWatermarkCallbacks, HttpFilterFactory, LocalReply, OverrideHost } from "../filter.ts";
import type { FilterManagerCallbacks } from "./filter_manager_callbacks.ts";
import type { PassOwner, PassSlot } from "./filter_pass.ts";
import { FilterSlot, type FilterSlotOwner } from "./filter_slot.ts";
import type { HeaderMap } from "../header_map.ts";
import { isGrpcContentType, prepareLocalReply } from "../local_reply.ts";
import { RequestPass } from "./request_pass.ts";
import { ResponsePass } from "./response_pass.ts";

/** What makes a stream's filter. */
export interface FilterMaker {
  readonly create: HttpFilterFactory;
}

export class FilterManager implements FilterSlotOwner, PassOwner {
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

  /** Bytes of both messages that wait here, or in a filter. */
  get bufferedBytes(): number {
    let bytes = this.request.heldBytes + this.response.heldBytes;
    for (const { filter } of this.#slots) bytes += filter!.bufferedBytes ?? 0;
    return bytes;
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

  enter(place: PassSlot): void {
    place.calling = true;
    place.continueAsked = false;
    this.#depth++;
  }

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
