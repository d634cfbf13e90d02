// host/cli/signals.ts: what signals do to the proxy.
/**
 * SIGTERM and SIGINT drain: no new connections, requests in flight finish, exit 0. A second signal exits at
 * once with 130. Ctrl-C reaches every process of a terminal's job, and npm hands on what it got: the same
 * signal again at once is the same signal. SIGUSR1 reopens log files. SIGHUP reads the configuration
 * again, where Envoy does nothing.
 *
 * @module
 */
import type { Logger } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";
import type { Server } from "../server/server.ts";

/** Within this time a signal of the same kind is an echo. */
const ECHO_MS = 250;

/** How the process ends in good order. */
export interface Ending {
  /** Drains and exits 0; a second call exits 130 at once. */
  end(cause: string): void;
  /** Drains and exits 1: something is wrong with this process. */
  fail(cause: string): void;
  /** Stops watching signals. */
  close(): void;
}

export interface SignalOptions {
  /** Exit as Envoy does on SIGTERM, without a drain. */
  readonly atOnce: boolean;
  /** SIGHUP. */
  reload(): void;
}

export function watchSignals(platform: Platform, server: Server, logger: Logger, options: SignalOptions): Ending {
  const { atOnce } = options;
  let ending = false;
  let first = { cause: "", ms: 0 };
  const end = (cause: string): void => {
    const ms = platform.clock.nowMs();
    if (ending) {
      if (cause === first.cause && ms - first.ms < ECHO_MS) return;
      platform.exit(130);
    }
    // Nothing serves yet, so nothing can be lost.
    if (server.state === "PRE_INITIALIZING" || server.state === "INITIALIZING") platform.exit(0);
    ending = true;
    first = { cause, ms };
    logger.info("ending", { cause, drain: !atOnce });
    const drained = atOnce ? Promise.resolve() : server.drainForExit();
    drained.then(() => server.stop()).then(() => platform.exit(0), (error: unknown) => {
      logger.critical("the drain failed", { err: String(error) });
      platform.exit(1);
    });
  };
  const fail = (cause: string): void => {
    if (ending) return;
    ending = true;
    logger.critical("draining, then exit 1", { cause });
    server.drainForExit().then(() => server.stop()).finally(() => platform.exit(1));
  };
  const watches = [
    platform.onSignal("SIGTERM", () => end("SIGTERM")),
    platform.onSignal("SIGINT", () => end("SIGINT")),
    platform.onSignal("SIGUSR1", () => {
      logger.info("access logs are reopened", { cause: "SIGUSR1" });
      void server.callAll("reopenLogs", undefined);
    }),
    platform.onSignal("SIGHUP", () => options.reload()),
    platform.onUncaughtError((error, origin) => {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      logger.critical("an error that nobody caught", { origin, err: text });
      fail(origin);
    }),
  ];
  return { end, fail, close: () => watches.forEach((watch) => watch.close()) };
}
