// host/router/attempts/filtered_request.ts: an attempt with HTTP filters of its own between router and codec.
// pure: no I/O, no clock, no runtime globals
/**
 * The chain of a cluster (or of the router) runs once for each attempt, with a filter manager of its own. It
 * begins as soon as the connection was asked for: its last filter, the upstream codec, keeps what comes until
 * there is one. A filter's local reply does not pass the chain that it comes from; it is the answer to the
 * client, and passes the client's filters.
 *
 * @see Envoy: source/common/router/upstream_request.cc UpstreamFilterManager, upstream_codec_filter.cc
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { Clock } from "../../base/clock.ts";
import type { StreamResetReason } from "../../http/codec.ts";
import type { ConfiguredFilter } from "../../http/conn_manager/conn_manager_config.ts";
import type { LocalReply, TerminalFilterStream, UpstreamStream } from "../../http/filter.ts";
import { FilterManager } from "../../http/filter_manager/filter_manager.ts";
import type { FilterManagerCallbacks } from "../../http/filter_manager/filter_manager_callbacks.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { Route } from "../../http/route.ts";
import type { StreamInfo, UpstreamInfo } from "../../observe/stream_info.ts";
import type { Host } from "../../upstream/host.ts";
import type { AttemptMeasure } from "../../upstream/tracked_stats.ts";
import {
  type PooledAttempt,
  type PooledAttemptClass,
  UpstreamAttempt,
  type UpstreamRequestOwner,
} from "./upstream_attempt.ts";

export class FilteredUpstreamRequest<Pool> extends UpstreamAttempt implements UpstreamRequestOwner {
  readonly #owner: UpstreamRequestOwner;
  readonly #request: PooledAttempt;
  readonly #filters: FilterManager;
  #ended = false;

  /** `Attempt` is what the chain ends in. */
  constructor(
    Attempt: PooledAttemptClass<Pool>,
    pool: Pool,
    owner: UpstreamRequestOwner,
    stream: TerminalFilterStream,
    chain: readonly ConfiguredFilter[],
    limitBytes: number,
    info: UpstreamInfo,
    measure: AttemptMeasure | null,
  ) {
    super(info, measure);
    this.#owner = owner;
    this.#request = new Attempt(pool, this, limitBytes, info, measure);
    const out = new ChainEnds(this, owner, stream, this.#request);
    this.#filters = new FilterManager(out, filtersFor(chain, stream));
  }

  // From the router.

  get connected(): boolean {
    return this.#request.connected;
  }

  get bufferedBytes(): number {
    return this.#request.bufferedBytes + this.#filters.bufferedBytes;
  }

  begin(headers: HeaderMap, end: boolean): void {
    this.#request.start();
    if (!this.done) this.#filters.decodeHeaders(headers, end);
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (this.done) data.clear();
    else this.#filters.decodeData(data, end);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (!this.done) this.#filters.decodeTrailers(trailers);
  }

  reset(): void {
    if (this.done) return;
    this.done = true;
    this.#request.reset();
    this.end();
  }

  readDisable(disable: boolean): void {
    this.#request.readDisable(disable);
  }

  // From the attempt without filters.

  get nowMs(): number {
    return this.#owner.nowMs;
  }

  onUpstreamHostSelected(_request: UpstreamAttempt, host: Host): void {
    this.#owner.onUpstreamHostSelected(this, host);
  }

  onUpstream1xxHeaders(_request: UpstreamAttempt, headers: HeaderMap): void {
    this.#filters.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(_request: UpstreamAttempt, headers: HeaderMap, end: boolean): void {
    this.#filters.encodeHeaders(headers, end);
  }

  onUpstreamData(_request: UpstreamAttempt, data: ByteQueue, end: boolean): void {
    this.#filters.encodeData(data, end);
  }

  onUpstreamTrailers(_request: UpstreamAttempt, trailers: HeaderMap): void {
    this.#filters.encodeTrailers(trailers);
  }

  /** Filters do not learn of it: what they hold is dropped, and the router decides. */
  onUpstreamReset(_request: UpstreamAttempt, reason: StreamResetReason, details: string): void {
    if (this.done) return;
    this.done = true;
    this.end();
    this.#owner.onUpstreamReset(this, reason, details);
  }

  readDisableDownstream(disable: boolean): void {
    this.#owner.readDisableDownstream(disable);
  }

  /** Ends the filters. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#filters.onDone();
    this.#filters.onLog();
    this.#filters.destroy();
  }
}

/** Where the chain's response goes, and what its filters may ask for. */
class ChainEnds implements FilterManagerCallbacks {
  readonly upstream: UpstreamStream;
  readonly #attempt: UpstreamAttempt & { done: boolean; end(): void };
  readonly #owner: UpstreamRequestOwner;
  readonly #stream: TerminalFilterStream;

  constructor(
    attempt: UpstreamAttempt & { done: boolean; end(): void },
    owner: UpstreamRequestOwner,
    stream: TerminalFilterStream,
    request: UpstreamStream,
  ) {
    this.upstream = request;
    this.#attempt = attempt;
    this.#owner = owner;
    this.#stream = stream;
  }

  get info(): StreamInfo {
    return this.#stream.info;
  }

  get clock(): Clock {
    return this.#stream.clock;
  }

  get random(): number {
    return this.#stream.random;
  }

  get bufferLimitBytes(): number {
    return this.#stream.bufferLimitBytes;
  }

  route(): Route | null {
    return this.#stream.route();
  }

  /** The route has led here: looking again would change nothing. */
  clearRouteCache(): void {}

  encode1xxHeaders(headers: HeaderMap): void {
    this.#owner.onUpstream1xxHeaders(this.#attempt, headers);
  }

  encodeHeaders(headers: HeaderMap, end: boolean): void {
    if (end) this.#attempt.done = true;
    this.#owner.onUpstreamHeaders(this.#attempt, headers, end);
    if (end) this.#attempt.end();
  }

  encodeData(data: ByteQueue, end: boolean): void {
    if (end) this.#attempt.done = true;
    this.#owner.onUpstreamData(this.#attempt, data, end);
    if (end) this.#attempt.end();
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.#attempt.done = true;
    this.#owner.onUpstreamTrailers(this.#attempt, trailers);
    this.#attempt.end();
  }

  answer(reply: LocalReply): void {
    this.#stream.sendLocalReply(reply);
  }

  resetStream(details: string): void {
    this.#stream.resetStream(details);
  }

  readDisable(disable: boolean): void {
    this.#owner.readDisableDownstream(disable);
  }
}

/** The chain without the filters that are off for this stream's route. */
function filtersFor(chain: readonly ConfiguredFilter[], stream: TerminalFilterStream): readonly ConfiguredFilter[] {
  const route = stream.route();
  const isOn = (filter: ConfiguredFilter) =>
    filter.terminal || !(route?.filterDisabled(filter.name) ?? filter.disabled);
  return chain.every(isOn) ? chain : chain.filter(isOn);
}
