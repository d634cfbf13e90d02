// test/support/embedded.ts: a whole proxy inside the test's own process, with its parts to be looked at.
/** @module */
import { renderText } from "../../host/base/diagnostic_render.ts";
import { Instance } from "../../host/embed/instance.ts";
import { type LogLevels, LogRegistry } from "../../host/observe/log.ts";
import { detectPlatform } from "../../host/platform/detect.ts";
import type { Platform, WorkerHandle } from "../../host/platform/mod.ts";
import type { PluginRegistry } from "../../host/server/plugin_registry.ts";
import type { Server } from "../../host/server/server.ts";
import { UNCACHED_CODE } from "../../host/server/wasm_code/mod.ts";
import { lendTrialThread } from "./trial_thread.ts";

/** How long tests wait for what must come. */
const WAIT_LIMIT_MS = 15_000;

export interface EmbeddedOptions {
  readonly concurrency?: number;
  readonly stallLimitMs?: number;
  /** How long a module may take when it is tried. */
  readonly trialLimitMs?: number;
  /** Those of components that do not log from `info` up. */
  readonly logLevels?: LogLevels;
  /** Modules are tried in a thread that the next proxy of this process uses, too. */
  readonly keepsTrialThread?: boolean;
}

/** A thread that the proxy started. */
export interface Thread {
  readonly name: string;
  readonly handle: WorkerHandle<unknown, unknown>;
}

export class Embedded {
  readonly server: Server;
  /** All threads so far, in order of their start; those that ended, too. */
  readonly threads: readonly Thread[];
  readonly #log: Log;

  constructor(server: Server, threads: readonly Thread[], log: Log) {
    this.server = server;
    this.threads = threads;
    this.#log = log;
  }

  get plugins(): PluginRegistry {
    return this.server.plugins;
  }

  /** Lines of the main thread's log. */
  get log(): string {
    return this.#log.text;
  }

  /** Settles when the log has `count` lines with this text. */
  logged(text: string, count = 1): Promise<void> {
    return this.#log.wait(text, count);
  }

  /** Value of a statistic, 0 when there is none yet. */
  stat(name: string): number {
    return this.server.stats.valueOf(name) ?? 0;
  }

  /** Settles when a statistic has a value. */
  async statIs(name: string, value: number): Promise<void> {
    const end = performance.now() + WAIT_LIMIT_MS;
    while (this.stat(name) !== value) {
      if (performance.now() > end) throw new Error(`${name} is ${this.stat(name)}, not ${value}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  port(listener: string): number {
    return this.server.snapshot!.listeners.find((each) => each.name === listener)!.addresses[0]!.port;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

class Log {
  text = "";
  readonly #waiting = new Set<() => void>();

  write(line: string): void {
    this.text += line;
    for (const look of this.#waiting) look();
  }

  wait(text: string, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`the log has no "${text}" (${count}):\n${this.text}`));
      }, WAIT_LIMIT_MS);
      const look = () => {
        if (this.text.split(text).length - 1 < count) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** The runtime's platform, with its threads written down. */
function watchedPlatform(threads: Thread[], keepsTrialThread: boolean): Platform {
  const platform = detectPlatform();
  return new Proxy(platform, {
    get(target, name) {
      if (name === "spawnWorker") {
        return (entry: URL, options: Parameters<Platform["spawnWorker"]>[1]) => {
          const spawn = () => target.spawnWorker<unknown, unknown>(entry, options);
          const handle = keepsTrialThread && options.name === "wasm_trial" ? lendTrialThread(spawn) : spawn();
          threads.push({ name: options.name, handle });
          return handle;
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) as unknown : value;
    },
  });
}

/** Starts a proxy; rejects with what is wrong. */
export async function startEmbedded(yaml: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  const threads: Thread[] = [];
  const platform = watchedPlatform(threads, options.keepsTrialThread ?? false);
  const log = new Log();
  const logs = new LogRegistry({ clock: platform.clock, format: "json", destination: log });
  const logLevels = options.logLevels ?? {};
  logs.setLevels(logLevels);
  const instance = new Instance({
    platform,
    logs,
    logSettings: { format: "json", color: false, path: null },
    logLevels,
    concurrency: options.concurrency ?? 1,
    drainTimeMs: null,
    drainStrategy: "gradual",
    accessLog: { flushIntervalMs: 10_000, flushBytes: 65_536 },
    localAddress: "127.0.0.1",
    codeSettings: UNCACHED_CODE,
    ...(options.trialLimitMs !== undefined && { trialLimitMs: options.trialLimitMs }),
    ...(options.stallLimitMs !== undefined && { stallLimitMs: options.stallLimitMs }),
  });
  const { plan, diagnostics } = await instance.load({
    configPath: null,
    configYaml: yaml,
    apiDescriptors: null,
    allowUnknownFields: false,
    lenient: false,
    disabledExtensions: new Set(),
  });
  const { server } = instance;
  const started = plan === null
    ? { ok: false, problems: [renderText(diagnostics)] } as const
    : await server.start(plan);
  if (!started.ok) {
    await instance.stop();
    throw new Error(started.problems.join("; "));
  }
  return new Embedded(server, threads, log);
}
