// host/net/connection_limit.ts: how many connections may be open at once, in a listener or in all of them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/network/listener_impl.h, source/common/listener_manager/listener_impl.h openConnections
 * @module
 */

/** Asked for each connection that is accepted. */
export interface ConnectionLimit {
  /** False: no more now. */
  tryAcquire(): boolean;
  release(): void;
}

/** How many are open; workers may share it. */
export interface ConnectionCount {
  add(delta: number): number;
  value(): number;
}

export class CountedConnectionLimit implements ConnectionLimit {
  /** Most connections; `Infinity` for as many as may come. */
  limit: number;
  readonly #count: ConnectionCount;

  constructor(limit: number, count: ConnectionCount) {
    this.limit = limit;
    this.#count = count;
  }

  tryAcquire(): boolean {
    if (this.limit !== Infinity && this.#count.value() >= this.limit) return false;
    this.#count.add(1);
    return true;
  }

  release(): void {
    this.#count.add(-1);
  }
}
