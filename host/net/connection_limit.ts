// host/net/connection_limit.ts: how many connections may be open at once, in a listener or in all of them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/network/listener_impl.h, source/common/listener_manager/listener_impl.h openConnections
 * @module
 */
import type { Live } from "../base/runtime.ts";

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
  readonly #limit: Live<number>;
  readonly #count: ConnectionCount;

  /** `limit` is `Infinity` while as many as like may come. */
  constructor(limit: Live<number>, count: ConnectionCount) {
    this.#limit = limit;
    this.#count = count;
  }

  tryAcquire(): boolean {
    const limit = this.#limit.current;
    if (limit !== Infinity && this.#count.value() >= limit) return false;
    this.#count.add(1);
    return true;
  }

  release(): void {
    this.#count.add(-1);
  }
}
