// sdk/src/timer.ts: any number of timers over the one tick that a plugin has.
import { proxy_set_tick_period_milliseconds } from "./imports.gen";
import { nowMillis } from "./time";

/** Work for later: subclass it and keep what `run` needs in fields. See `RootContext.every` and `after`. */
export abstract class TimerTask {
  /** For the SDK: when it runs next, in milliseconds since 1970. */
  dueMs: u64 = 0;
  /** For the SDK: 0 runs it once. */
  periodMs: u32 = 0;
  private stopped: bool = false;

  /** The work. Runs with the root context as the current one. */
  abstract run(): void;

  /** Never runs again, unless it is scheduled again. */
  cancel(): void {
    this.stopped = true;
  }

  /** Whether it was cancelled. */
  get cancelled(): bool {
    return this.stopped;
  }

  /** For the SDK. */
  schedule(delayMs: u32, periodMs: u32): void {
    this.stopped = false;
    this.periodMs = periodMs;
    this.dueMs = nowMillis() + delayMs;
  }
}

/** The timers of one root context. The host's tick is always set to the one that is due first. */
export class Timers {
  private tasks: TimerTask[] = [];
  /** The period that the host ticks with now; 0: not at all. */
  private armedMs: u32 = 0;

  /** Runs `task` after `delayMs`, then every `periodMs` unless that is 0. */
  add(task: TimerTask, delayMs: u32, periodMs: u32): void {
    task.schedule(delayMs, periodMs);
    if (!this.tasks.includes(task)) this.tasks.push(task);
    this.arm();
  }

  /** The host's tick: runs what is due. Tasks added or cancelled on the way are respected. */
  tick(): void {
    const tasks = this.tasks.slice(0);
    const nowMs = nowMillis();
    for (let i = 0; i < tasks.length; ++i) {
      const task = tasks[i];
      if (task.cancelled || task.dueMs > nowMs) continue;
      if (task.periodMs == 0) task.cancel();
      else task.dueMs = nowMs + task.periodMs;
      task.run();
    }
    this.arm();
  }

  private arm(): void {
    const live: TimerTask[] = [];
    let firstMs: u64 = u64.MAX_VALUE;
    for (let i = 0; i < this.tasks.length; ++i) {
      const task = this.tasks[i];
      if (task.cancelled) continue;
      live.push(task);
      firstMs = min(firstMs, task.dueMs);
    }
    this.tasks = live;
    const nowMs = nowMillis();
    let periodMs: u32 = 0;
    if (live.length != 0) periodMs = firstMs > nowMs ? <u32>min<u64>(firstMs - nowMs, i32.MAX_VALUE) : 1;
    if (periodMs == this.armedMs) return;
    this.armedMs = periodMs;
    proxy_set_tick_period_milliseconds(periodMs);
  }
}
