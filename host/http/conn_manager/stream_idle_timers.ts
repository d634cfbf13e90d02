// host/http/conn_manager/stream_idle_timers.ts: idle timers that go from stream to stream.
// pure: no I/O, no clock, no runtime globals
// hot: one is taken and given back per request; see bench/micro/http_path.bench.ts
/**
 * Every stream has one, and a timer costs more to make than to arm: those of streams that ended wait for the next
 * streams, of whichever connection.
 *
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import type { TimerMaker } from "../../net/scaled_timers.ts";

/** What an idle timer tells. */
export interface IdleStream {
  onIdleTimeout(): void;
}

export class StreamIdleTimer {
  stream: IdleStream | null = null;
  readonly timer: Timer;

  constructor(timers: TimerMaker) {
    this.timer = timers.createTimer(() => this.stream?.onIdleTimeout());
  }
}

const MAX_SPARE = 1024;

export class StreamIdleTimers {
  readonly #timers: TimerMaker;
  readonly #spare: StreamIdleTimer[] = [];

  constructor(timers: TimerMaker) {
    this.#timers = timers;
  }

  take(stream: IdleStream): StreamIdleTimer {
    const timer = this.#spare.pop() ?? new StreamIdleTimer(this.#timers);
    timer.stream = stream;
    return timer;
  }

  giveBack(timer: StreamIdleTimer): void {
    timer.timer.disable();
    timer.stream = null;
    if (this.#spare.length < MAX_SPARE) this.#spare.push(timer);
  }
}
