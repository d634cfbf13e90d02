// host/testing/http_call.ts: the calls that a filter makes, answered by the test.
import { utf8Slice } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { HeaderMap } from "../http/header_map.ts";
import type { CallHandle, HttpCallCallbacks, HttpCallFailure, HttpCallPort, HttpCallRequest } from "../wasm/mod.ts";
import { type BytesInit, type HeadersInit, toBytes, toHeaderMap } from "./message.ts";

/** One HTTP call under way. It fails by itself when its time is up on the test's clock. */
export class OutgoingCall implements CallHandle {
  readonly cluster: string;
  readonly headers: HeaderMap;
  readonly body: Uint8Array;
  readonly trailers: HeaderMap;
  /** 0 for no limit. */
  readonly timeoutMs: number;
  readonly #calls: OutgoingCalls;
  readonly #callbacks: HttpCallCallbacks;
  readonly #timer: Timer | null;

  constructor(calls: OutgoingCalls, request: HttpCallRequest, callbacks: HttpCallCallbacks, clock: Clock) {
    this.#calls = calls;
    this.#callbacks = callbacks;
    this.cluster = request.cluster;
    this.headers = HeaderMap.of(request.headers);
    this.body = request.body.slice();
    this.trailers = HeaderMap.of(request.trailers);
    this.timeoutMs = request.timeoutMs;
    this.#timer = request.timeoutMs > 0 ? clock.createTimer(() => this.fail("timeout")) : null;
    this.#timer?.enable(request.timeoutMs);
  }

  /** The body as text. */
  get text(): string {
    return utf8Slice(this.body, 0, this.body.length);
  }

  /** Answers the call. */
  respond(status: number, headers: HeadersInit = {}, body: BytesInit = "", trailers: HeadersInit | null = null): void {
    if (!this.#end()) return;
    const map = toHeaderMap(headers);
    map.set(":status", String(status));
    this.#callbacks.onResponse(map, toBytes(body), trailers === null ? null : toHeaderMap(trailers));
  }

  /** Ends the call without an answer. */
  fail(reason = "connection_failure"): void {
    if (this.#end()) this.#callbacks.onFailure(reason);
  }

  /** For the engine: nobody waits for the answer any more. */
  cancel(): void {
    this.#end();
  }

  #end(): boolean {
    this.#timer?.disable();
    return this.#calls.remove(this);
  }
}

/** The calls under way, oldest first. */
export class OutgoingCalls implements HttpCallPort {
  readonly list: OutgoingCall[] = [];
  readonly #clusters: ReadonlySet<string>;
  readonly #clock: Clock;

  constructor(clusters: readonly string[], clock: Clock) {
    this.#clusters = new Set(clusters);
    this.#clock = clock;
  }

  send(request: HttpCallRequest, callbacks: HttpCallCallbacks): CallHandle | HttpCallFailure {
    if (!this.#clusters.has(request.cluster)) return "unknown_cluster";
    const call = new OutgoingCall(this, request, callbacks, this.#clock);
    this.list.push(call);
    return call;
  }

  remove(call: OutgoingCall): boolean {
    const index = this.list.indexOf(call);
    if (index >= 0) this.list.splice(index, 1);
    return index >= 0;
  }
}
