// host/embed/embedded_instance.ts: the instance of a program that says no more than it has to.
/** @module */
import { LOG_COMPONENTS, type LogLevel, type LogLevels, type LogRegistry } from "../observe/log.ts";
import { detectPlatform } from "../platform/detect.ts";
import { createLogRegistry, type LogSettings } from "../server/logging.ts";
import { defaultCodeSettings } from "../server/wasm_code/mod.ts";
import { Instance } from "./instance.ts";

const LOG_SETTINGS: LogSettings = { format: "json", color: false, path: null };

/** What the proxy of a program logs to standard error. */
export function embeddedLogs(level: LogLevel): LogRegistry {
  const levels: LogLevels = Object.fromEntries(LOG_COMPONENTS.map((name) => [name, level]));
  return createLogRegistry(detectPlatform(), LOG_SETTINGS, levels);
}

/** What the command line has flags for is as it is without them. */
export function embeddedInstance(logs: LogRegistry, concurrency: number): Instance {
  const platform = detectPlatform();
  return new Instance({
    platform,
    logs,
    logSettings: LOG_SETTINGS,
    logLevels: logs.levels(),
    concurrency,
    drainTimeMs: null,
    drainStrategy: "gradual",
    accessLog: { flushIntervalMs: 10_000, flushBytes: 64 * 1024 },
    localAddress: "127.0.0.1",
    codeSettings: defaultCodeSettings(platform),
    nativeFilters: true,
  });
}
