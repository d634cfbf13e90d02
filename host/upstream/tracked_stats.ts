// host/upstream/tracked_stats.ts: statistics that a cluster keeps only when it is told to.
// pure: no I/O, no clock, no runtime globals
/**
 * How much of the time that they may take requests and their attempts took, and how large they and their responses
 * were. Where a cluster tracks nothing, attempts have no measure, and nothing is counted.
 *
 * @see Envoy: envoy/upstream/upstream.h ALL_CLUSTER_TIMEOUT_BUDGET_STATS, ALL_CLUSTER_REQUEST_RESPONSE_SIZE_STATS
 * @see Envoy: source/common/router/upstream_request.cc UpstreamRequest::cleanUp
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { type Histogram, HistogramUnit, type StatsScope } from "../observe/stats.ts";

/** @see Envoy: api/envoy/config/cluster/v3/cluster.proto TrackClusterStats */
export interface TrackedStatsPlan {
  readonly timeoutBudgets: boolean;
  readonly messageSizes: boolean;
  /** What `/clusters` says of hosts is among the statistics, too. */
  readonly endpoints: boolean;
}

export const NOTHING_TRACKED: TrackedStatsPlan = { timeoutBudgets: false, messageSizes: false, endpoints: false };

/** What was used of the time that there was, in percent. */
class TimeoutBudgetStats {
  readonly percentUsed: Histogram;
  readonly perTryPercentUsed: Histogram;

  constructor(scope: StatsScope) {
    this.percentUsed = scope.histogram("upstream_rq_timeout_budget_percent_used");
    this.perTryPercentUsed = scope.histogram("upstream_rq_timeout_budget_per_try_percent_used");
  }
}

class MessageSizeStats {
  readonly requestHeadersSize: Histogram;
  readonly requestHeadersCount: Histogram;
  readonly requestBodySize: Histogram;
  readonly responseHeadersSize: Histogram;
  readonly responseHeadersCount: Histogram;
  readonly responseBodySize: Histogram;

  constructor(scope: StatsScope) {
    const bytes = (name: string): Histogram => scope.histogram(name, HistogramUnit.Bytes);
    this.requestHeadersSize = bytes("upstream_rq_headers_size");
    this.requestHeadersCount = scope.histogram("upstream_rq_headers_count");
    this.requestBodySize = bytes("upstream_rq_body_size");
    this.responseHeadersSize = bytes("upstream_rs_headers_size");
    this.responseHeadersCount = scope.histogram("upstream_rs_headers_count");
    this.responseBodySize = bytes("upstream_rs_body_size");
  }
}

export class TrackedStats {
  readonly timeoutBudgets: TimeoutBudgetStats | null;
  readonly messageSizes: MessageSizeStats | null;

  constructor(plan: TrackedStatsPlan, scope: StatsScope) {
    this.timeoutBudgets = plan.timeoutBudgets ? new TimeoutBudgetStats(scope) : null;
    this.messageSizes = plan.messageSizes ? new MessageSizeStats(scope) : null;
  }

  /** A request was answered, or ran out of time. */
  recordTime(elapsedMs: number, timeoutMs: number): void {
    this.timeoutBudgets?.percentUsed.record(percentOf(elapsedMs, timeoutMs));
  }
}

/** Null when requests and attempts need not be measured. */
export function createTrackedStats(plan: TrackedStatsPlan, scope: StatsScope): TrackedStats | null {
  return plan.timeoutBudgets || plan.messageSizes ? new TrackedStats(plan, scope) : null;
}

/** What an attempt is one of. */
export interface MeasuredRequest {
  readonly headers: HeaderMap;
  /** 0 for no limit. */
  readonly perTryTimeoutMs: number;
}

/** What is measured of one attempt. */
export class AttemptMeasure {
  readonly #stats: TrackedStats;
  readonly #request: MeasuredRequest;
  readonly #clock: Clock;
  readonly #startMs: number;
  /** Given to the codec. */
  bodyBytesSent = 0;
  bodyBytesReceived = 0;
  #responseHeaderBytes = 0;
  /** 0 without a response. */
  #responseHeaderCount = 0;
  /** False once the limit of all attempts came into play, and its own did not. */
  timeCounts = true;
  #ended = false;

  constructor(stats: TrackedStats, request: MeasuredRequest, clock: Clock) {
    this.#stats = stats;
    this.#request = request;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Informational ones, too. */
  onResponseHeaders(headers: HeaderMap): void {
    this.#responseHeaderBytes += headers.byteSize;
    this.#responseHeaderCount += headers.size;
  }

  /** The attempt is over. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const { timeoutBudgets, messageSizes: sizes } = this.#stats;
    const { headers, perTryTimeoutMs } = this.#request;
    if (this.timeCounts && timeoutBudgets !== null) {
      timeoutBudgets.perTryPercentUsed.record(percentOf(this.#clock.nowMs() - this.#startMs, perTryTimeoutMs));
    }
    if (sizes === null) return;
    sizes.requestHeadersSize.record(headers.byteSize);
    sizes.requestHeadersCount.record(headers.size);
    sizes.requestBodySize.record(this.bodyBytesSent);
    if (this.#responseHeaderCount === 0) return;
    sizes.responseHeadersSize.record(this.#responseHeaderBytes);
    sizes.responseHeadersCount.record(this.#responseHeaderCount);
    sizes.responseBodySize.record(this.bodyBytesReceived);
  }
}

/** Any part of an unlimited time is none of it. */
function percentOf(elapsedMs: number, limitMs: number): number {
  return limitMs === 0 ? 0 : Math.trunc(elapsedMs) * 100 / limitMs;
}
