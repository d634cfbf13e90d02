// host/wasm/shared_store.ts: shared data and shared queues for all VMs of all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * Host functions on shared data are synchronous, and VMs run on several threads: so all of it lives in one
 * shared memory, where it is scoped by `vm_id` and each scope has a limit. One thread makes the store and
 * posts its `handle` to the others.
 *
 * A queue has one consumer, a plugin on some thread. Each message adds one to the queue's count of events
 * and wakes that thread, which then calls its plugin once for each event.
 *
 * @see Envoy: proxy-wasm-cpp-host src/shared_data.cc, src/shared_queue.cc
 * @module
 */
import { Status } from "../../abi/mod.ts";
import { fromUtf8 } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { QueueConsumer, SharedStorePort } from "./ports.ts";
import { createArenaMemory, SharedArena, USER_WORDS } from "./shared_arena.ts";

/** What another thread needs to take part; goes through `postMessage`. */
export interface SharedStoreHandle {
  readonly memory: SharedArrayBuffer | ArrayBuffer;
  readonly maxScopeBytes: number;
}

export interface SharedStoreOptions {
  /** Most bytes that the data and queues of one `vm_id` take. */
  readonly maxScopeBytes?: number;
  /** Most bytes of all of them. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_SCOPE_BYTES = 16 * 1024 * 1024;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

// Words of the arena's head.
const LAST_CAS = 0;
const BUCKETS = 1;
const BUCKET_COUNT = 2;
const ENTRY_COUNT = 3;
const SCOPES = 4;
const LAST_TOKEN = 5;
const LAST_THREAD = 6;
const WAKE = 16;
const MAX_THREADS = 512;
const DIRECTORY = WAKE + MAX_THREADS;
/** Queues of the process; a token's remainder is its place in the directory. */
const MAX_QUEUES = 1024;
const FIRST_BUCKET_COUNT = 256;

// Words of a scope, an entry, a queue, a message; bytes of names and values follow.
const SCOPE = { next: 0, references: 1, bytes: 2, nameSize: 3, name: 4 } as const;
const ENTRY = { next: 0, hash: 1, scope: 2, cas: 3, value: 4, keySize: 5, key: 6 } as const;
const QUEUE = { token: 0, scope: 1, consumer: 2, events: 3, first: 4, last: 5, nameSize: 6, name: 7 } as const;
const MESSAGE = { next: 0, size: 1, data: 2 } as const;

/** A thread's access to the store. */
export class SharedStore implements SharedStorePort {
  lastCas = 0;
  readonly #arena: SharedArena;
  readonly #maxScopeBytes: number;
  readonly #thread: number;
  /** Scopes that this thread's VMs keep alive. */
  readonly #scopes: Map<string, { pointer: number; count: number }> = new Map();
  readonly #consumers: Map<number, QueueConsumer> = new Map();
  readonly #deliveryTimer: Timer;
  #isListening = false;
  #isClosed = false;

  constructor(handle: SharedStoreHandle, clock: Clock) {
    this.#arena = new SharedArena(handle.memory, () => this.#reachable());
    this.#maxScopeBytes = handle.maxScopeBytes;
    this.#thread = 1 + (Atomics.add(this.#arena.words, this.#word(LAST_THREAD), 1) % (MAX_THREADS - 1));
    this.#deliveryTimer = clock.createTimer(() => this.#deliver());
  }

  /** A store with memory of its own. */
  static create(clock: Clock, options: SharedStoreOptions = {}): SharedStore {
    const memory = createArenaMemory(options.maxBytes ?? DEFAULT_MAX_BYTES);
    return new SharedStore({ memory, maxScopeBytes: options.maxScopeBytes ?? DEFAULT_MAX_SCOPE_BYTES }, clock);
  }

  get handle(): SharedStoreHandle {
    return { memory: this.#arena.memory, maxScopeBytes: this.#maxScopeBytes };
  }

  #word(user: number): number {
    return this.#arena.firstUserWord + user;
  }

  // --- Scopes ---

  retain(vmId: string): void {
    const known = this.#scopes.get(vmId);
    if (known !== undefined) {
      known.count++;
      return;
    }
    this.#arena.lock();
    const pointer = this.#findScope(fromUtf8(vmId)) || this.#addScope(fromUtf8(vmId));
    if (pointer !== 0) this.#arena.words[(pointer >> 2) + SCOPE.references]!++;
    this.#arena.unlock();
    if (pointer !== 0) this.#scopes.set(vmId, { pointer, count: 1 });
  }

  release(vmId: string): void {
    const known = this.#scopes.get(vmId);
    if (known === undefined || --known.count > 0) return;
    this.#scopes.delete(vmId);
    this.#arena.lock();
    if (--this.#arena.words[(known.pointer >> 2) + SCOPE.references]! === 0) this.#removeScope(known.pointer);
    this.#arena.unlock();
  }

  #findScope(name: Uint8Array): number {
    const { words } = this.#arena;
    for (let scope = words[this.#word(SCOPES)]!; scope !== 0; scope = words[(scope >> 2) + SCOPE.next]!) {
      if (this.#hasBytes(scope, SCOPE.nameSize, SCOPE.name, name)) return scope;
    }
    return 0;
  }

  #addScope(name: Uint8Array): number {
    const { words, bytes } = this.#arena;
    const pointer = this.#arena.allocate(SCOPE.name * 4 + name.length);
    if (pointer === 0) return 0;
    const word = pointer >> 2;
    words[word + SCOPE.next] = words[this.#word(SCOPES)]!;
    words[word + SCOPE.references] = 0;
    words[word + SCOPE.bytes] = 0;
    words[word + SCOPE.nameSize] = name.length;
    bytes.set(name, pointer + SCOPE.name * 4);
    words[this.#word(SCOPES)] = pointer;
    return pointer;
  }

  /** Deletes a scope with all that is in it. */
  #removeScope(scope: number): void {
    const { words } = this.#arena;
    const buckets = words[this.#word(BUCKETS)]!;
    for (let i = 0; i < words[this.#word(BUCKET_COUNT)]!; i++) {
      let link = (buckets >> 2) + i;
      for (let entry = words[link]!; entry !== 0; entry = words[link]!) {
        const word = entry >> 2;
        if (words[word + ENTRY.scope] !== scope) {
          link = word + ENTRY.next;
          continue;
        }
        words[link] = words[word + ENTRY.next]!;
        words[this.#word(ENTRY_COUNT)]!--;
        this.#arena.free(words[word + ENTRY.value]!);
        this.#arena.free(entry);
      }
    }
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = words[this.#word(DIRECTORY) + slot]!;
      if (queue === 0 || words[(queue >> 2) + QUEUE.scope] !== scope) continue;
      words[this.#word(DIRECTORY) + slot] = 0;
      while (this.#takeMessage(queue) !== null);
      this.#arena.free(queue);
    }
    let link = this.#word(SCOPES);
    while (words[link] !== scope) link = (words[link]! >> 2) + SCOPE.next;
    words[link] = words[(scope >> 2) + SCOPE.next]!;
    this.#arena.free(scope);
  }

  /** A block that counts for a scope; 0 when the scope or the memory is full. */
  #allocate(scope: number, size: number): number {
    const { words } = this.#arena;
    const used = (scope >> 2) + SCOPE.bytes;
    if (words[used]! + size > this.#maxScopeBytes) return 0;
    const pointer = this.#arena.allocate(size);
    if (pointer !== 0) words[used]! += this.#arena.sizeOf(pointer);
    return pointer;
  }

  #free(scope: number, pointer: number): void {
    this.#arena.words[(scope >> 2) + SCOPE.bytes]! -= this.#arena.sizeOf(pointer);
    this.#arena.free(pointer);
  }

  #hasBytes(pointer: number, sizeWord: number, dataWord: number, expected: Uint8Array): boolean {
    const { words, bytes } = this.#arena;
    if (words[(pointer >> 2) + sizeWord] !== expected.length) return false;
    const start = pointer + dataWord * 4;
    for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
    return true;
  }

  // --- Shared data ---

  get(vmId: string, key: Uint8Array): Uint8Array | null {
    const scope = this.#scopes.get(vmId)?.pointer;
    if (scope === undefined) return null;
    this.#arena.lock();
    const entry = this.#findEntry(scope, key, hashOf(scope, key));
    let value: Uint8Array | null = null;
    if (entry !== 0) {
      const { words, bytes } = this.#arena;
      const data = words[(entry >> 2) + ENTRY.value]!;
      value = bytes.slice(data + 4, data + 4 + words[data >> 2]!);
      this.lastCas = words[(entry >> 2) + ENTRY.cas]! >>> 0;
    }
    this.#arena.unlock();
    return value;
  }

  set(vmId: string, key: Uint8Array, value: Uint8Array, cas: number): Status {
    const scope = this.#scopes.get(vmId)?.pointer;
    if (scope === undefined) return Status.InternalFailure;
    this.#arena.lock();
    const status = this.#set(scope, key, value, cas);
    this.#arena.unlock();
    return status;
  }

  #set(scope: number, key: Uint8Array, value: Uint8Array, cas: number): Status {
    const { words, bytes } = this.#arena;
    const hash = hashOf(scope, key);
    let entry = this.#findEntry(scope, key, hash);
    if (entry !== 0 && cas !== 0 && words[(entry >> 2) + ENTRY.cas]! >>> 0 !== cas) return Status.CasMismatch;
    const data = this.#allocate(scope, 4 + value.length);
    if (data === 0) return Status.InternalFailure;
    words[data >> 2] = value.length;
    bytes.set(value, data + 4);
    const lastCas = this.#word(LAST_CAS);
    words[lastCas]!++;
    if (words[lastCas] === 0) words[lastCas] = 1;
    if (entry !== 0) {
      const word = entry >> 2;
      const old = words[word + ENTRY.value]!;
      words[word + ENTRY.value] = data;
      words[word + ENTRY.cas] = words[lastCas]!;
      this.#free(scope, old);
      return Status.Ok;
    }
    entry = this.#allocate(scope, ENTRY.key * 4 + key.length);
    if (entry === 0 || !this.#makeRoom()) {
      this.#free(scope, data);
      if (entry !== 0) this.#free(scope, entry);
      return Status.InternalFailure;
    }
    const word = entry >> 2;
    const bucket = this.#bucket(hash);
    words[word + ENTRY.next] = words[bucket]!;
    words[word + ENTRY.hash] = hash;
    words[word + ENTRY.scope] = scope;
    words[word + ENTRY.cas] = words[lastCas]!;
    words[word + ENTRY.value] = data;
    words[word + ENTRY.keySize] = key.length;
    bytes.set(key, entry + ENTRY.key * 4);
    words[bucket] = entry;
    words[this.#word(ENTRY_COUNT)]!++;
    return Status.Ok;
  }

  #bucket(hash: number): number {
    const { words } = this.#arena;
    return (words[this.#word(BUCKETS)]! >> 2) + (hash & (words[this.#word(BUCKET_COUNT)]! - 1));
  }

  #findEntry(scope: number, key: Uint8Array, hash: number): number {
    const { words } = this.#arena;
    if (words[this.#word(BUCKET_COUNT)] === 0) return 0;
    for (let entry = words[this.#bucket(hash)]!; entry !== 0; entry = words[(entry >> 2) + ENTRY.next]!) {
      const word = entry >> 2;
      if (words[word + ENTRY.hash] !== hash || words[word + ENTRY.scope] !== scope) continue;
      if (this.#hasBytes(entry, ENTRY.keySize, ENTRY.key, key)) return entry;
    }
    return 0;
  }

  /** Makes more buckets when there are more entries than buckets; false when there is no memory for the first. */
  #makeRoom(): boolean {
    const { words } = this.#arena;
    const count = words[this.#word(BUCKET_COUNT)]!;
    if (words[this.#word(ENTRY_COUNT)]! < count) return true;
    const newCount = count === 0 ? FIRST_BUCKET_COUNT : count * 2;
    const buckets = this.#arena.allocate(newCount * 4);
    if (buckets === 0) return count !== 0;
    words.fill(0, buckets >> 2, (buckets >> 2) + newCount);
    const old = words[this.#word(BUCKETS)]!;
    for (let i = 0; i < count; i++) {
      for (let entry = words[(old >> 2) + i]!; entry !== 0;) {
        const word = entry >> 2;
        const next = words[word + ENTRY.next]!;
        const bucket = (buckets >> 2) + (words[word + ENTRY.hash]! & (newCount - 1));
        words[word + ENTRY.next] = words[bucket]!;
        words[bucket] = entry;
        entry = next;
      }
    }
    words[this.#word(BUCKETS)] = buckets;
    words[this.#word(BUCKET_COUNT)] = newCount;
    if (old !== 0) this.#arena.free(old);
    return true;
  }

  // --- Shared queues ---

  registerQueue(vmId: string, name: Uint8Array, consumer: QueueConsumer): number {
    const scope = this.#scopes.get(vmId)?.pointer;
    if (scope === undefined) return 0;
    const { words } = this.#arena;
    this.#arena.lock();
    const queue = this.#findQueue(scope, name) || this.#addQueue(scope, name);
    let token = 0;
    if (queue !== 0) {
      token = words[(queue >> 2) + QUEUE.token]! >>> 0;
      words[(queue >> 2) + QUEUE.consumer] = this.#thread;
    }
    this.#arena.unlock();
    if (token !== 0) {
      this.#consumers.set(token, consumer);
      this.#listen();
    }
    return token;
  }

  resolveQueue(vmId: string, name: Uint8Array): number {
    this.#arena.lock();
    const scope = this.#scopes.get(vmId)?.pointer ?? this.#findScope(fromUtf8(vmId));
    const queue = scope === 0 ? 0 : this.#findQueue(scope, name);
    const token = queue === 0 ? 0 : this.#arena.words[(queue >> 2) + QUEUE.token]! >>> 0;
    this.#arena.unlock();
    return token;
  }

  enqueue(token: number, message: Uint8Array): Status {
    const { words } = this.#arena;
    this.#arena.lock();
    const queue = this.#queueOf(token);
    const added = queue !== 0 && this.#addMessage(queue, message);
    const consumer = added ? words[(queue >> 2) + QUEUE.consumer]! : 0;
    if (consumer !== 0) words[(queue >> 2) + QUEUE.events]!++;
    this.#arena.unlock();
    if (queue === 0) return Status.NotFound;
    if (!added) return Status.InternalFailure;
    if (consumer === this.#thread) {
      if (!this.#deliveryTimer.enabled) this.#deliveryTimer.enable(0);
    } else if (consumer !== 0) {
      this.#wake(consumer);
    }
    return Status.Ok;
  }

  dequeue(token: number): Uint8Array | Status {
    this.#arena.lock();
    const queue = this.#queueOf(token);
    const message = queue === 0 ? null : this.#takeMessage(queue);
    this.#arena.unlock();
    return queue === 0 ? Status.NotFound : message ?? Status.Empty;
  }

  removeConsumer(consumer: QueueConsumer): void {
    for (const [token, value] of this.#consumers) {
      if (value !== consumer) continue;
      this.#consumers.delete(token);
      this.#arena.lock();
      const queue = this.#queueOf(token);
      const word = (queue >> 2) + QUEUE.consumer;
      if (queue !== 0 && this.#arena.words[word] === this.#thread) this.#arena.words[word] = 0;
      this.#arena.unlock();
    }
  }

  #queueOf(token: number): number {
    const { words } = this.#arena;
    const queue = words[this.#word(DIRECTORY) + token % MAX_QUEUES]!;
    return queue !== 0 && words[(queue >> 2) + QUEUE.token]! >>> 0 === token ? queue : 0;
  }

  #findQueue(scope: number, name: Uint8Array): number {
    const { words } = this.#arena;
    const directory = this.#word(DIRECTORY);
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = words[directory + slot]!;
      if (queue === 0 || words[(queue >> 2) + QUEUE.scope] !== scope) continue;
      if (this.#hasBytes(queue, QUEUE.nameSize, QUEUE.name, name)) return queue;
    }
    return 0;
  }

  #addQueue(scope: number, name: Uint8Array): number {
    const { words, bytes } = this.#arena;
    const directory = this.#word(DIRECTORY);
    let token = words[this.#word(LAST_TOKEN)]! >>> 0;
    let tries = 0;
    do {
      token = (token + 1) >>> 0 || 1;
      if (tries++ === MAX_QUEUES) return 0;
    } while (words[directory + token % MAX_QUEUES] !== 0);
    const queue = this.#allocate(scope, QUEUE.name * 4 + name.length);
    if (queue === 0) return 0;
    words[this.#word(LAST_TOKEN)] = token;
    const word = queue >> 2;
    words.fill(0, word, word + QUEUE.name);
    words[word + QUEUE.token] = token;
    words[word + QUEUE.scope] = scope;
    words[word + QUEUE.nameSize] = name.length;
    bytes.set(name, queue + QUEUE.name * 4);
    words[directory + token % MAX_QUEUES] = queue;
    return queue;
  }

  #addMessage(queue: number, data: Uint8Array): boolean {
    const { words, bytes } = this.#arena;
    const word = queue >> 2;
    const message = this.#allocate(words[word + QUEUE.scope]!, MESSAGE.data * 4 + data.length);
    if (message === 0) return false;
    words[(message >> 2) + MESSAGE.next] = 0;
    words[(message >> 2) + MESSAGE.size] = data.length;
    bytes.set(data, message + MESSAGE.data * 4);
    const last = words[word + QUEUE.last]!;
    if (words[word + QUEUE.first] === 0) words[word + QUEUE.first] = message;
    else words[(last >> 2) + MESSAGE.next] = message;
    words[word + QUEUE.last] = message;
    return true;
  }

  #takeMessage(queue: number): Uint8Array | null {
    const { words, bytes } = this.#arena;
    const word = queue >> 2;
    const message = words[word + QUEUE.first]!;
    if (message === 0) return null;
    words[word + QUEUE.first] = words[(message >> 2) + MESSAGE.next]!;
    const start = message + MESSAGE.data * 4;
    const data = bytes.slice(start, start + words[(message >> 2) + MESSAGE.size]!);
    this.#free(words[word + QUEUE.scope]!, message);
    return data;
  }

  // --- Waking consumers ---

  #wake(thread: number): void {
    const index = this.#word(WAKE) + thread;
    Atomics.add(this.#arena.words, index, 1);
    Atomics.notify(this.#arena.words, index);
  }

  /** Waits, without blocking, until another thread has a message for one of this thread's plugins. */
  #listen(): void {
    const { words, memory } = this.#arena;
    if (this.#isListening || this.#isClosed || memory instanceof ArrayBuffer) return;
    this.#isListening = true;
    const index = this.#word(WAKE) + this.#thread;
    const seen = Atomics.load(words, index);
    const waiting = Atomics.waitAsync(words as Int32Array<SharedArrayBuffer>, index, seen);
    const onWake = (): void => {
      this.#isListening = false;
      if (this.#isClosed) return;
      this.#listen();
      this.#deliver();
    };
    if (waiting.async) void waiting.value.then(onWake);
    else onWake();
    // What came between the last delivery and the start of the wait.
    if (!this.#deliveryTimer.enabled) this.#deliveryTimer.enable(0);
  }

  /** Calls this thread's consumers once for each event; runs from the event loop only. */
  #deliver(): void {
    const { words } = this.#arena;
    for (const [token, consumer] of [...this.#consumers]) {
      this.#arena.lock();
      const queue = this.#queueOf(token);
      const word = (queue >> 2) + QUEUE.events;
      let events = 0;
      if (queue !== 0 && words[(queue >> 2) + QUEUE.consumer] === this.#thread) {
        events = words[word]!;
        words[word] = 0;
      }
      this.#arena.unlock();
      for (; events > 0 && this.#consumers.get(token) === consumer; events--) consumer.onQueueReady(token);
    }
  }

  /** Ends this thread's part: no consumer is called any more. */
  close(): void {
    this.#isClosed = true;
    this.#deliveryTimer.disable();
    for (const consumer of new Set(this.#consumers.values())) this.removeConsumer(consumer);
    for (const vmId of [...this.#scopes.keys()]) {
      this.#scopes.get(vmId)!.count = 1;
      this.release(vmId);
    }
    this.#wake(this.#thread);
  }

  // --- Facts and repair ---

  /** Bytes that the data and queues of a `vm_id` take. */
  scopeBytes(vmId: string): number {
    const scope = this.#scopes.get(vmId)?.pointer;
    return scope === undefined ? 0 : this.#arena.words[(scope >> 2) + SCOPE.bytes]!;
  }

  /** Every block in use, with the scopes' byte counts made right on the way. */
  *#reachable(): Generator<number> {
    const { words } = this.#arena;
    for (let scope = words[this.#word(SCOPES)]!; scope !== 0; scope = words[(scope >> 2) + SCOPE.next]!) {
      words[(scope >> 2) + SCOPE.bytes] = 0;
      yield scope;
    }
    const count = (scope: number, pointer: number): number => {
      words[(scope >> 2) + SCOPE.bytes]! += this.#arena.sizeOf(pointer);
      return pointer;
    };
    const buckets = words[this.#word(BUCKETS)]!;
    if (buckets !== 0) yield buckets;
    let entries = 0;
    for (let i = 0; buckets !== 0 && i < words[this.#word(BUCKET_COUNT)]!; i++) {
      for (let entry = words[(buckets >> 2) + i]!; entry !== 0; entry = words[(entry >> 2) + ENTRY.next]!) {
        const word = entry >> 2;
        entries++;
        yield count(words[word + ENTRY.scope]!, entry);
        yield count(words[word + ENTRY.scope]!, words[word + ENTRY.value]!);
      }
    }
    words[this.#word(ENTRY_COUNT)] = entries;
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = words[this.#word(DIRECTORY) + slot]!;
      if (queue === 0) continue;
      const scope = words[(queue >> 2) + QUEUE.scope]!;
      yield count(scope, queue);
      let last = 0;
      for (let message = words[(queue >> 2) + QUEUE.first]!; message !== 0;) {
        yield count(scope, message);
        last = message;
        message = words[(message >> 2) + MESSAGE.next]!;
      }
      words[(queue >> 2) + QUEUE.last] = last;
    }
  }
}

/** FNV-1a over the key, begun with the scope, spread over the low bits. */
function hashOf(scope: number, key: Uint8Array): number {
  let hash = 0x811c9dc5 ^ scope;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

// The head must hold the directory.
const HEAD_WORDS: number = DIRECTORY + MAX_QUEUES;
if (HEAD_WORDS > USER_WORDS) throw new Error("the shared arena's head is too small");
