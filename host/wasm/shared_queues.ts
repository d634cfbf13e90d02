// host/wasm/shared_queues.ts: the queues of all scopes in shared memory.
// pure: no I/O, no clock, no runtime globals
/**
 * A queue's token tells its place in the directory and is not used again for a later queue. All methods
 * are for the holder of the arena's lock.
 *
 * @see Envoy: proxy-wasm-cpp-host src/shared_queue.cc
 * @module
 */
import { utf8Slice } from "../base/bytes.ts";
import { COUNTED, HEAD, MAX_QUEUES, type SharedScopes } from "./shared_scopes.ts";

// Words of a queue and of a message; the name and the bytes follow.
const QUEUE = { token: 0, scope: 1, consumer: 2, events: 3, first: 4, last: 5, nameSize: 6, name: 7 } as const;
const MESSAGE = { next: 0, size: 1, data: 2 } as const;

export class SharedQueues {
  readonly #scopes: SharedScopes;

  constructor(scopes: SharedScopes) {
    this.#scopes = scopes;
  }

  /** The queue's block, or 0. */
  at(token: number): number {
    const { words } = this.#scopes.arena;
    const queue = words[this.#scopes.head(HEAD.directory) + token % MAX_QUEUES]!;
    return queue !== 0 && words[(queue >> 2) + QUEUE.token]! >>> 0 === token ? queue : 0;
  }

  tokenOf(queue: number): number {
    return this.#scopes.arena.words[(queue >> 2) + QUEUE.token]! >>> 0;
  }

  find(scope: number, name: Uint8Array): number {
    const { words } = this.#scopes.arena;
    const directory = this.#scopes.head(HEAD.directory);
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = words[directory + slot]!;
      if (queue === 0 || words[(queue >> 2) + QUEUE.scope] !== scope) continue;
      if (this.#scopes.hasBytes(queue, QUEUE.nameSize, QUEUE.name, name)) return queue;
    }
    return 0;
  }

  /** A new queue; 0 when there are too many or memory is full. */
  add(scope: number, name: Uint8Array): number {
    const { arena } = this.#scopes;
    if (!this.#scopes.hasRoom(scope, COUNTED.queues)) return 0;
    const directory = this.#scopes.head(HEAD.directory);
    let token = arena.words[this.#scopes.head(HEAD.lastToken)]! >>> 0;
    let tries = 0;
    do {
      if (tries++ === MAX_QUEUES) return 0;
      token = (token + 1) >>> 0 || 1;
    } while (arena.words[directory + token % MAX_QUEUES] !== 0);
    const queue = this.#scopes.allocate(scope, QUEUE.name * 4 + name.length);
    if (queue === 0) return 0;
    const { words, bytes } = arena;
    words[this.#scopes.head(HEAD.lastToken)] = token;
    const word = queue >> 2;
    words.fill(0, word, word + QUEUE.name);
    words[word + QUEUE.token] = token;
    words[word + QUEUE.scope] = scope;
    words[word + QUEUE.nameSize] = name.length;
    bytes.set(name, queue + QUEUE.name * 4);
    words[directory + token % MAX_QUEUES] = queue;
    this.#scopes.add(scope, COUNTED.queues, 1);
    return queue;
  }

  /** The thread whose plugin consumes the queue; 0 for none. */
  consumer(queue: number): number {
    return this.#scopes.arena.words[(queue >> 2) + QUEUE.consumer]!;
  }

  setConsumer(queue: number, thread: number): void {
    this.#scopes.arena.words[(queue >> 2) + QUEUE.consumer] = thread;
  }

  /** Takes an event out that the consumer was not told of; false when there is none. */
  takeEvent(queue: number): boolean {
    const { words } = this.#scopes.arena;
    const index = (queue >> 2) + QUEUE.events;
    if (words[index] === 0) return false;
    words[index]!--;
    return true;
  }

  /** Appends a message, with an event when somebody consumes; false when the scope or memory is full. */
  push(queue: number, data: Uint8Array): boolean {
    const { arena } = this.#scopes;
    const word = queue >> 2;
    const scope = arena.words[word + QUEUE.scope]!;
    if (!this.#scopes.hasRoom(scope, COUNTED.messages)) return false;
    const message = this.#scopes.allocate(scope, MESSAGE.data * 4 + data.length);
    if (message === 0) return false;
    const { words, bytes } = arena;
    words[(message >> 2) + MESSAGE.next] = 0;
    words[(message >> 2) + MESSAGE.size] = data.length;
    bytes.set(data, message + MESSAGE.data * 4);
    const last = words[word + QUEUE.last]!;
    if (words[word + QUEUE.first] === 0) words[word + QUEUE.first] = message;
    else words[(last >> 2) + MESSAGE.next] = message;
    words[word + QUEUE.last] = message;
    if (words[word + QUEUE.consumer] !== 0) words[word + QUEUE.events]!++;
    this.#scopes.add(scope, COUNTED.messages, 1);
    return true;
  }

  /** Takes the oldest message out, or null. */
  shift(queue: number): Uint8Array | null {
    const { words, bytes } = this.#scopes.arena;
    const word = queue >> 2;
    const message = words[word + QUEUE.first]!;
    if (message === 0) return null;
    words[word + QUEUE.first] = words[(message >> 2) + MESSAGE.next]!;
    const start = message + MESSAGE.data * 4;
    const data = bytes.slice(start, start + words[(message >> 2) + MESSAGE.size]!);
    this.#scopes.add(words[word + QUEUE.scope]!, COUNTED.messages, -1);
    this.#scopes.free(words[word + QUEUE.scope]!, message);
    return data;
  }

  /** The queues of a scope with how many messages are in each. */
  statusOf(scope: number): { readonly name: string; readonly messages: number }[] {
    const { words, bytes } = this.#scopes.arena;
    const queues: { readonly name: string; readonly messages: number }[] = [];
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = words[this.#scopes.head(HEAD.directory) + slot]!;
      if (queue === 0 || words[(queue >> 2) + QUEUE.scope] !== scope) continue;
      const start = queue + QUEUE.name * 4;
      // Copied: not every runtime decodes shared memory.
      const name = bytes.slice(start, start + words[(queue >> 2) + QUEUE.nameSize]!);
      let messages = 0;
      let message = words[(queue >> 2) + QUEUE.first]!;
      for (; message !== 0; message = words[(message >> 2) + MESSAGE.next]!) messages++;
      queues.push({ name: utf8Slice(name, 0, name.length), messages });
    }
    return queues;
  }

  /** Deletes all queues of a scope. */
  clear(scope: number): void {
    const { arena } = this.#scopes;
    const directory = this.#scopes.head(HEAD.directory);
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = arena.words[directory + slot]!;
      if (queue === 0 || arena.words[(queue >> 2) + QUEUE.scope] !== scope) continue;
      arena.words[directory + slot] = 0;
      while (this.shift(queue) !== null);
      arena.free(queue);
    }
  }

  *reachable(): Generator<number> {
    const { words } = this.#scopes.arena;
    for (let slot = 0; slot < MAX_QUEUES; slot++) {
      const queue = words[this.#scopes.head(HEAD.directory) + slot]!;
      if (queue === 0) continue;
      const scope = words[(queue >> 2) + QUEUE.scope]!;
      this.#scopes.add(scope, COUNTED.queues, 1);
      yield this.#scopes.count(scope, queue);
      let last = 0;
      for (let message = words[(queue >> 2) + QUEUE.first]!; message !== 0;) {
        this.#scopes.add(scope, COUNTED.messages, 1);
        yield this.#scopes.count(scope, message);
        last = message;
        message = words[(message >> 2) + MESSAGE.next]!;
      }
      words[(queue >> 2) + QUEUE.last] = last;
    }
  }
}
