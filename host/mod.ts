// host/mod.ts: nuncio inside another program.
/**
 * Runs a proxy in this process, from the same configuration that the command line takes.
 *
 * @example A proxy that answers by itself
 * ```ts
 * import { createProxy } from "./mod.ts";
 * const proxy = await createProxy({
 *   yaml: `
 * static_resources:
 *   listeners:
 *   - name: web
 *     address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
 *     filter_chains:
 *     - filters:
 *       - name: http
 *         typed_config:
 *           "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
 *           stat_prefix: web
 *           route_config:
 *             virtual_hosts:
 *             - { name: all, domains: ["*"], routes: [{ match: { prefix: / }, direct_response: { status: 204 } }] }
 *           http_filters:
 *           - { name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }
 * `,
 * });
 * const [address] = proxy.addresses("web");
 * console.assert((await fetch(`http://${address}/`)).status === 204);
 * await proxy.stop();
 * ```
 *
 * @module
 */
import { startControl } from "./admin/control.ts";
import { renderText } from "./base/diagnostic_render.ts";
import { NuncioError } from "./base/error.ts";
import { LOG_COMPONENTS, type LogLevel, type LogLevels } from "./observe/log.ts";
import { detectPlatform } from "./platform/detect.ts";
import { loadConfiguration } from "./server/configuration.ts";
import { createLogRegistry } from "./server/logging.ts";
import { PluginRegistry } from "./server/plugin_registry.ts";
import { Server } from "./server/server.ts";
import { defaultCodeSettings, ValidComponents, WasmCode } from "./server/wasm_code/mod.ts";
import { WasmTrial } from "./server/wasm_trial.ts";
import { VERSION } from "./cli/version.ts";

/** What a proxy is made from. */
export interface ProxyOptions {
  /** An Envoy v3 bootstrap as YAML or JSON text … */
  readonly yaml?: string;
  /** … or the path of a file with one. Both: the text is merged over the file. */
  readonly path?: string;
  /** Worker threads; 1, the default, serves on this thread. */
  readonly concurrency?: number;
  /** Default `warning`; lines go to standard error. */
  readonly logLevel?: LogLevel;
}

/** A proxy that serves. */
export interface Proxy {
  /** `host:port` of a listener's addresses, with the ports that were really bound. Empty for unknown names. */
  addresses(listener: string): string[];
  /** Where the admin interface is, for example `http://127.0.0.1:9901`; null when the configuration has none. */
  readonly adminUrl: string | null;
  /** A statistic by Envoy's name, for example `http.web.downstream_rq_total`; null when there is none. */
  stat(name: string): number | null;
  /** No new connections; settles when no request is in flight, at the latest after 30 s. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy.
 *
 * @throws config/invalid when the configuration has errors; the message shows all of them
 * @throws server/not-started when a port is taken and the like
 */
export async function createProxy(options: ProxyOptions): Promise<Proxy> {
  const platform = detectPlatform();
  const levels: LogLevels = Object.fromEntries(LOG_COMPONENTS.map((name) => [name, options.logLevel ?? "warning"]));
  const logSettings = { format: "json", color: false, path: null } as const;
  const logs = createLogRegistry(platform, logSettings, levels);
  let server: Server | null = null;
  const codeSettings = defaultCodeSettings(platform);
  const validComponents = new ValidComponents({
    folder: codeSettings.cacheFolder,
    platform,
    logger: logs.logger("wasm"),
  });
  const plugins = new PluginRegistry({
    trial: new WasmTrial(platform, { validComponents }),
    logger: logs.logger("wasm"),
    code: new WasmCode(platform, codeSettings, logs.logger("wasm")),
    publish: (next, previous) => server!.publishPlugin(next, previous),
  });
  const { plan, root, diagnostics } = await loadConfiguration({
    platform,
    configPath: options.path ?? null,
    configYaml: options.yaml ?? null,
    apiDescriptors: null,
    allowUnknownFields: false,
    lenient: false,
    disabledExtensions: new Set(),
    node: { serviceNode: "", serviceCluster: "", serviceZone: "" },
  }, plugins);
  if (plan === null) {
    plugins.close();
    throw new NuncioError("config/invalid", renderText(diagnostics));
  }
  const running = new Server({
    platform,
    logs,
    logSettings,
    logLevels: levels,
    concurrency: options.concurrency ?? 1,
    drainTimeMs: null,
    drainStrategy: "gradual",
    accessLog: { flushIntervalMs: 10_000, flushBytes: 64 * 1024 },
    localAddress: "127.0.0.1",
    plugins,
  });
  server = running;
  const started = await running.start(plan);
  if (!started.ok) {
    plugins.close();
    throw new NuncioError("server/not-started", started.problems.join("; "));
  }
  const end = async (): Promise<void> => {
    await control.control?.close();
    await running.stop();
  };
  const control = await startControl({
    platform,
    server: running,
    admin: plan.admin,
    root: root!,
    logs,
    version: VERSION,
    commandLineOptions: { concurrency: running.concurrency },
    statsTags: [],
    adminAddressPath: null,
    quit: () => void running.drainForExit().then(end),
  });
  if (control.control === null) {
    await running.stop();
    throw new NuncioError("server/not-started", control.problem);
  }
  return {
    adminUrl: control.control.adminUrl,
    addresses(name) {
      const listener = running.snapshot?.listeners.find((each) => each.name === name);
      return listener?.addresses.map((each) => `${each.address}:${each.port}`) ?? [];
    },
    stat: (name) => running.stats.valueOf(name),
    drain: () => running.drainForExit(),
    stop: end,
  };
}
