// host/net/read_lane.ts: reads of a dialled socket, into large buffers that go round.
// hot: runs per read; see bench/micro/connection.bench.ts
/**
 * @module
 */
import { type ReadBuffer, takeReadBuffer } from "../base/read_buffer.ts";
import type { ReadTarget } from "./socket.ts";

/** Takes the bytes of each read, lent for the call. */
export interface ByteReceiver {
  onBytes(bytes: Uint8Array): void;
}

export class ReadLane implements ReadTarget {
  #buffer: ReadBuffer = takeReadBuffer();
  #receiver: ByteReceiver | null = null;
  #reading = false;
  #closed = false;

  attach(receiver: ByteReceiver): void {
    this.#receiver = receiver;
  }

  nextBuffer(): Uint8Array {
    return this.#buffer.bytes;
  }

  onRead(length: number): void {
    const buffer = this.#buffer;
    const receiver = this.#receiver;
    if (receiver === null || this.#closed) return;
    this.#reading = true;
    buffer.lend();
    try {
      receiver.onBytes(buffer.bytes.subarray(0, length));
    } finally {
      buffer.endLend();
      this.#reading = false;
      if (!this.#closed) this.#buffer = takeReadBuffer();
    }
  }

  /** No more reads come; the buffer goes to whoever needs one. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#receiver = null;
    // Inside a read the end of the loan gives the buffer back.
    if (this.#reading) return;
    this.#buffer.hold();
    this.#buffer.release();
  }
}
