// host/wasm/component/component_callbacks.ts: a component's functions as the callbacks of a proxy-wasm guest.
// pure: no I/O, no clock, no runtime globals
// hot: runs per callback; see bench/micro/component.bench.ts
/**
 * Contexts call a guest by its callbacks, whichever kind of guest it is; here each callback gives a component
 * its arguments by value, and carries out what it answers. So components have the same life cycle, the same
 * pauses, failure policies and limits as modules.
 *
 * @module
 */
import {
  BufferType,
  COMPONENT_EXPORTS,
  FilterDataStatus,
  FilterHeadersStatus,
  Interest,
  MapType,
  StreamType,
} from "../../../abi/mod.ts";
import { EMPTY_BYTES, utf8Slice } from "../../base/bytes.ts";
import { type Callbacks, type GuestFunction, NO_CALLBACKS } from "../callbacks.ts";
import type { Context } from "../context.ts";
import { NetworkContext } from "../network_context.ts";
import type { WasmLocalReply } from "../ports.ts";
import type { ComponentGuest, CoreCall, GuestExport } from "./component_guest.ts";
import { functionKey } from "./plan.ts";

const CONTINUE = 0;
const STOP = 1;
/** Cases of `headers-action` and `body-action`. */
const HeadersAction = { Continue: 0, Pause: 1, Respond: 2, count: 3 } as const;
const BodyAction = { Continue: 0, Replace: 1, Buffer: 2, Hold: 3, Respond: 4, count: 5 } as const;
/** Cases of `stream-action`. */
const StreamAction = { Continue: 0, Pause: 1, Close: 2, count: 3 } as const;
const ACTION_SIZE = 40;
/** For a stream whose body the guest would have made too large: what it has hidden must not go on. */
const TOO_LARGE_REPLY: WasmLocalReply = { status: 500, body: EMPTY_BYTES, details: "wasm_body_too_large", headers: [] };

type Names = Pick<Callbacks, never> & { -readonly [Name in keyof Callbacks]?: GuestFunction };

/** The callbacks of a component; those of HTTP streams follow when its interests are known. */
export class ComponentCallbacks {
  readonly #guest: ComponentGuest;
  readonly #allowed: ReadonlySet<string> | null;
  /** What makes the object of an HTTP stream and that of a connection. */
  readonly #streamMaker: GuestExport | null;
  readonly #connectionMaker: GuestExport | null;
  readonly #edits: (number | string)[] = [];
  #callbacks: Callbacks;

  constructor(guest: ComponentGuest, allowed: ReadonlySet<string> | null) {
    this.#guest = guest;
    this.#allowed = allowed;
    this.#streamMaker = this.#export("http.[constructor]stream");
    this.#connectionMaker = this.#export("tcp.[constructor]connection");
    this.#callbacks = { ...NO_CALLBACKS, ...this.#pluginCallbacks(), ...this.#tcpCallbacks() };
  }

  /** What to call the guest by now. */
  get current(): Callbacks {
    return this.#callbacks;
  }

  /** A function of the guest; null when it has none, or may not be called. */
  #export(key: string): GuestExport | null {
    const row = COMPONENT_EXPORTS.find((row) => functionKey(row) === key);
    const isAllowed = this.#allowed === null || row?.capability === null || this.#allowed.has(row!.capability!);
    return isAllowed ? this.#guest.exports.get(key) ?? null : null;
  }

  #context(): Context {
    return this.#guest.vm.context!;
  }

  #pluginCallbacks(): Names {
    const configure = this.#export("plugin.configure");
    const tick = this.#export("plugin.on-tick");
    const queue = this.#export("plugin.on-queue");
    const callbacks: Names = {
      proxy_on_configure: (): number => this.#configure(configure),
      proxy_on_context_create: (_, rootId): number => {
        if (rootId !== 0) this.#construct(this.#context());
        return 0;
      },
      proxy_on_delete: (): number => {
        this.#drop(this.#context());
        return 0;
      },
    };
    if (tick !== null) callbacks.proxy_on_tick = (): number => returned(tick.call());
    if (queue !== null) callbacks.proxy_on_queue_ready = (_, token): number => returned(queue.call(token));
    return callbacks;
  }

  #makerOf(context: Context): GuestExport | null {
    return context instanceof NetworkContext ? this.#connectionMaker : this.#streamMaker;
  }

  /** Has the guest make its object of a stream; a component of the other world has none, and no callbacks. */
  #construct(context: Context): void {
    const maker = this.#makerOf(context);
    if (maker === null) return;
    const handle = Number(maker.call(context.id));
    // It is a handle, and methods want what that stands for.
    const rep = this.#guest.handles[maker.resource ?? -1]?.take(handle) ?? null;
    this.#guest.release(maker, handle);
    context.guestObject = rep ??
      this.#guest.vm.stop(`its constructor gave handle ${handle}, which it does not have`);
  }

  #drop(context: Context): void {
    const { guestObject } = context;
    if (guestObject === null) return;
    context.guestObject = null;
    this.#destructorOf(this.#makerOf(context))?.(guestObject);
  }

  #destructorOf(maker: GuestExport | null): CoreCall | null {
    const resource = maker?.resource ?? null;
    return resource === null ? null : this.#guest.destructors[resource] ?? null;
  }

  #configure(configure: GuestExport | null): number {
    const { vm, values } = this.#guest;
    if (configure !== null) {
      const { pluginConfiguration } = this.#context().root;
      const ptr = values.lowerText(utf8Slice(pluginConfiguration, 0, pluginConfiguration.length));
      const result = Number(configure.call(ptr, values.length)) >>> 0;
      values.check(result, 12, 4);
      const isRefused = values.caseAt(result, 2) === 1;
      const reason = isRefused ? values.textAt(result + 4) : "";
      this.#guest.release(configure, result);
      if (isRefused) {
        // What was logged may say more.
        if (reason !== "") vm.log.lastWords = reason;
        return 0;
      }
    }
    const interests = this.#export("http.interests");
    if (interests !== null) {
      this.#callbacks = { ...this.#callbacks, ...this.#httpCallbacks(Number(interests.call())) };
      vm.callbacks = this.current;
    }
    return 1;
  }

  #httpCallbacks(interests: number): Names {
    const wanted = (interest: Interest, key: string): GuestExport | null =>
      (interests & interest) === 0 ? null : this.#export(`http.[method]stream.${key}`);
    const callbacks: Names = {};
    const headers = (fn: GuestExport | null, type: MapType): GuestFunction | undefined =>
      fn === null ? undefined : (_, __, end) => this.#headers(fn, type, end);
    const body = (fn: GuestExport | null, type: BufferType): GuestFunction | undefined =>
      fn === null ? undefined : (_, __, end) => this.#body(fn, type, end);
    const trailers = (fn: GuestExport | null, type: MapType): GuestFunction | undefined =>
      fn === null ? undefined : () => this.#trailers(fn, type);
    const set = (name: keyof Callbacks, fn: GuestFunction | undefined): void => {
      if (fn !== undefined) callbacks[name] = fn;
    };
    set(
      "proxy_on_request_headers",
      headers(wanted(Interest.RequestHeaders, "on-request-headers"), MapType.HttpRequestHeaders),
    );
    set(
      "proxy_on_response_headers",
      headers(wanted(Interest.ResponseHeaders, "on-response-headers"), MapType.HttpResponseHeaders),
    );
    set("proxy_on_request_body", body(wanted(Interest.RequestBody, "on-request-body"), BufferType.HttpRequestBody));
    set("proxy_on_response_body", body(wanted(Interest.ResponseBody, "on-response-body"), BufferType.HttpResponseBody));
    set(
      "proxy_on_request_trailers",
      trailers(wanted(Interest.RequestTrailers, "on-request-trailers"), MapType.HttpRequestTrailers),
    );
    set(
      "proxy_on_response_trailers",
      trailers(wanted(Interest.ResponseTrailers, "on-response-trailers"), MapType.HttpResponseTrailers),
    );
    const log = wanted(Interest.Log, "on-log");
    if (log !== null) callbacks.proxy_on_log = (): number => this.#log(log);
    const callout = this.#export("http.[method]stream.on-callout");
    if (callout !== null) callbacks.proxy_on_http_call_response = (_, token): number => this.#callout(callout, token);
    return callbacks;
  }

  /** As an access logger a plugin is asked about streams that never passed it: those get an object for that time. */
  #log(fn: GuestExport): number {
    const context = this.#context();
    const isPassing = context.guestObject === null && context === context.root;
    if (isPassing) this.#construct(context);
    fn.call(this.#object());
    if (isPassing) this.#drop(context);
    return 0;
  }

  /** What the guest has made for the stream whose callback runs. */
  #object(): number {
    const object = this.#context().guestObject;
    return object ?? this.#guest.vm.stop("a stream that was not made");
  }

  #headers(fn: GuestExport, type: MapType, end: number): number {
    const { values } = this.#guest;
    const map = this.#context().streamMap(type);
    const ptr = values.lowerHeaders(map);
    const result = Number(fn.call(this.#object(), ptr, values.length, end)) >>> 0;
    return this.#headersAction(fn, type, result) === CONTINUE
      ? CONTINUE
      : FilterHeadersStatus.StopAllIterationAndWatermark;
  }

  #trailers(fn: GuestExport, type: MapType): number {
    const { values } = this.#guest;
    const ptr = values.lowerHeaders(this.#context().streamMap(type));
    const result = Number(fn.call(this.#object(), ptr, values.length)) >>> 0;
    return this.#headersAction(fn, type, result);
  }

  /** Does what the answer says once it is known to be one. */
  #headersAction(fn: GuestExport, type: MapType, at: number): number {
    const guest = this.#guest;
    const { values } = guest;
    const context = this.#context();
    values.check(at, ACTION_SIZE, 4);
    const action = values.caseAt(at, HeadersAction.count);
    const edits = this.#edits;
    edits.length = 0;
    if (action === HeadersAction.Continue) values.edits(values.u32(at + 4), values.u32(at + 8), edits);
    const reply = action === HeadersAction.Respond ? values.localResponse(at + 4) : null;
    guest.release(fn, at);
    if (reply !== null) {
      context.sendLocalReply(reply);
      return STOP;
    }
    if (action === HeadersAction.Pause) return STOP;
    if (edits.length !== 0) {
      const map = context.streamMapToChange(type);
      if (map !== null) guest.apply(context, type, map, edits);
    }
    return CONTINUE;
  }

  #body(fn: GuestExport, type: BufferType, end: number): number {
    const guest = this.#guest;
    const { values } = guest;
    const context = this.#context();
    const queue = context.streamBuffer(type)!;
    const ptr = values.lowerQueue(queue);
    const at = Number(fn.call(this.#object(), ptr, values.length, end)) >>> 0;
    values.check(at, ACTION_SIZE, 4);
    const action = values.caseAt(at, BodyAction.count);
    const bytes = action === BodyAction.Replace ? this.#replacement(at + 4, queue.length) : null;
    const reply = action === BodyAction.Respond
      ? values.localResponse(at + 4)
      : action === BodyAction.Replace && bytes === null
      ? TOO_LARGE_REPLY
      : null;
    guest.release(fn, at);
    if (bytes !== null) {
      queue.splice(0, queue.length, bytes);
      context.onBufferChanged(type);
      return FilterDataStatus.Continue;
    }
    if (reply !== null) context.sendLocalReply(reply);
    switch (action) {
      case BodyAction.Continue:
        return FilterDataStatus.Continue;
      case BodyAction.Buffer:
        return FilterDataStatus.StopIterationAndBuffer;
      case BodyAction.Hold:
        return FilterDataStatus.StopIterationAndWatermark;
      default:
        return FilterDataStatus.StopIterationNoBuffer;
    }
  }

  /** A copy of what is to go on in place of `size` bytes; null when it is more than a body may have. */
  #replacement(at: number, size: number): Uint8Array | null {
    const { vm, values } = this.#guest;
    const bytes = values.view(values.u32(at), values.u32(at + 4));
    const { maxBodyBytes } = vm.options;
    if (bytes.length <= maxBodyBytes || bytes.length <= size) return bytes.slice();
    vm.log.onLimit("body_bytes", `a body is to be replaced by more than ${maxBodyBytes} bytes; its stream is ended`);
    return null;
  }

  /** Gives the answer of a callout to the stream that sent it, if that is still there. */
  #callout(fn: GuestExport, token: number): number {
    const guest = this.#guest;
    const { vm, values } = guest;
    const context = guest.callouts.get(token);
    guest.callouts.delete(token);
    if (context === undefined || vm.contexts.get(context.id) !== context || context.guestObject === null) return 0;
    const { root } = this.#context();
    vm.context = context;
    const headers = root.calloutData.map(MapType.HttpCallResponseHeaders);
    if (headers === null) {
      const error = root.lastStatusMessage === "timeout" ? 1 : 2;
      fn.call(context.guestObject, token, 1, error, 0, 0, 0, 0, 0);
      return 0;
    }
    const headersPtr = values.lowerHeaders(headers);
    const headersCount = values.length;
    const bodyPtr = values.lowerBytes(root.calloutData.buffer(BufferType.HttpCallResponseBody) ?? new Uint8Array(0));
    const bodySize = values.length;
    const trailersPtr = values.lowerHeaders(root.calloutData.map(MapType.HttpCallResponseTrailers));
    fn.call(
      context.guestObject,
      token,
      0,
      headersPtr,
      headersCount,
      bodyPtr,
      bodySize,
      trailersPtr,
      values.length,
    );
    return 0;
  }

  // --- Connections ---

  #tcpCallbacks(): Names {
    const open = this.#export("tcp.[method]connection.on-open");
    const downstream = this.#export("tcp.[method]connection.on-downstream");
    const upstream = this.#export("tcp.[method]connection.on-upstream");
    const close = this.#export("tcp.[method]connection.on-close");
    const callbacks: Names = {};
    if (open !== null) {
      callbacks.proxy_on_new_connection = (): number => this.#streamAction(Number(open.call(this.#object())));
    }
    if (downstream !== null) {
      callbacks.proxy_on_downstream_data = (_, __, end): number =>
        this.#data(downstream, BufferType.DownstreamData, end);
    }
    if (upstream !== null) {
      callbacks.proxy_on_upstream_data = (_, __, end): number => this.#data(upstream, BufferType.UpstreamData, end);
    }
    if (close !== null) {
      callbacks.proxy_on_downstream_connection_close = (_, by): number => returned(close.call(this.#object(), by));
    }
    return callbacks;
  }

  #streamAction(action: number): number {
    this.#guest.values.caseOf(action, StreamAction.count);
    if (action === StreamAction.Continue) return CONTINUE;
    if (action === StreamAction.Close) this.#context().closeStream(StreamType.Downstream);
    return STOP;
  }

  #data(fn: GuestExport, type: BufferType, end: number): number {
    const guest = this.#guest;
    const { values } = guest;
    const queue = this.#context().streamBuffer(type)!;
    const ptr = values.lowerQueue(queue);
    const at = Number(fn.call(this.#object(), ptr, values.length, end)) >>> 0;
    values.check(at, 16, 4);
    const action = values.u8(at);
    values.caseOf(action, StreamAction.count);
    const isReplaced = values.caseAt(at + 4, 2) === 1;
    const replacement = isReplaced ? this.#replacement(at + 8, queue.length) : null;
    guest.release(fn, at);
    if (isReplaced && replacement === null) return this.#streamAction(StreamAction.Close);
    if (replacement !== null) queue.splice(0, queue.length, replacement);
    return this.#streamAction(action);
  }
}

/** For functions without a result. */
function returned(_: unknown): number {
  return 0;
}
