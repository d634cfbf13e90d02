// host/wasm/http_callouts.ts: HTTP requests that a plugin's guest has sent and whose answers it awaits.
// pure: no I/O, no clock, no runtime globals
/**
 * Answers may come while the guest runs, even before the host function that sent the request has returned;
 * they are kept and delivered after it. A request whose sending failed never calls back.
 *
 * @see Envoy: source/extensions/common/wasm/context.cc httpCall, onHttpCallSuccess
 * @module
 */
import { Status } from "../../abi/mod.ts";
import type { Callout, CalloutCaller, CalloutQuota } from "./callout_quota.ts";
import type { CallHandle, HeaderMapPort, HttpCallCallbacks, HttpCallPort, HttpCallRequest } from "./ports.ts";

/** Who owns the calls: a plugin's context. */
export interface HttpCalloutOwner {
  /** Delivers the result of `token` once the guest does not run. */
  deliverHttpCall(token: number): void;
}

/** One request under way. */
export class HttpCallout implements HttpCallCallbacks, Callout {
  readonly token: number;
  readonly caller: CalloutCaller | null;
  readonly bytes: number;
  readonly #owner: HttpCalloutOwner;
  handle: CallHandle | null = null;
  isDone = false;
  headers: HeaderMapPort | null = null;
  body: Uint8Array | null = null;
  trailers: HeaderMapPort | null = null;
  /** Why it failed; null when it did not. */
  failure: string | null = null;

  constructor(owner: HttpCalloutOwner, token: number, caller: CalloutCaller | null, bytes: number) {
    this.#owner = owner;
    this.token = token;
    this.caller = caller;
    this.bytes = bytes;
  }

  onResponse(headers: HeaderMapPort, body: Uint8Array, trailers: HeaderMapPort | null): void {
    if (this.isDone) return;
    this.isDone = true;
    this.headers = headers;
    this.body = body;
    this.trailers = trailers;
    this.#owner.deliverHttpCall(this.token);
  }

  onFailure(reason: string): void {
    if (this.isDone) return;
    this.isDone = true;
    this.failure = reason;
    this.#owner.deliverHttpCall(this.token);
  }
}

/** The calls of one plugin by token. */
export class HttpCallouts {
  readonly #owner: HttpCalloutOwner;
  readonly #quota: CalloutQuota;
  readonly #live: Map<number, HttpCallout> = new Map();

  constructor(owner: HttpCalloutOwner, quota: CalloutQuota) {
    this.#owner = owner;
    this.#quota = quota;
  }

  get size(): number {
    return this.#live.size;
  }

  /** The token, or a negative status. */
  send(
    port: HttpCallPort | null,
    request: HttpCallRequest,
    token: number,
    caller: CalloutCaller | null,
  ): number {
    if (port === null) return -Status.BadArgument;
    const call = new HttpCallout(this.#owner, token, caller, requestBytes(request));
    this.#live.set(token, call);
    this.#quota.begin(call);
    const sent = port.send(request, call);
    if (typeof sent === "string") {
      call.isDone = true;
      this.#end(call);
      return sent === "unknown_cluster" ? -Status.BadArgument : -Status.InternalFailure;
    }
    call.handle = sent;
    return token;
  }

  /** Takes a finished call out; null when it was cancelled meanwhile, or its sending failed. */
  take(token: number): HttpCallout | null {
    const call = this.#live.get(token);
    if (call === undefined || !call.isDone) return null;
    this.#end(call);
    return call;
  }

  cancelAll(): void {
    for (const call of [...this.#live.values()]) {
      call.isDone = true;
      this.#end(call);
      call.handle?.cancel();
    }
  }

  #end(call: HttpCallout): void {
    if (this.#live.delete(call.token)) this.#quota.end(call);
  }
}

/** What the host keeps of a request while it is under way. */
export function requestBytes(request: HttpCallRequest): number {
  let bytes = request.body.length;
  for (const [name, value] of request.headers) bytes += name.length + value.length;
  for (const [name, value] of request.trailers) bytes += name.length + value.length;
  return bytes;
}
