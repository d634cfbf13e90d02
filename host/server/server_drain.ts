// host/server/server_drain.ts: how the proxy stops taking work: on an operator's order, and before it ends.
/** @module */
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../observe/log.ts";
import type { DrainStrategy } from "./drain.ts";
import { delay, within } from "./time_limit.ts";
import type { Workers } from "./workers.ts";

/** Until a drain ends by itself: connections without a request are closed after this long. */
const IDLE_CLOSE_MS = 5000;
/** A drain on a signal ends after this long whatever is still open, unless `--drain-time-s` says another time. */
const HARD_STOP_MS = 30_000;
export const DEFAULT_DRAIN_MS = 600_000;
const ACTIVITY_CHECK_MS = 50;

export interface ServerDrainOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly workers: Workers;
  /** `--drain-time-s`; null when it was not given. */
  readonly drainTimeMs: number | null;
  readonly strategy: DrainStrategy;
}

/** What an operator asks for. */
export interface ListenerDrain {
  readonly graceful: boolean;
  readonly inboundOnly: boolean;
  readonly keepListening: boolean;
}

export class ServerDrain {
  readonly #options: ServerDrainOptions;

  constructor(options: ServerDrainOptions) {
    this.#options = options;
  }

  /**
   * `/drain_listeners`. At once: listeners close and what is connected goes on. Graceful: ever more responses
   * are a connection's last one, and listeners close after the drain time; with `keepListening` they never do.
   */
  async listeners({ graceful, inboundOnly, keepListening }: ListenerDrain): Promise<void> {
    const { clock, workers } = this.#options;
    const durationMs = this.#options.drainTimeMs ?? DEFAULT_DRAIN_MS;
    const strategy = graceful || keepListening ? this.#options.strategy : null;
    await workers.callAll("drain", { strategy, durationMs, inboundOnly, stopAccepting: !graceful && !keepListening });
    if (!graceful || keepListening) return;
    const timer = clock.createTimer(() => {
      void workers.callAll("drain", { strategy: null, durationMs: 0, inboundOnly, stopAccepting: true });
    });
    timer.enable(durationMs);
  }

  /**
   * Before the end: no new connections, the next response on each is its last. Settles once no stream is active, at
   * the latest after the drain time; nothing is stopped yet.
   */
  async forExit(): Promise<void> {
    const { clock, logger, workers, drainTimeMs } = this.#options;
    const startMs = clock.nowMs();
    const hardStopMs = drainTimeMs ?? HARD_STOP_MS;
    // A worker that hangs must not keep the process: every answer is waited for until the hard stop at most.
    const order = { strategy: "immediate", durationMs: 0, inboundOnly: false, stopAccepting: true } as const;
    await within(clock, hardStopMs, workers.end(order));
    logger.info("draining: no new connections", { limit_ms: hardStopMs });
    const idleCloseMs = Math.min(IDLE_CLOSE_MS, drainTimeMs ?? IDLE_CLOSE_MS);
    let idleClosed = false;
    for (;;) {
      const leftMs = hardStopMs - (clock.nowMs() - startMs);
      const streams = (await within(clock, leftMs, workers.activity()))?.streams ?? null;
      if (streams === 0) return;
      const elapsedMs = clock.nowMs() - startMs;
      if (elapsedMs >= hardStopMs) {
        logger.warn("the drain time is over: streams are cut", { streams: streams ?? "unknown" });
        return;
      }
      if (!idleClosed && elapsedMs >= idleCloseMs) {
        idleClosed = true;
        await within(clock, hardStopMs - elapsedMs, workers.callAll("closeIdle", undefined));
      }
      await delay(clock, Math.min(ACTIVITY_CHECK_MS, hardStopMs - elapsedMs));
    }
  }
}
