// host/http/filter_manager/request_pass.ts: the request's way: first filter to last; the last, the router, takes it.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/http/filter_manager.cc decodeHeaders, decodeData, decodeTrailers
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import { DataStatus, HeadersStatus, TrailersStatus } from "../filter.ts";
import { FilterPass, type PassOwner, type PassSlot } from "./filter_pass.ts";
import type { FilterSlot } from "./filter_slot.ts";
import type { HeaderMap } from "../header_map.ts";

export class RequestPass extends FilterPass<FilterSlot> {
  readonly #manager: PassOwner;
  readonly #slots: readonly FilterSlot[];
  protected override readonly first = 0;
  protected override readonly beyond: number;
  protected override readonly step = 1;

  constructor(manager: PassOwner, slots: readonly FilterSlot[]) {
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
