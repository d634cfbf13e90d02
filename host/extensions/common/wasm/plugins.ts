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
  BUILT_IN_FOREIGN_FUNCTIONS,
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
import { type NodeFacts, StreamProperties } from "./properties.ts";

/** A plugin with the code that it runs now. */
export interface WasmPluginSnapshot {
  /** Two plugins of one key are one plugin. */
  readonly key: string;
  readonly plan: WasmPluginPlan;
  readonly module: WasmModule;
  /** Counts up with every reload and rollback. */
  readonly version: number;
}

/** What admin pages show of a plugin on one worker. */
export interface WasmPluginStatus {
  readonly key: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly abiVersion: string;
  /** VMs that were made for plugins of this name and are not free: old versions with streams, too. */
  readonly vms: number;
  readonly memoryBytes: number;
  readonly streams: number;
  /** Why the VM failed; null while it works. */
  readonly failure: string | null;
  /** VMs of the whole worker. */
  readonly liveVms: number;
}

export interface WasmPluginsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: StatsScope;
  readonly httpCalls: HttpCallPort;
  readonly grpc: GrpcClientPort;
  readonly logger: Logger;
  readonly shared: SharedStorePort;
  onFailure?(source: LogSource, message: string): void;
}

interface Entry {
  readonly plugin: Plugin;
  version: number;
}

export class WasmPlugins {
  readonly #manager: PluginManager;
  readonly #entries = new Map<string, Entry>();
  readonly #node: { current: NodeFacts };
  readonly #vms = new VmCounts();

  constructor(options: WasmPluginsOptions) {
    this.#node = { current: { id: "", cluster: "", region: "", zone: "", subZone: "", metadata: {} } };
    this.#manager = new PluginManager(createWasmEnvironment(options, new StreamProperties(this.#node), this.#vms));
  }

  /** The plugin of a snapshot's key; it stays the same object through reloads. */
  plugin(key: string): Plugin {
    return this.#entries.get(key)!.plugin;
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
    return [...this.#entries].map(([key, { plugin, version }]) => {
      const status: PluginStatus = plugin.status();
      return {
        key,
        name: plugin.name,
        version,
        digest: status.digest,
        abiVersion: status.abiVersion,
        vms: this.#vms.of(plugin.name),
        memoryBytes: status.memoryBytes,
        streams: status.streams,
        failure: status.failure === null ? null : status.failure.diagnostic.message,
        liveVms: this.#manager.liveVms,
      };
    });
  }

  close(): void {
    for (const { plugin } of this.#entries.values()) plugin.dispose();
    this.#entries.clear();
  }

  #set(snapshot: WasmPluginSnapshot): string | null {
    const { key, plan, module, version } = snapshot;
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const loaded = this.#manager.load(configOf(plan), module);
      if (!("config" in loaded)) return problemText(plan.name, loaded);
      this.#entries.set(key, { plugin: loaded, version });
      return null;
    }
    if (entry.version === version) return null;
    const problems = entry.plugin.update({ config: configOf(plan), module });
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

/** VMs that are not free, by the name of the plugin that they were made for. */
class VmCounts {
  readonly #counts = new Map<string, number>();

  of(pluginName: string): number {
    return this.#counts.get(pluginName) ?? 0;
  }

  add(pluginName: string, delta: number): void {
    const count = this.of(pluginName) + delta;
    if (count === 0) this.#counts.delete(pluginName);
    else this.#counts.set(pluginName, count);
  }
}

function createWasmEnvironment(
  options: WasmPluginsOptions,
  properties: PropertyPort,
  vms: VmCounts,
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
    foreignFunctions: BUILT_IN_FOREIGN_FUNCTIONS,
    events: wasmEvents(options, vms),
  };
}

/** VM counts and reloads under Envoy's names. */
function wasmEvents({ stats, logger, onFailure }: WasmPluginsOptions, vms: VmCounts): WasmEvents {
  const runtime = stats.scope("wasm.envoy.wasm.runtime.v8");
  const created = runtime.counter("created");
  const active = runtime.gauge("active");
  return {
    onVmCreated(source) {
      vms.add(source.pluginName, 1);
      created.inc();
      active.inc();
    },
    onVmDestroyed(source) {
      vms.add(source.pluginName, -1);
      active.dec();
    },
    onVmFailed(source, message) {
      stats.scope(`wasm.${source.pluginName}`).counter("vm_failed").inc();
      logger.error("a wasm VM failed", {
        plugin: source.pluginName,
        root_id: source.rootId,
        vm_id: source.vmId,
        reason: message,
      });
      onFailure?.(source, message);
    },
    onReload(source, outcome) {
      stats.scope(`wasm.${source.pluginName}`).counter(outcome).inc();
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
