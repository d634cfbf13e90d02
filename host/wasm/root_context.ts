// host/wasm/root_context.ts: a plugin's own context: start, configuration, ticks, callouts, end.
// pure: no I/O, no clock, no runtime globals
/**
 * ```text
 * context_create(id, 0) → vm_start → configure → ticks, queues, callouts, streams …
 *   → done → true: delete · false: waits for proxy_done, then delete
 * ```
 * A root context ends when nobody makes streams from it any more and its last stream is gone.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc, proxy-wasm-cpp-host src/wasm.cc
 * @module
 */
import { MapType } from "../../abi/mod.ts";
import { fromUtf8 } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import { CallingContext, type CalloutStatus } from "./calling_context.ts";
import { type Context, Deferred } from "./context.ts";
import { configureRefused, vmStartRefused } from "./diagnostics.ts";
import type { HeaderMapPort, LogSource, StreamPort } from "./ports.ts";
import type { Vm } from "./vm.ts";
import type { VmFailure } from "./vm_options.ts";

/** How long a plugin whose `proxy_on_done` answered false may take to say that it is done. */
const MAX_DONE_WAIT_MS = 30_000;

/** What a root context is made from. */
export interface RootOptions {
  readonly source: LogSource;
  readonly vmConfiguration: Uint8Array;
  readonly pluginConfiguration: Uint8Array;
}

/** What a root context does now, for admin pages. */
export interface RootStatus extends CalloutStatus {
  readonly source: LogSource;
  /** Only its last streams keep it. */
  readonly isDraining: boolean;
  readonly streams: number;
  /** 0 without a timer. */
  readonly tickPeriodMs: number;
}

export class RootContext extends CallingContext {
  override readonly source: LogSource;
  override readonly ownProperties: ReadonlyMap<string, Uint8Array>;
  override readonly vmConfiguration: Uint8Array;
  override readonly pluginConfiguration: Uint8Array;
  override isConfiguring = false;
  /** Told once the context is deleted: the VM may be free now. */
  onDeleted: (() => void) | null = null;
  /** Live streams that were made from this context. */
  streamCount = 0;
  #logged: StreamPort | null = null;
  #doneTimer: Timer | null = null;
  #tickTimer: Timer | null = null;
  #tickPeriodMs = 0;
  #isRetired = false;
  #isPendingDone = false;
  #isDone = false;

  constructor(vm: Vm, options: RootOptions) {
    super(vm);
    this.source = options.source;
    this.ownProperties = new Map([
      ["plugin_name", fromUtf8(options.source.pluginName)],
      ["plugin_root_id", fromUtf8(options.source.rootId)],
      ["plugin_vm_id", fromUtf8(options.source.vmId)],
    ]);
    this.vmConfiguration = options.vmConfiguration;
    this.pluginConfiguration = options.pluginConfiguration;
    vm.contexts.add(this);
  }

  override get root(): this {
    return this;
  }

  /** The stream of which an access log's entry is being made; a plugin has no other. */
  override get stream(): StreamPort | null {
    return this.#logged;
  }

  override get isLogging(): boolean {
    return this.#logged !== null;
  }

  override streamMap(type: number): HeaderMapPort | null {
    const stream = this.#logged;
    if (stream === null || !("requestHeaders" in stream)) return null;
    switch (type) {
      case MapType.HttpRequestHeaders:
        return stream.requestHeaders;
      case MapType.HttpRequestTrailers:
        return stream.requestTrailers;
      case MapType.HttpResponseHeaders:
        return stream.responseHeaders;
      default:
        return stream.responseTrailers;
    }
  }

  status(): RootStatus {
    return {
      source: this.source,
      isDraining: this.#isRetired,
      streams: this.streamCount,
      tickPeriodMs: this.#tickTimer?.enabled === true ? this.#tickPeriodMs : 0,
      ...this.calloutStatus,
    };
  }

  /** Starts and configures the plugin; null when it accepts. A refusal leaves the VM as it is, a trap fails it. */
  start(): VmFailure | null {
    const { vm } = this;
    const { callbacks } = vm;
    if (callbacks.proxy_on_context_create !== null) vm.call(this, callbacks.proxy_on_context_create, 0, 0, 0, 0);
    if (vm.failure === null && callbacks.proxy_on_vm_start !== null) {
      const accepted = vm.call(this, callbacks.proxy_on_vm_start, this.vmConfiguration.length, 0, 0, 0) !== 0;
      if (vm.failure === null && !accepted) {
        return { state: "StartFailed", diagnostic: vmStartRefused(this.source.pluginName, vm.log.lastWords) };
      }
    }
    if (vm.failure === null && callbacks.proxy_on_configure !== null) {
      this.isConfiguring = true;
      const accepted = vm.call(this, callbacks.proxy_on_configure, this.pluginConfiguration.length, 0, 0, 0) !== 0;
      this.isConfiguring = false;
      if (vm.failure === null && !accepted) {
        return { state: "ConfigureFailed", diagnostic: configureRefused(this.source.pluginName, vm.log.lastWords) };
      }
    }
    return vm.failure;
  }

  override setTickPeriod(periodMs: number): void {
    this.#tickPeriodMs = periodMs;
    if (periodMs === 0) {
      this.#tickTimer?.disable();
      return;
    }
    if (this.isDeleted) return;
    this.#tickTimer ??= this.vm.environment.clock.createTimer(() => this.#tick());
    this.#tickTimer.enable(periodMs);
  }

  #tick(): void {
    const { vm } = this;
    const fn = vm.callbacks.proxy_on_tick;
    if (fn === null || vm.failure !== null) return;
    vm.call(this, fn, 0, 0, 0, 0);
    // Armed after the callback, so ticks never pile up; it may have set another period, or none.
    if (this.#tickPeriodMs > 0 && vm.failure === null && !this.isDeleted && !this.#tickTimer!.enabled) {
      this.#tickTimer!.enable(this.#tickPeriodMs);
    }
  }

  override onQueueReady(token: number): boolean {
    const { vm } = this;
    const fn = vm.callbacks.proxy_on_queue_ready;
    if (fn === null || this.isDeleted) return true;
    const before = vm.fuelSpent;
    vm.call(this, fn, token, 0, 0, 0);
    // All events of a turn together are to take no longer than one call may, or two.
    return vm.fuelSpent - before <= vm.options.cpuBudget / 64;
  }

  /** Has the guest make an access log's entry of a stream that is over. */
  log(stream: StreamPort): void {
    const fn = this.vm.callbacks.proxy_on_log;
    if (fn === null || this.isDeleted) return;
    this.#logged = stream;
    this.vm.call(this, fn, 0, 0, 0, 0);
    this.#logged = null;
  }

  /** Calls the guest's foreign-function callback with `args` in buffer 8. */
  callForeign(functionId: number, args: Uint8Array): void {
    const fn = this.vm.callbacks.proxy_on_foreign_function;
    if (fn !== null) this.callWithArguments(args, fn, functionId);
  }

  override runDeferred(operation: Deferred, token: number): void {
    switch (operation) {
      case Deferred.HttpCallDone:
        this.onHttpCallDone(token);
        break;
      case Deferred.GrpcEvents:
        this.onGrpcEventsDue();
        break;
      case Deferred.DnsDone:
        this.onDnsDone(token);
        break;
      case Deferred.PluginDone:
        this.#delete();
        break;
      case Deferred.VmFailed:
        this.#tickTimer?.disable();
        this.#endCallouts();
        // It would have said when it is done.
        if (this.#isPendingDone) this.#delete();
        break;
    }
  }

  /** Whether one stream more may use the VM. */
  hasRoom(): boolean {
    const { vm } = this;
    if (vm.contexts.size < vm.options.maxContexts) return true;
    vm.log.onLimit("contexts", `the VM has ${vm.contexts.size} contexts, the most that it may have`);
    return false;
  }

  /** A stream begins to use this context. */
  addStream(context: Context): void {
    this.streamCount++;
    this.vm.contexts.add(context);
  }

  /** A stream is gone. */
  removeStream(context: Context): void {
    this.vm.contexts.remove(context);
    this.streamCount--;
    if (this.#isRetired && this.streamCount === 0) this.#finish();
  }

  /** No new stream will be made from this context: it ends after its last one. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    if (this.streamCount === 0) this.#finish();
  }

  /** Ends a context that refused to start: deleted at once, without `proxy_on_done`. */
  discard(): void {
    this.#isRetired = true;
    this.#isDone = true;
    this.#delete();
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    const { vm } = this;
    const fn = vm.callbacks.proxy_on_done;
    if (fn === null || vm.failure !== null) return this.#delete();
    this.#isPendingDone = true;
    const isDone = vm.call(this, fn, 0, 0, 0, 0) !== 0;
    if (isDone || vm.failure !== null) return this.#delete();
    this.#doneTimer = vm.environment.clock.createTimer(() => this.#onDoneLate());
    this.#doneTimer.enable(MAX_DONE_WAIT_MS);
  }

  #onDoneLate(): void {
    const { vm } = this;
    vm.log.explain(
      `plugin "${this.source.pluginName}" has not called proxy_done for ${MAX_DONE_WAIT_MS / 1000} s; it is deleted`,
    );
    this.#delete();
  }

  override done(): boolean {
    if (!this.#isPendingDone) return false;
    this.#isPendingDone = false;
    this.vm.operations.defer(this, Deferred.PluginDone, 0);
    return true;
  }

  #delete(): void {
    if (this.isDeleted) return;
    this.#isPendingDone = false;
    this.#doneTimer?.disable();
    const { vm } = this;
    if (vm.callbacks.proxy_on_delete !== null) vm.call(this, vm.callbacks.proxy_on_delete, 0, 0, 0, 0);
    this.isDeleted = true;
    this.#tickTimer?.disable();
    this.#endCallouts();
    vm.contexts.remove(this);
    this.onDeleted?.();
  }

  #endCallouts(): void {
    this.cancelCallouts();
    this.vm.environment.shared.removeConsumer(this);
  }
}
