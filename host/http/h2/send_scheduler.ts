// host/http/h2/send_scheduler.ts: who may send how many body bytes, and in which turn.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk; see bench/micro/h2.bench.ts
/**
 * As long as windows and connection have room, bytes pass through at once. What they have no room for stays
 * with its stream; when room comes, streams send one frame each in turn, so that none waits for another's
 * whole body. Priorities are not looked at (RFC 9113 §5.3.2).
 *
 * @see RFC 9113 §5.2, §6.9
 * @module
 */
import { ByteQueue } from "../../base/byte_queue.ts";
import { DEFAULT_MAX_FRAME_SIZE, DEFAULT_WINDOW_SIZE } from "./frame.ts";
import type { FrameWriter } from "./frame_writer.ts";
import type { FloodGuard } from "./flood_guard.ts";

/** A stream as the scheduler knows it. */
export interface SendingStream {
  readonly id: number;
  /** What the peer has room for; below zero when it changed its mind. */
  sendWindow: number;
  /** Body bytes that wait. */
  readonly pending: ByteQueue;
  /** The message ends behind them. */
  readonly endsAfterPending: boolean;
  /** It stands in the queue. */
  isQueued: boolean;
  bodyBytesSent: number;
  bodyFramesSent: number;
  /** Bytes of `pending` went. At the end of the message the stream writes what ends it, if DATA did not. */
  onPendingSent(ended: boolean): void;
  /** Whether the last DATA frame ends the message (there are no trailers). */
  readonly endsWithData: boolean;
}

export class SendScheduler {
  /** Of the connection. */
  window: number = DEFAULT_WINDOW_SIZE;
  maxFrameSize: number = DEFAULT_MAX_FRAME_SIZE;
  /** Bytes that wait in all streams. */
  pendingBytes = 0;
  /** The connection has more than enough to write. */
  blocked = false;
  readonly #writer: FrameWriter;
  readonly #guard: FloodGuard;
  /** Streams with bytes that wait and a window of their own, next one first from `#next` on. */
  readonly #queue: SendingStream[] = [];
  #next = 0;
  #pumping = false;

  constructor(writer: FrameWriter, guard: FloodGuard) {
    this.#writer = writer;
    this.#guard = guard;
  }

  /**
   * Sends what can be sent now of `data`, all of it or less; nothing when others wait. True: it went whole, with
   * the end of the message if `end` says so.
   */
  send(stream: SendingStream, data: ByteQueue, end: boolean): boolean {
    if (data.length === 0) {
      // Nothing that a window or a turn is needed for.
      if (end) this.#frame(stream, data, 0, true);
      return true;
    }
    if (this.blocked || this.#next < this.#queue.length) return false;
    while (data.length > 0) {
      const length = Math.min(data.length, this.window, stream.sendWindow, this.maxFrameSize);
      if (length <= 0 || this.blocked) return false;
      this.#frame(stream, data, length, end && length === data.length);
    }
    return true;
  }

  /** Bytes of this stream wait, or its window grew. */
  enqueue(stream: SendingStream): void {
    if (stream.isQueued || stream.sendWindow <= 0 || stream.pending.length === 0) return;
    stream.isQueued = true;
    this.#queue.push(stream);
  }

  /** Sends what waits as far as there is room. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const queue = this.#queue;
    while (!this.blocked && this.#next < queue.length) {
      const stream = queue[this.#next]!;
      if (this.window <= 0) break;
      this.#next++;
      // A stream that was reset in the meantime is only taken out.
      if (stream.isQueued) this.#sendOne(stream);
      if (this.#next >= 64) {
        queue.splice(0, this.#next);
        this.#next = 0;
      }
    }
    if (this.#next === queue.length) {
      queue.length = 0;
      this.#next = 0;
    }
    this.#pumping = false;
  }

  /** The stream is over. */
  remove(stream: SendingStream): void {
    stream.isQueued = false;
    this.pendingBytes -= stream.pending.length;
    stream.pending.clear();
  }

  #sendOne(stream: SendingStream): void {
    stream.isQueued = false;
    const pending = stream.pending;
    const length = Math.min(pending.length, this.window, stream.sendWindow, this.maxFrameSize);
    if (length <= 0) return;
    const ended = stream.endsAfterPending && length === pending.length;
    this.pendingBytes -= length;
    this.#frame(stream, pending, length, ended && stream.endsWithData);
    this.enqueue(stream);
    stream.onPendingSent(ended);
  }

  #frame(stream: SendingStream, data: ByteQueue, length: number, end: boolean): void {
    this.window -= length;
    stream.sendWindow -= length;
    stream.bodyBytesSent += length;
    stream.bodyFramesSent++;
    this.#guard.dataFramesSent++;
    this.#writer.data(stream.id, data, length, end);
  }
}
