// host/net/scaled_timers.ts: timers that run out sooner the more is to be done.
// pure: no I/O, no clock, no runtime globals
/**
 * Without overload such a timer takes as long as it was armed for; the higher the signal, the less, down to a
 * minimum. One that is armed already follows, within an interval.
 *
 * @see Envoy: source/common/event/scaled_range_timer_manager_impl.cc
 * @module
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { OverloadSignal, ScaledTimerPlan } from "./overload.ts";

/** Makes timers. */
export interface TimerMaker {
  createTimer(callback: () => void): Timer;
}

export class ScaledTimers implements TimerMaker {
  readonly #clock: Clock;
  readonly #signal: OverloadSignal;
  readonly #minimum: ScaledTimerPlan["minimum"];
  readonly #intervalMs: number;
  readonly #armed = new Set<ScaledTimer>();
  readonly #watch: Timer;
  #seen = 0;

  constructor(clock: Clock, signal: OverloadSignal, minimum: ScaledTimerPlan["minimum"], intervalMs: number) {
    this.#clock = clock;
    this.#signal = signal;
    this.#minimum = minimum;
    this.#intervalMs = intervalMs;
    this.#watch = clock.createTimer(() => this.#look());
  }

  createTimer(callback: () => void): Timer {
    return new ScaledTimer(this.#clock, this, callback);
  }

  /** The time that is left of `fullMs` under the present load. */
  scale(fullMs: number): number {
    const value = this.#signal.value;
    if (value === 0) return fullMs;
    const minimum = this.#minimum;
    const leastMs = "ms" in minimum ? Math.min(minimum.ms, fullMs) : fullMs * minimum.fraction;
    return leastMs + (fullMs - leastMs) * (1 - value);
  }

  onArmed(timer: ScaledTimer): void {
    this.#armed.add(timer);
    if (this.#watch.enabled) return;
    this.#seen = this.#signal.value;
    this.#watch.enable(this.#intervalMs);
  }

  onDisarmed(timer: ScaledTimer): void {
    this.#armed.delete(timer);
    if (this.#armed.size === 0) this.#watch.disable();
  }

  #look(): void {
    const { value } = this.#signal;
    if (value !== this.#seen) {
      this.#seen = value;
      for (const timer of [...this.#armed]) timer.follow();
    }
    if (this.#armed.size > 0) this.#watch.enable(this.#intervalMs);
  }
}

class ScaledTimer implements Timer {
  readonly #clock: Clock;
  readonly #timers: ScaledTimers;
  readonly #timer: Timer;
  #startMs = 0;
  #fullMs = 0;

  constructor(clock: Clock, timers: ScaledTimers, callback: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#timer = clock.createTimer(() => {
      timers.onDisarmed(this);
      callback();
    });
  }

  get enabled(): boolean {
    return this.#timer.enabled;
  }

  enable(delayMs: number): void {
    this.#startMs = this.#clock.nowMs();
    this.#fullMs = delayMs;
    this.#timer.enable(this.#timers.scale(delayMs));
    this.#timers.onArmed(this);
  }

  disable(): void {
    if (!this.#timer.enabled) return;
    this.#timer.disable();
    this.#timers.onDisarmed(this);
  }

  /** Takes in that the load is another one. */
  follow(): void {
    this.#timer.enable(Math.max(0, this.#startMs + this.#timers.scale(this.#fullMs) - this.#clock.nowMs()));
  }
}
