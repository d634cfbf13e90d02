// sdk/src/context.ts: what every context has, and the root context of a plugin.
import { Config } from "./config";
import { proxy_done, proxy_set_effective_context } from "./imports.gen";
import { log } from "./log";
import { SharedQueue } from "./shared_queue";
import { Timers, TimerTask } from "./timer";

/** The context that host calls act on now. */
let current: u32 = 0;

/** For the SDK: a callback for this context begins. */
// @ts-ignore: decorator
@inline
export function setCurrent(id: u32): void {
  current = id;
}

/** For the SDK: the context that host calls act on now. */
// @ts-ignore: decorator
@inline
export function getCurrent(): u32 {
  return current;
}

/** Something with a lifetime in the host: a plugin, an HTTP stream or a connection. */
export class Context {
  /** The host's number for it. */
  id: u32 = 0;
  /** False once the host has deleted it. Whoever keeps a context for later looks at this first. */
  alive: bool = true;

  /** The host is finished with it. */
  onDone(): bool {
    return true;
  }

  /** Comes after `onDone`: the moment for access logs. Headers and properties can still be read. */
  onLog(): void {}

  /** The last call. */
  onDelete(): void {}

  /**
   * Makes host calls act on this context, when a callback of another one (a timer, a call's answer) wants to do
   * something here. Lasts until the callback ends or another context is activated. False when it is deleted.
   */
  activate(): bool {
    if (!this.alive) return false;
    if (current != this.id) {
      proxy_set_effective_context(this.id);
      current = this.id;
    }
    return true;
  }
}

/**
 * One plugin: made when the configuration that names it is loaded, on every worker thread. Holds the parsed
 * configuration, metrics and timers; filters reach it as `this.root`.
 */
export class RootContext extends Context {
  private readonly timers: Timers = new Timers();
  private tickTask: TickTask | null = null;

  /** The VM started. False refuses the configuration. */
  onVmStart(config: Config): bool {
    return true;
  }

  /** The plugin's configuration. False refuses it: say why with `return this.refuse(reason)`. */
  onConfigure(config: Config): bool {
    return true;
  }

  /** The period set by `setTickPeriod` has passed. For several timers see `every` and `after`. */
  onTick(): void {}

  /** A queue that this plugin registered has something in it; another worker may be faster to take it. */
  onQueueReady(queue: SharedQueue): void {}

  /** A host function called back. */
  onForeignFunction(functionId: u32, args: ArrayBuffer): void {}

  /**
   * The plugin is to stop. False keeps it until `done()`, for instance until a last call was answered.
   */
  onDone(): bool {
    return true;
  }

  /** Ends the wait that `onDone` asked for by returning false. */
  done(): void {
    if (this.activate()) proxy_done();
  }

  /**
   * Says why a configuration is refused; returns false, for `return this.refuse("limit: must be positive")`. The
   * reason is logged as critical, which hosts show together with the refusal.
   */
  refuse(reason: string): bool {
    log.critical(reason);
    return false;
  }

  /** Calls `onTick` every `periodMs`; 0 stops it. */
  setTickPeriod(periodMs: u32): void {
    const task = this.tickTask;
    if (task !== null) task.cancel();
    if (periodMs == 0 || !this.activate()) return;
    const fresh = new TickTask(this);
    this.tickTask = fresh;
    this.timers.add(fresh, periodMs, periodMs);
  }

  /** Runs `task` every `periodMs` until it is cancelled. Each worker thread has its own. */
  every(periodMs: u32, task: TimerTask): TimerTask {
    if (this.activate()) this.timers.add(task, periodMs, max<u32>(periodMs, 1));
    return task;
  }

  /** Runs `task` once, after `delayMs`. */
  after(delayMs: u32, task: TimerTask): TimerTask {
    if (this.activate()) this.timers.add(task, delayMs, 0);
    return task;
  }

  /** For the SDK: the host's tick. */
  runTimers(): void {
    this.timers.tick();
  }
}

class TickTask extends TimerTask {
  constructor(private readonly root: RootContext) {
    super();
  }

  run(): void {
    this.root.onTick();
  }
}

/** What kind of stream a filter is for. */
export enum StreamKind {
  Http = 0,
  Network = 1,
}

/** One HTTP stream or one connection. */
export class StreamContext extends Context {
  /** For the SDK. */
  rootContext: RootContext | null = null;

  constructor(readonly kind: StreamKind) {
    super();
  }
}
