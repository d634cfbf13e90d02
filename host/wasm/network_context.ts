// host/wasm/network_context.ts: the context of a connection, which is a network filter.
// pure: no I/O, no clock, no runtime globals
/**
 * The methods are those of `NetworkFilter` (`host/net/filter.ts`). Both directions can be paused and
 * resumed; Envoy cannot resume the upstream one.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc onNewConnection, onData, onWrite, onEvent
 * @module
 */
import { PeerType, Status, StreamType } from "../../abi/mod.ts";
import type { ByteQueue } from "../base/byte_queue.ts";
import { Context, Deferred } from "./context.ts";
import type { StreamPolicy } from "./http_context.ts";
import type { NetworkStreamPort } from "./ports.ts";
import type { RootContext } from "./root_context.ts";
import type { Vm } from "./vm.ts";

const CONTINUE = 0;
const STOP = 1;

/** One direction of a connection, as one guest sees it. */
class NetworkDirection {
  isRunning = false;
  isContinued = false;
  isPaused = false;
  /** What the running callback sees, or what it left behind when it paused. */
  data: ByteQueue | null = null;
}

export class NetworkContext extends Context {
  override readonly root: RootContext;
  override readonly stream: NetworkStreamPort;
  readonly #vm: Vm;
  readonly #policy: StreamPolicy;
  readonly #downstream: NetworkDirection = new NetworkDirection();
  readonly #upstream: NetworkDirection = new NetworkDirection();
  #isCreated = false;
  #isDownstreamClosed = false;
  #isUpstreamClosed = false;
  #isDone = false;
  #isLogged = false;
  #isDestroyed = false;
  #isFailed = false;

  constructor(root: RootContext, stream: NetworkStreamPort, policy: StreamPolicy) {
    super(root.vm.newContextId());
    this.root = root;
    this.stream = stream;
    this.#vm = root.vm;
    this.#policy = policy;
    root.addStream(this);
  }

  onNewConnection(): 0 | 1 {
    this.#create();
    const fn = this.#vm.callbacks.proxy_on_new_connection;
    if (this.#vm.failure !== null) return this.#onFailed();
    return fn === null ? CONTINUE : this.#run(this.#downstream, fn, 0, 0);
  }

  onDownstreamData(data: ByteQueue, end: boolean): 0 | 1 {
    const fn = this.#vm.callbacks.proxy_on_downstream_data;
    if (this.#vm.failure !== null) return this.#onFailed();
    if (fn === null) return CONTINUE;
    this.#create();
    this.#downstream.data = data;
    return this.#run(this.#downstream, fn, data.length, end ? 1 : 0);
  }

  onUpstreamData(data: ByteQueue, end: boolean): 0 | 1 {
    const fn = this.#vm.callbacks.proxy_on_upstream_data;
    if (this.#vm.failure !== null) return this.#onFailed();
    let status: 0 | 1 = CONTINUE;
    if (fn !== null) {
      this.#create();
      this.#upstream.data = data;
      status = this.#run(this.#upstream, fn, data.length, end ? 1 : 0);
    }
    // Envoy's filter learns of the upstream's end from the data alone, and cannot say who ended it.
    if (end && this.#vm.isEnvoyCompatible) this.#endUpstream(PeerType.Unknown);
    return status;
  }

  onDownstreamClose(by: number): void {
    if (this.#isDownstreamClosed) return;
    this.#isDownstreamClosed = true;
    const fn = this.#vm.callbacks.proxy_on_downstream_connection_close;
    if (fn === null) return;
    this.#create();
    this.#vm.call(this, fn, by, 0, 0, 0);
  }

  onUpstreamClose(by: number): void {
    if (!this.#vm.isEnvoyCompatible) this.#endUpstream(by);
  }

  #endUpstream(by: number): void {
    if (this.#isUpstreamClosed) return;
    this.#isUpstreamClosed = true;
    const fn = this.#vm.callbacks.proxy_on_upstream_connection_close;
    if (fn === null || this.#isDone) return;
    this.#create();
    this.#vm.call(this, fn, by, 0, 0, 0);
  }

  onDone(): void {
    this.#finish();
  }

  onLog(): void {
    this.#finish();
    this.#log();
  }

  /** Not `onLog`, which filters of guests without the callback do not have. */
  #log(): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    const fn = this.#vm.callbacks.proxy_on_log;
    if (fn !== null && this.#isCreated) this.#vm.call(this, fn, 0, 0, 0, 0);
  }

  onDestroy(): void {
    if (this.#isDestroyed) return;
    this.#finish();
    this.#log();
    this.#isDestroyed = true;
    const fn = this.#vm.callbacks.proxy_on_delete;
    if (fn !== null && this.#isCreated) this.#vm.call(this, fn, 0, 0, 0, 0);
    this.root.removeStream(this);
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#downstream.data = null;
    this.#upstream.data = null;
    const fn = this.#vm.callbacks.proxy_on_done;
    if (fn !== null && this.#isCreated) this.#vm.call(this, fn, 0, 0, 0, 0);
  }

  #create(): void {
    if (this.#isCreated) return;
    this.#isCreated = true;
    const fn = this.#vm.callbacks.proxy_on_context_create;
    if (fn !== null) this.#vm.call(this, fn, this.root.id, 0, 0, 0);
  }

  #run(
    direction: NetworkDirection,
    fn: (id: number, a: number, b: number, c: number, d: number) => number,
    a: number,
    b: number,
  ): 0 | 1 {
    direction.isRunning = true;
    direction.isContinued = false;
    const result = this.#vm.call(this, fn, a, b, 0, 0);
    direction.isRunning = false;
    if (this.#vm.failure !== null) {
      direction.data = null;
      return this.#onFailed();
    }
    direction.isPaused = result !== CONTINUE && !direction.isContinued;
    if (!direction.isPaused) direction.data = null;
    return direction.isPaused ? STOP : CONTINUE;
  }

  #onFailed(): 0 | 1 {
    if (this.#policy.failOpen && !this.#isFailed) return CONTINUE;
    this.#failStream();
    return STOP;
  }

  #failStream(): void {
    if (this.#isFailed || this.#isDone) return;
    this.#isFailed = true;
    this.stream.close("flush_write", "wasm_fail_stream");
  }

  override streamBuffer(type: number): ByteQueue | null {
    if (type === StreamType.Downstream) return this.#downstream.data;
    if (type === StreamType.Upstream) return this.#upstream.data;
    return null;
  }

  override continueStream(type: number): Status {
    if (type < StreamType.Downstream) return Status.Ok;
    const isDownstream = type === StreamType.Downstream;
    const direction = isDownstream ? this.#downstream : this.#upstream;
    if (direction.isRunning) direction.isContinued = true;
    else this.#vm.operations.defer(this, isDownstream ? Deferred.ContinueDownstream : Deferred.ContinueUpstream, 0);
    return Status.Ok;
  }

  override closeStream(type: number): Status {
    if (type < StreamType.Downstream) return Status.Ok;
    const isDownstream = type === StreamType.Downstream;
    this.#vm.operations.defer(this, isDownstream ? Deferred.CloseDownstream : Deferred.CloseUpstream, 0);
    return Status.Ok;
  }

  override runDeferred(operation: Deferred, _token: number): void {
    if (this.#isDone) return;
    switch (operation) {
      case Deferred.ContinueDownstream:
        this.#continue(this.#downstream, StreamType.Downstream);
        break;
      case Deferred.ContinueUpstream:
        this.#continue(this.#upstream, StreamType.Upstream);
        break;
      case Deferred.CloseDownstream:
        this.stream.close("flush_write", "wasm_downstream_close");
        break;
      case Deferred.CloseUpstream:
        this.stream.close("flush_write", "wasm_upstream_close");
        break;
      case Deferred.VmFailed:
        this.#onVmFailed();
        break;
    }
  }

  #continue(direction: NetworkDirection, type: StreamType): void {
    if (!direction.isPaused) return;
    direction.isPaused = false;
    direction.data = null;
    if (type === StreamType.Downstream) this.stream.continueReading();
    else this.stream.continueWriting();
  }

  /** What waits for a guest that has failed would wait for ever. */
  #onVmFailed(): void {
    const downstream = this.#downstream.isPaused && !this.#downstream.isRunning;
    const upstream = this.#upstream.isPaused && !this.#upstream.isRunning;
    if (!downstream && !upstream) return;
    if (!this.#policy.failOpen) return this.#failStream();
    if (downstream) this.#continue(this.#downstream, StreamType.Downstream);
    if (upstream) this.#continue(this.#upstream, StreamType.Upstream);
  }
}
