// host/router/attempts/retry_state.ts: the retries of one request: how many are left, and when the next one is due.
// pure: no I/O, no clock, no runtime globals
/**
 * Between a decision to retry and the next decision the request holds one of the cluster's retries, which its
 * circuit breaker limits. Waits are random below a ceiling that doubles, or what the upstream says in a header.
 *
 * @see Envoy: source/common/router/retry_state_impl.cc
 * @module
 */
import { BackOff } from "../../base/back_off.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { StreamResetReason } from "../../http/codec.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { ResponseFlag } from "../../observe/stream_info.ts";
import type { Resource } from "../../upstream/circuit_breaker.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { Host } from "../../upstream/host.ts";
import type { HostPredicatePlan, ResetHeaderPlan } from "../../upstream/retry_plan.ts";
import { retriesReset, retriesResponse, type RetryConditions, type RetryPolicy } from "../../upstream/retry_policy.ts";
import type { PriorityPercentages, PrioritySet } from "../../upstream/priority.ts";
import { PreviousPriorities } from "./previous_priorities.ts";
import type { RoutedRequest } from "../routed_request.ts";

type RetryCounter =
  | "upstreamRqRetry"
  | "upstreamRqRetryLimitExceeded"
  | "upstreamRqRetryOverflow"
  | "upstreamRqRetrySuccess";

export const RetryStatus = {
  /** It is none that would be retried. */
  No: 0,
  /** Another attempt follows. */
  Yes: 1,
  /** It would be retried, if that were not too often. */
  Refused: 2,
} as const;
export type RetryStatus = (typeof RetryStatus)[keyof typeof RetryStatus];

/** Whoever makes the attempts. */
export interface RetryOwner {
  /** It is time for the next attempt. */
  onRetryDue(): void;
}

export class RetryState {
  readonly #request: RoutedRequest;
  /** Of the latest decision. */
  #cluster: Cluster;
  readonly #policy: RetryPolicy;
  readonly #owner: RetryOwner;
  readonly #conditions: RetryConditions;
  #retries: Resource;
  readonly #tried: Host[] = [];
  /** Null when retries have the priorities of first attempts. */
  readonly #priorities: PreviousPriorities | null;
  #left: number;
  #clustersTried: Set<string> | null = null;
  /** The next attempt, or the latest, follows one that took too long. */
  followsTimeout = false;
  /** Made when it is waited for the first time. */
  #backOff: BackOff | null = null;
  /** The upstream said when to come back; for the next wait alone. */
  #resetMs: number | null = null;
  #holdsRetry = false;
  #timer: Timer | null = null;

  /** Null when no failure of this request would be retried. */
  static create(request: RoutedRequest, owner: RetryOwner): RetryState | null {
    const policy = request.retryPolicy;
    if (!policy.appliesTo(request.headers)) return null;
    const conditions = policy.conditionsFor(request.headers);
    return conditions.retryOn === 0 ? null : new RetryState(request, policy, conditions, owner);
  }

  private constructor(request: RoutedRequest, policy: RetryPolicy, conditions: RetryConditions, owner: RetryOwner) {
    const { cluster, route } = request;
    this.#request = request;
    this.#cluster = cluster;
    this.#policy = policy;
    this.#owner = owner;
    this.#conditions = conditions;
    this.#retries = cluster.resources[route.priority].retries;
    this.#left = conditions.retries;
    const { retryPriority } = policy;
    this.#priorities = retryPriority === null ? null : new PreviousPriorities(retryPriority.updateFrequency);
  }

  /** True between two attempts. */
  get waiting(): boolean {
    return this.#timer !== null && this.#timer.enabled;
  }

  /** Whether another attempt follows a response, which then is to be dropped. */
  onResponse(headers: HeaderMap): RetryStatus {
    const wanted = this.wouldRetry(headers);
    const { rateLimited } = this.#policy;
    if (wanted && rateLimited !== null) this.#resetMs = this.#resetIntervalMs(headers, rateLimited);
    return this.#decide(wanted);
  }

  /** True for a response that another attempt may better, were there one. */
  wouldRetry(headers: HeaderMap): boolean {
    return retriesResponse(this.#conditions, headers);
  }

  /** Whether another attempt follows one that ended without a response. */
  onReset(reason: StreamResetReason, requestStarted: boolean): RetryStatus {
    return this.#decide(retriesReset(this.#conditions, reason, requestStarted));
  }

  /** Whether another attempt follows one that goes on, whatever the conditions. */
  onSoftTimeout(): RetryStatus {
    return this.#decide(true);
  }

  /** Ends it: no attempt follows. */
  close(): void {
    this.#timer?.disable();
    this.#release();
  }

  // For the load balancer.

  get hostSelectionRetryCount(): number {
    const { hostPredicates, hostSelectionRetryCount } = this.#policy;
    return hostPredicates.length === 0 ? 0 : hostSelectionRetryCount;
  }

  onHostTried(host: Host): void {
    this.#tried.push(host);
    this.#priorities?.onHostTried(host);
  }

  priorityLoad(priorities: PrioritySet, load: PriorityPercentages): PriorityPercentages {
    return this.#priorities?.priorityLoad(priorities, load) ?? load;
  }

  shouldSelectAnotherHost(host: Host): boolean {
    return this.#policy.hostPredicates.some((predicate) => refuses(predicate, host, this.#tried));
  }

  #decide(wanted: boolean): RetryStatus {
    const { info } = this.#request.stream;
    if (!wanted) {
      if (this.#holdsRetry) this.#count("upstreamRqRetrySuccess");
      this.#release();
      return RetryStatus.No;
    }
    if (this.#left === 0) {
      // The retry that it holds may be under way beside the attempt that this is about.
      this.#count("upstreamRqRetryLimitExceeded");
      info.setFlag(ResponseFlag.UpstreamRetryLimitExceeded);
      return RetryStatus.Refused;
    }
    this.#left--;
    this.#release();
    if (this.#policy.refreshesCluster && !this.#refreshCluster()) {
      // Nobody counts what goes to no cluster.
      this.#startTimer(this.#usualBackOffMs());
      return RetryStatus.Yes;
    }
    if (!this.#retries.canCreate()) {
      this.#count("upstreamRqRetryOverflow");
      info.setFlag(ResponseFlag.UpstreamOverflow);
      return RetryStatus.Refused;
    }
    if (!this.#mayRetry()) return RetryStatus.No;
    this.#holdsRetry = true;
    this.#retries.inc();
    this.#count("upstreamRqRetry");
    this.#startTimer(this.#nextBackOffMs());
    return RetryStatus.Yes;
  }

  /** A key of the runtime turns all retries off, or a part of them. */
  #mayRetry(): boolean {
    const { runtime, random } = this.#cluster;
    const percent = runtime.integer("upstream.use_retry", 100);
    return percent >= 100 || random.uint32() % 100 < percent;
  }

  #usualBackOffMs(): number {
    if (this.#backOff === null) {
      const { runtime, random } = this.#request.cluster;
      const given = this.#policy.backOff;
      const baseMs = given?.baseIntervalMs ?? Math.max(1, runtime.integer("upstream.base_retry_backoff_ms", 25));
      this.#backOff = new BackOff(baseMs, given?.maxIntervalMs ?? baseMs * 10, random);
    }
    return this.#backOff.nextMs();
  }

  #startTimer(ms: number): void {
    this.#timer ??= this.#request.stream.clock.createTimer(() => this.#owner.onRetryDue());
    this.#timer.enable(ms);
  }

  /** The next attempt, and what counts it, may be another cluster's; false when there is none. */
  #refreshCluster(): boolean {
    const request = this.#request;
    const tried = this.#clustersTried ??= new Set();
    tried.add(request.clusterName);
    const cluster = request.refreshCluster(tried);
    if (cluster === null) return false;
    this.#cluster = cluster;
    this.#retries = cluster.resources[request.route.priority].retries;
    return true;
  }

  /** Counts for the cluster, and for route and virtual cluster. */
  #count(name: RetryCounter): void {
    this.#cluster.stats[name].inc();
    for (const counters of this.#request.counters) counters[name].inc();
  }

  #nextBackOffMs(): number {
    const { stats, random } = this.#cluster;
    const resetMs = this.#resetMs;
    if (resetMs !== null) {
      this.#resetMs = null;
      stats.upstreamRqRetryBackoffRatelimited.inc();
      return resetMs + Math.floor(random.fraction() * Math.floor(resetMs / 2));
    }
    stats.upstreamRqRetryBackoffExponential.inc();
    return this.#usualBackOffMs();
  }

  #release(): void {
    if (!this.#holdsRetry) return;
    this.#holdsRetry = false;
    this.#retries.dec();
  }

  #resetIntervalMs(
    headers: HeaderMap,
    { resetHeaders, maxIntervalMs }: NonNullable<RetryPolicy["rateLimited"]>,
  ): number | null {
    for (const plan of resetHeaders) {
      const intervalMs = resetHeaderMs(plan, headers, this.#request.stream.clock);
      if (intervalMs !== null && intervalMs <= maxIntervalMs) return intervalMs > 1 ? intervalMs : null;
    }
    return null;
  }
}

function resetHeaderMs(plan: ResetHeaderPlan, headers: HeaderMap, clock: Clock): number | null {
  const text = headers.get(plan.name);
  if (text === null || !/^\d{1,15}$/.test(text)) return null;
  if (plan.format === "SECONDS") return Number(text) * 1000;
  const seconds = Number(text) - Math.floor(clock.wallMs() / 1000);
  return seconds < 0 ? null : seconds * 1000;
}

function refuses(predicate: HostPredicatePlan, host: Host, tried: readonly Host[]): boolean {
  switch (predicate.kind) {
    case "previousHosts":
      return tried.includes(host);
    case "omitCanaryHosts":
      return host.canary;
    case "omitHostMetadata":
      return Object.entries(predicate.metadata).some(([name, value]) => sameJson(host.lbMetadata[name], value));
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
