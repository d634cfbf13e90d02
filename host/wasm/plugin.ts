// host/wasm/plugin.ts: a configured plugin: makes filters, swaps versions, survives its crashes.
// pure: no I/O, no clock, no runtime globals
// hot: createHttpFilter runs once per stream; see bench/micro/wasm_hostcalls.bench.ts
/**
 * A `Plugin` stays the same object while its module or configuration is replaced under it: streams keep
 * the generation that they began with, new ones get the newest.
 *
 * @see Envoy: source/extensions/common/wasm/plugin.h, wasm.cc PluginConfig
 * @module
 */
import { COMPONENT_WORLD } from "../../abi/mod.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { DEFAULT_METER, type MeterOptions } from "./meter.ts";
import type { WasmModule } from "./module.ts";
import { httpFilterClass, networkFilterClass } from "./filter_class.ts";
import { FAIL_STREAM_REPLY, type HttpContext, type StreamPolicy } from "./http_context.ts";
import type { NetworkContext } from "./network_context.ts";
import type { HttpStreamPort, LogSource, NetworkStreamPort, StreamPort, WasmEnvironment } from "./ports.ts";
import { DEFAULT_LIMITS, type GuestLimits } from "./limits.ts";
import type { RootContext } from "./root_context.ts";
import type { CallTraceMode, Compat, VmFailure } from "./vm_options.ts";

/** What becomes of streams when the VM has failed. @see Envoy: FailurePolicy */
export type FailurePolicy = "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";

/** One plugin as configured. */
export interface PluginConfig extends GuestLimits {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  readonly vmConfiguration: Uint8Array;
  readonly pluginConfiguration: Uint8Array;
  /** `environ_get`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Null allows everything. */
  readonly allowedCapabilities: readonly string[] | null;
  readonly failurePolicy: FailurePolicy;
  /** Least time between attempts to load a crashed VM again. */
  readonly reloadIntervalMs: number;
  readonly allowOnHeadersStopIteration: boolean;
  readonly compat: Compat;
  readonly callTrace: CallTraceMode;
  readonly unknownImports: "fail" | "stub";
  /** What the guest may spend in one callback, in units of fuel (`meter.ts`); 0 runs it without a meter. */
  readonly cpuBudget: number;
  /** The same for each start function, `proxy_on_vm_start` and `proxy_on_configure`. */
  readonly startCpuBudget: number;
  readonly maxMemoryBytes: number;
  readonly maxTableElements: number;
}

/** The configuration of a plugin of which only the given parts are special. */
export function pluginConfig(parts: Partial<PluginConfig>): PluginConfig {
  return { ...DEFAULTS, ...parts };
}

const PAGE_BYTES = 65536;

const DEFAULTS: PluginConfig = {
  name: "",
  rootId: "",
  vmId: "",
  vmConfiguration: new Uint8Array(0),
  pluginConfiguration: new Uint8Array(0),
  environment: {},
  allowedCapabilities: null,
  failurePolicy: "FAIL_CLOSED",
  reloadIntervalMs: 1000,
  allowOnHeadersStopIteration: false,
  compat: "nuncio",
  callTrace: "off",
  unknownImports: "fail",
  cpuBudget: 50_000_000,
  startCpuBudget: DEFAULT_METER.startBudget,
  maxMemoryBytes: DEFAULT_METER.maxMemoryPages * PAGE_BYTES,
  maxTableElements: DEFAULT_METER.maxTableElements,
  ...DEFAULT_LIMITS,
};

/** How a plugin's module is to be compiled; null without a meter. */
export function meterOptions(config: PluginConfig): MeterOptions | null {
  return config.cpuBudget === 0 ? null : {
    startBudget: config.startCpuBudget,
    maxMemoryPages: Math.floor(config.maxMemoryBytes / PAGE_BYTES),
    maxTableElements: config.maxTableElements,
  };
}

/** The HTTP filter of a stream; methods that the guest has no use for are absent. */
export type WasmHttpFilter = Partial<
  Pick<
    HttpContext,
    | "onRequestHeaders"
    | "onRequestBody"
    | "onRequestTrailers"
    | "onResponseHeaders"
    | "onResponseBody"
    | "onResponseTrailers"
    | "wantsEndApart"
    | "onDone"
    | "onLog"
    | "onDestroy"
  >
>;

/** The network filter of a connection. */
export type WasmNetworkFilter = Partial<
  Pick<
    NetworkContext,
    | "onNewConnection"
    | "onDownstreamData"
    | "onUpstreamData"
    | "onDownstreamClose"
    | "onUpstreamClose"
    | "onDone"
    | "onLog"
    | "onDestroy"
  >
>;

/** A root context that several plugins may share, held by one of them. */
export interface RootLease {
  readonly root: RootContext;
  release(): void;
}

/** Gives root contexts: the plugin manager. */
export interface RootSource {
  readonly environment: WasmEnvironment;
  acquire(config: PluginConfig, module: WasmModule): RootLease | readonly Diagnostic[];
}

/** A version of a plugin. */
export interface PluginVersion {
  readonly config: PluginConfig;
  readonly module: WasmModule;
}

/** What admin pages show. */
export interface PluginStatus {
  readonly source: LogSource;
  readonly digest: string;
  readonly abiVersion: string;
  /** Counts the versions that were loaded; 1 is the first. */
  readonly generation: number;
  readonly memoryBytes: number;
  readonly streams: number;
  readonly failure: VmFailure | null;
  readonly canRollBack: boolean;
}

export class Plugin {
  readonly name: string;
  readonly #roots: RootSource;
  #version: PluginVersion;
  #previous: PluginVersion | null = null;
  #lease: RootLease;
  #policy: StreamPolicy;
  #HttpFilter: typeof HttpContext;
  #NetworkFilter: typeof NetworkContext;
  #generation = 1;
  #loadedAtMs: number;
  #reloadDelayMs = 0;

  constructor(roots: RootSource, version: PluginVersion, lease: RootLease) {
    this.name = version.config.name;
    this.#roots = roots;
    this.#version = version;
    this.#lease = lease;
    this.#policy = policyOf(version.config);
    this.#HttpFilter = httpFilterClass(lease.root.vm.callbacks);
    this.#NetworkFilter = networkFilterClass(lease.root.vm.callbacks);
    this.#loadedAtMs = roots.environment.clock.nowMs();
    this.#newReloadDelay();
  }

  get config(): PluginConfig {
    return this.#version.config;
  }

  get module(): WasmModule {
    return this.#version.module;
  }

  /** The context of new streams; its VM may have failed. */
  get root(): RootContext {
    return this.#lease.root;
  }

  /** The filter for a new stream; null leaves this plugin out of it. */
  createHttpFilter(stream: HttpStreamPort): WasmHttpFilter | null {
    if ((this.#lease.root.vm.failure === null || this.#reload()) && this.#lease.root.hasRoom()) {
      return new this.#HttpFilter(this.#lease.root, stream, this.#policy);
    }
    return this.#policy.failOpen ? null : new FailedHttpFilter(stream);
  }

  /** The filter for a new connection; null leaves this plugin out of it. */
  createNetworkFilter(stream: NetworkStreamPort): WasmNetworkFilter | null {
    if ((this.#lease.root.vm.failure === null || this.#reload()) && this.#lease.root.hasRoom()) {
      return new this.#NetworkFilter(this.#lease.root, stream, this.#policy);
    }
    return this.#policy.failOpen ? null : new FailedNetworkFilter(stream);
  }

  /** Has the guest make an access log's entry of a stream that is over, in the plugin's own context. */
  log(stream: StreamPort): void {
    if (this.#lease.root.vm.failure === null || this.#reload()) this.#lease.root.log(stream);
  }

  /**
   * Puts a new module or configuration in place, once it has started and accepted its configuration.
   * Streams under way finish with the old one, which is then freed. With diagnostics nothing has changed.
   */
  update(version: PluginVersion): readonly Diagnostic[] {
    const lease = this.#roots.acquire(version.config, version.module);
    if (!("root" in lease)) return lease;
    const old = this.#lease;
    this.#previous = this.#version;
    this.#version = version;
    this.#take(lease);
    this.#policy = policyOf(version.config);
    this.#generation++;
    old.release();
    return [];
  }

  /** Goes back to the version before; null when there is none. */
  rollBack(): readonly Diagnostic[] | null {
    return this.#previous === null ? null : this.update(this.#previous);
  }

  /** Ends the plugin: no filter is made any more, streams under way finish. */
  dispose(): void {
    this.#lease.release();
  }

  status(): PluginStatus {
    const { root } = this.#lease;
    return {
      source: root.source,
      digest: this.#version.module.digest,
      abiVersion: this.#version.module.component === undefined ? root.vm.abiVersion : COMPONENT_WORLD,
      generation: this.#generation,
      memoryBytes: root.vm.memoryBytes,
      streams: root.streamCount,
      failure: root.vm.failure,
      canRollBack: this.#previous !== null,
    };
  }

  #take(lease: RootLease): void {
    this.#lease = lease;
    this.#HttpFilter = httpFilterClass(lease.root.vm.callbacks);
    this.#NetworkFilter = networkFilterClass(lease.root.vm.callbacks);
    this.#loadedAtMs = this.#roots.environment.clock.nowMs();
    this.#newReloadDelay();
  }

  /**
   * Envoy's jitter: from once to one and a half times the interval. A plugin that takes `startMs` to start
   * waits besides, so that starting it takes a tenth of the time at most.
   */
  #newReloadDelay(startMs = 0): void {
    const { config } = this;
    this.#reloadDelayMs = config.reloadIntervalMs * (1 + this.#roots.environment.random.fraction() / 2) + 10 * startMs;
  }

  /** Loads a crashed VM again if the policy and the back-off let it; true when there is one that works. */
  #reload(): boolean {
    const { config, module } = this.#version;
    const { vm, source } = this.#lease.root;
    if (config.failurePolicy !== "FAIL_RELOAD" || vm.failure?.state !== "RuntimeError") return false;
    const { clock, events } = this.#roots.environment;
    const now = clock.nowMs();
    if (now - this.#loadedAtMs < this.#reloadDelayMs) {
      events?.onReload?.(source, "vm_reload_backoff");
      return false;
    }
    const lease = this.#roots.acquire(config, module);
    // A start that takes long must not be all that the worker does.
    const tookMs = clock.nowMs() - now;
    if (!("root" in lease)) {
      this.#loadedAtMs = now;
      this.#newReloadDelay(tookMs);
      events?.onReload?.(source, "vm_reload_failure");
      return false;
    }
    const old = this.#lease;
    this.#take(lease);
    this.#newReloadDelay(tookMs);
    old.release();
    events?.onReload?.(source, "vm_reload_success");
    return true;
  }
}

function policyOf(config: PluginConfig): StreamPolicy {
  return {
    failOpen: config.failurePolicy === "FAIL_OPEN",
    allowOnHeadersStopIteration: config.allowOnHeadersStopIteration,
  };
}

/** Stands for the guest of a plugin whose VM has failed and whose policy is to fail closed. */
class FailedHttpFilter {
  readonly #stream: HttpStreamPort;

  constructor(stream: HttpStreamPort) {
    this.#stream = stream;
  }

  onRequestHeaders(): 4 {
    this.#stream.sendLocalReply(FAIL_STREAM_REPLY);
    return 4;
  }
}

class FailedNetworkFilter {
  readonly #stream: NetworkStreamPort;

  constructor(stream: NetworkStreamPort) {
    this.#stream = stream;
  }

  onNewConnection(): 1 {
    this.#stream.close("flush_write", "wasm_fail_stream");
    return 1;
  }
}
