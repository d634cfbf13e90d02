// host/wasm/shared_arena.ts: blocks of memory that all threads share, behind one lock.
// pure: no I/O, no clock, no runtime globals
/**
 * A growable SharedArrayBuffer holds a head (lock, counters, roots) and after it blocks, one after the
 * other. A block begins with its size (lowest bit: in use) and the size of the block before it, so that
 * neighbours are found and free ones joined; free blocks hang in lists by power of two.
 *
 * A worker can be terminated between any two instructions, also with the lock held. Whoever waits too long
 * takes the lock over and calls `repair`, which drops all that cannot be reached. So users publish a block
 * by one store, after it is complete, and take it out by one store, before it is freed.
 *
 * Without SharedArrayBuffer (a browser page that is not isolated) the memory is the thread's own.
 *
 * @module
 */

/** Words of the head that users may use, and where they begin. */
export const USER_WORDS = 2048;
export const LOCK = 0;
/** What `LOCK` holds, besides 0 (free), 1 (held) and 2 (held, and somebody waits), when a repair is due. */
export const ABANDONED = 3;
/** Where the blocks end. */
const TOP = 1;
/** Size of the last block. */
const LAST_SIZE = 2;
const BINS = 8;
const BIN_COUNT = 32;
const FIRST_USER_WORD: number = BINS + BIN_COUNT;
const FIRST_BLOCK: number = (FIRST_USER_WORD + USER_WORDS) * 4;

const HEADER_BYTES = 8;
const MIN_BLOCK_BYTES = 16;
const USED = 1;
const INITIAL_BYTES = 64 * 1024;

/** After so many waits of 50 ms the lock's holder is dead. */
const MAX_WAITS = 40;
const WAIT_MS = 50;
const SPINS = 200;

type Memory = SharedArrayBuffer | ArrayBuffer;

/** New memory that can grow to `maxBytes`. */
export function createArenaMemory(maxBytes: number): Memory {
  const options = { maxByteLength: Math.max(maxBytes, INITIAL_BYTES) };
  const memory = typeof SharedArrayBuffer === "undefined"
    ? new ArrayBuffer(INITIAL_BYTES, options)
    : new SharedArrayBuffer(INITIAL_BYTES, options);
  new Int32Array(memory)[TOP] = FIRST_BLOCK;
  return memory;
}

/** A thread's access to the memory. All methods but `lock` are for the lock's holder. */
export class SharedArena {
  readonly memory: Memory;
  /**
   * The memory as this thread knows it, up to the last block at least. Made anew when the memory grows, so
   * read them again after `lock` and `allocate`. (Views that grow by themselves cost 20 ns an access.)
   */
  words: Int32Array;
  bytes: Uint8Array;
  /** Index of user word 0. */
  readonly firstUserWord: number = FIRST_USER_WORD;
  readonly #repair: () => Iterable<number>;
  /**
   * Whether this thread has the lock. When an exception ends what its holder does, it must be given up by
   * `isHeld = false` and `ABANDONED` in word `LOCK`, without any call: the exception may well be that the
   * stack has overflowed, for guests may call host functions with hardly any left. What was begun may be half
   * done, so the next holder repairs.
   */
  isHeld = false;

  /** `reachable` gives every block in use, for a repair. */
  constructor(memory: Memory, reachable: () => Iterable<number>) {
    this.memory = memory;
    this.words = new Int32Array(memory, 0, memory.byteLength >> 2);
    this.bytes = new Uint8Array(memory, 0, memory.byteLength);
    this.#repair = reachable;
  }

  #refresh(): void {
    this.words = new Int32Array(this.memory, 0, this.memory.byteLength >> 2);
    this.bytes = new Uint8Array(this.memory, 0, this.memory.byteLength);
  }

  lock(): void {
    const isFree = this.#acquire();
    // Another thread has made the memory grow.
    if (this.words[TOP]! > this.bytes.length) this.#refresh();
    if (!isFree) this.#rebuild();
  }

  /** False when the lock had to be taken from a thread that is gone. */
  #acquire(): boolean {
    const { words } = this;
    let before = 1;
    for (let i = 0; i < SPINS && before !== ABANDONED; i++) {
      before = Atomics.compareExchange(words, LOCK, 0, 1);
      if (before === 0) return this.isHeld = true;
    }
    for (let waits = 0; waits < MAX_WAITS; waits++) {
      // 2 says that somebody waits.
      before = Atomics.exchange(words, LOCK, 2);
      if (before === 0) return this.isHeld = true;
      if (before === ABANDONED) break;
      wait(words, LOCK, 2, WAIT_MS);
    }
    this.isHeld = true;
    Atomics.store(words, LOCK, 2);
    return false;
  }

  unlock(): void {
    this.isHeld = false;
    if (Atomics.exchange(this.words, LOCK, 0) === 2) Atomics.notify(this.words, LOCK, 1);
  }

  /** A block for `size` bytes, or 0 when the memory cannot grow any more. Its contents are arbitrary. */
  allocate(size: number): number {
    const needed = Math.max(MIN_BLOCK_BYTES, (size + HEADER_BYTES + 7) & ~7);
    const block = this.#takeFree(needed) || this.#carve(needed);
    return block === 0 ? 0 : block + HEADER_BYTES;
  }

  /** Bytes that a block takes. */
  sizeOf(pointer: number): number {
    return this.words[(pointer - HEADER_BYTES) >> 2]! & ~USED;
  }

  free(pointer: number): void {
    const { words } = this;
    let block = pointer - HEADER_BYTES;
    let size = words[block >> 2]! & ~USED;
    const next = block + size;
    if (next < words[TOP]! && (words[next >> 2]! & USED) === 0) {
      this.#unlink(next);
      size += words[next >> 2]!;
    }
    const previousSize = words[(block >> 2) + 1]!;
    if (previousSize !== 0 && (words[(block - previousSize) >> 2]! & USED) === 0) {
      block -= previousSize;
      this.#unlink(block);
      size += previousSize;
    }
    if (block + size === words[TOP]!) {
      words[TOP] = block;
      words[LAST_SIZE] = words[(block >> 2) + 1]!;
      return;
    }
    this.#addFree(block, size);
  }

  #carve(size: number): number {
    const block = this.words[TOP]!;
    const end = block + size;
    if (end > this.bytes.length && !this.#grow(end)) return 0;
    const { words } = this;
    words[(block >> 2) + 1] = words[LAST_SIZE]!;
    words[block >> 2] = size | USED;
    words[LAST_SIZE] = size;
    words[TOP] = end;
    return block;
  }

  #grow(end: number): boolean {
    const { memory } = this;
    if (end > memory.maxByteLength) return false;
    const size = Math.min(memory.maxByteLength, Math.max(end, this.bytes.length * 2));
    if (memory.byteLength < size) {
      if (memory instanceof ArrayBuffer) memory.resize(size);
      else memory.grow(size);
    }
    this.#refresh();
    return true;
  }

  #takeFree(needed: number): number {
    const { words } = this;
    for (let bin = binOf(needed); bin < BIN_COUNT; bin++) {
      for (let block = words[BINS + bin]!; block !== 0; block = words[(block >> 2) + 2]!) {
        const size = words[block >> 2]!;
        if (size < needed) continue;
        this.#unlink(block);
        const rest = size - needed;
        if (rest >= MIN_BLOCK_BYTES) {
          words[(block + needed) >> 2] = rest;
          words[((block + needed) >> 2) + 1] = needed;
          words[block >> 2] = needed | USED;
          this.#addFree(block + needed, rest);
        } else {
          words[block >> 2] = size | USED;
        }
        return block;
      }
    }
    return 0;
  }

  #addFree(block: number, size: number): void {
    const { words } = this;
    const index = block >> 2;
    words[index] = size;
    // There is always a block after a free one: free space at the end is given back.
    words[((block + size) >> 2) + 1] = size;
    const bin = BINS + binOf(size);
    const first = words[bin]!;
    words[index + 2] = first;
    words[index + 3] = 0;
    if (first !== 0) words[(first >> 2) + 3] = block;
    words[bin] = block;
  }

  #unlink(block: number): void {
    const { words } = this;
    const index = block >> 2;
    const next = words[index + 2]!;
    const previous = words[index + 3]!;
    if (next !== 0) words[(next >> 2) + 3] = previous;
    if (previous !== 0) words[(previous >> 2) + 2] = next;
    else words[BINS + binOf(words[index]!)] = next;
  }

  /** Makes everything between the reachable blocks free. */
  #rebuild(): void {
    const { words } = this;
    const blocks = [...this.#repair()].map((pointer) => pointer - HEADER_BYTES).sort((a, b) => a - b);
    for (let bin = 0; bin < BIN_COUNT; bin++) words[BINS + bin] = 0;
    let position = FIRST_BLOCK;
    let previousSize = 0;
    for (const block of blocks) {
      const gap = block - position;
      if (gap > 0) {
        words[(position >> 2) + 1] = previousSize;
        this.#addFree(position, gap);
        previousSize = gap;
      }
      const size = words[block >> 2]! & ~USED;
      words[block >> 2] = size | USED;
      words[(block >> 2) + 1] = previousSize;
      previousSize = size;
      position = block + size;
    }
    words[TOP] = position;
    words[LAST_SIZE] = previousSize;
  }
}

function binOf(size: number): number {
  return 31 - Math.clz32(size);
}

/** Waits where waiting is allowed; browsers' main threads go round instead. */
function wait(words: Int32Array, index: number, value: number, ms: number): void {
  try {
    Atomics.wait(words as Int32Array<SharedArrayBuffer>, index, value, ms);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
