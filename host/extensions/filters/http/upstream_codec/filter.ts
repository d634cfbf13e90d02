// host/extensions/filters/http/upstream_codec/filter.ts: gives an attempt's request to the codec.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk of requests with upstream filters
/**
 * The terminal filter of an upstream chain, as the router is of a listener's. The response comes in below it.
 *
 * @see Envoy: source/common/router/upstream_codec_filter.cc
 * @module
 */
import type { ByteQueue } from "../../../../base/byte_queue.ts";
import {
  DataStatus,
  type DownstreamWatermarkCallbacks,
  HeadersStatus,
  type HttpFilter,
  type TerminalFilterStream,
  TrailersStatus,
  type UpstreamStream,
} from "../../../../http/filter.ts";
import type { HeaderMap } from "../../../../http/header_map.ts";

export class UpstreamCodecFilter implements HttpFilter, DownstreamWatermarkCallbacks {
  readonly #upstream: UpstreamStream;

  constructor(stream: TerminalFilterStream, upstream: UpstreamStream) {
    this.#upstream = upstream;
    stream.setDownstreamWatermarkCallbacks(this);
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    this.#upstream.encodeHeaders(headers, end);
    return HeadersStatus.StopIteration;
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    this.#upstream.encodeData(body, end);
    return DataStatus.StopIterationNoBuffer;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    this.#upstream.encodeTrailers(trailers);
    return TrailersStatus.StopIteration;
  }

  // A filter of this chain holds more of the response than it may.

  onAboveWriteBufferHighWatermark(): void {
    this.#upstream.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#upstream.readDisable(false);
  }
}
