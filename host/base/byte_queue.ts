// host/base/byte_queue.ts: an ordered run of byte chunks that is edited without copying.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/bytes.bench.ts
/**
 * The buffer type of the data plane: bodies, L4 data and held bytes. Chunks are never copied on the way
 * through; `push` makes lent bytes safe to keep, `lend` does not and is for one synchronous pass.
 *
 * @see Envoy: envoy/buffer/buffer.h
 * @module
 */
import { concatBytes, EMPTY_BYTES } from "./bytes.ts";
import { keepBytes } from "./read_buffer.ts";

const NONE: Uint8Array[] = [];

/**
 * Bytes in order, in chunks.
 *
 * @example Edit in the middle
 * ```ts
 * import { ByteQueue } from "./byte_queue.ts";
 * const queue = new ByteQueue();
 * queue.push(new TextEncoder().encode("hello world"));
 * queue.splice(0, 5, new TextEncoder().encode("good bye"));
 * console.assert(new TextDecoder().decode(queue.toBytes()) === "good bye world");
 * ```
 */
export class ByteQueue {
  /** `NONE` when empty: most queues are, most of the time. */
  #chunks: Uint8Array[] = NONE;
  /** Bytes held. */
  length = 0;

  /** Appends bytes that stay valid: lent ones are copied or pinned (see `read_buffer.ts`). */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#append(keepBytes(bytes));
  }

  /** Appends bytes for the current synchronous pass only; the caller empties the queue before it returns. */
  lend(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#append(bytes);
  }

  #append(bytes: Uint8Array): void {
    if (this.#chunks.length === 0) this.#chunks = [bytes];
    else this.#chunks.push(bytes);
    this.length += bytes.length;
  }

  /** Puts bytes in front. */
  prepend(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#chunks.length === 0) this.#chunks = [keepBytes(bytes)];
    else this.#chunks.unshift(keepBytes(bytes));
    this.length += bytes.length;
  }

  /** Takes the first chunk out; `null` when empty. */
  shift(): Uint8Array | null {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return null;
    this.length -= chunk.length;
    return chunk;
  }

  /** Number of chunks, for callers that walk them by `chunkAt`. */
  get chunkCount(): number {
    return this.#chunks.length;
  }

  chunkAt(index: number): Uint8Array {
    return this.#chunks[index]!;
  }

  /** Forgets all bytes. */
  clear(): void {
    this.#chunks = NONE;
    this.length = 0;
  }

  /** Removes up to `count` bytes from the front. */
  drain(count: number): void {
    if (count >= this.length) return this.clear();
    let left = count;
    while (left > 0) {
      const chunk = this.#chunks[0]!;
      if (chunk.length > left) {
        this.#chunks[0] = chunk.subarray(left);
        break;
      }
      left -= chunk.length;
      this.#chunks.shift();
    }
    this.length -= count;
  }

  /** Moves everything to the end of `target`, which may keep it. */
  moveTo(target: ByteQueue): void {
    for (const chunk of this.#chunks) target.push(chunk);
    this.clear();
  }

  /** Makes lent bytes safe to keep, in place. */
  keep(): void {
    for (let i = 0; i < this.#chunks.length; i++) this.#chunks[i] = keepBytes(this.#chunks[i]!);
  }

  /** All bytes as one array; the queue keeps them. Joins the chunks, so a second call copies nothing. */
  toBytes(): Uint8Array {
    if (this.#chunks.length === 0) return EMPTY_BYTES;
    if (this.#chunks.length > 1) this.#chunks = [concatBytes(this.#chunks, this.length)];
    return this.#chunks[0]!;
  }

  /** Copies bytes `start` to `end` into `target` at `offset`; the range must lie inside the queue. */
  copyTo(target: Uint8Array, offset: number, start: number, end: number): void {
    let position = 0;
    let out = offset;
    for (const chunk of this.#chunks) {
      if (position >= end) return;
      const from = Math.max(0, start - position);
      const to = Math.min(chunk.length, end - position);
      if (from < to) {
        target.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), out);
        out += to - from;
      }
      position += chunk.length;
    }
  }

  /** Replaces `deleteCount` bytes at `start` by `bytes`; both are clamped to what is there. */
  splice(start: number, deleteCount: number, bytes: Uint8Array): void {
    const from = Math.min(start, this.length);
    const to = Math.min(this.length, from + deleteCount);
    const chunks: Uint8Array[] = [];
    let position = 0;
    let inserted = bytes.length === 0;
    for (const chunk of this.#chunks) {
      const end = position + chunk.length;
      if (position < from) chunks.push(chunk.subarray(0, Math.min(chunk.length, from - position)));
      if (!inserted && end >= from) {
        chunks.push(keepBytes(bytes));
        inserted = true;
      }
      if (end > to) chunks.push(chunk.subarray(Math.max(0, to - position)));
      position = end;
    }
    if (!inserted) chunks.push(keepBytes(bytes));
    this.#chunks = chunks.filter((chunk) => chunk.length > 0);
    this.length += bytes.length - (to - from);
  }
}
