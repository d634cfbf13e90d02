// host/http/filter.ts: the one shape of an HTTP filter, native or WebAssembly.
// pure: no I/O, no clock, no runtime globals
/**
 * Method names and meanings are proxy-wasm's; the status values are Envoy's, which proxy-wasm's numbers
 * map to. A filter sees one stream; `FilterStream` is everything that it may do.
 *
 * | returned from | Continue | stops |
 * | --- | --- | --- |
 * | `on…Headers` | next filter | `StopIteration`: body callbacks still come to this filter · `StopAll…`: nothing comes until `continue…` |
 * | `on…Body` | next filter | `…AndBuffer`: kept, the next call sees old and new · `…AndWatermark`: the same, and the peer is paused above the limit · `…NoBuffer`: the filter took or dropped the bytes |
 * | `on…Trailers` | next filter | `StopIteration` until `continue…` |
 *
 * @see Envoy: envoy/http/filter.h
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import type { HeaderMap } from "./header_map.ts";
import type { Route } from "./route.ts";

export const HeadersStatus = {
  Continue: 0,
  StopIteration: 1,
  StopAllIterationAndBuffer: 3,
  StopAllIterationAndWatermark: 4,
} as const;
export type HeadersStatus = (typeof HeadersStatus)[keyof typeof HeadersStatus];

export const DataStatus = {
  Continue: 0,
  StopIterationAndBuffer: 1,
  StopIterationAndWatermark: 2,
  StopIterationNoBuffer: 3,
} as const;
export type DataStatus = (typeof DataStatus)[keyof typeof DataStatus];

export const TrailersStatus = { Continue: 0, StopIteration: 1 } as const;
export type TrailersStatus = (typeof TrailersStatus)[keyof typeof TrailersStatus];

/** What every HTTP filter is. A method that is absent means "continue". */
export interface HttpFilter {
  onRequestHeaders?(headers: HeaderMap, end: boolean): HeadersStatus;
  /** `body` holds this chunk, or everything so far when this filter stopped and buffered. */
  onRequestBody?(body: ByteQueue, end: boolean): DataStatus;
  onRequestTrailers?(trailers: HeaderMap): TrailersStatus;
  onResponseHeaders?(headers: HeaderMap, end: boolean): HeadersStatus;
  onResponseBody?(body: ByteQueue, end: boolean): DataStatus;
  onResponseTrailers?(trailers: HeaderMap): TrailersStatus;
  /**
   * The end of an HTTP/1 body comes in a call of its own, as in Envoy; otherwise with the last bytes, as that of an
   * HTTP/2 body does.
   */
  readonly wantsEndApart?: boolean;
  /** Bytes that it keeps itself, for one that keeps many. */
  readonly bufferedBytes?: number;
  /** The stream is over, whichever way. */
  onDone?(): void;
  /** Comes after `onDone`, when the facts of the stream are complete. */
  onLog?(): void;
  /** Always comes, once, last. */
  onDestroy?(): void;
}

/** An answer made by the proxy itself. */
export interface LocalReply {
  readonly status: number;
  readonly body?: string | Uint8Array;
  /** `response_code_details`; spaces become underscores. */
  readonly details: string;
  /** Added to the reply's headers; a `content-type` here replaces `text/plain`. */
  readonly headers?: readonly (readonly [string, string])[];
  /** For gRPC requests; otherwise mapped from `status`. */
  readonly grpcStatus?: number;
  /** Changes the reply's headers before the filters see them. */
  readonly modifyHeaders?: (headers: HeaderMap) => void;
}

/** A host that the request is to go to, whatever load balancing would say. */
export interface OverrideHost {
  /** As hosts are known: `1.2.3.4:80`. */
  readonly address: string;
  /** Without it the request fails; else it goes where load balancing sends it. */
  readonly strict: boolean;
  /** The answer of a strict request when the cluster has no such host; 503 when it has and may not use it. */
  readonly notFoundStatus: number;
}

/** What a filter may do to its stream. */
export interface FilterStream {
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** The messages so far; null before they came. Still readable after they were forwarded. */
  readonly requestHeaders: HeaderMap | null;
  readonly requestTrailers: HeaderMap | null;
  readonly responseHeaders: HeaderMap | null;
  readonly responseTrailers: HeaderMap | null;
  /** The bytes that this filter's pause holds back; null when it holds none. */
  readonly bufferedRequestBody: ByteQueue | null;
  readonly bufferedResponseBody: ByteQueue | null;
  /** The route, looked up at the first call; null when none matches. */
  route(): Route | null;
  /** Forgets the route: the next `route()` looks again. */
  clearRouteCache(): void;
  /** Goes on after a stop. No effect when this filter did not stop. */
  continueRequest(): void;
  continueResponse(): void;
  /** Chooses the host for the router's first attempt. */
  setUpstreamOverrideHost(host: OverrideHost): void;
  /** Answers instead of the upstream. Once response headers were sent the stream is reset instead. */
  sendLocalReply(reply: LocalReply): void;
  /** Ends the stream without an answer. */
  resetStream(details: string): void;
  /** Makes trailers for a message that had none; only in the last body callback. */
  addRequestTrailers(): HeaderMap;
  addResponseTrailers(): HeaderMap;
  /** Most bytes that are held for this stream in one direction. */
  readonly bufferLimitBytes: number;
}

/**
 * What the router, the terminal filter, may do besides: it is where responses come in.
 * @see Envoy: envoy/http/filter.h StreamDecoderFilterCallbacks
 */
export interface TerminalFilterStream extends FilterStream {
  encode1xxHeaders(headers: HeaderMap): void;
  encodeHeaders(headers: HeaderMap, end: boolean): void;
  encodeData(data: ByteQueue, end: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Stops or goes on reading the request body: the upstream is slower than the client. */
  readDisableDownstream(disable: boolean): void;
  /** Told when the client is slower than the upstream; one low for each high. */
  setDownstreamWatermarkCallbacks(callbacks: DownstreamWatermarkCallbacks | null): void;
  /**
   * Ends the stream, of which the request is complete, and begins it anew with its headers as they are now and this
   * body. False where that cannot be; otherwise nothing may be done to this stream any more.
   *
   * @param response What led to it, for the log.
   */
  recreateStream(response: HeaderMap, body: ByteQueue | null): boolean;
  /** Makes the facts say how many bytes the client has sent and got so far; at the end they do so by themselves. */
  noteWireBytes?(): void;
  /** A stable random number of the stream, for fractions and weights. */
  readonly random: number;
  /** How many mirrors lie between a client's request and this one; absent: it is no copy. */
  readonly mirrored?: number;
  /** What a filter before it chose. */
  readonly upstreamOverrideHost: OverrideHost | null;
  /** The attempt that an upstream chain belongs to; null in the chains of listeners. */
  readonly upstream?: UpstreamStream | null;
}

/**
 * An attempt at one host, as the upstream codec filter drives it: it takes the request, also before there is a
 * connection.
 * @see Envoy: envoy/http/filter.h UpstreamStreamFilterCallbacks
 */
export interface UpstreamStream {
  encodeHeaders(headers: HeaderMap, end: boolean): void;
  encodeData(data: ByteQueue, end: boolean): void;
  encodeTrailers(trailers: HeaderMap): void;
  /** Stops or goes on reading the response; calls nest. */
  readDisable(disable: boolean): void;
}

export interface DownstreamWatermarkCallbacks {
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

/** Makes a stream's filter; runs once per stream on a worker. Null leaves the filter out of this stream. */
export type HttpFilterFactory = (stream: TerminalFilterStream) => HttpFilter | null;
