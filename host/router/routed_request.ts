// host/router/routed_request.ts: a request that goes to a cluster: what all that is done with it is about.
// pure: no I/O, no clock, no runtime globals
// hot: one per request; see bench/micro/http_path.bench.ts
/** @module */
import type { TerminalFilterStream } from "../http/filter.ts";
import type { HashPolicy } from "../http/hash_policy.ts";
import { type HeaderMap, HeaderNames } from "../http/header_map.ts";
import { isGrpcContentType } from "../http/local_reply.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { RetryPolicy } from "../upstream/retry_policy.ts";
import type { CodeOrigin } from "../upstream/stats.ts";
import { newUpstreamInfo } from "../upstream/upstream_info.ts";
import { answer, type AnswerHeaders } from "./answer.ts";
import type { RequestCounters } from "./routes/request_counters.ts";
import type { RequestReplay } from "./attempts/request_replay.ts";
import type { RouteEntry } from "./routes/route.ts";
import type { RouterConfig } from "./router_config.ts";
import { globalTimeoutMs, hedgesOnPerTryTimeout, perTryTimeoutMs, setExpectedTimeout } from "./timeouts.ts";

/** What internal callers say to the router, and not to the upstream. */
const ROUTER_HEADERS = new HeaderNames([
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-timeout-alt-response",
]);

export class RoutedRequest {
  readonly config: RouterConfig;
  readonly stream: TerminalFilterStream;
  readonly route: RouteEntry;
  readonly headers: HeaderMap;
  /** Of the current attempt. */
  cluster: Cluster;
  /** Of the next attempt. */
  clusterName: string;
  /** From the end of the request to the end of the response; 0 for no limit. */
  timeoutMs = 0;
  perTryTimeoutMs = 0;
  perTryIdleTimeoutMs = 0;
  /** An attempt that takes too long goes on beside the one that follows. */
  hedgesOnPerTryTimeout = false;
  /** Of the answer when that takes too long. */
  timeoutStatus = 504;
  /** When the request was there as a whole; -1 before. */
  endMs = -1;
  /** The client has seen something of an attempt, if only an informational response: no other one may follow. */
  responseStarted = false;
  /** The client has seen the head of the response: no other response may follow. */
  responseHeadersSent = false;
  /** The response comes from a canary. */
  isCanary = false;
  /** What of the request is kept to be sent again; null when it will not be. */
  replay: RequestReplay | null = null;
  /** Statistics of the route, and of the virtual cluster. */
  readonly counters: readonly RequestCounters[];
  /** The upstream speaks no HTTP. */
  readonly isTcp: boolean;

  constructor(
    config: RouterConfig,
    stream: TerminalFilterStream,
    route: RouteEntry,
    headers: HeaderMap,
    cluster: Cluster,
  ) {
    this.config = config;
    this.stream = stream;
    this.route = route;
    this.headers = headers;
    this.cluster = cluster;
    this.clusterName = route.clusterName!;
    this.counters = route.countersFor(headers, stream.info);
    const pools = cluster.plan.upstreamPools;
    this.isTcp = pools === "generic" ? route.opensTcpTunnel(headers) : pools === "tcp";
  }

  /** Which failures are worth another attempt: the cluster knows better than the route. */
  get retryPolicy(): RetryPolicy {
    return this.cluster.retryPolicy ?? this.route.retryPolicy;
  }

  /** What load balancers that hash go by; null for nothing. */
  get hashPolicy(): HashPolicy | null {
    return this.cluster.hashPolicy ?? this.route.hashPolicy;
  }

  /** Looks again where the route leads; null where it leads to no cluster. */
  refreshCluster(tried: Set<string>): Cluster | null {
    const { headers, route, stream: { info }, config } = this;
    this.clusterName = route.clusterNameAgain(headers, this.cluster.random.uint32(), info, tried);
    info.clusterName = this.clusterName;
    return config.clusters.get(this.clusterName);
  }

  /** Reads what the caller says to the router, and makes the rest what the upstream is to see. */
  prepareHeaders(): void {
    const { headers, route, stream: { info }, config: { plan } } = this;
    this.timeoutMs = globalTimeoutMs(headers, route, plan);
    this.perTryTimeoutMs = perTryTimeoutMs(headers, route.retryPolicy, this.timeoutMs);
    this.perTryIdleTimeoutMs = route.retryPolicy.perTryIdleTimeoutMs;
    this.hedgesOnPerTryTimeout = hedgesOnPerTryTimeout(headers, route.hedgePolicy);
    if (!plan.suppressEnvoyHeaders) setExpectedTimeout(headers, this.timeoutMs, this.#expectedPerTryMs, 0);
    if (headers.has("x-envoy-upstream-rq-timeout-alt-response")) this.timeoutStatus = 204;
    headers.removeAll(ROUTER_HEADERS);
    info.attemptCount = 1;
    info.upstream = newUpstreamInfo(this.cluster);
    if (route.includeRequestAttemptCount) headers.set("x-envoy-attempt-count", "1");
    route.finalizeRequestHeaders(headers, info, !plan.suppressEnvoyHeaders);
    // All upstreams are spoken to in plain text.
    if (headers.scheme === null || info.schemeMatchesUpstream) headers.scheme = "http";
  }

  /** Makes the headers those of one more attempt; `afterTimeout`: the one before took too long. */
  prepareRetryHeaders(afterTimeout: boolean): void {
    const { headers, route, stream: { info, clock }, config: { plan } } = this;
    if (route.includeRequestAttemptCount) headers.set("x-envoy-attempt-count", String(info.attemptCount));
    if (route.includeIsTimeoutRetry) headers.set("x-envoy-is-timeout-retry", String(afterTimeout));
    if (plan.suppressEnvoyHeaders) return;
    const elapsedMs = this.endMs < 0 ? 0 : clock.nowMs() - this.endMs;
    setExpectedTimeout(headers, this.timeoutMs, this.#expectedPerTryMs, elapsedMs);
  }

  /** An attempt that goes on beside others may take the time of all of them. */
  get #expectedPerTryMs(): number {
    return this.hedgesOnPerTryTimeout ? 0 : this.perTryTimeoutMs;
  }

  /** Answers in the upstream's place. */
  reply(status: number, body: string, details: string, more: AnswerHeaders = {}): void {
    answer(this.stream, this.route, { status, body, details, ...more });
  }

  get origin(): CodeOrigin {
    return this.headers.get("x-envoy-internal") === "true" ? "internal" : "external";
  }

  /** Notes how long the response took, from the end of the request; one that came before that counts nothing. */
  recordTime(): void {
    this.recordBudget();
    const { endMs, cluster: { stats }, origin, isCanary, upstreamZone, counters, stream } = this;
    if (endMs < 0) return;
    const milliseconds = stream.clock.nowMs() - endMs;
    stats.codes.recordTime(milliseconds, stats.upstreamRqTime, origin, isCanary, upstreamZone);
    for (let i = 0; i < counters.length; i++) counters[i]!.codes.recordTime(milliseconds);
  }

  /** Notes how much of its time the request took; before its end none was counted. */
  recordBudget(): void {
    const { tracked } = this.cluster.stats;
    if (tracked === null) return;
    tracked.recordTime(this.endMs < 0 ? 0 : this.stream.clock.nowMs() - this.endMs, this.timeoutMs);
  }

  /** Counts a response, or an answer in its place. */
  chargeResponse(status: number): void {
    for (let i = 0; i < this.counters.length; i++) this.counters[i]!.codes.charge(status);
    this.cluster.stats.codes.chargeResponse(
      status,
      this.origin,
      this.isCanary,
      this.upstreamZone,
      this.#showsStatus,
    );
  }

  /** Counts a response that is thrown away because the request is tried again. */
  chargeRetry(status: number): void {
    this.cluster.stats.codes.chargeRetry(status, this.#showsStatus);
  }

  /** Of gRPC calls the status of HTTP says little. */
  get #showsStatus(): boolean {
    return this.config.plan.suppressGrpcRequestFailureCodeStats !== true || !this.isGrpc;
  }

  get isGrpc(): boolean {
    return isGrpcContentType(this.headers.get("content-type"));
  }

  /** Of the host; "" without one, or when nobody knows. */
  get upstreamZone(): string {
    return this.stream.info.upstream?.locality?.zone ?? "";
  }
}
