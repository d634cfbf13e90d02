// host/base/read_buffer.ts: large read buffers that are used again once nobody holds them.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/bytes.bench.ts
/**
 * A socket read into a fresh 64 KiB buffer costs more than the copy itself; reading into 256 KiB buffers
 * that go round is what makes a 1 MiB body cheaper than Envoy's. The rules that make it safe:
 *
 * - During the read callback the buffer is `current`: bytes in it are *lent* to whoever is called.
 * - A connection that queues lent bytes for writing holds the buffer until the write is done.
 * - Whoever keeps lent bytes longer (`ByteQueue.push`) gets a copy, or pins the buffer for good: a pinned
 *   buffer is never used again, the garbage collector takes it. A copy of most of a buffer would only be the
 *   second of two.
 *
 * Forgetting to give a buffer back therefore costs memory traffic, never correctness.
 *
 * @module
 */
import { allocUnsafe, allocUnsafeSlow } from "./bytes.ts";

export const READ_BUFFER_BYTES: number = 256 * 1024;
/** Lent bytes up to this many, and up to half of their buffer, are copied when kept; more pin the buffer instead. */
const COPY_LIMIT_BYTES = 64 * 1024;
const MAX_IDLE = 16;

/** A buffer that sockets read into: one of the pool, or a small one of a connection's own. */
export class ReadBuffer {
  readonly bytes: Uint8Array;
  readonly #pooled: boolean;
  #holds = 0;
  #pinned = false;
  #idle = false;

  constructor(sizeBytes: number = READ_BUFFER_BYTES, pooled: boolean = true) {
    // A backing store of its own: `lender` knows a buffer by it.
    // No Buffer, whose `slice` is a view: who keeps bytes by `slice` gets a copy.
    this.bytes = new Uint8Array(allocUnsafeSlow(sizeBytes).buffer);
    this.#pooled = pooled;
  }

  /** True while its bytes may still be read by somebody: it must not be read into again. */
  get inUse(): boolean {
    return this.#holds > 0 || this.#pinned;
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

  /** Marks the start of the read callback that lends this buffer's bytes. */
  lend(): void {
    this.#idle = false;
    current = this;
  }

  /** Marks its end; the buffer goes back to the pool unless held or pinned. */
  endLend(): void {
    current = null;
    if (this.#holds === 0) this.#recycle();
  }

  #recycle(): void {
    if (!this.#pooled || this.#pinned || this.#idle || idle.length >= MAX_IDLE) return;
    this.#idle = true;
    idle.push(this);
  }
}

const idle: ReadBuffer[] = [];
let current: ReadBuffer | null = null;

/** A buffer nobody holds. */
export function takeReadBuffer(): ReadBuffer {
  const buffer = idle.pop();
  return buffer ?? new ReadBuffer();
}

/** The buffer that `bytes` are lent from right now, or null when they may be kept as they are. */
export function lender(bytes: Uint8Array): ReadBuffer | null {
  return current !== null && bytes.buffer === current.bytes.buffer ? current : null;
}

/** Bytes that may be kept: `bytes` themselves, or a copy when they are lent. */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const from = lender(bytes);
  if (from === null) return bytes;
  if (bytes.length > COPY_LIMIT_BYTES || bytes.length * 2 > from.bytes.length) {
    from.pin();
    return bytes;
  }
  const copy = allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
