// host/server/worker_environment.ts: what a worker gets from its thread, made from the platform.
/** @module */
import type { TimerClock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { NativeFilters } from "../extensions/common/native/filter.ts";
import type { Logger, LogLevels, LogRegistry } from "../observe/log.ts";
import type { StatsStore } from "../observe/stats.ts";
import type { Platform } from "../platform/mod.ts";
import type { NameChange } from "../upstream/discovery/name_exchange.ts";
import type { HostHealthChange } from "../upstream/health/exchange.ts";
import type { SharedStorePort } from "../wasm/mod.ts";
import { createLogRegistry, type LogSettings } from "./logging.ts";
import type { WorkerEvent } from "./worker_protocol.ts";

/** What a worker gets from the thread that it runs in. */
export interface WorkerEnvironment {
  readonly index: number;
  readonly concurrency: number;
  readonly clock: TimerClock;
  readonly random: Random;
  readonly stats: StatsStore;
  readonly hostname: string;
  /** This machine's own address, for x-forwarded-for. */
  readonly localAddress: string;
  env(name: string): string | undefined;
  logger(component: string): Logger;
  setLogLevels(levels: LogLevels): void;
  /** Flush interval and size of access logs. */
  readonly accessLog: AccessLogSettings;
  /** How long the connections of a listener that was replaced or removed may take to end. */
  readonly drainTimeMs: number;
  readonly shared: SharedStorePort;
  /** Native filters of the program that this worker runs in; null in a thread of its own, which imports them. */
  readonly nativeFilters: NativeFilters | null;
  /** Tell the other workers; null when there are none. */
  readonly publishHostHealth: ((changes: readonly HostHealthChange[]) => void) | null;
  readonly publishNames: ((changes: readonly NameChange[]) => void) | null;
  /** Gives back what this thread's heap does not use. */
  collectGarbage(): void;
  onBug(error: unknown): void;
}

export interface AccessLogSettings {
  readonly flushIntervalMs: number;
  readonly flushBytes: number;
}

export interface WorkerEnvironmentOptions {
  readonly platform: Platform;
  readonly index: number;
  readonly concurrency: number;
  readonly stats: StatsStore;
  readonly shared: SharedStorePort;
  readonly localAddress: string;
  readonly logLevels: LogLevels;
  readonly logSettings: LogSettings;
  readonly accessLog: AccessLogSettings;
  readonly drainTimeMs: number;
  /** Of the program that this worker runs in. */
  readonly nativeFilters?: NativeFilters;
  /** Absent in a thread of its own: there loggers are made from the options. */
  readonly logs?: LogRegistry;
  emit(event: WorkerEvent): void;
}

export function createWorkerEnvironment(options: WorkerEnvironmentOptions): WorkerEnvironment {
  const { platform } = options;
  const logs = options.logs ?? createLogRegistry(platform, options.logSettings, options.logLevels);
  const main = logs.logger("main");
  const isAlone = options.concurrency === 1;
  return {
    index: options.index,
    concurrency: options.concurrency,
    clock: platform.clock as TimerClock,
    random: platform.random,
    stats: options.stats,
    hostname: platform.hostname,
    localAddress: options.localAddress,
    env: (name) => platform.env(name),
    logger: (component) => logs.logger(component),
    setLogLevels: (levels) => logs.setLevels(levels),
    accessLog: options.accessLog,
    drainTimeMs: options.drainTimeMs,
    shared: options.shared,
    nativeFilters: options.nativeFilters ?? null,
    publishHostHealth: isAlone ? null : (changes) => options.emit({ kind: "hostHealth", changes }),
    publishNames: isAlone ? null : (changes) => options.emit({ kind: "names", changes }),
    collectGarbage: () => platform.collectGarbage(),
    onBug(error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      main.error("a bug was contained: one connection was reset", { err: text });
      options.emit({ kind: "bug", message: text });
    },
  };
}
