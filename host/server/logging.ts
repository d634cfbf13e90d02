// host/server/logging.ts: the logs of a thread, from what the command line says.
/** @module */
import { type LogLevels, LogRegistry } from "../observe/log.ts";
import type { Platform } from "../platform/mod.ts";

/** How log lines look and where they go; crosses threads. */
export interface LogSettings {
  readonly format: "json" | "pretty" | { readonly pattern: string };
  readonly color: boolean;
  /** A file to append to; null: standard error. */
  readonly path: string | null;
}

export function createLogRegistry(platform: Platform, settings: LogSettings, levels: LogLevels): LogRegistry {
  const registry = new LogRegistry({
    destination: settings.path === null ? platform.stderr : platform.appendFile(settings.path),
    clock: platform.clock,
    format: settings.format,
    color: settings.color,
  });
  registry.setLevels(levels);
  return registry;
}
