// host/base/read_buffer.ts: large read buffers that are used again once nobody holds them.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/bytes.bench.ts
/**
 * A socket read into a fresh 64 KiB buffer costs more than the copy itself; reading into 256 KiB buffers
 * that go round is what makes a 1 MiB body cheaper than Envoy's. The rules that make it safe:
 *
 * - During the read callback the buffer is `current`: bytes in it are *lent* to whoever is called.
 * - A connection that queues lent bytes for writing holds the buffer until the write is done; of a buffer
 *   that all connections share it takes a copy.
 * - Whoever keeps lent bytes longer (`ByteQueue.push`) gets a copy, or pins the buffer for good: a pinned
 *   buffer is never used again, the garbage collector takes it.
 *
 * Forgetting to give a buffer back therefore costs memory traffic, never correctness.
 *
 * @module
 */
import { allocUnsafe, allocUnsafeSlow } from "./bytes.ts";

export const READ_BUFFER_BYTES: number = 256 * 1024;
/** Lent bytes up to this many are copied when kept; more pin the buffer instead. */
const COPY_LIMIT_BYTES = 64 * 1024;
const MAX_IDLE = 16;

/** A buffer that sockets read into. */
export class ReadBuffer {
  readonly bytes: Uint8Array;
  /** Everybody reads into it: its bytes are gone when the read callback returns, and `hold` does not help. */
  readonly shared: boolean;
  #holds = 0;
  #pinned = false;
  #idle = false;

  constructor(sizeBytes: number = READ_BUFFER_BYTES, shared: boolean = false) {
    // A backing store of its own: `lender` knows a buffer by it.
    // No Buffer, whose `slice` is a view: who keeps bytes by `slice` gets a copy.
    this.bytes = new Uint8Array(allocUnsafeSlow(sizeBytes).buffer);
    this.shared = shared;
  }

  /** Keeps the buffer from being used again until `release`. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    if (--this.#holds === 0 && current !== this) this.#recycle();
  }

  /** Gives the buffer up to the garbage collector. */
  pin(): void {
    this.#pinned = true;
  }

  /** From here on it can go back. */
  leavePool(): void {
    this.#idle = false;
  }

  /** Marks the start of the read callback that lends this buffer's bytes. */
  lend(): void {
    current = this;
  }

  /** Marks its end; the buffer goes back to the pool unless held or pinned. */
  endLend(): void {
    current = null;
    if (this.#holds === 0) this.#recycle();
  }

  #recycle(): void {
    if (this.shared || this.#pinned || this.#idle || idle.length >= MAX_IDLE) return;
    this.#idle = true;
    idle.push(this);
  }
}

const idle: ReadBuffer[] = [];
let current: ReadBuffer | null = null;

/** A buffer nobody holds. */
export function takeReadBuffer(): ReadBuffer {
  const buffer = idle.pop();
  if (buffer === undefined) return new ReadBuffer();
  buffer.leavePool();
  return buffer;
}

/** The buffer that `bytes` are lent from right now, or null when they may be kept as they are. */
export function lender(bytes: Uint8Array): ReadBuffer | null {
  return current !== null && bytes.buffer === current.bytes.buffer ? current : null;
}

/** Bytes that may be kept: `bytes` themselves, or a copy when they are lent. */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const from = lender(bytes);
  if (from === null) return bytes;
  if (bytes.length > COPY_LIMIT_BYTES) {
    from.pin();
    return bytes;
  }
  const copy = allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
