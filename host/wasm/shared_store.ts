// host/wasm/shared_store.ts: shared data and shared queues for all VMs of all threads.
// pure: no I/O, no clock, no runtime globals
/**
 * Host functions on shared data are synchronous, and VMs run on several threads: so all of it lives in one
 * shared memory, where it is scoped by `vm_id` and each scope has a limit. One thread makes the store and
 * posts its `handle` to the others.
 *
 * What host functions call gives the lock up when an exception ends it: see `SharedArena.isHeld`.
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
import { DEFAULT_LIMITS } from "./limits.ts";
import type { QueueConsumer, SharedLimits, SharedStatus, SharedStorePort } from "./ports.ts";
import { ABANDONED, createArenaMemory, LOCK, SharedArena } from "./shared_arena.ts";
import { SharedData } from "./shared_data.ts";
import { SharedQueues } from "./shared_queues.ts";
import { HEAD, MAX_THREADS, SharedScopes } from "./shared_scopes.ts";

/** What another thread needs to take part; goes through `postMessage`. */
export interface SharedStoreHandle {
  readonly memory: SharedArrayBuffer | ArrayBuffer;
  readonly maxScopeBytes: number;
}

export interface SharedStoreOptions {
  /** Most bytes that the data and queues of one `vm_id` take, whatever its own limit is. */
  readonly maxScopeBytes?: number;
  /** Most bytes of all of them; 256 MiB unless given. Taken as they are needed. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** How often a consumer is called for one queue before something else gets its turn. */
const EVENTS_PER_TURN = 64;

/** A thread's access to the store. */
export class SharedStore implements SharedStorePort {
  readonly #arena: SharedArena;
  readonly #scopes: SharedScopes;
  readonly #data: SharedData;
  readonly #queues: SharedQueues;
  readonly #maxScopeBytes: number;
  /** 1 and up; 0 is nobody. */
  readonly #thread: number;
  /** Scopes that this thread's VMs keep alive. */
  readonly #retained: Map<string, { readonly scope: number; count: number }> = new Map();
  readonly #consumers: Map<number, QueueConsumer> = new Map();
  readonly #deliveryTimer: Timer;
  #isListening = false;
  #isClosed = false;

  /** Takes part in a store that another thread has made. */
  constructor(handle: SharedStoreHandle, clock: Clock) {
    this.#arena = new SharedArena(handle.memory, () => this.#reachable());
    this.#scopes = new SharedScopes(this.#arena);
    this.#data = new SharedData(this.#scopes);
    this.#queues = new SharedQueues(this.#scopes);
    this.#maxScopeBytes = handle.maxScopeBytes;
    const ordinal = Atomics.add(this.#arena.words, this.#scopes.head(HEAD.lastThread), 1);
    // Threads that came long ago are gone, as are the workers that they replaced.
    this.#thread = 1 + ordinal % (MAX_THREADS - 1);
    this.#deliveryTimer = clock.createTimer(() => this.#deliver());
  }

  /** A store with memory of its own. */
  static create(clock: Clock, options: SharedStoreOptions = {}): SharedStore {
    const memory = createArenaMemory(options.maxBytes ?? DEFAULT_MAX_BYTES);
    return new SharedStore({ memory, maxScopeBytes: options.maxScopeBytes ?? Infinity }, clock);
  }

  get handle(): SharedStoreHandle {
    return { memory: this.#arena.memory, maxScopeBytes: this.#maxScopeBytes };
  }

  get lastCas(): number {
    return this.#data.lastCas;
  }

  retain(vmId: string, limits: SharedLimits = DEFAULT_LIMITS): void {
    const known = this.#retained.get(vmId);
    this.#arena.lock();
    const scope = known?.scope ?? this.#scopes.retain(fromUtf8(vmId));
    if (scope !== 0) {
      const maxSharedBytes = Math.min(limits.maxSharedBytes, this.#maxScopeBytes);
      this.#scopes.setLimits(scope, { ...limits, maxSharedBytes });
    }
    this.#arena.unlock();
    if (known !== undefined) known.count++;
    else if (scope !== 0) this.#retained.set(vmId, { scope, count: 1 });
  }

  release(vmId: string): void {
    const known = this.#retained.get(vmId);
    if (known === undefined || --known.count > 0) return;
    this.#retained.delete(vmId);
    this.#arena.lock();
    if (this.#scopes.release(known.scope)) {
      this.#data.clear(known.scope);
      this.#queues.clear(known.scope);
      this.#scopes.remove(known.scope);
    }
    this.#arena.unlock();
  }

  get(vmId: string, key: Uint8Array): Uint8Array | null {
    const scope = this.#retained.get(vmId)?.scope;
    if (scope === undefined) return null;
    const arena = this.#arena;
    try {
      arena.lock();
      const value = this.#data.get(scope, key);
      arena.unlock();
      return value;
    } finally {
      if (arena.isHeld) {
        arena.isHeld = false;
        Atomics.store(arena.words, LOCK, ABANDONED);
      }
    }
  }

  set(vmId: string, key: Uint8Array, value: Uint8Array, cas: number): Status {
    const scope = this.#retained.get(vmId)?.scope;
    if (scope === undefined) return Status.InternalFailure;
    const arena = this.#arena;
    try {
      arena.lock();
      const status = this.#data.set(scope, key, value, cas);
      arena.unlock();
      return status;
    } finally {
      if (arena.isHeld) {
        arena.isHeld = false;
        Atomics.store(arena.words, LOCK, ABANDONED);
      }
    }
  }

  registerQueue(vmId: string, name: Uint8Array, consumer: QueueConsumer): number {
    const scope = this.#retained.get(vmId)?.scope;
    if (scope === undefined) return 0;
    let token = 0;
    const arena = this.#arena;
    try {
      arena.lock();
      const queue = this.#queues.find(scope, name) || this.#queues.add(scope, name);
      if (queue !== 0) {
        token = this.#queues.tokenOf(queue);
        this.#queues.setConsumer(queue, this.#thread);
      }
      arena.unlock();
    } finally {
      if (arena.isHeld) {
        arena.isHeld = false;
        Atomics.store(arena.words, LOCK, ABANDONED);
      }
    }
    if (token !== 0) {
      this.#consumers.set(token, consumer);
      this.#listen();
    }
    return token;
  }

  resolveQueue(vmId: string, name: Uint8Array): number {
    const arena = this.#arena;
    try {
      arena.lock();
      const scope = this.#retained.get(vmId)?.scope ?? this.#scopes.find(fromUtf8(vmId));
      const queue = scope === 0 ? 0 : this.#queues.find(scope, name);
      const token = queue === 0 ? 0 : this.#queues.tokenOf(queue);
      arena.unlock();
      return token;
    } finally {
      if (arena.isHeld) {
        arena.isHeld = false;
        Atomics.store(arena.words, LOCK, ABANDONED);
      }
    }
  }

  enqueue(token: number, message: Uint8Array): Status {
    let queue = 0;
    let isAdded = false;
    let consumer = 0;
    const arena = this.#arena;
    try {
      arena.lock();
      queue = this.#queues.at(token);
      isAdded = queue !== 0 && this.#queues.push(queue, message);
      if (isAdded) consumer = this.#queues.consumer(queue);
      arena.unlock();
    } finally {
      if (arena.isHeld) {
        arena.isHeld = false;
        Atomics.store(arena.words, LOCK, ABANDONED);
      }
    }
    if (queue === 0) return Status.NotFound;
    if (!isAdded) return Status.InternalFailure;
    if (consumer === this.#thread) this.#deliverSoon();
    else if (consumer !== 0) this.#wake(consumer);
    return Status.Ok;
  }

  dequeue(token: number): Uint8Array | Status {
    const arena = this.#arena;
    try {
      arena.lock();
      const queue = this.#queues.at(token);
      const message = queue === 0 ? null : this.#queues.shift(queue);
      arena.unlock();
      return queue === 0 ? Status.NotFound : message ?? Status.Empty;
    } finally {
      if (arena.isHeld) {
        arena.isHeld = false;
        Atomics.store(arena.words, LOCK, ABANDONED);
      }
    }
  }

  removeConsumer(consumer: QueueConsumer): void {
    for (const [token, value] of this.#consumers) {
      if (value !== consumer) continue;
      this.#consumers.delete(token);
      this.#arena.lock();
      const queue = this.#queues.at(token);
      if (queue !== 0 && this.#queues.consumer(queue) === this.#thread) this.#queues.setConsumer(queue, 0);
      this.#arena.unlock();
    }
  }

  #wake(thread: number): void {
    const index = this.#scopes.head(HEAD.wake) + thread;
    Atomics.add(this.#arena.words, index, 1);
    Atomics.notify(this.#arena.words, index);
  }

  /** Waits, without blocking, until another thread has a message for one of this thread's plugins. */
  #listen(): void {
    const { words, memory } = this.#arena;
    if (this.#isListening || this.#isClosed || memory instanceof ArrayBuffer) return;
    this.#isListening = true;
    const index = this.#scopes.head(HEAD.wake) + this.#thread;
    const seen = Atomics.load(words, index);
    const waiting = Atomics.waitAsync(words as Int32Array<SharedArrayBuffer>, index, seen);
    const onWake = (): void => {
      this.#isListening = false;
      this.#listen();
    };
    if (waiting.async) void waiting.value.then(onWake);
    else onWake();
    // Also for what came before the wait began.
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (!this.#isClosed && !this.#deliveryTimer.enabled) this.#deliveryTimer.enable(0);
  }

  /** Calls this thread's consumers once for each event, but each only so often; runs from the event loop only. */
  #deliver(): void {
    for (const [token, consumer] of [...this.#consumers]) {
      for (let events = 0; this.#takeEvent(token, consumer); events++) {
        if (consumer.onQueueReady(token) !== false && events < EVENTS_PER_TURN) continue;
        this.#deliverSoon();
        break;
      }
    }
  }

  #takeEvent(token: number, consumer: QueueConsumer): boolean {
    if (this.#consumers.get(token) !== consumer) return false;
    this.#arena.lock();
    const queue = this.#queues.at(token);
    const isOurs = queue !== 0 && this.#queues.consumer(queue) === this.#thread;
    const isTaken = isOurs && this.#queues.takeEvent(queue);
    this.#arena.unlock();
    return isTaken;
  }

  /** Ends this thread's part: no consumer is called any more, and nothing is kept alive. */
  close(): void {
    this.#isClosed = true;
    this.#deliveryTimer.disable();
    for (const consumer of new Set(this.#consumers.values())) this.removeConsumer(consumer);
    for (const [vmId, retained] of [...this.#retained]) {
      retained.count = 1;
      this.release(vmId);
    }
    this.#wake(this.#thread);
  }

  /** Bytes that the data and queues of a `vm_id` take. */
  scopeBytes(vmId: string): number {
    const scope = this.#retained.get(vmId)?.scope;
    return scope === undefined ? 0 : this.#scopes.bytesOf(scope);
  }

  status(vmId: string): SharedStatus {
    const scope = this.#retained.get(vmId)?.scope;
    if (scope === undefined) return { keys: 0, bytes: 0, queues: [] };
    this.#arena.lock();
    const status = {
      keys: this.#data.countOf(scope),
      bytes: this.#scopes.bytesOf(scope),
      queues: this.#queues.statusOf(scope),
    };
    this.#arena.unlock();
    return status;
  }

  *#reachable(): Generator<number> {
    yield* this.#scopes.reachable();
    yield* this.#data.reachable();
    yield* this.#queues.reachable();
  }
}
