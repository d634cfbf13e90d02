// host/server/shared_logs.ts: what a worker's parts log with, each for as long as something logs with it.
/**
 * One log for one key: those that log alike share its buffer, and so do a listener, or a cluster, and what
 * replaces it.
 *
 * @see Envoy: source/common/access_log/access_log_manager_impl.h
 * @module
 */

/** What a log may have besides, when it has a file. */
export interface SharedLog {
  reopen?(): void;
  close?(): void;
}

interface Shared<Log> {
  readonly key: string;
  readonly log: Log;
  users: number;
}

export class SharedLogs<Log extends SharedLog> {
  readonly #shared = new Map<string, Shared<Log>>();

  /** For one who is going to log. */
  createUse(): LogUse<Log> {
    return new LogUse(this.#shared);
  }

  reopen(): void {
    for (const { log } of this.#shared.values()) log.reopen?.();
  }

  /** Closes all, used or not. */
  close(): void {
    for (const { log } of this.#shared.values()) log.close?.();
    this.#shared.clear();
  }
}

/** The logs of one who logs. */
export class LogUse<Log extends SharedLog> {
  readonly #all: Map<string, Shared<Log>>;
  readonly #used = new Set<Shared<Log>>();

  constructor(all: Map<string, Shared<Log>>) {
    this.#all = all;
  }

  /** The log of a key, which is made when nobody has it. */
  get(key: string, create: () => Log): Log {
    let shared = this.#all.get(key);
    if (shared === undefined) this.#all.set(key, shared = { key, log: create(), users: 0 });
    if (!this.#used.has(shared)) {
      this.#used.add(shared);
      shared.users++;
    }
    return shared.log;
  }

  /** Nothing is logged any more: logs that nobody else has are closed. */
  end(): void {
    for (const shared of this.#used) {
      // One that was closed with all others is not there any more.
      if (--shared.users > 0 || !this.#all.delete(shared.key)) continue;
      shared.log.close?.();
    }
    this.#used.clear();
  }
}
