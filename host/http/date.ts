// host/http/date.ts: the value of the `date` header, formatted once a second.
// pure: no I/O, no clock, no runtime globals
// hot: runs per response; see bench/micro/h1.bench.ts
/**
 * @see Envoy: source/common/http/date_provider_impl.h
 * @see RFC 9110 §5.6.7
 * @module
 */
import type { Clock } from "../base/clock.ts";

/** Gives the time as an HTTP date. One per worker is enough. */
export class HttpDate {
  readonly #clock: Clock;
  #second = -1;
  #text = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The present time, for example `Sat, 21 Nov 2026 14:15:23 GMT`. */
  get(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = formatHttpDate(second * 1000);
    }
    return this.#text;
  }
}

/** A time in milliseconds since 1970 as an IMF-fixdate. */
export function formatHttpDate(wallMs: number): string {
  return new Date(wallMs).toUTCString();
}
