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
import { BufferType, MapType, Status } from "../../abi/mod.ts";
import { fromUtf8 } from "../base/bytes.ts";
import type { Timer } from "../base/clock.ts";
import type { GuestFunction } from "./callbacks.ts";
import { type CalloutData, type Context, Deferred, PluginContext } from "./context.ts";
import { configureRefused, vmStartRefused } from "./diagnostics.ts";
import { type DnsCalloutOwner, DnsCallouts } from "./dns_callouts.ts";
import { type GrpcCalloutOwner, GrpcCallouts, type GrpcEvent } from "./grpc_callouts.ts";
import { type HttpCalloutOwner, HttpCallouts, requestBytes } from "./http_callouts.ts";
import type { HeaderMapPort, LogSource, StreamPort } from "./ports.ts";
import type { Vm } from "./vm.ts";
import type { VmFailure } from "./vm_options.ts";

/** Callouts fail with this code in `proxy_get_status` when there is no gRPC status. */
const BROKEN_CONNECTION = Status.BrokenConnection;

/** How long a plugin whose `proxy_on_done` answered false may take to say that it is done. */
const MAX_DONE_WAIT_MS = 30_000;

/** What maps 4 to 7 and buffers 4, 5 and 8 hold while a callback about them runs. */
class CurrentCallout implements CalloutData {
  responseHeaders: HeaderMapPort | null = null;
  responseTrailers: HeaderMapPort | null = null;
  responseBody: Uint8Array | null = null;
  initialMetadata: HeaderMapPort | null = null;
  trailingMetadata: HeaderMapPort | null = null;
  message: Uint8Array | null = null;
  foreignArguments: Uint8Array | null = null;

  map(type: number): HeaderMapPort | null {
    switch (type) {
      case MapType.GrpcCallInitialMetadata:
        return this.initialMetadata;
      case MapType.GrpcCallTrailingMetadata:
        return this.trailingMetadata;
      case MapType.HttpCallResponseHeaders:
        return this.responseHeaders;
      case MapType.HttpCallResponseTrailers:
        return this.responseTrailers;
      default:
        return null;
    }
  }

  buffer(type: number): Uint8Array | null {
    switch (type) {
      case BufferType.HttpCallResponseBody:
        return this.responseBody;
      case BufferType.GrpcCallMessage:
        return this.message;
      case BufferType.ForeignFunctionArguments:
        return this.foreignArguments;
      default:
        return null;
    }
  }
}

/** What a root context is made from. */
export interface RootOptions {
  readonly source: LogSource;
  readonly vmConfiguration: Uint8Array;
  readonly pluginConfiguration: Uint8Array;
}

/** What a root context does now, for admin pages. */
export interface RootStatus {
  readonly source: LogSource;
  /** Only its last streams keep it. */
  readonly isDraining: boolean;
  readonly streams: number;
  /** 0 without a timer. */
  readonly tickPeriodMs: number;
  readonly httpCalls: number;
  readonly grpcCalls: number;
  readonly dnsLookups: number;
}

export class RootContext extends PluginContext implements HttpCalloutOwner, GrpcCalloutOwner, DnsCalloutOwner {
  readonly vm: Vm;
  override readonly source: LogSource;
  override readonly ownProperties: ReadonlyMap<string, Uint8Array>;
  override readonly vmConfiguration: Uint8Array;
  override readonly pluginConfiguration: Uint8Array;
  override readonly calloutData: CurrentCallout = new CurrentCallout();
  override isConfiguring = false;
  override lastStatus = 0;
  override lastStatusMessage = "";
  /** Told once the context is deleted: the VM may be free now. */
  onDeleted: (() => void) | null = null;
  /** Live streams that were made from this context. */
  streamCount = 0;
  readonly #httpCalls: HttpCallouts;
  readonly #grpcCalls: GrpcCallouts;
  readonly #dnsCalls: DnsCallouts;
  #logged: StreamPort | null = null;
  #waitingGrpcEvents = 0;
  #doneTimer: Timer | null = null;
  #tickTimer: Timer | null = null;
  #tickPeriodMs = 0;
  #isRetired = false;
  #isPendingDone = false;
  #isDone = false;
  #isDeleted = false;

  constructor(vm: Vm, options: RootOptions) {
    super(vm.newContextId());
    this.vm = vm;
    this.source = options.source;
    this.ownProperties = new Map([
      ["plugin_name", fromUtf8(options.source.pluginName)],
      ["plugin_root_id", fromUtf8(options.source.rootId)],
      ["plugin_vm_id", fromUtf8(options.source.vmId)],
    ]);
    this.vmConfiguration = options.vmConfiguration;
    this.pluginConfiguration = options.pluginConfiguration;
    this.#httpCalls = new HttpCallouts(this, vm.callouts);
    this.#grpcCalls = new GrpcCallouts(this, vm.callouts);
    this.#dnsCalls = new DnsCallouts(this, vm.callouts);
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

  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  status(): RootStatus {
    return {
      source: this.source,
      isDraining: this.#isRetired,
      streams: this.streamCount,
      tickPeriodMs: this.#tickTimer?.enabled === true ? this.#tickPeriodMs : 0,
      httpCalls: this.#httpCalls.size,
      grpcCalls: this.#grpcCalls.size,
      dnsLookups: this.#dnsCalls.size,
    };
  }

  /** Callouts under way, for limits and leak checks. */
  get calloutCount(): number {
    return this.#httpCalls.size + this.#grpcCalls.size + this.#dnsCalls.size;
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
    if (this.#isDeleted) return;
    this.#tickTimer ??= this.vm.environment.clock.createTimer(() => this.#tick());
    this.#tickTimer.enable(periodMs);
  }

  #tick(): void {
    const { vm } = this;
    const fn = vm.callbacks.proxy_on_tick;
    if (fn === null || vm.failure !== null) return;
    vm.call(this, fn, 0, 0, 0, 0);
    // Armed after the callback, so ticks never pile up; it may have set another period, or none.
    if (this.#tickPeriodMs > 0 && vm.failure === null && !this.#isDeleted && !this.#tickTimer!.enabled) {
      this.#tickTimer!.enable(this.#tickPeriodMs);
    }
  }

  override onQueueReady(token: number): boolean {
    const { vm } = this;
    const fn = vm.callbacks.proxy_on_queue_ready;
    if (fn === null || this.#isDeleted) return true;
    const before = vm.fuelSpent;
    vm.call(this, fn, token, 0, 0, 0);
    // All events of a turn together are to take no longer than one call may, or two.
    return vm.fuelSpent - before <= vm.options.cpuBudget / 64;
  }

  /** Has the guest make an access log's entry of a stream that is over. */
  log(stream: StreamPort): void {
    const fn = this.vm.callbacks.proxy_on_log;
    if (fn === null || this.#isDeleted) return;
    this.#logged = stream;
    this.vm.call(this, fn, 0, 0, 0, 0);
    this.#logged = null;
  }

  /** Calls the guest's foreign-function callback with `args` in buffer 8. */
  callForeign(functionId: number, args: Uint8Array): void {
    const fn = this.vm.callbacks.proxy_on_foreign_function;
    if (fn !== null) this.#withArguments(args, fn, functionId);
  }

  override httpCall(
    cluster: string,
    headers: readonly (readonly [string, string])[],
    body: Uint8Array,
    trailers: readonly (readonly [string, string])[],
    timeoutMs: number,
  ): number {
    const { vm } = this;
    const request = { cluster, headers, body, trailers, timeoutMs };
    if (!this.#mayCall("proxy_http_call", requestBytes(request))) return -Status.InternalFailure;
    const token = vm.newCalloutNumber() * 4;
    const result = this.#httpCalls.send(vm.environment.httpCalls, request, token, vm.context);
    if (result === -Status.BadArgument) {
      vm.log.explain(`proxy_http_call: there is no cluster ${JSON.stringify(cluster)}`);
    }
    return result;
  }

  /** Whether the limits let the effective context begin a call. */
  #mayCall(hostcall: string, bytes: number): boolean {
    const { vm } = this;
    const refusal = vm.callouts.refusal({ caller: vm.context, bytes });
    if (refusal !== null) vm.log.onLimit(refusal[0], `${hostcall}: ${refusal[1]}`);
    return refusal === null;
  }

  /** What came while the guest runs waits for the event loop. */
  #deliver(operation: Deferred, token: number): void {
    if (this.vm.inGuest) this.vm.operations.deferLater(this, operation, token);
    else this.runDeferred(operation, token);
  }

  deliverHttpCall(token: number): void {
    this.#deliver(Deferred.HttpCallDone, token);
  }

  #onHttpCallDone(token: number): void {
    const call = this.#httpCalls.take(token);
    const { vm, calloutData } = this;
    const fn = vm.callbacks.proxy_on_http_call_response;
    if (call === null || fn === null || this.#isDeleted) return;
    const isFailure = call.headers === null;
    if (isFailure) {
      this.lastStatus = BROKEN_CONNECTION;
      this.lastStatusMessage = vm.isEnvoyCompatible ? "reset" : call.failure ?? "reset";
    } else if (!vm.isEnvoyCompatible) {
      this.lastStatus = 0;
      this.lastStatusMessage = "";
    }
    calloutData.responseHeaders = call.headers;
    calloutData.responseTrailers = call.trailers;
    calloutData.responseBody = call.body;
    vm.call(this, fn, token, call.headers?.size ?? 0, call.body?.length ?? 0, call.trailers?.size ?? 0);
    calloutData.responseHeaders = null;
    calloutData.responseTrailers = null;
    calloutData.responseBody = null;
  }

  override grpcOpen(
    upstream: string,
    service: string,
    method: string,
    metadata: readonly (readonly [string, string])[],
    message: Uint8Array | null,
    timeoutMs: number,
  ): number {
    const { vm } = this;
    if (!this.#mayCall("proxy_grpc_call", message?.length ?? 0)) return -Status.InternalFailure;
    const request = { upstream, service, method, metadata };
    return this.#grpcCalls.open(vm.environment.grpc, request, message, timeoutMs, vm.newCalloutNumber(), vm.context);
  }

  override grpcSend(token: number, message: Uint8Array, end: boolean): Status {
    const status = this.#grpcCalls.send(token, message, end);
    if (status !== Status.InternalFailure) return status;
    const { maxHttpCallBytes } = this.vm.options;
    this.vm.log.onLimit(
      "http_call_bytes",
      `proxy_grpc_send: more than ${maxHttpCallBytes} bytes wait to be sent; the message is refused`,
    );
    return Status.BadArgument;
  }

  override grpcClose(token: number): Status {
    return this.#grpcCalls.close(token);
  }

  override grpcCancel(token: number): Status {
    return this.#grpcCalls.cancel(token);
  }

  deliverGrpcEvents(): void {
    // Behind those that wait already: events of a stream keep their order.
    if (this.#waitingGrpcEvents === 0 && !this.vm.inGuest) return this.#onNextGrpcEvent();
    this.#waitingGrpcEvents++;
    this.vm.operations.deferLater(this, Deferred.GrpcEvents, 0);
  }

  #onNextGrpcEvent(): void {
    const event = this.#grpcCalls.nextEvent();
    if (event !== null && !this.#isDeleted) this.#onGrpcEvent(event);
  }

  #onGrpcEvent(event: GrpcEvent): void {
    const { vm, calloutData } = this;
    const { callbacks } = vm;
    switch (event.kind) {
      case "initial_metadata":
        if (callbacks.proxy_on_grpc_receive_initial_metadata === null) return;
        calloutData.initialMetadata = event.metadata;
        vm.call(this, callbacks.proxy_on_grpc_receive_initial_metadata, event.token, event.metadata.size, 0, 0);
        calloutData.initialMetadata = null;
        return;
      case "message":
        if (callbacks.proxy_on_grpc_receive === null) return;
        calloutData.message = event.message;
        vm.call(this, callbacks.proxy_on_grpc_receive, event.token, event.message.length, 0, 0);
        calloutData.message = null;
        return;
      case "trailing_metadata":
        if (callbacks.proxy_on_grpc_receive_trailing_metadata === null) return;
        calloutData.trailingMetadata = event.metadata;
        vm.call(this, callbacks.proxy_on_grpc_receive_trailing_metadata, event.token, event.metadata.size, 0, 0);
        calloutData.trailingMetadata = null;
        return;
      case "close":
        this.lastStatus = event.status;
        this.lastStatusMessage = event.message;
        if (callbacks.proxy_on_grpc_close === null) return;
        vm.call(this, callbacks.proxy_on_grpc_close, event.token, event.status, 0, 0);
    }
  }

  override resolveDns(name: string): number {
    const { vm } = this;
    if (!this.#mayCall("envoy_resolve_dns", name.length)) return -Status.InternalFailure;
    const token = vm.newCalloutNumber();
    this.#dnsCalls.resolve(vm.environment.dns, name, token, vm.context);
    return token;
  }

  deliverDns(token: number): void {
    this.#deliver(Deferred.DnsDone, token);
  }

  #onDnsDone(token: number): void {
    const answer = this.#dnsCalls.take(token);
    const fn = this.vm.callbacks.envoy_on_resolve_dns;
    if (answer === null || fn === null) return;
    this.#withArguments(answer, fn, token);
  }

  /** Calls the guest with `bytes` in buffer 8. */
  #withArguments(bytes: Uint8Array, fn: GuestFunction, a: number): void {
    this.calloutData.foreignArguments = bytes;
    this.vm.call(this, fn, a, bytes.length, 0, 0);
    this.calloutData.foreignArguments = null;
  }

  override runDeferred(operation: Deferred, token: number): void {
    switch (operation) {
      case Deferred.HttpCallDone:
        this.#onHttpCallDone(token);
        break;
      case Deferred.GrpcEvents:
        this.#waitingGrpcEvents--;
        this.#onNextGrpcEvent();
        break;
      case Deferred.DnsDone:
        this.#onDnsDone(token);
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
    if (this.#isDeleted) return;
    this.#isPendingDone = false;
    this.#doneTimer?.disable();
    const { vm } = this;
    if (vm.callbacks.proxy_on_delete !== null) vm.call(this, vm.callbacks.proxy_on_delete, 0, 0, 0, 0);
    this.#isDeleted = true;
    this.#tickTimer?.disable();
    this.#endCallouts();
    vm.contexts.remove(this);
    this.onDeleted?.();
  }

  #endCallouts(): void {
    this.#httpCalls.cancelAll();
    this.#grpcCalls.cancelAll();
    this.#dnsCalls.cancelAll();
    this.vm.environment.shared.removeConsumer(this);
  }
}
