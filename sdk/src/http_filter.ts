// sdk/src/http_filter.ts: what HTTP filters extend.
import { Body } from "./body";
import { RootContext, StreamContext, StreamKind } from "./context";
import { DataStatus, HeadersStatus, MapType, StreamType, TrailersStatus } from "./enums";
import { HeaderMap, RequestHeaders, ResponseHeaders } from "./headers";
import { proxy_close_stream, proxy_continue_stream } from "./imports.gen";
import { LocalResponse } from "./local_response";

/** For the SDK: the views that callbacks get. They hold no state, so one of each is enough. */
export const REQUEST_HEADERS: RequestHeaders = new RequestHeaders();
export const RESPONSE_HEADERS: ResponseHeaders = new ResponseHeaders();
export const REQUEST_TRAILERS: HeaderMap = new HeaderMap(MapType.RequestTrailers);
export const RESPONSE_TRAILERS: HeaderMap = new HeaderMap(MapType.ResponseTrailers);

/**
 * A filter for HTTP: one object per stream. Override what is of interest; what is not overridden continues.
 * `HttpFilterOf<R>` knows its plugin's `RootContext`.
 *
 * The order is request headers, request body (any number of times), request trailers, and the same for the
 * response. `endOfStream` says that nothing of this message follows. Responses that filters make themselves run
 * through the response callbacks too.
 */
export class HttpFilter extends StreamContext {
  constructor() {
    super(StreamKind.Http);
  }

  /** The request's headers came. */
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    return HeadersStatus.Continue;
  }

  /** A piece of the request's body came, or, after a stop with buffering, everything so far. */
  onRequestBody(body: Body, endOfStream: bool): DataStatus {
    return DataStatus.Continue;
  }

  /** The request ended with trailers. */
  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    return TrailersStatus.Continue;
  }

  /** The response's headers came. */
  onResponseHeaders(headers: ResponseHeaders, endOfStream: bool): HeadersStatus {
    return HeadersStatus.Continue;
  }

  /** A piece of the response's body came, or, after a stop with buffering, everything so far. */
  onResponseBody(body: Body, endOfStream: bool): DataStatus {
    return DataStatus.Continue;
  }

  /** The response ended with trailers. */
  onResponseTrailers(trailers: HeaderMap): TrailersStatus {
    return TrailersStatus.Continue;
  }

  /**
   * The request's headers, for handlers and timers. Activates this stream. Envoy lets them be read while the
   * request is held here, and in `onLog`.
   */
  get requestHeaders(): RequestHeaders {
    this.activate();
    return REQUEST_HEADERS;
  }

  /** The response's headers, for handlers and timers. Activates this stream. */
  get responseHeaders(): ResponseHeaders {
    this.activate();
    return RESPONSE_HEADERS;
  }

  /** Lets a held request go on to the next filter. No effect when it is not held here, or the stream is gone. */
  resumeRequest(): void {
    if (this.activate()) proxy_continue_stream(StreamType.Request);
  }

  /** Lets a held response go on. No effect when it is not held here, or the stream is gone. */
  resumeResponse(): void {
    if (this.activate()) proxy_continue_stream(StreamType.Response);
  }

  /** Ends the stream at once, without an answer: HTTP/1 clients see the connection close, HTTP/2 a reset. */
  resetRequest(): void {
    if (this.activate()) proxy_close_stream(StreamType.Request);
  }

  /**
   * Answers instead of the upstream, and stops: `return this.reply(new LocalResponse(403, "denied"))`. Works in
   * handlers and timers too. Ignored when the response was already sent or the stream is gone.
   */
  reply(response: LocalResponse): HeadersStatus {
    if (this.activate()) response.send();
    return HeadersStatus.StopIteration;
  }

  /** `reply` for body callbacks: `return this.replyFromBody(new LocalResponse(413, "too_large"))`. */
  replyFromBody(response: LocalResponse): DataStatus {
    if (this.activate()) response.send();
    return DataStatus.StopIterationNoBuffer;
  }
}

/** An HTTP filter whose plugin's root context is an `R`, registered by `registerHttpFilterWithRoot<F, R>()`. */
export class HttpFilterOf<R extends RootContext> extends HttpFilter {
  /** The plugin: configuration, metrics, timers. */
  get root(): R {
    return changetype<R>(this.rootContext);
  }
}
