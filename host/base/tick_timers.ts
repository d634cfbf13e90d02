// host/base/tick_timers.ts: timers that fall due together, so that many share one wake-up.
// pure: no I/O, no clock, no runtime globals
// hot: runs per check of a host; see bench/micro/timer.bench.ts
/**
 * A process that sleeps pays more for waking up than for most of what it then does. Things that happen again
 * and again, independently of each other, happen at the nearest tick: what is due at one tick costs one turn
 * of the event loop. Nothing comes earlier or later than by one percent of its delay, 10 ms at most.
 *
 * @see systemd.timer(5) AccuracySec
 * @module
 */

/** A timer of the clock that ticks are made of. */
interface TickSourceTimer {
  enable(delayMs: number): void;
  disable(): void;
}

/** As much of a clock as ticks need: it has them among its own timers. */
export interface TickSource {
  nowMs(): number;
  createTimer(callback: () => void): TickSourceTimer;
}

const TICK_MS = 20;
/** A delay is so many ticks of its own at least. */
const TICKS_PER_DELAY = 50;

export class TickTimers {
  readonly #clock: TickSource;
  readonly #ticks = new Map<number, Tick>();

  constructor(clock: TickSource) {
    this.#clock = clock;
  }

  createTimer(callback: () => void): TickTimer {
    return new TickTimer(this, callback);
  }

  /** The tick nearest to `delayMs` from now. */
  tickAfter(delayMs: number): Tick {
    const nowMs = this.#clock.nowMs();
    const stepMs = Math.max(1, Math.min(TICK_MS, Math.floor(delayMs / TICKS_PER_DELAY)));
    const dueMs = Math.round((nowMs + delayMs) / stepMs) * stepMs;
    let tick = this.#ticks.get(dueMs);
    if (tick === undefined) {
      const made = new Tick(this.#clock, () => {
        if (this.#ticks.get(dueMs) === made) this.#ticks.delete(dueMs);
      });
      this.#ticks.set(dueMs, tick = made);
      tick.start(dueMs - nowMs);
    }
    return tick;
  }
}

class Tick {
  readonly #timer: TickSourceTimer;
  readonly #onOver: () => void;
  readonly #members = new Set<TickTimer>();

  constructor(clock: TickSource, onOver: () => void) {
    this.#timer = clock.createTimer(() => this.#run());
    this.#onOver = onOver;
  }

  start(delayMs: number): void {
    this.#timer.enable(delayMs);
  }

  add(member: TickTimer): void {
    this.#members.add(member);
  }

  remove(member: TickTimer): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#timer.disable();
    this.#onOver();
  }

  #run(): void {
    // What callbacks arm belongs to another tick, be it for the same time.
    this.#onOver();
    try {
      for (const member of this.#members) {
        this.#members.delete(member);
        member.fire();
      }
    } finally {
      // A callback that throws does not take the others with it.
      if (this.#members.size > 0) this.#timer.enable(0);
    }
  }
}

export class TickTimer {
  readonly #ticks: TickTimers;
  readonly #callback: () => void;
  #tick: Tick | null = null;

  constructor(ticks: TickTimers, callback: () => void) {
    this.#ticks = ticks;
    this.#callback = callback;
  }

  get enabled(): boolean {
    return this.#tick !== null;
  }

  enable(delayMs: number): void {
    this.disable();
    this.#tick = this.#ticks.tickAfter(delayMs);
    this.#tick.add(this);
  }

  disable(): void {
    const tick = this.#tick;
    this.#tick = null;
    tick?.remove(this);
  }

  /** From the tick, which has it no more. */
  fire(): void {
    this.#tick = null;
    this.#callback();
  }
}
