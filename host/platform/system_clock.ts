// host/platform/system_clock.ts: the runtime's time as a clock.
// hot: read several times a request; see bench/micro/timer.bench.ts
/**
 * @module
 */
import { clearTimeout, setTimeout } from "node:timers";
import { type ClockSource, TimerClock } from "../base/clock.ts";
import { turn } from "../base/turn.ts";

/** How far monotonic and wall time may part before the wall time is taken anew. */
const DRIFT_LIMIT_MS = 2;

/** Wall time with fractions: the monotonic clock carries on from a reading of the wall clock. */
class SystemClockSource implements ClockSource {
  #wallOffsetMs = Date.now() - performance.now();

  nowMs(): number {
    if (!turn.active) return performance.now();
    if (turn.nowMs < 0) turn.nowMs = performance.now();
    return turn.nowMs;
  }

  wallMs(): number {
    if (!turn.active) return this.preciseWallMs();
    if (turn.wallMs < 0) turn.wallMs = this.preciseWallMs();
    return turn.wallMs;
  }

  preciseWallMs(): number {
    const nowMs = performance.now();
    const roughMs = Date.now();
    const fineMs = this.#wallOffsetMs + nowMs;
    // `Date.now` cuts the fraction off, so up to 1 ms apart is agreement. More: someone set the clock.
    if (Math.abs(fineMs - roughMs) <= DRIFT_LIMIT_MS) return fineMs;
    this.#wallOffsetMs = roughMs - nowMs;
    return roughMs;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    return setTimeout(callback, delayMs).unref();
  }

  clearTimeout(handle: unknown): void {
    clearTimeout(handle as ReturnType<typeof setTimeout>);
  }
}

/** The thread's clock. Its timers do not keep the process alive. */
export const systemClock: TimerClock = new TimerClock(new SystemClockSource());
