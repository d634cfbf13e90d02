// host/extensions/common/wasm/plugins.ts: the wasm plugins of one worker, tied to its clusters, stats and log.
/**
 * @see Envoy: source/extensions/common/wasm/wasm.cc
 * @module
 */
import type { Diagnostic } from "../../../base/diagnostic.ts";
import type { Clock } from "../../../base/clock.ts";
import type { Random } from "../../../base/random.ts";
import type { Logger } from "../../../observe/log.ts";
import type { StatsScope } from "../../../observe/stats.ts";
import {
  type CallTraceMode,
  type CallTracePort,
  type GrpcClientPort,
  type HttpCallPort,
  type LogPort,
  type LogSource,
  type MeterOptions,
  meterOptions,
  type MetricsPort,
  type Plugin,
  type PluginConfig,
  pluginConfig,
  PluginManager,
  type PluginStatus,
  type PropertyPort,
  type SharedStorePort,
  type WasmEnvironment,
  type WasmEvents,
  type WasmModule,
} from "../../../wasm/mod.ts";
import type { WasmPluginPlan } from "./plugin_plan.ts";
import { WasmPluginStats } from "./plugin_stats.ts";
import { failureOf, rootsOf, vmsOf, type WasmFailure, type WasmPluginStatus } from "./plugin_status.ts";
import { FOREIGN_FUNCTIONS, prepareForeignFunctions } from "./foreign_functions/mod.ts";
import { type ClusterFacts, type NodeFacts, StreamProperties } from "./properties.ts";

/** A plugin with the code that it runs now. */
export interface WasmPluginSnapshot {
  /** Two plugins of one key are one plugin. */
  readonly key: string;
  readonly plan: WasmPluginPlan;
  readonly module: WasmModule;
  /** Counts up with every reload and rollback, and when tracing is switched. */
  readonly version: number;
  /** Whether its calls are written to the log. */
  readonly callTrace: CallTraceMode;
}

export interface WasmPluginsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: StatsScope;
  readonly httpCalls: HttpCallPort;
  /** For attributes of clusters that a request is on its way to. */
  readonly clusterFacts?: (name: string) => ClusterFacts | null;
  readonly grpc: GrpcClientPort;
  readonly logger: Logger;
  readonly shared: SharedStorePort;
  onFailure?(source: LogSource, message: string): void;
  /** VMs that this worker may have. */
  readonly maxVms?: number;
}

interface Entry {
  readonly plugin: Plugin;
  version: number;
}

export class WasmPlugins {
  readonly #manager: PluginManager;
  /** What streams, connections and this proxy say of themselves. */
  readonly attributes: StreamProperties;
  readonly #entries = new Map<string, Entry>();
  readonly #node: { current: NodeFacts };
  readonly #shared: SharedStorePort;
  readonly #stats: WasmPluginStats;
  /** The last failure by plugin name. */
  readonly #failures = new Map<string, WasmFailure>();

  constructor(options: WasmPluginsOptions) {
    this.#node = { current: { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} } };
    this.#shared = options.shared;
    this.#stats = new WasmPluginStats(options.stats);
    this.attributes = new StreamProperties(this.#node, options.clusterFacts);
    const events = wasmEvents(options, this.#stats, this.#failures);
    this.#manager = new PluginManager(
      createWasmEnvironment(options, this.attributes, events),
      options.maxVms,
    );
  }

  /** The plugin of a snapshot's key; it stays the same object through reloads. */
  plugin(key: string): Plugin {
    return this.#entries.get(key)!.plugin;
  }

  /** Loads what these plugins need and not all do; before `update`, `swap` or `tryOut`. */
  async prepare(modules: readonly WasmModule[]): Promise<void> {
    await prepareForeignFunctions(modules);
  }

  /** Takes a generation's plugins; problems are those of plugins that did not start. */
  update(plugins: readonly WasmPluginSnapshot[], node: NodeFacts): string[] {
    this.#node.current = node;
    const problems: string[] = [];
    for (const snapshot of plugins) {
      const outcome = this.#set(snapshot);
      if (outcome !== null) problems.push(outcome);
    }
    const keys = new Set(plugins.map((each) => each.key));
    for (const [key, { plugin }] of this.#entries) {
      if (keys.has(key)) continue;
      this.#entries.delete(key);
      plugin.dispose();
    }
    return problems;
  }

  /** Puts new code in place of a plugin's; with a message nothing has changed. */
  swap(snapshot: WasmPluginSnapshot): { readonly ok: true } | { readonly ok: false; readonly message: string } {
    const message = this.#set(snapshot);
    return message === null ? { ok: true } : { ok: false, message };
  }

  /** Starts a plugin on a VM that is thrown away. */
  tryOut(plan: WasmPluginPlan, module: WasmModule, node: NodeFacts): readonly Diagnostic[] {
    this.#node.current = node;
    return this.#manager.tryOut(configOf(plan), module);
  }

  status(): WasmPluginStatus[] {
    const all = this.#manager.vms();
    return [...this.#entries].map(([key, { plugin, version }]) => {
      const { source, digest, abiVersion, failure }: PluginStatus = plugin.status();
      const vms = vmsOf(source, all);
      return {
        key,
        name: plugin.name,
        version,
        digest,
        abiVersion,
        vms,
        memoryBytes: vms.reduce((sum, vm) => sum + vm.memoryBytes, 0),
        streams: vms.flatMap((vm) => rootsOf(source, vm)).reduce((sum, root) => sum + root.streams, 0),
        failure: failure === null ? null : failure.diagnostic.message,
        lastFailure: this.#failures.get(plugin.name) ?? null,
        shared: this.#shared.status(source.vmId),
        liveVms: this.#manager.liveVms,
      };
    });
  }

  /** Brings `wasm.<plugin>.*` up to date. */
  publishStats(): void {
    this.#stats.publish(this.#manager.vms());
  }

  close(): void {
    for (const { plugin } of this.#entries.values()) plugin.dispose();
    this.#entries.clear();
  }

  #set(snapshot: WasmPluginSnapshot): string | null {
    const { key, plan, module, version } = snapshot;
    const config = { ...configOf(plan), callTrace: snapshot.callTrace };
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const loaded = this.#manager.load(config, module);
      if (!("config" in loaded)) return problemText(plan.name, loaded);
      this.#entries.set(key, { plugin: loaded, version });
      return null;
    }
    if (entry.version === version) return null;
    const problems = entry.plugin.update({ config, module });
    if (problems.length > 0) return problemText(plan.name, problems);
    entry.version = version;
    return null;
  }
}

/** How a plan's module is to be compiled; null without a meter. */
export function meterOf(plan: WasmPluginPlan): MeterOptions | null {
  return meterOptions(configOf(plan));
}

function configOf(plan: WasmPluginPlan): PluginConfig {
  return pluginConfig({
    name: plan.name,
    rootId: plan.rootId,
    vmId: plan.vmId,
    vmConfiguration: plan.vmConfiguration,
    pluginConfiguration: plan.pluginConfiguration,
    environment: Object.fromEntries(plan.environment),
    allowedCapabilities: plan.allowedCapabilities,
    failurePolicy: plan.failurePolicy,
    reloadIntervalMs: plan.reloadBackoffMs,
    allowOnHeadersStopIteration: plan.allowOnHeadersStopIteration,
    ...plan.limits,
  });
}

function problemText(name: string, problems: readonly Diagnostic[]): string {
  return `wasm plugin '${name}': ${problems.map((each) => each.message).join("; ")}`;
}

function createWasmEnvironment(
  options: WasmPluginsOptions,
  properties: PropertyPort,
  events: WasmEvents,
): WasmEnvironment {
  const { clock, random, stats, httpCalls, grpc, shared } = options;
  return {
    clock,
    random,
    log: new WasmLog(options.logger),
    metrics: new WasmMetrics(stats),
    properties,
    shared,
    httpCalls,
    grpc,
    foreignFunctions: FOREIGN_FUNCTIONS,
    events,
    callTrace: new CallTraceLog(options.logger),
  };
}

/** VM counts and reloads under Envoy's names, the rest under our own. */
function wasmEvents(
  { clock, stats, onFailure }: WasmPluginsOptions,
  pluginStats: WasmPluginStats,
  failures: Map<string, WasmFailure>,
): WasmEvents {
  const runtime = stats.scope("wasm.envoy.wasm.runtime.v8");
  const created = runtime.counter("created");
  const active = runtime.gauge("active");
  const vmCount = stats.gauge("wasm.wasm_vm_count");
  return {
    onVmCreated(source) {
      pluginStats.onVmCreated(source);
      created.inc();
      active.inc();
      vmCount.inc();
    },
    onVmDestroyed(source, usage) {
      pluginStats.onVmDestroyed(source, usage);
      active.dec();
      vmCount.dec();
    },
    onVmFailed(source, message, diagnostic) {
      pluginStats.onVmFailed(source);
      failures.set(source.pluginName, failureOf(diagnostic, clock.wallMs()));
      onFailure?.(source, message);
    },
    onReload(source, outcome) {
      pluginStats.onReload(source, outcome);
    },
    onLimit(source, limit, count) {
      pluginStats.onLimit(source, limit, count);
    },
  };
}

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical"] as const;

/** Guests' log lines, in the log's `wasm` component with who wrote them. */
class WasmLog implements LogPort {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get level(): number {
    for (let level = 0; level < LEVELS.length; level++) if (this.#logger.isEnabled(LEVELS[level]!)) return level;
    return 6;
  }

  log(level: number, source: LogSource, text: string): void {
    const fields = { plugin: source.pluginName, root_id: source.rootId, vm_id: source.vmId };
    const name = LEVELS[level] ?? "info";
    if (name === "warning") this.#logger.warn(text, fields);
    else this.#logger[name](text, fields);
  }
}

/** Lines of traced calls: level debug, or info where that is not shown. They were asked for. */
class CallTraceLog implements CallTracePort {
  readonly #logger: Logger;
  #lines = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  write(source: LogSource, line: string): void {
    // Numbered: lines that repeat would be counted instead of written.
    const fields = { plugin: source.pluginName, vm_id: source.vmId, call: ++this.#lines };
    if (this.#logger.isEnabled("debug")) this.#logger.debug(line, fields);
    else this.#logger.info(line, fields);
  }
}

/** Guests' metrics: `wasmcustom.<name>`, one for all workers. */
class WasmMetrics implements MetricsPort {
  readonly #scope: StatsScope;

  constructor(stats: StatsScope) {
    this.#scope = stats.scope("wasmcustom");
  }

  counter(name: string): ReturnType<MetricsPort["counter"]> {
    return this.#scope.counter(name);
  }

  gauge(name: string): ReturnType<MetricsPort["gauge"]> {
    return this.#scope.gauge(name);
  }

  histogram(name: string): ReturnType<MetricsPort["histogram"]> {
    return this.#scope.histogram(name);
  }
}
