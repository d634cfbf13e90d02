// host/upstream/async_filters.ts: the HTTP filters of a cluster around a stream of the proxy's own.
// pure: no I/O, no clock, no runtime globals
/**
 * What `router/filtered_request.ts` is for clients' requests: callouts pass the same filters. There is no client
 * and no route; a filter's local reply is the answer to the callout.
 *
 * @see Envoy: source/common/http/async_client_impl.cc, whose requests go through a router, too
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Clock } from "../base/clock.ts";
import type { ConfiguredFilter } from "../http/conn_manager_config.ts";
import type { LocalReply, UpstreamStream } from "../http/filter.ts";
import { FilterManager } from "../http/filter_manager.ts";
import type { FilterManagerCallbacks } from "../http/filter_manager_callbacks.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { type ConnectionInfo, StreamInfo } from "../observe/stream_info.ts";

/** The stream, as its filters use it: what passed them both ways. */
export interface FilteredStream extends UpstreamStream {
  onFilteredHeaders(headers: HeaderMap, end: boolean): void;
  onFilteredData(data: ByteQueue, end: boolean): void;
  onFilteredTrailers(trailers: HeaderMap): void;
  /** A filter answers in the upstream's place. */
  onFilterReply(reply: LocalReply): void;
  onFilterReset(): void;
}

const NOWHERE = { address: "", port: 0, text: "" };

/** In the place of a client's connection. */
const NO_CONNECTION: ConnectionInfo = {
  id: 0,
  localAddress: NOWHERE,
  directRemoteAddress: NOWHERE,
  remoteAddress: NOWHERE,
  requestedServerName: "",
  alpn: "",
  tls: null,
  terminationDetails: "",
  transportFailureReason: "",
};

export class AsyncFilters implements FilterManagerCallbacks {
  readonly info: StreamInfo;
  readonly clock: Clock;
  /** Of no use: such a request has no route. */
  readonly random = 0;
  readonly bufferLimitBytes: number;
  readonly upstream: FilteredStream;
  readonly manager: FilterManager;
  #ended = false;

  constructor(
    stream: FilteredStream,
    chain: readonly ConfiguredFilter[],
    clock: Clock,
    bufferLimitBytes: number,
  ) {
    this.upstream = stream;
    this.clock = clock;
    this.bufferLimitBytes = bufferLimitBytes;
    this.info = new StreamInfo(NO_CONNECTION, clock.nowMs(), clock.wallMs());
    this.manager = new FilterManager(this, chain.filter((each) => each.terminal || !each.disabled));
  }

  /** Ends the filters. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.info.endMs = this.clock.nowMs();
    this.manager.onDone();
    this.manager.onLog();
    this.manager.destroy();
  }

  route(): null {
    return null;
  }

  clearRouteCache(): void {}
  encode1xxHeaders(): void {}

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    this.info.responseCode = headers.status;
    this.upstream.onFilteredHeaders(headers, end);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    this.upstream.onFilteredData(data, end);
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.upstream.onFilteredTrailers(trailers);
  }

  answer(reply: LocalReply): void {
    this.upstream.onFilterReply(reply);
  }

  resetStream(): void {
    this.upstream.onFilterReset();
  }

  // Whoever sends holds what it sends as a whole: there is nothing to pause.
  readDisable(): void {}
}
