// host/cli/commands/serve.ts: runs the proxy, or only checks its configuration.
/**
 * Exit codes: 0 ok, 1 bad configuration, 2 bad usage, 3 failed to start, 130 after a second signal.
 *
 * @module
 */
import { NuncioError } from "../../base/error.ts";
import { type ConfigurationSource, Instance } from "../../embed/instance.ts";
import { handledEvents } from "../../net/dispatch.ts";
import { LOG_COMPONENTS, type LogLevel, type LogLevels, type LogRegistry, parseLogLevel } from "../../observe/log.ts";
import type { Tag } from "../../observe/tags.ts";
import type { Platform } from "../../platform/mod.ts";
import { IdleMemory } from "../../server/idle_memory.ts";
import { createLogRegistry, type LogSettings } from "../../server/logging.ts";
import type { CallTraceMode } from "../../wasm/mod.ts";
import { startupBanner } from "../banner.ts";
import { commandLineOptions } from "../command_line_options.ts";
import { localAddress } from "../local_address.ts";
import { reloadConfiguration } from "../reload.ts";
import { reportConfiguration, type ShownDiagnostics, showWarnings } from "../shown_diagnostics.ts";
import { watchSignals } from "../signals.ts";
import { wasmCodeSettings } from "../wasm_code_flags.ts";

type Flags = ReadonlyMap<string, readonly string[]>;

export interface ServeOptions {
  /** What follows the banner. With it the banner is shown on terminals and elsewhere. */
  readonly afterBanner?: string;
}

/** Settles with an exit code when nothing runs, or with 0 when the proxy serves, which then goes on. */
export async function serveCommand(
  platform: Platform,
  flags: Flags,
  notes: readonly string[],
  options: ServeOptions = {},
): Promise<number> {
  const startedMs = platform.clock.nowMs();
  const levels = logLevels(flags);
  if (typeof levels === "string") {
    platform.stderr.write(`nuncio: ${levels}\n`);
    return 2;
  }
  const settings = logSettings(platform, flags);
  const logs = createLogRegistry(platform, settings, levels);
  const logger = logs.logger("main");
  for (const note of notes) logger.debug(note);
  const statsTags = parseStatsTags(flags);
  if (typeof statsTags === "string") {
    platform.stderr.write(`nuncio: ${statsTags}\n`);
    return 2;
  }
  const codeSettings = wasmCodeSettings(platform, flags);
  if (typeof codeSettings === "string") {
    platform.stderr.write(`nuncio: ${codeSettings}\n`);
    return 2;
  }

  const concurrency = chooseConcurrency(platform, flags, logs);
  const drainTime = one(flags, "drain-time-s");
  const instance: Instance = new Instance({
    platform,
    logs,
    logSettings: settings,
    logLevels: levels,
    concurrency,
    drainTimeMs: drainTime === null ? null : Number(drainTime) * 1000,
    drainStrategy: one(flags, "drain-strategy") === "immediate" ? "immediate" : "gradual",
    accessLog: {
      flushIntervalMs: Number(one(flags, "file-flush-interval-msec") ?? 10_000),
      flushBytes: Number(one(flags, "file-flush-min-size-kb") ?? 64) * 1024,
    },
    localAddress: localAddress(one(flags, "local-address-ip-version") === "v6" ? 6 : 4),
    codeSettings,
    callTrace: (one(flags, "wasm-trace") ?? "off") as CallTraceMode,
    onFatal: () => ending.fail("a worker hangs"),
  });
  const { server } = instance;
  const source = configurationSource(flags);
  const shown: ShownDiagnostics = {
    format: (one(flags, "diagnostics-format") ?? "text") as ShownDiagnostics["format"],
    color: settings.color,
    hidden: flags.has("skip-deprecated-logs") ? "config/deprecated-field" : null,
  };
  // From here on: also a plugin that takes its time to start must not keep the process from ending.
  const ending = watchSignals(platform, server, logger, {
    atOnce: one(flags, "sigterm") === "envoy",
    reload: () => void reloadConfiguration(platform, instance, source, logger, shown),
  });
  const loaded = await instance.load(source).catch((error: unknown) => {
    if (!(error instanceof NuncioError)) throw error;
    platform.stderr.write(`nuncio: ${error.message}\n`);
    return null;
  });
  if (loaded === null) return await end(1);
  const { plan, root } = loaded;
  if (plan === null || one(flags, "mode") === "validate") {
    return await end(reportConfiguration(platform, loaded.diagnostics, shown));
  }
  showWarnings(platform, loaded.diagnostics, shown);

  if (one(flags, "mode") === "init_only") {
    const started = await server.start(plan);
    return await end(started.ok ? 0 : failedToStart(started.problems));
  }
  const started = await instance.start(plan, root!, {
    commandLineOptions: commandLineOptions(flags, concurrency),
    statsTags,
    adminAddressPath: one(flags, "admin-address-path"),
    quit: () => ending.end("/quitquitquit"),
  });
  if (!started.ok) return await end(failedToStart(started.problems));
  new IdleMemory(platform, handledEvents);
  // Listeners keep the process alive; a configuration may have none.
  setInterval(() => {}, 0x7fffffff);
  const readyMs = platform.clock.nowMs() - startedMs;
  const { adminUrl } = instance;
  if (options.afterBanner !== undefined || platform.stderr.isTerminal) {
    platform.stderr.write(startupBanner(server, adminUrl, readyMs) + (options.afterBanner ?? ""));
  } else {
    logger.info("all workers accept connections", { ready_ms: Math.round(readyMs), admin: adminUrl ?? "none" });
  }
  return 0;

  function failedToStart(problems: readonly string[]): number {
    for (const problem of problems) logger.critical("failed to start", { problem });
    return 3;
  }

  /** Nothing runs any more but what ends the process by itself. */
  async function end(code: number): Promise<number> {
    await instance.stop();
    ending.close();
    return code;
  }
}

function configurationSource(flags: Flags): ConfigurationSource {
  return {
    configPath: one(flags, "config-path"),
    configYaml: one(flags, "config-yaml"),
    apiDescriptors: one(flags, "api-descriptors"),
    allowUnknownFields: flags.has("allow-unknown-static-fields") || flags.has("allow-unknown-fields"),
    lenient: flags.has("lenient"),
    disabledExtensions: new Set((one(flags, "disable-extensions") ?? "").split(",").filter((name) => name !== "")),
    node: {
      serviceNode: one(flags, "service-node") ?? "",
      serviceCluster: one(flags, "service-cluster") ?? "",
      serviceZone: one(flags, "service-zone") ?? "",
    },
  };
}

/** The last value of a flag, or null. */
function one(flags: Flags, name: string): string | null {
  return flags.get(name)?.at(-1) ?? null;
}

function chooseConcurrency(platform: Platform, flags: Flags, logs: LogRegistry): number {
  const asked = one(flags, "concurrency");
  const wanted = Math.max(1, asked === null ? platform.availableParallelism() : Number(asked));
  if (wanted > 1 && !platform.supportsReusePort) {
    logs.logger("main").warn("this system cannot share a port between workers: there will be one worker", {
      asked: wanted,
    });
    return 1;
  }
  return wanted;
}

function logSettings(platform: Platform, flags: Flags): LogSettings {
  const color = one(flags, "color") ?? "auto";
  const pattern = one(flags, "log-format");
  const pretty = flags.has("log-pretty") || (!flags.has("log-json") && platform.stderr.isTerminal);
  const path = one(flags, "log-path");
  return {
    format: pattern !== null ? { pattern } : pretty ? "pretty" : "json",
    color: color === "always" ||
      (color === "auto" && platform.stderr.isTerminal && path === null && (platform.env("NO_COLOR") ?? "") === ""),
    path,
  };
}

/** `--stats-tag NAME:VALUE`, or what is wrong with one. */
function parseStatsTags(flags: Flags): Tag[] | string {
  const tags: Tag[] = [];
  for (const text of flags.get("stats-tag") ?? []) {
    const match = /^([A-Za-z0-9_]+):(\S+)$/.exec(text);
    if (match === null) return `--stats-tag ${text}: expected NAME:VALUE`;
    tags.push({ name: match[1]!, value: match[2]! });
  }
  return tags;
}

/** Levels from `-l` and `--component-log-level`, or what is wrong with them. */
function logLevels(flags: Flags): LogLevels | string {
  const levels: Record<string, LogLevel> = {};
  const all = one(flags, "log-level");
  if (all !== null) {
    const level = parseLogLevel(all);
    if (level === null) return `-l ${all}: expected trace, debug, info, warning, error, critical or off`;
    for (const component of LOG_COMPONENTS) levels[component] = level;
  }
  for (const part of (one(flags, "component-log-level") ?? "").split(",")) {
    if (part === "") continue;
    const [component, text = ""] = part.split(":");
    const level = parseLogLevel(text);
    if (level === null) return `--component-log-level ${part}: expected COMPONENT:LEVEL`;
    if (!LOG_COMPONENTS.includes(component!)) {
      return `--component-log-level ${part}: there is no component '${component}'`;
    }
    levels[component!] = level;
  }
  return levels;
}
