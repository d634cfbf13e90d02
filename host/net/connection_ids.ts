// host/net/connection_ids.ts: numbers of connections, each given once in a process.
// pure: no I/O, no clock, no runtime globals
/**
 * A thread takes a block of numbers at a time from memory that all threads share, also one that begins in the place
 * of another.
 *
 * @see Envoy: source/common/network/connection_impl.cc next_global_id_
 * @module
 */

const BLOCK = 1024;

export class ConnectionIds {
  /** How many blocks were taken. */
  readonly #taken: Int32Array;
  #next = 0;
  #end = 0;

  constructor(taken: Int32Array) {
    this.#taken = taken;
  }

  next(): number {
    if (this.#next === this.#end) {
      this.#next = (Atomics.add(this.#taken, 0, 1) >>> 0) * BLOCK;
      this.#end = this.#next + BLOCK;
    }
    return this.#next++;
  }
}

let ids = new ConnectionIds(new Int32Array(1));

/** The next number of this thread. */
export function nextConnectionId(): number {
  return ids.next();
}

/** From now on this thread's numbers are unlike those of all threads that share this memory. */
export function shareConnectionIds(taken: SharedArrayBuffer): void {
  ids = new ConnectionIds(new Int32Array(taken));
}
