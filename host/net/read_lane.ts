// host/net/read_lane.ts: reads of a socket, into buffers that are used again.
// hot: runs per read; see bench/micro/connection.bench.ts
/**
 * Without a buffer to read into the runtime makes a new one for every read, and the collector pays. All
 * connections of a thread read into one small buffer: the runtime fills it right before it tells of the
 * read, and who is told copies what it keeps, so an idle connection needs none of its own. While reads fill
 * it, which is how large bodies show, a connection reads into large ones that go round among all of them;
 * one that stops reading, or has read the last of a message, goes back to the small one: how long it waits is
 * up to its peer.
 *
 * @module
 */
import { ReadBuffer, takeReadBuffer } from "../base/read_buffer.ts";
import type { ReadTarget } from "./socket.ts";

/** Enough for the heads and small bodies of most reads. */
export const SMALL_READ_BYTES: number = 16 * 1024;

/** Takes the bytes of each read, lent for the call; false stops reading. */
export interface ByteReceiver {
  onBytes(bytes: Uint8Array): boolean;
  /** True when no more of a body is to come. */
  readonly betweenMessages?: boolean;
}

const small = new ReadBuffer(SMALL_READ_BYTES, true);

export class ReadLane implements ReadTarget {
  #buffer: ReadBuffer = small;
  #receiver: ByteReceiver | null = null;
  #reading = false;
  #closed = false;

  attach(receiver: ByteReceiver): void {
    this.#receiver = receiver;
  }

  nextBuffer(): Uint8Array {
    return this.#buffer.bytes;
  }

  onRead(length: number): boolean {
    const receiver = this.#receiver;
    if (receiver === null || this.#closed) return true;
    const buffer = this.#buffer;
    this.#reading = true;
    let goesOn = false;
    buffer.lend();
    try {
      goesOn = receiver.onBytes(buffer.bytes.subarray(0, length));
      return goesOn;
    } finally {
      buffer.endLend();
      this.#reading = false;
      if (!this.#closed) this.#buffer = goesOn ? bufferAfter(buffer, length, receiver) : small;
    }
  }

  /** No more reads come; a large buffer goes to whoever needs one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver = null;
    const buffer = this.#buffer;
    // Inside a read the end of the loan gives the buffer back.
    if (this.#reading || buffer.shared) return;
    buffer.hold();
    buffer.release();
  }
}

/** The buffer after a read of `length` bytes into `last`. */
function bufferAfter(last: ReadBuffer, length: number, receiver: ByteReceiver): ReadBuffer {
  const fills = last.shared ? length === SMALL_READ_BYTES : length > SMALL_READ_BYTES;
  return fills && receiver.betweenMessages !== true ? takeReadBuffer() : small;
}
