// host/base/clock.ts: time as a port, with timers that cost nothing to re-arm.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/timer.bench.ts
/**
 * Nothing in the data plane reads a clock or sets a timeout but through a `Clock`. A proxy arms several
 * timers a request and lets nearly none of them fire, so timers of one delay share a list in order of
 * arming: `enable` and `disable` are pointer moves, and only the head of a list has a real timeout.
 *
 * @see Envoy: envoy/event/timer.h
 * @module
 */
import { TickTimers } from "./tick_timers.ts";

/** A timer that is made once and armed many times. */
export interface Timer {
  /** Fires once, `delayMs` from now; arming an armed timer moves it. */
  enable(delayMs: number): void;
  disable(): void;
  readonly enabled: boolean;
}

export interface Clock {
  /** Monotonic milliseconds with fractions; only differences mean anything. */
  nowMs(): number;
  /** Milliseconds since 1970, with fractions where the runtime has them. */
  wallMs(): number;
  /** Nanoseconds since 1970. */
  wallNs(): bigint;
  createTimer(callback: () => void): Timer;
  /**
   * As `createTimer`, but falls due together with others, by one percent of its delay, 10 ms at most, early or
   * late: for what is done over and over, for each of many things.
   */
  createTickTimer(callback: () => void): Timer;
}

/** What a runtime gives: a monotonic time, a wall time and one-shot timeouts. */
export interface ClockSource {
  /** May stand still while one event is handled (`turn.ts`), as may `wallMs`. */
  nowMs(): number;
  wallMs(): number;
  /** Never stands still: for those who measure what happens inside an event. */
  preciseWallMs(): number;
  /** Calls back once, not earlier than `delayMs` from now. Never keeps the process alive by itself. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** Timers of one delay, in the order in which they fall due. */
class DelayList {
  readonly head: ListTimer;
  handle: unknown = null;
  readonly delayMs: number;

  constructor(clock: TimerClock, delayMs: number) {
    this.delayMs = delayMs;
    this.head = new ListTimer(clock, noop);
    this.head.next = this.head;
    this.head.previous = this.head;
  }
}

function noop(): void {}

/** In the place of a timeout while the timers of a list are called. */
const RUNNING = {};

class ListTimer implements Timer {
  readonly #clock: TimerClock;
  readonly callback: () => void;
  next: ListTimer | null = null;
  previous: ListTimer | null = null;
  list: DelayList | null = null;
  dueMs = 0;

  constructor(clock: TimerClock, callback: () => void) {
    this.#clock = clock;
    this.callback = callback;
  }

  get enabled(): boolean {
    return this.list !== null;
  }

  enable(delayMs: number): void {
    const { list } = this;
    // Of those that wait as long it is the last one already, as when one event touches it again and again.
    if (list !== null && this.next === list.head && list.delayMs === delayMs) {
      this.dueMs = this.#clock.nowMs() + delayMs;
      return;
    }
    this.unlink();
    this.#clock.arm(this, delayMs);
  }

  disable(): void {
    this.unlink();
  }

  unlink(): void {
    if (this.list === null) return;
    this.previous!.next = this.next;
    this.next!.previous = this.previous;
    this.next = null;
    this.previous = null;
    this.list = null;
  }
}

/** The clock that everything runs on: a `ClockSource` plus delay lists. */
export class TimerClock implements Clock {
  readonly #source: ClockSource;
  readonly #lists = new Map<number, DelayList>();
  readonly #ticks = new TickTimers(this);

  constructor(source: ClockSource) {
    this.#source = source;
  }

  nowMs(): number {
    return this.#source.nowMs();
  }

  wallMs(): number {
    return this.#source.wallMs();
  }

  wallNs(): bigint {
    const ms = this.#source.preciseWallMs();
    const whole = Math.floor(ms);
    return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
  }

  createTimer(callback: () => void): Timer {
    return new ListTimer(this, callback);
  }

  createTickTimer(callback: () => void): Timer {
    return this.#ticks.createTimer(callback);
  }

  /** Timers now armed, for leak checks. */
  get armedTimers(): number {
    let count = 0;
    for (const list of this.#lists.values()) count += this.#count(list);
    return count;
  }

  #count(list: DelayList): number {
    let count = 0;
    for (let timer = list.head.next!; timer !== list.head; timer = timer.next!) count++;
    return count;
  }

  /** Puts an unlinked timer at the end of its delay's list. */
  arm(timer: ListTimer, delayMs: number): void {
    const delay = delayMs > 0 ? Math.min(Math.ceil(delayMs), 0x7fffffff) : 0;
    let list = this.#lists.get(delay);
    if (list === undefined) {
      list = new DelayList(this, delay);
      this.#lists.set(delay, list);
    }
    const tail = list.head.previous!;
    timer.dueMs = this.#source.nowMs() + delay;
    timer.list = list;
    timer.previous = tail;
    timer.next = list.head;
    tail.next = timer;
    list.head.previous = timer;
    if (list.handle === null) this.#schedule(list, delay);
  }

  #schedule(list: DelayList, delayMs: number): void {
    list.handle = this.#source.setTimeout(() => this.#run(list), delayMs);
  }

  #run(list: DelayList): void {
    const now = this.#source.nowMs();
    // A callback that re-arms its timer for now (delay 0) waits for the next turn.
    let left = list.delayMs === 0 ? this.#count(list) : Infinity;
    // What callbacks arm comes behind the timers that still wait: who is first then is known at the end.
    list.handle = RUNNING;
    try {
      for (;;) {
        const timer = list.head.next!;
        // Half a millisecond early is on time: runtimes round timeouts to whole milliseconds.
        if (timer === list.head || timer.dueMs > now + 0.5 || left-- <= 0) break;
        timer.unlink();
        timer.callback();
      }
    } finally {
      const first = list.head.next!;
      list.handle = null;
      if (first === list.head) this.#lists.delete(list.delayMs);
      else this.#schedule(list, Math.max(0, first.dueMs - now));
    }
  }
}

/**
 * A clock that moves only when told.
 *
 * @example
 * ```ts
 * import { ManualClock } from "./clock.ts";
 * const clock = new ManualClock();
 * let fired = 0;
 * clock.createTimer(() => fired++).enable(100);
 * clock.advance(99);
 * console.assert(fired === 0);
 * clock.advance(1);
 * console.assert(fired === 1);
 * ```
 */
export class ManualClock extends TimerClock {
  readonly #state: ManualSource;

  constructor(wallMs: number = Date.UTC(2026, 0, 1)) {
    const source = new ManualSource(wallMs);
    super(source);
    this.#state = source;
  }

  /** Moves time on by `ms`, running what falls due in order. */
  advance(ms: number): void {
    this.#state.advance(ms);
  }
}

interface ManualTimeout {
  readonly callback: () => void;
  readonly dueMs: number;
}

class ManualSource implements ClockSource {
  readonly #epochMs: number;
  #nowMs = 0;
  #pending: ManualTimeout[] = [];

  constructor(epochMs: number) {
    this.#epochMs = epochMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#epochMs + this.#nowMs;
  }

  preciseWallMs(): number {
    return this.wallMs();
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timeout = { callback, dueMs: this.#nowMs + delayMs };
    this.#pending.push(timeout);
    return timeout;
  }

  clearTimeout(handle: unknown): void {
    this.#pending = this.#pending.filter((timeout) => timeout !== handle);
  }

  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      let first: ManualTimeout | null = null;
      for (const timeout of this.#pending) {
        if (timeout.dueMs <= end && (first === null || timeout.dueMs < first.dueMs)) first = timeout;
      }
      if (first === null) break;
      this.clearTimeout(first);
      this.#nowMs = Math.max(this.#nowMs, first.dueMs);
      first.callback();
    }
    this.#nowMs = end;
  }
}
