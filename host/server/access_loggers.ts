// host/server/access_loggers.ts: a worker's access loggers, each for as long as something logs with it.
/**
 * One logger for one plan: chains that log alike share its buffer, and so do a listener and what replaces it.
 *
 * @see Envoy: source/common/access_log/access_log_manager_impl.h
 * @module
 */
import type { AccessLogger as LogPort } from "../http/conn_manager/conn_manager_config.ts";
import type { ExtensionPlan } from "../net/plan.ts";

/** What a logger may have besides, when it has a file. */
export type AccessLogger = LogPort & { reopen?(): void; close?(): void };

interface SharedLogger {
  readonly key: string;
  readonly logger: AccessLogger;
  users: number;
}

export class AccessLoggers {
  readonly #shared = new Map<string, SharedLogger>();

  /** For one who is going to log. */
  createUse(): AccessLoggerUse {
    return new AccessLoggerUse(this.#shared);
  }

  reopen(): void {
    for (const { logger } of this.#shared.values()) logger.reopen?.();
  }

  /** Closes all, used or not. */
  close(): void {
    for (const { logger } of this.#shared.values()) logger.close?.();
    this.#shared.clear();
  }
}

/** The loggers that one listener logs with. */
export class AccessLoggerUse {
  readonly #all: Map<string, SharedLogger>;
  readonly #used = new Set<SharedLogger>();

  constructor(all: Map<string, SharedLogger>) {
    this.#all = all;
  }

  /** The logger of a plan, which is made when nobody has it. */
  get(plan: ExtensionPlan, create: () => AccessLogger): AccessLogger {
    const key = JSON.stringify(plan);
    let shared = this.#all.get(key);
    if (shared === undefined) this.#all.set(key, shared = { key, logger: create(), users: 0 });
    if (!this.#used.has(shared)) {
      this.#used.add(shared);
      shared.users++;
    }
    return shared.logger;
  }

  /** Nothing is logged any more: loggers that nobody else has are closed. */
  end(): void {
    for (const shared of this.#used) {
      // One that was closed with all others is not there any more.
      if (--shared.users > 0 || !this.#all.delete(shared.key)) continue;
      shared.logger.close?.();
    }
    this.#used.clear();
  }
}
