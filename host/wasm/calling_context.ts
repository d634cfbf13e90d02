// host/wasm/calling_context.ts: a plugin's callouts: HTTP and gRPC calls, look-ups of names, and what comes of them.
// pure: no I/O, no clock, no runtime globals
/**
 * What comes while the guest runs waits for the event loop; events of a gRPC stream keep their order.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc Context::httpCall, grpcCall, onHttpCallSuccess
 * @module
 */
import { Status } from "../../abi/mod.ts";
import type { GuestFunction } from "./callbacks.ts";
import { Deferred, PluginContext } from "./context.ts";
import { CurrentCallout } from "./current_callout.ts";
import { type DnsCalloutOwner, DnsCallouts } from "./dns_callouts.ts";
import { type GrpcCalloutOwner, GrpcCallouts, type GrpcEvent } from "./grpc_callouts.ts";
import { type HttpCalloutOwner, HttpCallouts, requestBytes } from "./http_callouts.ts";
import type { GrpcRequest, HttpCallRequest } from "./ports.ts";
import type { Vm } from "./vm.ts";

/** Callouts fail with this code in `proxy_get_status` when there is no gRPC status. */
const BROKEN_CONNECTION = Status.BrokenConnection;

/** How many callouts of each kind are under way. */
export interface CalloutStatus {
  readonly httpCalls: number;
  readonly grpcCalls: number;
  readonly dnsLookups: number;
}

export abstract class CallingContext extends PluginContext
  implements HttpCalloutOwner, GrpcCalloutOwner, DnsCalloutOwner {
  readonly vm: Vm;
  override readonly calloutData: CurrentCallout = new CurrentCallout();
  override lastStatus = 0;
  override lastStatusMessage = "";
  /** Nothing is told to the guest any more. */
  isDeleted = false;
  readonly #httpCalls: HttpCallouts;
  readonly #grpcCalls: GrpcCallouts;
  readonly #dnsCalls: DnsCallouts;
  #waitingGrpcEvents = 0;

  constructor(vm: Vm) {
    super(vm.newContextId());
    this.vm = vm;
    this.#httpCalls = new HttpCallouts(this, vm.callouts);
    this.#grpcCalls = new GrpcCallouts(this, vm.callouts);
    this.#dnsCalls = new DnsCallouts(this, vm.callouts);
  }

  protected get calloutStatus(): CalloutStatus {
    return { httpCalls: this.#httpCalls.size, grpcCalls: this.#grpcCalls.size, dnsLookups: this.#dnsCalls.size };
  }

  /** Callouts under way, for limits and leak checks. */
  get calloutCount(): number {
    return this.#httpCalls.size + this.#grpcCalls.size + this.#dnsCalls.size;
  }

  override httpCall(request: HttpCallRequest): number {
    const { vm } = this;
    if (!this.#mayCall("proxy_http_call", requestBytes(request))) return -Status.InternalFailure;
    const token = vm.newCalloutNumber() * 4;
    const result = this.#httpCalls.send(vm.environment.httpCalls, request, token, vm.context);
    if (result === -Status.BadArgument) {
      vm.log.explain(`proxy_http_call: there is no cluster ${JSON.stringify(request.cluster)}`);
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

  protected onHttpCallDone(token: number): void {
    const call = this.#httpCalls.take(token);
    const { vm, calloutData } = this;
    const fn = vm.callbacks.proxy_on_http_call_response;
    if (call === null || fn === null || this.isDeleted) return;
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

  override grpcOpen(request: GrpcRequest, message: Uint8Array | null, timeoutMs: number): number {
    const { vm } = this;
    if (!this.#mayCall("proxy_grpc_call", message?.length ?? 0)) return -Status.InternalFailure;
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
    if (event !== null && !this.isDeleted) this.#onGrpcEvent(event);
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

  protected onDnsDone(token: number): void {
    const answer = this.#dnsCalls.take(token);
    const fn = this.vm.callbacks.envoy_on_resolve_dns;
    if (answer === null || fn === null) return;
    this.callWithArguments(answer, fn, token);
  }

  /** Calls the guest with `bytes` in buffer 8. */
  protected callWithArguments(bytes: Uint8Array, fn: GuestFunction, a: number): void {
    this.calloutData.foreignArguments = bytes;
    this.vm.call(this, fn, a, bytes.length, 0, 0);
    this.calloutData.foreignArguments = null;
  }

  /** What came while the guest ran. */
  protected onGrpcEventsDue(): void {
    this.#waitingGrpcEvents--;
    this.#onNextGrpcEvent();
  }

  protected cancelCallouts(): void {
    this.#httpCalls.cancelAll();
    this.#grpcCalls.cancelAll();
    this.#dnsCalls.cancelAll();
  }
}
