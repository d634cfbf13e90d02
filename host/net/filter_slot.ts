// host/net/filter_slot.ts: one network filter's place in a chain.
/**
 * What the filter may do (`NetworkFilterStream`), and what it holds.
 *
 * @module
 */
import { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import type { Connection } from "./connection_port.ts";
import { type CloseType, type NetworkFilter, type NetworkFilterStream, type PeerType, StreamStatus } from "./filter.ts";

/** What a filter's place needs of its chain. */
export interface ChainSteps {
  readonly connection: Connection;
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** Bytes that filters may hold in each direction before the source is paused; 0: no limit. */
  limitBytes: number;
  continueDown(index: number): void;
  continueUp(index: number): void;
  passUp(from: number, data: ByteQueue, end: boolean): void;
  notifyUpstreamClose(by: PeerType): void;
}

export interface WatermarkCallbacks {
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

const NO_FILTER: NetworkFilter = {};

export class FilterSlot implements NetworkFilterStream {
  readonly #chain: ChainSteps;
  readonly #index: number;
  filter: NetworkFilter = NO_FILTER;
  started = false;
  /** Has stopped a new connection and waits for `continueReading`, whatever comes. */
  holdsConnection = false;
  downHeld: ByteQueue = new ByteQueue();
  downEnd = false;
  upHeld: ByteQueue = new ByteQueue();
  upEnd = false;
  watermarks: WatermarkCallbacks | null = null;
  #inDownCall = false;
  #inUpCall = false;
  /** `continue…` was called inside the call that then returned StopIteration. */
  #continuedDown = false;
  #continuedUp = false;

  constructor(chain: ChainSteps, index: number) {
    this.#chain = chain;
    this.#index = index;
  }

  get info(): StreamInfo {
    return this.#chain.info;
  }

  get clock(): Clock {
    return this.#chain.clock;
  }

  continueReading(): void {
    if (this.#inDownCall) this.#continuedDown = true;
    else this.#chain.continueDown(this.#index);
  }

  continueWriting(): void {
    if (this.#inUpCall) this.#continuedUp = true;
    else this.#chain.continueUp(this.#index);
  }

  close(type: CloseType, details: string): void {
    this.#chain.connection.close(type, details);
  }

  write(data: ByteQueue, end: boolean): void {
    this.#chain.passUp(this.#index - 1, data, end);
  }

  readDisable(disable: boolean): void {
    this.#chain.connection.readDisable(disable);
  }

  setWatermarkCallbacks(callbacks: WatermarkCallbacks | null): void {
    this.watermarks = callbacks;
  }

  notifyUpstreamClose(by: PeerType): void {
    this.#chain.notifyUpstreamClose(by);
  }

  /** Calls `onNewConnection`; true when the filter stops. */
  callStart(): boolean {
    if (this.filter.onNewConnection === undefined) return false;
    this.#inDownCall = true;
    this.#continuedDown = false;
    const status = this.filter.onNewConnection();
    this.#inDownCall = false;
    return status === StreamStatus.StopIteration && !this.#continuedDown;
  }

  /** Calls `onDownstreamData`; true when the filter stops. */
  callDown(bytes: ByteQueue, end: boolean): boolean {
    if (this.filter.onDownstreamData === undefined) return false;
    this.#inDownCall = true;
    this.#continuedDown = false;
    const status = this.filter.onDownstreamData(bytes, end);
    this.#inDownCall = false;
    return status === StreamStatus.StopIteration && !this.#continuedDown;
  }

  /** Calls `onUpstreamData`; true when the filter stops. */
  callUp(bytes: ByteQueue, end: boolean): boolean {
    this.#inUpCall = true;
    this.#continuedUp = false;
    const status = this.filter.onUpstreamData!(bytes, end);
    this.#inUpCall = false;
    return status === StreamStatus.StopIteration && !this.#continuedUp;
  }

  holdDown(bytes: ByteQueue, end: boolean): void {
    if (bytes !== this.downHeld) bytes.moveTo(this.downHeld);
    this.downEnd ||= end;
  }

  takeDown(): ByteQueue {
    const held = this.downHeld;
    this.downHeld = new ByteQueue();
    this.downEnd = false;
    return held;
  }

  holdUp(bytes: ByteQueue, end: boolean): void {
    if (bytes !== this.upHeld) bytes.moveTo(this.upHeld);
    this.upEnd ||= end;
  }

  takeUp(): ByteQueue {
    const held = this.upHeld;
    this.upHeld = new ByteQueue();
    this.upEnd = false;
    return held;
  }
}
