// host/embed/proxy.ts: a proxy in the process of another program.
/** @module */
import type { DiagnosticList } from "../base/diagnostic.ts";
import { renderText } from "../base/diagnostic_render.ts";
import { NuncioError } from "../base/error.ts";
import type { NativeFilter } from "../extensions/common/native/filter.ts";
import { listenAddressText } from "../net/address.ts";
import type { LogLevel, LogRegistry } from "../observe/log.ts";
import type { Configuration } from "../server/configuration.ts";
import { configurationSource, type ProxyConfiguration } from "./configuration.ts";
import { embeddedInstance, embeddedLogs } from "./embedded_instance.ts";
import type { ConfigurationSource, Instance } from "./instance.ts";

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
  /**
   * `host:port` of a listener's addresses, with the ports that were really bound, or the paths of unix sockets. Empty
   * for unknown names.
   */
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
  /**
   * Sets values of the runtime's `admin_layer`, as `/runtime_modify` does; an empty text removes one. Settles when
   * they count on all workers.
   *
   * @throws server/not-modified when there is no such layer, a value is no YAML, or the proxy does not run
   */
  modifyRuntime(values: Readonly<Record<string, string>>): Promise<void>;
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

class EmbeddedProxy implements Proxy {
  readonly #instance: Instance;
  readonly #logs: LogRegistry;
  readonly #options: ProxyOptions;
  #loaded: Configuration | null = null;
  #state: "created" | "running" | "stopped" = "created";

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#logs = embeddedLogs(options.logLevel ?? "warning");
    this.#instance = embeddedInstance(this.#logs, options.concurrency ?? 1);
  }

  async load(configuration: ProxyConfiguration): Promise<void> {
    try {
      this.#loaded = await this.#instance.load(this.#source(configuration));
      this.#judge(this.#loaded.diagnostics);
    } catch (error) {
      await this.#instance.stop();
      throw error;
    }
  }

  async start(): Promise<void> {
    if (this.#state !== "created") throw new NuncioError("server/not-started", `the proxy is ${this.#state} already`);
    const { plan, root } = this.#loaded!;
    this.#state = "running";
    const started = await this.#instance.start(plan!, root!, {
      commandLineOptions: { concurrency: this.#instance.server.concurrency },
      statsTags: [],
      adminAddressPath: null,
      quit: () => void this.drain().then(() => this.stop()),
    });
    if (started.ok) return;
    this.#state = "stopped";
    throw new NuncioError("server/not-started", started.problems.join("; "));
  }

  addresses(name: string): string[] {
    const listener = this.#instance.server.snapshot?.listeners.find((each) => each.name === name);
    return listener?.addresses.map(listenAddressText) ?? [];
  }

  get adminUrl(): string | null {
    return this.#instance.adminUrl;
  }

  stat(name: string): number | null {
    return this.#instance.server.stats.valueOf(name);
  }

  async stats(): Promise<Readonly<Record<string, number>>> {
    const { server } = this.#instance;
    await server.refreshStats();
    return Object.fromEntries(server.stats.values().map(({ name, value }) => [name, value]));
  }

  async reload(configuration: ProxyConfiguration): Promise<void> {
    if (this.#state !== "running") throw new NuncioError("server/not-reloaded", `the proxy is ${this.#state}`);
    const result = await this.#instance.reload(this.#source(configuration));
    this.#judge(result.diagnostics);
    if (!result.ok) throw new NuncioError("server/not-reloaded", result.problems.join("; "));
  }

  async modifyRuntime(values: Readonly<Record<string, string>>): Promise<void> {
    if (this.#state !== "running") throw new NuncioError("server/not-modified", `the proxy is ${this.#state}`);
    const problem = await this.#instance.server.modifyRuntime(Object.entries(values));
    if (problem !== null) throw new NuncioError("server/not-modified", problem);
  }

  async drain(): Promise<void> {
    if (this.#state === "running") await this.#instance.server.drainForExit();
  }

  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    await this.#instance.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #source(configuration: ProxyConfiguration): ConfigurationSource {
    return configurationSource(configuration, this.#options.filters);
  }

  /** Warnings are logged; errors are thrown. */
  #judge(diagnostics: DiagnosticList): void {
    if (diagnostics.hasErrors) throw new NuncioError("config/invalid", renderText(diagnostics));
    for (const { severity, code, message } of diagnostics.all) {
      if (severity === "warning") this.#logs.logger("config").warn(message, { code });
    }
  }
}
