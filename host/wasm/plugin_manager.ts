// host/wasm/plugin_manager.ts: which plugins share a VM, and when a VM is free.
// pure: no I/O, no clock, no runtime globals
/**
 * One per thread. Plugins with the same `vm_id`, VM configuration, environment, capabilities and code share
 * a VM; those that have besides the same root id, name and plugin configuration share the root context. A
 * root context lives until its last plugin has let go of it and its last stream is gone; a VM lives until
 * its last root context has been deleted. A VM that has failed is not shared any more.
 *
 * @see Envoy: proxy-wasm-cpp-host src/wasm.cc getOrCreateThreadLocalPlugin, makeVmKey
 * @module
 */
import { latin1Slice } from "../base/bytes.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { tooManyVms } from "./diagnostics.ts";
import { createComponentVm } from "./component/component_vm.ts";
import type { WasmModule } from "./module.ts";
import { createVm } from "./instance.ts";
import { limitsOf, MAX_VMS } from "./limits.ts";
import type { LinkOptions } from "./linker.ts";
import { Plugin, type PluginConfig, type RootLease, type RootSource } from "./plugin.ts";
import type { LogSource, VmUsage, WasmEnvironment } from "./ports.ts";
import { RootContext, type RootStatus } from "./root_context.ts";
import type { Vm } from "./vm.ts";
import type { VmFailure, VmOptions } from "./vm_options.ts";

/** A VM with the root contexts that live in it. */
interface VmEntry {
  readonly key: string;
  readonly vm: Vm;
  /** Root contexts that plugins hold, by plugin key. */
  readonly roots: Map<string, RootEntry>;
  readonly memoryLimitBytes: number;
  /** Root contexts that are not deleted, also those that only wait for their last stream. */
  liveRoots: number;
}

/** A VM as admin pages and statistics see it. */
export interface VmStatus extends VmUsage {
  /** Of the module. */
  readonly digest: string;
  readonly roots: readonly RootStatus[];
  /** Of plugins and of streams. */
  readonly contexts: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly failure: VmFailure | null;
  /** Whom it was made for. */
  readonly source: LogSource;
}

interface RootEntry {
  readonly root: RootContext;
  holders: number;
}

export class PluginManager implements RootSource {
  readonly environment: WasmEnvironment;
  /** VMs that new plugins may share. */
  readonly #shared: Map<string, VmEntry> = new Map();
  readonly #live: Set<VmEntry> = new Set();

  readonly #maxVms: number;

  constructor(environment: WasmEnvironment, maxVms: number = MAX_VMS) {
    this.environment = environment;
    this.#maxVms = maxVms;
  }

  /** VMs that are not free yet, the failed and the draining ones too. */
  get liveVms(): number {
    return this.#live.size;
  }

  /** What they do now. */
  vms(): VmStatus[] {
    return [...this.#live].map(({ vm, memoryLimitBytes }) => ({
      digest: vm.module.digest,
      roots: vm.contexts.all().filter((context) => context instanceof RootContext).map((root) => root.status()),
      contexts: vm.contexts.size,
      memoryBytes: vm.memoryBytes,
      memoryLimitBytes,
      calls: vm.calls,
      fuelSpent: vm.fuelSpent,
      failure: vm.failure,
      source: vm.source,
    }));
  }

  /** Starts a plugin; diagnostics when the module cannot run or refuses its configuration. */
  load(config: PluginConfig, module: WasmModule): Plugin | readonly Diagnostic[] {
    const lease = this.acquire(config, module);
    return "root" in lease ? new Plugin(this, { config, module }, lease) : lease;
  }

  /**
   * Tries a plugin on a VM of its own that is thrown away: what `load` would find, without touching a VM
   * that serves.
   */
  tryOut(config: PluginConfig, module: WasmModule): readonly Diagnostic[] {
    const entry = this.#createVm(`canary\0${keyOf(config, module)}`, config, module);
    if (!("vm" in entry)) return entry;
    const result = this.#createRoot(entry, config);
    if (!("root" in result)) return result;
    result.root.retire();
    // It may want to wait for proxy_done; nobody waits for a try-out.
    if (!result.root.isDeleted) result.root.discard();
    return [];
  }

  acquire(config: PluginConfig, module: WasmModule): RootLease | readonly Diagnostic[] {
    const key = keyOf(config, module);
    let entry = this.#shared.get(key);
    if (entry === undefined || entry.vm.failure !== null) {
      const created = this.#createVm(key, config, module);
      if (!("vm" in created)) return created;
      entry = created;
      this.#shared.set(key, entry);
    }
    const rootKey = rootKeyOf(config);
    let rootEntry = entry.roots.get(rootKey);
    if (rootEntry === undefined) {
      const created = this.#createRoot(entry, config);
      if (!("root" in created)) return created;
      rootEntry = { root: created.root, holders: 0 };
      entry.roots.set(rootKey, rootEntry);
    }
    rootEntry.holders++;
    return this.#lease(entry, rootKey, rootEntry);
  }

  #lease(entry: VmEntry, rootKey: string, rootEntry: RootEntry): RootLease {
    let isHeld = true;
    return {
      root: rootEntry.root,
      release: (): void => {
        if (!isHeld) return;
        isHeld = false;
        if (--rootEntry.holders > 0) return;
        if (entry.roots.get(rootKey) === rootEntry) entry.roots.delete(rootKey);
        rootEntry.root.retire();
      },
    };
  }

  #createVm(key: string, config: PluginConfig, module: WasmModule): VmEntry | readonly Diagnostic[] {
    if (this.liveVms >= this.#maxVms) {
      this.environment.events?.onLimit?.(sourceOf(config), "vms", 1);
      return [tooManyVms(this.#maxVms)];
    }
    const source = sourceOf(config);
    const result = module.component === undefined
      ? createVm(module, vmOptions(config), this.environment, source)
      : createComponentVm(module, module.component, vmOptions(config), this.environment, source);
    if (!("vm" in result)) return result.diagnostics;
    this.environment.shared.retain(config.vmId, config);
    this.environment.events?.onVmCreated?.(source);
    const memoryLimitBytes = config.maxMemoryBytes;
    const entry: VmEntry = { key, vm: result.vm, roots: new Map(), memoryLimitBytes, liveRoots: 0 };
    this.#live.add(entry);
    return entry;
  }

  #createRoot(entry: VmEntry, config: PluginConfig): { root: RootContext } | readonly Diagnostic[] {
    const root = new RootContext(entry.vm, {
      source: sourceOf(config),
      vmConfiguration: config.vmConfiguration,
      pluginConfiguration: config.pluginConfiguration,
    });
    entry.liveRoots++;
    root.onDeleted = (): void => {
      if (--entry.liveRoots === 0) this.#free(entry);
    };
    const failure = root.start();
    if (failure === null) return { root };
    root.discard();
    return [failure.diagnostic];
  }

  #free(entry: VmEntry): void {
    if (this.#shared.get(entry.key) === entry) this.#shared.delete(entry.key);
    this.#live.delete(entry);
    this.environment.shared.release(entry.vm.options.vmId);
    this.environment.events?.onVmDestroyed?.(entry.vm.source, entry.vm);
  }
}

function sourceOf(config: PluginConfig): LogSource {
  return { pluginName: config.name, rootId: config.rootId, vmId: config.vmId };
}

function vmOptions(config: PluginConfig): VmOptions & LinkOptions {
  return {
    vmId: config.vmId,
    compat: config.compat,
    callTrace: config.callTrace,
    allowedCapabilities: config.allowedCapabilities === null ? null : new Set(config.allowedCapabilities),
    environment: Object.entries(config.environment).map(([name, value]) => `${name}=${value}`),
    ...limitsOf(config),
    unknownImports: config.unknownImports,
    maxMemoryBytes: config.maxMemoryBytes,
    maxTableElements: config.maxTableElements,
    cpuBudget: config.cpuBudget,
    startCpuBudget: config.startCpuBudget,
  };
}

/** What must be equal for two plugins to share a VM. */
function keyOf(config: PluginConfig, module: WasmModule): string {
  return JSON.stringify([
    config.vmId,
    module.digest,
    // A component is configured once: it has no root contexts to tell its plugins by.
    module.component === undefined ? null : rootKeyOf(config),
    textOf(config.vmConfiguration),
    Object.entries(config.environment).sort(),
    config.allowedCapabilities === null ? null : [...config.allowedCapabilities].sort(),
    config.compat,
    config.callTrace,
    config.unknownImports,
    config.cpuBudget,
    config.startCpuBudget,
    config.maxMemoryBytes,
    config.maxTableElements,
    limitsOf(config),
  ]);
}

/** What must be equal besides for two plugins to share a root context. */
function rootKeyOf(config: PluginConfig): string {
  return JSON.stringify([config.name, config.rootId, textOf(config.pluginConfiguration)]);
}

function textOf(bytes: Uint8Array): string {
  return latin1Slice(bytes, 0, bytes.length);
}
