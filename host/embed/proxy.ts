// host/embed/proxy.ts: a proxy in the process of another program.
/**
 * The same loader, planner, server and workers as on the command line; what differs is who starts and ends them.
 *
 * @module
 */
import { type Control, startControl } from "../admin/control.ts";
import type { DiagnosticList } from "../base/diagnostic.ts";
import { renderText } from "../base/diagnostic_render.ts";
import { NuncioError } from "../base/error.ts";
import { VERSION } from "../cli/version.ts";
import type { ConfigNode } from "../config/node.ts";
import { type NativeFilter, NativeFilters } from "../extensions/common/native/filter.ts";
import { LOG_COMPONENTS, type LogLevel, type LogLevels, type LogRegistry } from "../observe/log.ts";
import { detectPlatform } from "../platform/detect.ts";
import type { Platform } from "../platform/mod.ts";
import { createLogRegistry } from "../server/logging.ts";
import type { BootstrapPlan } from "../server/plan/bootstrap.ts";
import { PluginRegistry } from "../server/plugin_registry.ts";
import { Server } from "../server/server.ts";
import { defaultCodeSettings, ValidComponents, WasmCode } from "../server/wasm_code/mod.ts";
import { WasmTrial } from "../server/wasm_trial.ts";
import { configurationText, loadText, type ProxyConfiguration } from "./configuration.ts";

export interface ProxyOptions {
  /** Worker threads; 1, the default, serves on this thread. */
  readonly concurrency?: number;
  /** Default `warning`; lines go to standard error. */
  readonly logLevel?: LogLevel;
  /** Filters in TypeScript that the configuration names, besides those that a builder brings. */
  readonly filters?: readonly NativeFilter[];
}

export interface Proxy {
  /**
   * Binds and serves; settles when every listener accepts.
   *
   * @throws server/not-started when a port is taken and the like
   */
  start(): Promise<void>;
  /** `host:port` of a listener's addresses, with the ports that were really bound. Empty for unknown names. */
  addresses(listener: string): string[];
  /** Where the admin interface is, for example `http://127.0.0.1:9901`; null when the configuration has none. */
  readonly adminUrl: string | null;
  /** A statistic by Envoy's name, for example `http.web.downstream_rq_total`; null when there is none. */
  stat(name: string): number | null;
  /** Counters and gauges by Envoy's names, added up over the workers. */
  stats(): Promise<Readonly<Record<string, number>>>;
  /**
   * Serves another configuration. What it leaves as it is goes on untouched, listeners that change keep their
   * sockets, and their open connections drain: no request is lost. With an error everything stays as it was.
   *
   * @throws config/invalid when the configuration has errors; the message shows all of them
   * @throws server/not-reloaded when it cannot be served, or the proxy does not run
   */
  reload(configuration: ProxyConfiguration): Promise<void>;
  /** No new connections; settles when no request is in flight, at the latest after 30 s. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  stop(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a proxy, which serves from `start` on.
 *
 * @throws config/invalid when the configuration has errors; the message shows all of them
 */
export async function createProxy(configuration: ProxyConfiguration, options: ProxyOptions = {}): Promise<Proxy> {
  const proxy = new EmbeddedProxy(options);
  await proxy.load(configuration);
  return proxy;
}

interface Loaded {
  readonly plan: BootstrapPlan;
  readonly root: ConfigNode;
}

class EmbeddedProxy implements Proxy {
  readonly #platform: Platform = detectPlatform();
  readonly #options: ProxyOptions;
  readonly #logs: LogRegistry;
  readonly #plugins: PluginRegistry;
  readonly #natives = new NativeFilters();
  readonly #server: Server;
  #nativeFilters: readonly NativeFilter[] = [];
  #loaded: Loaded | null = null;
  #control: Control | null = null;
  #state: "created" | "running" | "stopped" = "created";
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: ProxyOptions) {
    const platform = this.#platform;
    this.#options = options;
    const logLevels: LogLevels = Object.fromEntries(
      LOG_COMPONENTS.map((name) => [name, options.logLevel ?? "warning"]),
    );
    const logSettings = { format: "json", color: false, path: null } as const;
    const logs = this.#logs = createLogRegistry(platform, logSettings, logLevels);
    const logger = logs.logger("wasm");
    const codeSettings = defaultCodeSettings(platform);
    const validComponents = new ValidComponents({ folder: codeSettings.cacheFolder, platform, logger });
    this.#plugins = new PluginRegistry({
      trial: new WasmTrial(platform, { validComponents }),
      logger,
      code: new WasmCode(platform, codeSettings, logger),
      publish: (next, previous) => this.#server.publishPlugin(next, previous),
    });
    this.#server = new Server({
      platform,
      logs,
      logSettings,
      logLevels,
      concurrency: options.concurrency ?? 1,
      drainTimeMs: null,
      drainStrategy: "gradual",
      accessLog: { flushIntervalMs: 10_000, flushBytes: 64 * 1024 },
      localAddress: "127.0.0.1",
      plugins: this.#plugins,
      nativeFilters: this.#natives,
    });
  }

  async load(configuration: ProxyConfiguration): Promise<void> {
    try {
      this.#loaded = await this.#read(configuration);
    } catch (error) {
      this.#plugins.close();
      throw error;
    }
  }

  async start(): Promise<void> {
    if (this.#state !== "created") throw new NuncioError("server/not-started", `the proxy is ${this.#state} already`);
    const { plan, root } = this.#loaded!;
    this.#state = "running";
    const started = await this.#server.start(plan);
    if (!started.ok) {
      this.#state = "stopped";
      this.#plugins.close();
      throw new NuncioError("server/not-started", started.problems.join("; "));
    }
    const control = await startControl({
      platform: this.#platform,
      server: this.#server,
      admin: plan.admin,
      root,
      logs: this.#logs,
      version: VERSION,
      commandLineOptions: { concurrency: this.#server.concurrency },
      statsTags: [],
      adminAddressPath: null,
      quit: () => void this.drain().then(() => this.stop()),
    });
    if (control.control === null) {
      await this.stop();
      throw new NuncioError("server/not-started", control.problem);
    }
    this.#control = control.control;
  }

  addresses(name: string): string[] {
    const listener = this.#server.snapshot?.listeners.find((each) => each.name === name);
    return listener?.addresses.map((each) => `${each.address}:${each.port}`) ?? [];
  }

  get adminUrl(): string | null {
    return this.#control?.adminUrl ?? null;
  }

  stat(name: string): number | null {
    return this.#server.stats.valueOf(name);
  }

  async stats(): Promise<Readonly<Record<string, number>>> {
    await this.#server.refreshStats();
    return Object.fromEntries(this.#server.stats.values().map(({ name, value }) => [name, value]));
  }

  /** One after the other: what is loaded is committed before anything else is loaded. */
  reload(configuration: ProxyConfiguration): Promise<void> {
    const result = this.#reloading.then(() => this.#reload(configuration));
    this.#reloading = result.catch(() => {});
    return result;
  }

  async #reload(configuration: ProxyConfiguration): Promise<void> {
    if (this.#state !== "running") throw new NuncioError("server/not-reloaded", `the proxy is ${this.#state}`);
    const before = this.#nativeFilters;
    let problem: string;
    try {
      const loaded = await this.#read(configuration);
      const outcome = await this.#server.reload(loaded.plan);
      if (outcome.ok) {
        this.#natives.forgetOthers();
        if (JSON.stringify(loaded.plan.admin) !== JSON.stringify(this.#loaded!.plan.admin)) {
          this.#logs.logger("admin").warn("the admin interface stays where it is: only a start moves it");
        }
        this.#loaded = loaded;
        return this.#control!.update(loaded.root);
      }
      problem = outcome.problems.join("; ");
    } catch (error) {
      this.#useNativeFilters(before);
      throw error;
    }
    this.#useNativeFilters(before);
    throw new NuncioError("server/not-reloaded", problem);
  }

  async drain(): Promise<void> {
    if (this.#state === "running") await this.#server.drainForExit();
  }

  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    const running = this.#state === "running";
    this.#state = "stopped";
    await this.#control?.close();
    if (running) await this.#server.stop();
    else this.#plugins.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #read(configuration: ProxyConfiguration): Promise<Loaded> {
    const text = configurationText(configuration);
    this.#useNativeFilters([...text.nativeFilters, ...this.#options.filters ?? []]);
    const { plan, root, diagnostics } = await loadText(text, {
      platform: this.#platform,
      plugins: this.#plugins,
      natives: this.#natives,
      concurrency: this.#server.concurrency,
    });
    if (plan === null || root === null) throw new NuncioError("config/invalid", renderText(diagnostics));
    this.#warn(diagnostics);
    return { plan, root };
  }

  #useNativeFilters(filters: readonly NativeFilter[]): void {
    const twice = this.#natives.use(filters);
    if (twice !== null) throw new NuncioError("config/invalid", `two native filters are called '${twice}'`);
    this.#nativeFilters = filters;
  }

  #warn(diagnostics: DiagnosticList): void {
    for (const { severity, code, message } of diagnostics.all) {
      if (severity === "warning") this.#logs.logger("config").warn(message, { code });
    }
  }
}
