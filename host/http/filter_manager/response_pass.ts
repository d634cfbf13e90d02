// host/http/filter_manager/response_pass.ts: the response's way: last filter to first, then the codec.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/http/filter_manager.cc encodeHeaders, encodeData, encodeTrailers
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import { DataStatus, HeadersStatus, type LocalReply, TrailersStatus } from "../filter.ts";
import { FilterPass, type PassOwner, type PassSlot } from "./filter_pass.ts";
import type { FilterSlot } from "./filter_slot.ts";
import type { HeaderMap } from "../header_map.ts";

/** The answer in place of a response of which a filter has removed the status. */
const WITHOUT_STATUS: LocalReply = {
  status: 502,
  body: "missing required header: :status",
  details: "filter_removed_required_response_headers{missing_required_header:_:status}",
};

export class ResponsePass extends FilterPass<FilterSlot> {
  readonly #manager: PassOwner;
  readonly #slots: readonly FilterSlot[];
  protected override readonly first: number;
  protected override readonly beyond = -1;
  protected override readonly step = -1;
  /** Headers went to the codec: from here on the response can only be completed or cut. */
  delivered = false;

  constructor(manager: PassOwner, slots: readonly FilterSlot[]) {
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
