// host/router/attempts/upstream_attempt.ts: what an attempt at one host is to the router, and the router to it.
// pure: no I/O, no clock, no runtime globals
// hot: one per request; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/router/upstream_request.h UpstreamRequest, RouterFilterInterface
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { StreamResetReason } from "../../http/codec.ts";
import type { UpstreamStream } from "../../http/filter.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { UpstreamInfo } from "../../observe/stream_info.ts";
import type { Host } from "../../upstream/host.ts";
import type { AttemptMeasure } from "../../upstream/tracked_stats.ts";
import type { AttemptLog } from "./attempt_log.ts";
import type { AttemptTimers } from "./attempt_timers.ts";

/** An attempt as the router drives it, with filters of its own or without. */
export abstract class UpstreamAttempt {
  readonly info: UpstreamInfo;
  /** Null where nobody wants to know how long it takes and how large it is. */
  readonly measure: AttemptMeasure | null;
  /** Null where attempts are not logged. */
  log: AttemptLog | null = null;
  /** Null until the pool has said whose connection it is, or would have been. */
  host: Host | null = null;
  /** Nothing more comes: response complete, reset, or given up. */
  done = false;
  /** Another one follows or has followed while this one goes on: its failure is no reason for one more. */
  retried = false;
  timers: AttemptTimers<UpstreamAttempt> | null = null;
  /** The client has its headers, and what becomes of the call its trailers say. */
  awaitsGrpcStatus = false;
  /** Load balancing learnt from its headers what its trailers may say. */
  balancerKnows = false;

  constructor(info: UpstreamInfo, measure: AttemptMeasure | null) {
    this.info = info;
    this.measure = measure;
  }

  /** The request is done with it. */
  finish(): void {
    this.timers?.disable();
    this.measure?.end();
    this.log?.end();
  }

  /** Bytes of the request that wait to be sent. */
  abstract get bufferedBytes(): number;
  /** There is a connection for it. */
  abstract get connected(): boolean;
  /** Asks the pool for a connection, and sends the head. */
  abstract begin(headers: HeaderMap, end: boolean): void;
  abstract encodeData(data: ByteQueue, end: boolean): void;
  abstract encodeTrailers(trailers: HeaderMap): void;
  /** Gives the attempt up. */
  abstract reset(): void;
  /** The client is slower than the upstream, or no longer. */
  abstract readDisable(disable: boolean): void;
}

/** An attempt that ends a chain of filters, or has none. */
export interface PooledAttempt extends UpstreamAttempt, UpstreamStream {
  /** Asks the pool for a connection. */
  start(): void;
}

/** Makes one. */
export type PooledAttemptClass<Pool> = new (
  pool: Pool,
  owner: UpstreamRequestOwner,
  limitBytes: number,
  info: UpstreamInfo,
  measure: AttemptMeasure | null,
) => PooledAttempt;

/** The router, as its attempts see it. */
export interface UpstreamRequestOwner {
  readonly nowMs: number;
  onUpstream1xxHeaders(attempt: UpstreamAttempt, headers: HeaderMap): void;
  onUpstreamHeaders(attempt: UpstreamAttempt, headers: HeaderMap, end: boolean): void;
  onUpstreamData(attempt: UpstreamAttempt, data: ByteQueue, end: boolean): void;
  onUpstreamTrailers(attempt: UpstreamAttempt, trailers: HeaderMap): void;
  onUpstreamReset(attempt: UpstreamAttempt, reason: StreamResetReason, details: string): void;
  onUpstreamHostSelected(attempt: UpstreamAttempt, host: Host): void;
  /** Stops or goes on reading the client's request. */
  readDisableDownstream(disable: boolean): void;
}
