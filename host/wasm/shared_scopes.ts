// host/wasm/shared_scopes.ts: the parts of shared memory that belong to each vm_id.
// pure: no I/O, no clock, no runtime globals
/**
 * A scope counts the VMs that use it and the bytes of its blocks. All methods are for the holder of the
 * arena's lock.
 *
 * @module
 */
import type { SharedLimits } from "./ports.ts";
import type { SharedArena } from "./shared_arena.ts";

/** Threads that can wait for messages, and queues that can be, at once. */
export const MAX_THREADS = 512;
export const MAX_QUEUES = 1024;

/**
 * Words of the arena's head, see `SharedScopes.head`. After `wake` one for each thread, after `directory` one for each
 * queue.
 */
export const HEAD = {
  lastCas: 0,
  buckets: 1,
  bucketCount: 2,
  entryCount: 3,
  scopes: 4,
  lastToken: 5,
  lastThread: 6,
  wake: 16,
  directory: 528,
  end: 1552,
} as const;

// Words of a scope; the name follows. Of what is limited, what there is and what there may be.
const SCOPE = {
  next: 0,
  references: 1,
  bytes: 2,
  maxBytes: 3,
  keys: 4,
  maxKeys: 5,
  queues: 6,
  maxQueues: 7,
  messages: 8,
  maxMessages: 9,
  nameSize: 10,
  name: 11,
} as const;

const MAX_INT32 = 0x7fffffff;

/** What a scope counts besides bytes, by the word that has the count; the limit is in the next one. */
export const COUNTED: { readonly keys: Counted; readonly queues: Counted; readonly messages: Counted } = {
  keys: SCOPE.keys,
  queues: SCOPE.queues,
  messages: SCOPE.messages,
};
export type Counted = 4 | 6 | 8;

export class SharedScopes {
  readonly arena: SharedArena;

  constructor(arena: SharedArena) {
    this.arena = arena;
  }

  /** The index of a word of the head. */
  head(word: number): number {
    return this.arena.firstUserWord + word;
  }

  /** The scope's block, or 0. */
  find(name: Uint8Array): number {
    const { words } = this.arena;
    for (let scope = words[this.head(HEAD.scopes)]!; scope !== 0; scope = words[(scope >> 2) + SCOPE.next]!) {
      if (this.hasBytes(scope, SCOPE.nameSize, SCOPE.name, name)) return scope;
    }
    return 0;
  }

  /** One user more of a scope, which is made when there is none; 0 when memory is full. */
  retain(name: Uint8Array): number {
    const scope = this.find(name) || this.#add(name);
    if (scope !== 0) this.arena.words[(scope >> 2) + SCOPE.references]!++;
    return scope;
  }

  /** One user less; true when it was the last: the caller empties the scope and removes it. */
  release(scope: number): boolean {
    return --this.arena.words[(scope >> 2) + SCOPE.references]! === 0;
  }

  #add(name: Uint8Array): number {
    const scope = this.arena.allocate(SCOPE.name * 4 + name.length);
    if (scope === 0) return 0;
    const { words, bytes } = this.arena;
    const word = scope >> 2;
    words.fill(0, word, word + SCOPE.name);
    words[word + SCOPE.nameSize] = name.length;
    bytes.set(name, scope + SCOPE.name * 4);
    words[word + SCOPE.next] = words[this.head(HEAD.scopes)]!;
    words[this.head(HEAD.scopes)] = scope;
    return scope;
  }

  setLimits(scope: number, limits: SharedLimits): void {
    const { words } = this.arena;
    const word = scope >> 2;
    words[word + SCOPE.maxBytes] = Math.min(limits.maxSharedBytes, MAX_INT32);
    words[word + SCOPE.maxKeys] = Math.min(limits.maxSharedKeys, MAX_INT32);
    words[word + SCOPE.maxQueues] = Math.min(limits.maxQueues, MAX_INT32);
    words[word + SCOPE.maxMessages] = Math.min(limits.maxQueuedMessages, MAX_INT32);
  }

  /** Whether a scope may have one more. */
  hasRoom(scope: number, what: Counted): boolean {
    const word = (scope >> 2) + what;
    return this.arena.words[word]! < this.arena.words[word + 1]!;
  }

  add(scope: number, what: Counted, delta: number): void {
    this.arena.words[(scope >> 2) + what]! += delta;
  }

  remove(scope: number): void {
    const { words } = this.arena;
    let link = this.head(HEAD.scopes);
    while (words[link] !== scope) link = (words[link]! >> 2) + SCOPE.next;
    words[link] = words[(scope >> 2) + SCOPE.next]!;
    this.arena.free(scope);
  }

  /** A block that counts for a scope; 0 when the scope or the memory is full. */
  allocate(scope: number, size: number): number {
    const used = (scope >> 2) + SCOPE.bytes;
    if (this.arena.words[used]! + size > this.arena.words[used + 1]!) return 0;
    const pointer = this.arena.allocate(size);
    if (pointer !== 0) this.arena.words[used]! += this.arena.sizeOf(pointer);
    return pointer;
  }

  free(scope: number, pointer: number): void {
    this.arena.words[(scope >> 2) + SCOPE.bytes]! -= this.arena.sizeOf(pointer);
    this.arena.free(pointer);
  }

  bytesOf(scope: number): number {
    return this.arena.words[(scope >> 2) + SCOPE.bytes]!;
  }

  /** Whether a block's name or key, with its size in one word and its bytes from another on, is this one. */
  hasBytes(pointer: number, sizeWord: number, dataWord: number, expected: Uint8Array): boolean {
    const { words, bytes } = this.arena;
    if (words[(pointer >> 2) + sizeWord] !== expected.length) return false;
    const start = pointer + dataWord * 4;
    for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
    return true;
  }

  /** All scopes, for a repair; their bytes are counted anew by `count`. */
  *reachable(): Generator<number> {
    const { words } = this.arena;
    for (let scope = words[this.head(HEAD.scopes)]!; scope !== 0; scope = words[(scope >> 2) + SCOPE.next]!) {
      for (const word of [SCOPE.bytes, SCOPE.keys, SCOPE.queues, SCOPE.messages]) words[(scope >> 2) + word] = 0;
      yield scope;
    }
  }

  count(scope: number, pointer: number): number {
    this.arena.words[(scope >> 2) + SCOPE.bytes]! += this.arena.sizeOf(pointer);
    return pointer;
  }
}
