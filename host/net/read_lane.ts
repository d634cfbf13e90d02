// host/net/read_lane.ts: reads of a socket, into buffers that are used again.
// hot: runs per read; see bench/micro/connection.bench.ts
/**
 * Without a buffer to read into the runtime makes a new one for every read, and the collector pays. A
 * connection reads into a small buffer of its own; while reads fill it, which is how large bodies show,
 * it reads into large ones that go round among all connections. One that stops reading goes back to a small
 * one: how long it waits is up to its peer.
 *
 * @module
 */
import { READ_BUFFER_BYTES, ReadBuffer, takeReadBuffer } from "../base/read_buffer.ts";
import type { ReadTarget } from "./socket.ts";

/** Enough for the heads and small bodies of most reads; four memory pages are cheap for an idle connection. */
export const SMALL_READ_BYTES: number = 16 * 1024;

/** Takes the bytes of each read, lent for the call; false stops reading. */
export interface ByteReceiver {
  onBytes(bytes: Uint8Array): boolean;
}

export class ReadLane implements ReadTarget {
  #small: ReadBuffer | null = null;
  #buffer: ReadBuffer | null = null;
  #receiver: ByteReceiver | null = null;
  #reading = false;
  #closed = false;

  attach(receiver: ByteReceiver): void {
    this.#receiver = receiver;
  }

  nextBuffer(): Uint8Array {
    return (this.#buffer ??= this.#takeSmall()).bytes;
  }

  onRead(length: number): boolean {
    const buffer = this.#buffer;
    const receiver = this.#receiver;
    if (buffer === null || receiver === null || this.#closed) return true;
    this.#reading = true;
    let goesOn = false;
    buffer.lend();
    try {
      goesOn = receiver.onBytes(buffer.bytes.subarray(0, length));
      return goesOn;
    } finally {
      buffer.endLend();
      this.#reading = false;
      if (!this.#closed) this.#buffer = this.#choose(buffer, goesOn ? length : 0);
    }
  }

  /** No more reads come; a large buffer goes to whoever needs one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver = null;
    this.#small = null;
    const buffer = this.#buffer;
    // Inside a read the end of the loan gives the buffer back.
    if (this.#reading || buffer === null) return;
    buffer.hold();
    buffer.release();
  }

  /** The buffer after a read of `length` bytes into `last`. */
  #choose(last: ReadBuffer, length: number): ReadBuffer {
    const large = last.bytes.length === READ_BUFFER_BYTES;
    if (length === last.bytes.length || (large && length > SMALL_READ_BYTES)) return takeReadBuffer();
    return large ? this.#takeSmall() : last.inUse ? this.#newSmall() : last;
  }

  #takeSmall(): ReadBuffer {
    const small = this.#small;
    return small === null || small.inUse ? this.#newSmall() : small;
  }

  #newSmall(): ReadBuffer {
    return this.#small = new ReadBuffer(SMALL_READ_BYTES, false);
  }
}
