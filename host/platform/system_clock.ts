// host/platform/system_clock.ts: the runtime's time as a clock.
// hot: read several times a request; see bench/micro/timer.bench.ts
/**
 * @module
 */
import { clearTimeout, setTimeout } from "node:timers";
import { type ClockSource, TimerClock } from "../base/clock.ts";
import { inTurn, TURN_NOW_MS, TURN_WALL_MS, turnTimes } from "../base/turn.ts";

/** How far monotonic and wall time may part before the wall time is taken anew. */
const DRIFT_LIMIT_MS = 2;
/** How often the two are compared. */
const CHECK_INTERVAL_MS = 20;

/** Wall time with fractions: the monotonic clock carries on from a reading of the wall clock. */
class SystemClockSource implements ClockSource {
  #wallOffsetMs = Date.now() - performance.now();
  #checkedMs = 0;

  nowMs(): number {
    if (!inTurn()) return performance.now();
    const known = turnTimes[TURN_NOW_MS]!;
    return known >= 0 ? known : turnTimes[TURN_NOW_MS] = performance.now();
  }

  wallMs(): number {
    if (!inTurn()) return this.preciseWallMs();
    const known = turnTimes[TURN_WALL_MS]!;
    return known >= 0 ? known : turnTimes[TURN_WALL_MS] = this.preciseWallMs();
  }

  preciseWallMs(): number {
    const nowMs = performance.now();
    // Asking the system for its wall time costs as much as all the rest: now and then is enough.
    if (nowMs - this.#checkedMs > CHECK_INTERVAL_MS) this.#checkDrift(nowMs);
    return this.#wallOffsetMs + nowMs;
  }

  /** `Date.now` cuts the fraction off, so up to 1 ms apart is agreement. More: someone set the clock. */
  #checkDrift(nowMs: number): void {
    this.#checkedMs = nowMs;
    const offsetMs = Date.now() - nowMs;
    if (Math.abs(offsetMs - this.#wallOffsetMs) > DRIFT_LIMIT_MS) this.#wallOffsetMs = offsetMs;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    // Runtimes cut fractions off: the timeout would come too early, and be for nothing.
    return setTimeout(callback, Math.ceil(delayMs)).unref();
  }

  clearTimeout(handle: unknown): void {
    clearTimeout(handle as ReturnType<typeof setTimeout>);
  }
}

/** The thread's clock. Its timers do not keep the process alive. */
export const systemClock: TimerClock = new TimerClock(new SystemClockSource());
