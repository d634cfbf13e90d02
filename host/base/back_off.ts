// host/base/back_off.ts: how long to wait before something is tried again.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/common/backoff_strategy.cc JitteredExponentialBackOffStrategy
 * @module
 */
import type { Random } from "./random.ts";

/** Waits that are random below a ceiling, which doubles with each of them up to a limit. */
export class BackOff {
  readonly #maxMs: number;
  readonly #random: Random;
  #ceilingMs: number;

  constructor(baseMs: number, maxMs: number, random: Random) {
    this.#ceilingMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Whole milliseconds. */
  nextMs(): number {
    const ceilingMs = this.#ceilingMs;
    this.#ceilingMs = Math.min(ceilingMs * 2, this.#maxMs);
    return Math.floor(this.#random.fraction() * ceilingMs);
  }
}
