// host/http/filter_manager/filter_pass.ts: one message's way through the filters: continue, stop, hold, resume.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Request and response travel by the same rules, in opposite order; only who is called differs. A filter
 * that stops gets a `HeldMessage`, which says what waits at it; a stream in which nobody stops allocates
 * none.
 *
 * Two kinds of stop: after `StopIteration` (and every body stop) the filter has seen what is held, and
 * resuming passes it to the *next* filter; after `StopAll…` it has not, and resuming passes the headers to
 * the next filter, then what came meanwhile to *this* one first.
 *
 * @see Envoy: source/common/http/filter_manager.h ActiveStreamFilterBase
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { DataStatus, HeadersStatus, type LocalReply, TrailersStatus } from "../filter.ts";
import type { FilterManagerCallbacks } from "./filter_manager_callbacks.ts";
import type { HeaderMap } from "../header_map.ts";

/** What waits at a filter that stopped. */
export class HeldMessage {
  stopped = false;
  /** The filter has not seen what is held (`StopAll…`). */
  unseen = false;
  /** Above the limit the peer is paused; otherwise the message fails. */
  watermark = false;
  headers = false;
  /** The headers were the whole message. */
  headersEnd = false;
  body: ByteQueue = new ByteQueue();
  /** The end of the message came with the held body. */
  end = false;
  trailers = false;
  /** The sender was told to pause on behalf of this filter. */
  pausedSender = false;
}

/** What a pass knows of a filter's place: the held message, and whether the filter is being called now. */
export interface PassSlot {
  held: HeldMessage | null;
  calling: boolean;
  /** `continue…` was called from inside the callback that is running. */
  continueAsked: boolean;
}

/** The filter manager, as the two passes need it. */
export interface PassOwner {
  readonly callbacks: FilterManagerCallbacks;
  /** Marks the start of a filter callback. */
  enter(place: PassSlot): void;
  /** Marks its end; a reply that it asked for is made now. */
  leave(place: PassSlot): void;
  sendLocalReply(reply: LocalReply): void;
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** No filter's index, nor the one after the last. */
const NO_TRAILERS = -2;

export abstract class FilterPass<Slot> {
  headers: HeaderMap | null = null;
  trailers: HeaderMap | null = null;
  /** Nothing goes on in this direction any more: the stream is over or a local reply took over. */
  closed = false;
  /** The last part of the message came in. */
  ended = false;
  /** Bytes that may be held at one filter. */
  abstract readonly limitBytes: number;

  /** The first slot, the one after the last, and the way between them. */
  protected abstract readonly first: number;
  protected abstract readonly beyond: number;
  protected abstract readonly step: number;
  protected abstract slotAt(index: number): Slot;
  protected abstract passSlot(slot: Slot): PassSlot;
  protected abstract callHeaders(slot: Slot, headers: HeaderMap, end: boolean): HeadersStatus;
  protected abstract callBody(slot: Slot, body: ByteQueue, end: boolean): DataStatus;
  protected abstract callTrailers(slot: Slot, trailers: HeaderMap): TrailersStatus;
  /** All filters let it pass. */
  protected abstract deliverHeaders(headers: HeaderMap, end: boolean): void;
  protected abstract deliverBody(body: ByteQueue, end: boolean): void;
  protected abstract deliverTrailers(trailers: HeaderMap): void;
  /** Tells the sender of this message to pause, or to go on. */
  protected abstract pauseSender(pause: boolean): void;
  /** More is held than may be, and the filter asked for all of it. */
  protected abstract onBufferLimit(): void;

  startHeaders(headers: HeaderMap, end: boolean): void {
    this.headers = headers;
    this.ended = end;
    this.#headersFrom(this.first, end);
  }

  startBody(body: ByteQueue, end: boolean): void {
    if (end) this.ended = true;
    if (this.closed) body.clear();
    else this.#bodyFrom(this.first, body, end);
  }

  startTrailers(trailers: HeaderMap): void {
    this.ended = true;
    if (this.closed) return;
    this.trailers = trailers;
    this.#trailersFrom(this.first);
  }

  /** `continue…` of the filter at `index`. */
  resume(index: number): void {
    if (this.closed) return;
    const place = this.passSlot(this.slotAt(index));
    if (place.calling) {
      place.continueAsked = true;
      return;
    }
    if (place.held !== null && place.held.stopped) this.#resume(index, place.held);
  }

  /** Drops what is held, and lets the sender go on so that its end is noticed. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (let i = this.first; i !== this.beyond; i += this.step) {
      const held = this.passSlot(this.slotAt(i)).held;
      if (held === null) continue;
      held.body.clear();
      this.#unpause(held);
    }
  }

  /** Bytes that wait at filters. */
  get heldBytes(): number {
    let bytes = 0;
    for (let i = this.first; i !== this.beyond; i += this.step) {
      bytes += this.passSlot(this.slotAt(i)).held?.body.length ?? 0;
    }
    return bytes;
  }

  #headersFrom(index: number, end: boolean): void {
    const headers = this.headers!;
    for (let i = index; i !== this.beyond; i += this.step) {
      const slot = this.slotAt(i);
      const status = this.callHeaders(slot, headers, end);
      if (this.closed) return;
      if (status === HeadersStatus.Continue) continue;
      const place = this.passSlot(slot);
      if (place.continueAsked) {
        place.continueAsked = false;
        continue;
      }
      const held = place.held ??= new HeldMessage();
      held.stopped = true;
      held.headers = true;
      held.headersEnd = end;
      held.unseen = status !== HeadersStatus.StopIteration;
      held.watermark = status === HeadersStatus.StopAllIterationAndWatermark;
      return;
    }
    this.deliverHeaders(headers, end);
  }

  #bodyFrom(index: number, data: ByteQueue, dataEnd: boolean): void {
    let end = dataEnd;
    // Where trailers begin that a filter made in its last body callback: at the one after it.
    let trailersFrom = NO_TRAILERS;
    for (let i = index; i !== this.beyond; i += this.step) {
      const slot = this.slotAt(i);
      const place = this.passSlot(slot);
      const held = place.held;
      if (held !== null && held.stopped && held.unseen) {
        data.moveTo(held.body);
        held.end = end;
        this.#checkLimit(held);
        this.#madeTrailers(trailersFrom);
        return;
      }
      let body = data;
      if (held !== null && held.stopped && held.body.length > 0) {
        data.moveTo(held.body);
        body = held.body;
      }
      const hadTrailers = this.trailers !== null;
      const status = this.callBody(slot, body, end);
      if (this.closed) {
        data.clear();
        return;
      }
      if (end && !hadTrailers && this.trailers !== null) {
        end = false;
        trailersFrom = i + this.step;
      }
      if (status === DataStatus.Continue || place.continueAsked) {
        place.continueAsked = false;
        if (held === null || !held.stopped) continue;
        if (body !== held.body) body.moveTo(held.body);
        held.end = end;
        this.#resume(i, held);
        this.#madeTrailers(trailersFrom);
        return;
      }
      const stopped = place.held ??= new HeldMessage();
      if (status === DataStatus.StopIterationNoBuffer) data.clear();
      else if (body !== stopped.body) body.moveTo(stopped.body);
      stopped.stopped = true;
      stopped.unseen = false;
      stopped.watermark = status !== DataStatus.StopIterationAndBuffer;
      stopped.end = end;
      this.#checkLimit(stopped);
      // Those that this filter made itself wait with its body; others are for it, too.
      if (trailersFrom === i + this.step) stopped.trailers = true;
      else this.#madeTrailers(trailersFrom);
      return;
    }
    this.deliverBody(data, end);
    this.#madeTrailers(trailersFrom);
  }

  #madeTrailers(index: number): void {
    if (index !== NO_TRAILERS && !this.closed) this.#trailersFrom(index);
  }

  #trailersFrom(index: number): void {
    const trailers = this.trailers!;
    for (let i = index; i !== this.beyond; i += this.step) {
      const slot = this.slotAt(i);
      const place = this.passSlot(slot);
      if (place.held !== null && place.held.stopped && place.held.unseen) {
        place.held.trailers = true;
        return;
      }
      const status = this.callTrailers(slot, trailers);
      if (this.closed) return;
      const held = place.held;
      if (status === TrailersStatus.Continue || place.continueAsked) {
        place.continueAsked = false;
        if (held === null || !held.stopped) continue;
        held.trailers = true;
        this.#resume(i, held);
        return;
      }
      const stopped = place.held ??= new HeldMessage();
      stopped.stopped = true;
      stopped.unseen = false;
      stopped.trailers = true;
      return;
    }
    this.deliverTrailers(trailers);
  }

  /** Passes on what waits at a filter, in the order headers, body, trailers. */
  #resume(index: number, held: HeldMessage): void {
    held.stopped = false;
    this.#unpause(held);
    if (held.headers) {
      held.headers = false;
      this.#headersFrom(index + this.step, held.headersEnd);
      if (this.closed || held.headersEnd) return;
    }
    const next = held.unseen ? index : index + this.step;
    if (held.body.length > 0 || held.end) {
      const body = held.body;
      const end = held.end;
      held.body = new ByteQueue();
      held.end = false;
      this.#bodyFrom(next, body, end);
      if (this.closed) return;
    }
    if (held.trailers) {
      held.trailers = false;
      this.#trailersFrom(next);
    }
  }

  #checkLimit(held: HeldMessage): void {
    const limit = this.limitBytes;
    if (limit === 0 || held.body.length <= limit) return;
    if (!held.watermark) {
      this.onBufferLimit();
    } else if (!held.pausedSender) {
      held.pausedSender = true;
      this.pauseSender(true);
    }
  }

  #unpause(held: HeldMessage): void {
    if (!held.pausedSender) return;
    held.pausedSender = false;
    this.pauseSender(false);
  }
}
