// sdk/src/http_call.ts: HTTP requests that a filter makes.
import { Body } from "./body";
import { getCurrent, setCurrent } from "./context";
import { BufferType, MapType, Status } from "./enums";
import { HeaderMap, Headers } from "./headers";
import { proxy_get_status, proxy_http_call, proxy_set_effective_context } from "./imports.gen";
import { argument0, argument0Size, dropResult, OUT, takeString } from "./memory";
import { isLive, rootIdOf } from "./registry";

const CALL_HEADERS: HeaderMap = new HeaderMap(MapType.HttpCallResponseHeaders);
const CALL_TRAILERS: HeaderMap = new HeaderMap(MapType.HttpCallResponseTrailers);

/** The answer to a call. Good during `onResponse` only: copy what is needed later. */
export class HttpCallResponse {
  /** `body`: the whole body of the answer. */
  constructor(public readonly body: Body) {}

  /** The answer's headers, `:status` among them. */
  get headers(): HeaderMap {
    return CALL_HEADERS;
  }

  /** The answer's trailers. */
  get trailers(): HeaderMap {
    return CALL_TRAILERS;
  }

  /** The status code; 0 when there is none. */
  get status(): i32 {
    const status = CALL_HEADERS.get(":status");
    return status !== null ? <i32>I32.parseInt(status) : 0;
  }
}

/**
 * Gets the answer to an `HttpCall`. AssemblyScript has no closures: subclass it, and keep in fields what the
 * answer is to be used for, such as the filter. Exactly one of the two methods is called, once, unless the stream
 * that made the call is gone by then: then neither is.
 *
 * ```ts
 * class Verdict extends HttpCallHandler {
 *   constructor(private filter: Guard) { super(); }
 *   onResponse(response: HttpCallResponse): void {
 *     if (response.status == 200) this.filter.resumeRequest();
 *     else this.filter.reply(new LocalResponse(403, "denied"));
 *   }
 *   onFailure(): void { this.filter.reply(new LocalResponse(503, "no_verdict")); }
 * }
 * ```
 */
export abstract class HttpCallHandler {
  /** For the SDK: who called. */
  contextId: u32 = 0;
  /** For the SDK: the plugin of who called. */
  rootId: u32 = 0;

  /** An answer came, whatever its status. Host calls act on the stream that made the call. */
  abstract onResponse(response: HttpCallResponse): void;

  /** No answer: time-out, reset, no connection. A filter that holds its stream must go on or reply here. */
  onFailure(): void {}

  /** In `onFailure`: the host's words for what happened, such as `reset`; may be empty. */
  get failureReason(): string {
    if (proxy_get_status(OUT + 8, OUT, OUT + 4) != Status.Ok) {
      dropResult();
      return "";
    }
    return takeString();
  }
}

/** An HTTP request to a cluster of the proxy's configuration. Filled in by chained calls, then sent. */
export class HttpCall {
  private readonly headers: Headers = new Headers();
  private readonly trailers: Headers = new Headers();
  private payload: ArrayBuffer = new ArrayBuffer(0);
  private timeoutMs: u32 = 5000;

  /** `cluster`: a cluster's name, not a host name. `authority`: the host header; the cluster's name when empty. */
  constructor(private readonly cluster: string, method: string = "GET", path: string = "/", authority: string = "") {
    this.headers.add(":method", method)
      .add(":path", path)
      .add(":authority", authority.length != 0 ? authority : cluster);
  }

  /** Adds a header. */
  header(name: string, value: string): HttpCall {
    this.headers.add(name, value);
    return this;
  }

  /** Adds a trailer. */
  trailer(name: string, value: string): HttpCall {
    this.trailers.add(name, value);
    return this;
  }

  /** The body, as text. */
  text(body: string): HttpCall {
    this.payload = String.UTF8.encode(body);
    return this;
  }

  /** The body, as bytes. */
  bytes(body: ArrayBuffer): HttpCall {
    this.payload = body;
    return this;
  }

  /** How long to wait for the whole answer, in milliseconds; 0 waits for ever. 5000 unless set. */
  timeout(milliseconds: u32): HttpCall {
    this.timeoutMs = milliseconds;
    return this;
  }

  /**
   * Sends the request. False when the host refuses it, for instance because there is no such cluster; the
   * handler is not called then.
   */
  send(handler: HttpCallHandler): bool {
    const headers = this.headers.encode();
    const trailers = this.trailers.encode();
    const cluster = argument0(this.cluster);
    const status = proxy_http_call(
      cluster,
      argument0Size(),
      changetype<usize>(headers),
      headers.byteLength,
      changetype<usize>(this.payload),
      this.payload.byteLength,
      changetype<usize>(trailers),
      trailers.byteLength,
      this.timeoutMs,
      OUT,
    );
    if (status != Status.Ok) return false;
    handler.contextId = getCurrent();
    handler.rootId = rootIdOf(handler.contextId);
    pending.set(load<u32>(OUT), handler);
    return true;
  }
}

const pending: Map<u32, HttpCallHandler> = new Map<u32, HttpCallHandler>();

/** For the SDK: the host has the answer to a call. */
export function answerHttpCall(token: u32, headerCount: u32, bodySize: u32): void {
  if (!pending.has(token)) return;
  const handler = pending.get(token);
  pending.delete(token);
  if (!isLive(handler.contextId)) return;
  if (getCurrent() != handler.contextId) {
    proxy_set_effective_context(handler.contextId);
    setCurrent(handler.contextId);
  }
  if (headerCount == 0) handler.onFailure();
  else handler.onResponse(new HttpCallResponse(new Body(BufferType.HttpCallResponseBody, bodySize)));
}

/** For the SDK: a plugin is gone, and the host answers none of its calls any more. */
export function forgetHttpCalls(rootId: u32): void {
  const tokens = pending.keys();
  for (let i = 0; i < tokens.length; ++i) {
    if (pending.get(tokens[i]).rootId == rootId) pending.delete(tokens[i]);
  }
}
