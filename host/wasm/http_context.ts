// host/wasm/http_context.ts: the context of an HTTP stream, which is an HTTP filter.
// pure: no I/O, no clock, no runtime globals
// hot: runs per callback; see bench/micro/wasm_hostcalls.bench.ts
/**
 * The methods are those of `HttpFilter` (`host/http/filter.ts`); `httpContextClass` makes classes that lack
 * the methods whose callbacks a guest does not export, so that they cost nothing.
 *
 * The guest's context is made when the stream first reaches it; a stream that is answered before only gets
 * the callbacks of its end. What a guest does to its own stream takes effect after it has returned, but a
 * continue for the direction whose callback is running makes that callback answer "continue".
 *
 * @see Envoy: source/extensions/common/wasm/context.cc
 * @module
 */
import { FilterDataStatus, FilterHeadersStatus, MapType, Status, StreamType } from "../../abi/mod.ts";
import type { ByteQueue } from "../base/byte_queue.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Callbacks } from "./callbacks.ts";
import { Context, Deferred } from "./context.ts";
import { HttpDirection } from "./http_direction.ts";
import type { HeaderMapPort, HttpStreamPort, WasmLocalReply } from "./ports.ts";
import type { RootContext } from "./root_context.ts";
import type { Vm } from "./vm.ts";

const STOP_ALL = FilterHeadersStatus.StopAllIterationAndWatermark;
const GRPC_UNAVAILABLE = 14;

/** The answer of the engine for a stream whose guest has failed. */
export const FAIL_STREAM_REPLY: WasmLocalReply = {
  status: 503,
  body: EMPTY_BYTES,
  details: "wasm_fail_stream",
  headers: [],
  grpcStatus: GRPC_UNAVAILABLE,
};

/** How a plugin wants its streams treated. */
export interface StreamPolicy {
  /** A stream whose guest fails goes on without it. */
  readonly failOpen: boolean;
  /** A pause in a headers callback lets body callbacks come. */
  readonly allowOnHeadersStopIteration: boolean;
}

export class HttpContext extends Context {
  override readonly root: RootContext;
  override readonly stream: HttpStreamPort;
  readonly #vm: Vm;
  readonly #policy: StreamPolicy;
  readonly #request: HttpDirection = new HttpDirection();
  readonly #response: HttpDirection = new HttpDirection();
  #isCreated = false;
  #isLogging = false;
  #isDone = false;
  #isLogged = false;
  #isDestroyed = false;
  #isFailed = false;
  #reply: WasmLocalReply | null = null;
  #hasReplied = false;
  /** The guest has answered in a response callback: in place of its own answer, it may be. */
  #hasReplaced = false;

  constructor(root: RootContext, stream: HttpStreamPort, policy: StreamPolicy) {
    super(root.vm.newContextId());
    this.root = root;
    this.stream = stream;
    this.#vm = root.vm;
    this.#policy = policy;
    root.addStream(this);
  }

  // --- The filter ---

  /** Guests know bodies as Envoy gives them. */
  get wantsEndApart(): boolean {
    return true;
  }

  onRequestHeaders(headers: HeaderMapPort, end: boolean): FilterHeadersStatus {
    this.#create();
    return this.#onHeaders(this.#request, this.#vm.callbacks.proxy_on_request_headers, headers, end);
  }

  onRequestBody(body: ByteQueue, end: boolean): FilterDataStatus {
    return this.#onBody(this.#request, this.#vm.callbacks.proxy_on_request_body, body, end);
  }

  onRequestTrailers(trailers: HeaderMapPort): 0 | 1 {
    return this.#onTrailers(this.#request, this.#vm.callbacks.proxy_on_request_trailers, trailers);
  }

  onResponseHeaders(headers: HeaderMapPort, end: boolean): FilterHeadersStatus {
    return this.#onHeaders(this.#response, this.#vm.callbacks.proxy_on_response_headers, headers, end);
  }

  onResponseBody(body: ByteQueue, end: boolean): FilterDataStatus {
    return this.#onBody(this.#response, this.#vm.callbacks.proxy_on_response_body, body, end);
  }

  onResponseTrailers(trailers: HeaderMapPort): 0 | 1 {
    return this.#onTrailers(this.#response, this.#vm.callbacks.proxy_on_response_trailers, trailers);
  }

  onDone(): void {
    // Envoy logs first; the specification, and so everybody else, ends first.
    if (!this.#vm.isEnvoyCompatible) this.#finish();
  }

  onLog(): void {
    if (!this.#vm.isEnvoyCompatible) this.#finish();
    this.#log();
    if (this.#vm.isEnvoyCompatible) this.#finish();
  }

  onDestroy(): void {
    if (this.#isDestroyed) return;
    if (this.#vm.isEnvoyCompatible) this.#log();
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
    this.#request.close();
    this.#response.close();
    const fn = this.#vm.callbacks.proxy_on_done;
    if (fn === null) return;
    this.#create();
    this.#vm.call(this, fn, 0, 0, 0, 0);
  }

  #log(): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    const fn = this.#vm.callbacks.proxy_on_log;
    if (fn === null) return;
    this.#create();
    this.#isLogging = true;
    this.#request.close();
    this.#response.close();
    this.#vm.call(this, fn, 0, 0, 0, 0);
    this.#isLogging = false;
  }

  #create(): void {
    if (this.#isCreated) return;
    this.#isCreated = true;
    const fn = this.#vm.callbacks.proxy_on_context_create;
    if (fn !== null) this.#vm.call(this, fn, this.root.id, 0, 0, 0);
  }

  #onHeaders(
    direction: HttpDirection,
    fn: Callbacks["proxy_on_request_headers"],
    headers: HeaderMapPort,
    end: boolean,
  ): FilterHeadersStatus {
    if (this.#vm.failure !== null) return this.#onFailedHeaders(direction);
    if (fn === null || !this.#isCreated) return FilterHeadersStatus.Continue;
    direction.enter();
    direction.headersOpen = true;
    direction.hasEnded = end;
    const result = this.#vm.call(this, fn, headers.size, end ? 1 : 0, 0, 0);
    if (this.#vm.failure !== null) {
      direction.close();
      return this.#onFailedHeaders(direction);
    }
    return direction.leaveHeaders(result, this.#policy.allowOnHeadersStopIteration);
  }

  #onBody(
    direction: HttpDirection,
    fn: Callbacks["proxy_on_request_body"],
    body: ByteQueue,
    end: boolean,
  ): FilterDataStatus {
    if (this.#vm.failure !== null) return this.#onFailedBody(direction);
    if (fn === null || !this.#isCreated) return FilterDataStatus.Continue;
    direction.enter();
    direction.body = body;
    direction.hasEnded = end;
    direction.mayAddTrailers = end;
    const result = this.#vm.call(this, fn, body.length, end ? 1 : 0, 0, 0);
    direction.body = null;
    direction.mayAddTrailers = false;
    if (this.#vm.failure !== null) {
      direction.close();
      return this.#onFailedBody(direction);
    }
    return direction.leaveBody(result);
  }

  #onTrailers(
    direction: HttpDirection,
    fn: Callbacks["proxy_on_request_trailers"],
    trailers: HeaderMapPort,
  ): 0 | 1 {
    if (this.#vm.failure !== null) return this.#onFailedBody(direction) === FilterDataStatus.Continue ? 0 : 1;
    if (fn === null || !this.#isCreated) return 0;
    direction.enter();
    direction.trailersOpen = true;
    const result = this.#vm.call(this, fn, trailers.size, 0, 0, 0);
    if (this.#vm.failure !== null) {
      direction.close();
      return this.#onFailedBody(direction) === FilterDataStatus.Continue ? 0 : 1;
    }
    return direction.leaveTrailers(result);
  }

  // --- Failure ---

  /** Whether the stream can go on as if the filter were not there. */
  get #mayBypass(): boolean {
    return this.#policy.failOpen && !this.#isFailed && !this.#vm.isEnvoyCompatible &&
      !this.#request.hasDroppedBytes && !this.#response.hasDroppedBytes;
  }

  #onFailedHeaders(direction: HttpDirection): FilterHeadersStatus {
    if (this.#mayBypass || this.#isOwnReply(direction)) return FilterHeadersStatus.Continue;
    this.#failStream();
    return STOP_ALL;
  }

  #onFailedBody(direction: HttpDirection): FilterDataStatus {
    if (this.#mayBypass || this.#isOwnReply(direction)) return FilterDataStatus.Continue;
    this.#failStream();
    return FilterDataStatus.StopIterationNoBuffer;
  }

  /** The answer to a failed stream passes the filter that gave it. */
  #isOwnReply(direction: HttpDirection): boolean {
    return this.#isFailed && direction === this.#response;
  }

  #failStream(): void {
    if (this.#isFailed || this.#isDone) return;
    this.#isFailed = true;
    this.stream.sendLocalReply(FAIL_STREAM_REPLY);
  }

  /** Whether the callback that runs will fail the stream when it is over. */
  get #isFailing(): boolean {
    return this.#vm.failure !== null && !this.#mayBypass && (this.#request.isRunning || this.#response.isRunning);
  }

  /** The VM has failed in somebody's call. What waits for this guest would wait for ever. */
  #onVmFailed(): void {
    if (this.#isDone || this.#hasReplied) return;
    // A callback that is running answers for itself.
    const request = this.#request.isPaused && !this.#request.isRunning;
    const response = this.#response.isPaused && !this.#response.isRunning;
    if (!request && !response) return;
    if (!this.#mayBypass) return this.#failStream();
    if (request) this.#continue(this.#request, StreamType.HttpRequest);
    if (response) this.#continue(this.#response, StreamType.HttpResponse);
  }

  // --- What host functions do ---

  override streamMap(type: number): HeaderMapPort | null {
    if (this.#vm.isEnvoyCompatible && !this.#isReadableInEnvoy(type)) return null;
    switch (type) {
      case MapType.HttpRequestHeaders:
        return this.stream.requestHeaders;
      case MapType.HttpRequestTrailers:
        return this.stream.requestTrailers;
      case MapType.HttpResponseHeaders:
        return this.stream.responseHeaders;
      default:
        return this.stream.responseTrailers;
    }
  }

  #isReadableInEnvoy(type: number): boolean {
    if (this.#isLogging) return type !== MapType.HttpRequestTrailers;
    switch (type) {
      case MapType.HttpRequestHeaders:
        return this.#request.headersOpen;
      case MapType.HttpRequestTrailers:
        return this.#request.trailersOpen;
      case MapType.HttpResponseHeaders:
        return this.#response.headersOpen;
      default:
        return this.#response.trailersOpen;
    }
  }

  override streamMapToChange(type: number): HeaderMapPort | null {
    const { stream } = this;
    switch (type) {
      case MapType.HttpRequestHeaders:
        return this.#request.headersOpen ? stream.requestHeaders : null;
      case MapType.HttpRequestTrailers:
        if (this.#request.trailersOpen) return stream.requestTrailers;
        return this.#request.mayAddTrailers ? stream.requestTrailers ?? stream.addRequestTrailers() : null;
      case MapType.HttpResponseHeaders:
        return this.#response.headersOpen ? stream.responseHeaders : null;
      default:
        if (this.#response.trailersOpen) return stream.responseTrailers;
        return this.#response.mayAddTrailers ? stream.responseTrailers ?? stream.addResponseTrailers() : null;
    }
  }

  override onMapChanged(type: number): void {
    if (type === MapType.HttpRequestHeaders) this.stream.clearRouteCache();
  }

  override get isLogging(): boolean {
    return this.#isLogging;
  }

  override streamBuffer(type: number): ByteQueue | null {
    const { stream } = this;
    if (type === StreamType.HttpRequest) {
      return this.#request.body ?? (this.#request.holdsBody ? stream.bufferedRequestBody : null);
    }
    if (type === StreamType.HttpResponse) {
      return this.#response.body ?? (this.#response.holdsBody ? stream.bufferedResponseBody : null);
    }
    return null;
  }

  /** A body that was edited while its headers are held gets a content-length that is true. */
  override onBufferChanged(type: number): void {
    const isRequest = type === StreamType.HttpRequest;
    const direction = isRequest ? this.#request : this.#response;
    const headers = isRequest ? this.stream.requestHeaders : this.stream.responseHeaders;
    if (this.#vm.isEnvoyCompatible || headers === null || headers.get("content-length") === null) return;
    if (!direction.headersOpen) {
      this.#vm.log.explain("proxy_set_buffer_bytes: the headers with the content-length are gone; remove it before");
    } else if (direction.hasEnded) {
      headers.set("content-length", String(this.streamBuffer(type)!.length));
    } else {
      headers.remove("content-length");
    }
  }

  override continueStream(type: number): Status {
    if (type > StreamType.HttpResponse) return Status.Ok;
    const isRequest = type === StreamType.HttpRequest;
    const direction = isRequest ? this.#request : this.#response;
    if (direction.isRunning) direction.isContinued = true;
    else this.#vm.operations.defer(this, isRequest ? Deferred.ContinueRequest : Deferred.ContinueResponse, 0);
    return Status.Ok;
  }

  override closeStream(type: number): Status {
    if (type <= StreamType.HttpResponse) this.#vm.operations.defer(this, Deferred.CloseStream, 0);
    return Status.Ok;
  }

  override sendLocalReply(reply: WasmLocalReply): void {
    // Whichever callback of this stream is running does not go on; a nested one is the response's.
    if (this.#response.isRunning) this.#response.isForcedToStop = true;
    else if (this.#request.isRunning) this.#request.isForcedToStop = true;
    if (this.#isDone) return;
    if (this.#response.isRunning) {
      if (this.#hasReplaced) return;
      this.#hasReplaced = true;
    } else if (this.#hasReplied) return;
    this.#hasReplied = true;
    this.#reply = reply;
    this.#vm.operations.defer(this, Deferred.LocalReply, 0);
  }

  override clearRouteCache(): void {
    this.stream.clearRouteCache();
  }

  override runDeferred(operation: Deferred, _token: number): void {
    if (this.#isDone) return;
    switch (operation) {
      case Deferred.ContinueRequest:
        this.#continue(this.#request, StreamType.HttpRequest);
        break;
      case Deferred.ContinueResponse:
        this.#continue(this.#response, StreamType.HttpResponse);
        break;
      case Deferred.CloseStream:
        this.stream.resetStream("wasm_close_stream");
        break;
      case Deferred.LocalReply:
        // A guest that fails in the callback in which it answers has not answered: the stream is failed.
        if (this.#reply !== null && !this.#isFailing) this.stream.sendLocalReply(this.#reply);
        this.#reply = null;
        break;
      case Deferred.VmFailed:
        this.#onVmFailed();
        break;
    }
  }

  #continue(direction: HttpDirection, type: StreamType): void {
    if (!direction.isPaused) return;
    direction.close();
    if (type === StreamType.HttpRequest) this.stream.continueRequest();
    else this.stream.continueResponse();
  }
}
