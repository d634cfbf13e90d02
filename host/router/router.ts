// host/router/router.ts: the terminal HTTP filter: picks a host, sends the request, brings the response.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Redirects and direct responses are answered here; everything else goes to a cluster as one or more
 * attempts (`UpstreamRequest`). Every way in which an attempt can fail becomes one status, body, flag and
 * details text, here and nowhere else.
 *
 * @see Envoy: source/common/router/router.cc
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Timer } from "../base/clock.ts";
import { StreamResetReason } from "../http/codec.ts";
import type { ConfiguredFilter } from "../http/conn_manager_config.ts";
import {
  DataStatus,
  type DownstreamWatermarkCallbacks,
  HeadersStatus,
  type HttpFilter,
  type TerminalFilterStream,
  TrailersStatus,
} from "../http/filter.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { Counter } from "../observe/stat.ts";
import { ResponseFlag } from "../observe/stream_info.ts";
import { ResourcePriority } from "../upstream/circuit_breaker.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { ClusterManager } from "../upstream/cluster_manager.ts";
import type { Host } from "../upstream/host.ts";
import type { LoadBalancerContext } from "../upstream/lb/picker.ts";
import { answer, answerDirectly, type AnswerHeaders } from "./answer.ts";
import { FilteredUpstreamRequest } from "./filtered_request.ts";
import { resetReasonFlag, resetReasonText } from "./reset_reason.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import { RetryState } from "./retry_state.ts";
import type { RouteEntry } from "./route.ts";
import type { RouterPlan } from "./router_plan.ts";
import type { RouterStats } from "./router_stats.ts";
import { TcpUpstreamRequest } from "./tcp_upstream_request.ts";
import { globalTimeoutMs, perTryTimeoutMs, setExpectedTimeout } from "./timeouts.ts";
import { describeHost, newUpstreamInfo } from "./upstream_info.ts";
import {
  type PooledAttemptClass,
  type UpstreamAttempt,
  UpstreamRequest,
  type UpstreamRequestOwner,
} from "./upstream_request.ts";

export interface RouterConfig {
  readonly plan: RouterPlan;
  readonly stats: RouterStats;
  readonly clusters: ClusterManager;
  /** Filters of every attempt at a cluster that has none itself; null for none. */
  readonly upstreamFilters?: readonly ConfiguredFilter[] | null;
}

/** What internal callers say to the router, and not to the upstream. */
const ROUTER_HEADERS = [
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-timeout-alt-response",
];

export class Router implements HttpFilter, UpstreamRequestOwner, DownstreamWatermarkCallbacks, LoadBalancerContext {
  readonly #config: RouterConfig;
  readonly #stream: TerminalFilterStream;
  #route: RouteEntry | null = null;
  #cluster: Cluster | null = null;
  #request: UpstreamAttempt | null = null;
  #requestHeaders: HeaderMap | null = null;
  #timeoutMs = 0;
  #perTryTimeoutMs = 0;
  #timeoutStatus = 504;
  #timer: Timer | null = null;
  #perTryTimer: Timer | null = null;
  /** Ends an attempt that lasts longer than the cluster allows. */
  #durationTimer: Timer | null = null;
  #requestEndMs = -1;
  #responseStarted = false;
  /** Null once no attempt will follow the current one. */
  #retry: RetryState | null = null;
  /** Of the current attempt; null until there is one. */
  #host: Host | null = null;
  /** Bytes pass without framing: their end is that of the upstream's connection. */
  #tunnel = false;
  /** `set-cookie` headers of the hash policy. */
  #hashCookies: string[] | null = null;
  /** The upstream speaks no HTTP. */
  #isTcp = false;

  constructor(config: RouterConfig, stream: TerminalFilterStream) {
    this.#config = config;
    this.#stream = stream;
  }

  get nowMs(): number {
    return this.#stream.clock.nowMs();
  }

  onRequestHeaders(headers: HeaderMap, end: boolean): HeadersStatus {
    const stream = this.#stream;
    const { stats } = this.#config;
    stats.rqTotal.inc();
    this.#requestHeaders = headers;
    const route = stream.route() as RouteEntry | null;
    this.#route = route;
    if (route === null) {
      stats.noRoute.inc();
      stream.info.setFlag(ResponseFlag.NoRouteFound);
      stream.sendLocalReply({ status: 404, details: "route_not_found" });
      return HeadersStatus.StopIteration;
    }
    if (route.kind !== "cluster") {
      stats.rqDirectResponse.inc();
      answerDirectly(stream, route, headers, !this.#config.plan.suppressEnvoyHeaders);
      return HeadersStatus.StopIteration;
    }
    const cluster = this.#config.clusters.get(route.clusterName!);
    if (cluster === null) {
      stats.noCluster.inc();
      stream.info.setFlag(ResponseFlag.NoClusterFound);
      stream.info.clusterName = "";
      this.#reply(route.clusterNotFoundStatus, "", "cluster_not_found");
      return HeadersStatus.StopIteration;
    }
    this.#cluster = cluster;
    const { plan } = this.#config;
    const policy = route.retryPolicy;
    this.#retry = this.#createRetryState(cluster, policy, headers);
    this.#timeoutMs = globalTimeoutMs(headers, route, plan);
    this.#perTryTimeoutMs = perTryTimeoutMs(headers, policy, this.#timeoutMs);
    if (!plan.suppressEnvoyHeaders) setExpectedTimeout(headers, this.#timeoutMs, this.#perTryTimeoutMs, 0);
    if (headers.has("x-envoy-upstream-rq-timeout-alt-response")) this.#timeoutStatus = 204;
    for (const name of ROUTER_HEADERS) headers.remove(name);
    stream.info.attemptCount = 1;
    if (route.includeRequestAttemptCount) headers.set("x-envoy-attempt-count", "1");
    route.finalizeRequestHeaders(headers, stream.info, !plan.suppressEnvoyHeaders);
    // All upstreams are spoken to in plain text.
    if (headers.scheme === null || stream.info.schemeMatchesUpstream) headers.scheme = "http";

    const host = this.#chooseHost(cluster);
    if (host === null) return HeadersStatus.StopIteration;
    if (route.autoHostRewrite && host.hostname !== "") route.rewriteHost(headers, host.hostname);
    stream.setDownstreamWatermarkCallbacks(this);
    this.#attempt(cluster, host, headers, end);
    return HeadersStatus.StopIteration;
  }

  onRequestBody(body: ByteQueue, end: boolean): DataStatus {
    if (this.#retry !== null && !this.#keep(this.#retry, body)) return DataStatus.StopIterationNoBuffer;
    if (end) this.#onRequestEnd();
    if (this.#request === null) body.clear();
    else this.#request.encodeData(body, end);
    return DataStatus.StopIterationNoBuffer;
  }

  onRequestTrailers(trailers: HeaderMap): TrailersStatus {
    if (this.#retry !== null) this.#retry.replay.trailers = trailers;
    this.#onRequestEnd();
    this.#request?.encodeTrailers(trailers);
    return TrailersStatus.StopIteration;
  }

  onDestroy(): void {
    this.#disableTimers();
    this.#giveUpRetries();
    const request = this.#request;
    if (request !== null && !request.done) request.reset();
    this.#request = null;
  }

  // From the load balancer.

  get hostSelectionRetryCount(): number {
    return this.#retry?.hostSelectionRetryCount ?? 0;
  }

  hash(): bigint | null {
    const setCookie = (header: string) => void (this.#hashCookies ??= []).push(header);
    return this.#route!.hashPolicy?.hash(this.#requestHeaders!, this.#stream.info, setCookie) ?? null;
  }

  shouldSelectAnotherHost(host: Host): boolean {
    return this.#retry?.shouldSelectAnotherHost(host) ?? false;
  }

  // From the attempt.

  onUpstreamHostSelected(request: UpstreamAttempt, host: Host): void {
    this.#host = host;
    describeHost(this.#stream.info.upstream!, host);
    const durationMs = this.#cluster!.plan.http.maxStreamDurationMs;
    if (durationMs > 0) {
      this.#durationTimer = this.#stream.clock.createTimer(() => this.#onMaxDuration());
      this.#durationTimer.enable(durationMs);
    }
    if (request.connected) this.#startPerTryTimer();
  }

  onUpstream1xxHeaders(_request: UpstreamAttempt, headers: HeaderMap): void {
    // The client has seen something of this attempt.
    this.#giveUpRetries();
    this.#cluster!.stats.codes.chargeResponse(headers.status, this.#origin());
    this.#stream.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(request: UpstreamAttempt, headers: HeaderMap, end: boolean): void {
    if (this.#retry !== null && this.#retriesResponse(this.#retry, request, headers)) return;
    const stream = this.#stream;
    const route = this.#route!;
    if (this.#requestHeaders!.protocol !== null && this.#isFailedHandshake(headers.status)) {
      this.#passFailedHandshake(headers);
      return;
    }
    this.#responseStarted = true;
    this.#perTryTimer?.disable();
    stream.info.responseCodeDetails = "via_upstream";
    if (!this.#config.plan.suppressEnvoyHeaders && this.#requestEndMs >= 0) {
      headers.setOwn("x-envoy-upstream-service-time", String(Math.trunc(this.nowMs - this.#requestEndMs)));
    }
    stream.info.responseCode = headers.status;
    route.finalizeResponseHeaders(headers, this.#requestHeaders, stream.info);
    if (route.includeAttemptCountInResponse) headers.set("x-envoy-attempt-count", String(stream.info.attemptCount));
    if (this.#hashCookies !== null) { for (const cookie of this.#hashCookies) headers.add("set-cookie", cookie); }
    this.#cluster!.stats.codes.chargeResponse(headers.status, this.#origin());
    if (end) this.#onResponseEnd(request);
    else this.#tunnel = !this.#isTcp && opensTunnel(this.#requestHeaders!, headers.status);
    stream.encodeHeaders(headers, end);
  }

  /** An upstream with HTTP/1, which upgrades by 101 alone, said neither yes nor an error. */
  #isFailedHandshake(status: number): boolean {
    const { info } = this.#stream;
    if (status === 101 || status >= 400 || info.upstream!.protocol === "HTTP/2") return false;
    // To a client that speaks HTTP/2 any success is a tunnel.
    return this.#requestHeaders!.protocol!.toLowerCase() === "websocket" ||
      (info.protocol === "HTTP/2" && status < 300);
  }

  onUpstreamData(request: UpstreamAttempt, data: ByteQueue, end: boolean): void {
    if (end) {
      if (this.#tunnel && this.#stream.info.upstream!.protocol !== "HTTP/2") this.#onTunnelEnd();
      this.#onResponseEnd(request);
    }
    this.#stream.encodeData(data, end);
  }

  onUpstreamTrailers(request: UpstreamAttempt, trailers: HeaderMap): void {
    this.#onResponseEnd(request);
    this.#stream.encodeTrailers(trailers);
  }

  onUpstreamReset(request: UpstreamAttempt, reason: StreamResetReason, details: string): void {
    if (this.#retriesReset(reason, request.connected)) return;
    this.#disableTimers();
    const cluster = this.#cluster!;
    const info = this.#stream.info;
    const suffix = reason + (details === "" ? "" : `|${details}`);
    if (this.#responseStarted) {
      info.setFlag(resetReasonFlag(reason));
      this.#stream.resetStream(`upstream_reset_after_response_started{${suffix}}`);
      return;
    }
    info.setFlag(resetReasonFlag(reason));
    const status = reason === StreamResetReason.ProtocolError ? 502 : 503;
    cluster.stats.codes.chargeResponse(status, this.#origin());
    const which = info.attemptCount > 1 ? "retried and the latest reset reason" : "reset reason";
    this.#reply(
      status,
      `upstream connect error or disconnect/reset before headers. ${which}: ${resetReasonText(reason)}`,
      `upstream_reset_before_response_started{${suffix}}`,
      { overloaded: reason === StreamResetReason.Overflow && !this.#config.plan.suppressEnvoyHeaders },
    );
  }

  readDisableDownstream(disable: boolean): void {
    this.#stream.readDisableDownstream(disable);
  }

  // From the client's side.

  onAboveWriteBufferHighWatermark(): void {
    this.#cluster!.stats.upstreamFlowControlPausedReadingTotal.inc();
    this.#request?.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#cluster!.stats.upstreamFlowControlResumedReadingTotal.inc();
    this.#request?.readDisable(false);
  }

  #onRequestEnd(): void {
    if (this.#requestEndMs >= 0) return;
    this.#requestEndMs = this.nowMs;
    const request = this.#request, retry = this.#retry;
    if (retry !== null) retry.replay.complete = true;
    if (request === null ? retry === null || !retry.waiting : request.done) return;
    if (this.#timeoutMs > 0) {
      this.#timer = this.#stream.clock.createTimer(() => this.#onTimeout());
      this.#timer.enable(this.#timeoutMs);
    }
    if (request !== null && request.connected) this.#startPerTryTimer();
  }

  #onResponseEnd(request: UpstreamAttempt): void {
    this.#disableTimers();
    const { stats } = this.#cluster!;
    if (this.#requestEndMs >= 0) {
      stats.codes.recordTime(this.nowMs - this.#requestEndMs, stats.upstreamRqTime, this.#origin());
    }
    if (request === this.#request) this.#request = null;
  }

  /** A tunnel that is a connection has no regular end. */
  #onTunnelEnd(): void {
    const info = this.#stream.info;
    info.setFlag(ResponseFlag.UpstreamConnectionTermination);
    info.responseCodeDetails = "upstream_reset_after_response_started{connection_termination}";
  }

  /** The client learns of the answer to its handshake, and gets no body: what follows is no WebSocket. */
  #passFailedHandshake(headers: HeaderMap): void {
    this.#request?.reset();
    this.#reply(headers.status, "", "websocket_handshake_unsuccessful", { response: headers });
  }

  #onTimeout(): void {
    if (this.#request !== null) this.#countTimeout(this.#cluster!.stats.upstreamRqTimeout);
    this.#request?.reset();
    if (this.#responseStarted) {
      this.#stream.info.setFlag(ResponseFlag.UpstreamRequestTimeout);
      this.#stream.resetStream("response_timeout");
      return;
    }
    this.#replyTimeout("response_timeout");
  }

  #onPerTryTimeout(): void {
    this.#countTimeout(this.#cluster!.stats.upstreamRqPerTryTimeout);
    this.#request?.reset();
    if (!this.#retriesReset(StreamResetReason.LocalReset, true)) this.#replyTimeout("upstream_per_try_timeout");
  }

  #countTimeout(counter: Counter): void {
    counter.inc();
    if (this.#host !== null) this.#host.rqTimeout++;
  }

  #replyTimeout(details: string): void {
    this.#stream.info.setFlag(ResponseFlag.UpstreamRequestTimeout);
    const status = this.#timeoutStatus;
    this.#cluster!.stats.codes.chargeResponse(status, this.#origin());
    this.#reply(status, status === 204 ? "" : "upstream request timeout", details);
  }

  #onMaxDuration(): void {
    this.#cluster!.stats.upstreamRqMaxDurationReached.inc();
    this.#stream.info.setFlag(ResponseFlag.UpstreamMaxStreamDurationReached);
    this.#timer?.disable();
    this.#request?.reset();
    const details = "upstream_max_stream_duration_reached";
    if (this.#responseStarted) this.#stream.resetStream(details);
    else this.#reply(this.#requestEndMs < 0 ? 408 : 504, "upstream max stream duration reached", details);
  }

  #disableTimers(): void {
    this.#timer?.disable();
    this.#perTryTimer?.disable();
    this.#durationTimer?.disable();
  }

  // Attempts.

  /** A host for the next attempt; null when there is none, and the request was answered. */
  #chooseHost(cluster: Cluster): Host | null {
    const { info } = this.#stream;
    const byHash = this.#route!.hashPolicy !== null;
    const host = cluster.chooseHost(byHash || this.#retry !== null ? this : null);
    info.upstream = newUpstreamInfo(cluster);
    if (host === null) {
      info.setFlag(ResponseFlag.NoHealthyUpstream);
      cluster.stats.codes.chargeResponse(503, this.#origin());
      this.#reply(503, "no healthy upstream", "no_healthy_upstream");
      return null;
    }
    this.#retry?.onHostTried(host);
    return host;
  }

  #attempt(cluster: Cluster, host: Host, headers: HeaderMap, end: boolean): void {
    this.#host = null;
    if (this.#route!.opensTcpTunnel(headers)) {
      this.#isTcp = true;
      this.#begin(TcpUpstreamRequest, cluster.tcpPool(host, ResourcePriority.Default), headers, end);
    } else {
      const { protocol } = this.#stream.info;
      this.#begin(UpstreamRequest, cluster.httpPool(host, ResourcePriority.Default, protocol), headers, end);
    }
  }

  /** Begins an attempt with a connection of this pool. */
  #begin<Pool>(Attempt: PooledAttemptClass<Pool>, pool: Pool, headers: HeaderMap, end: boolean): void {
    const cluster = this.#cluster!;
    const upstream = this.#stream.info.upstream!;
    const limitBytes = cluster.plan.perConnectionBufferLimitBytes;
    const chain = cluster.httpFilters ?? this.#config.upstreamFilters ?? null;
    if (chain === null) {
      const request = new Attempt(this, limitBytes, upstream);
      this.#request = request;
      if (end) this.#onRequestEnd();
      request.encodeHeaders(headers, end);
      request.start(pool);
    } else {
      const request = new FilteredUpstreamRequest(Attempt, this, this.#stream, chain, limitBytes, upstream);
      this.#request = request;
      if (end) this.#onRequestEnd();
      request.start(pool, headers, end);
    }
  }

  #startPerTryTimer(): void {
    if (this.#perTryTimeoutMs === 0 || this.#requestEndMs < 0 || this.#responseStarted) return;
    this.#perTryTimer ??= this.#stream.clock.createTimer(() => this.#onPerTryTimeout());
    this.#perTryTimer.enable(this.#perTryTimeoutMs);
  }

  // Retries.

  #createRetryState(cluster: Cluster, policy: RetryPolicy, headers: HeaderMap): RetryState | null {
    if (!policy.appliesTo(headers)) return null;
    const { info, clock, bufferLimitBytes: limitBytes } = this.#stream;
    const onDue = () => this.#attemptAgain();
    return RetryState.create({ policy, headers, cluster, info, clock, limitBytes, onDue });
  }

  #giveUpRetries(): void {
    this.#retry?.close();
    this.#retry = null;
  }

  /** Keeps a chunk of the body for retries; false when the request had to be answered. */
  #keep({ replay }: RetryState, body: ByteQueue): boolean {
    if (replay.add(body)) return true;
    this.#cluster!.stats.retryOrShadowAbandoned.inc();
    this.#giveUpRetries();
    if (this.#request !== null) return true;
    body.clear();
    const details = "request_payload_exceeded_retry_buffer_limit";
    this.#reply(507, "exceeded request buffer limit while retrying upstream", details);
    return false;
  }

  /** True when the response is dropped, because another attempt follows. */
  #retriesResponse(retry: RetryState, request: UpstreamAttempt, headers: HeaderMap): boolean {
    if (!retry.onResponse(headers)) {
      this.#giveUpRetries();
      return false;
    }
    this.#cluster!.stats.codes.chargeRetry(headers.status);
    request.reset();
    this.#leaveAttempt();
    return true;
  }

  /** True when another attempt follows one that has no response. */
  #retriesReset(reason: StreamResetReason, requestStarted: boolean): boolean {
    const retry = this.#retry;
    if (retry === null || this.#responseStarted) return false;
    if (!retry.onReset(reason, requestStarted)) {
      this.#giveUpRetries();
      return false;
    }
    this.#leaveAttempt();
    return true;
  }

  #leaveAttempt(): void {
    if (this.#host !== null) this.#host.rqError++;
    this.#request = null;
    this.#perTryTimer?.disable();
    this.#durationTimer?.disable();
  }

  #attemptAgain(): void {
    const route = this.#route!, headers = this.#requestHeaders!, { replay } = this.#retry!, { info } = this.#stream;
    const cluster = this.#config.clusters.get(route.clusterName!);
    info.attemptCount++;
    if (cluster === null) {
      this.#stream.info.setFlag(ResponseFlag.NoClusterFound);
      return this.#reply(route.clusterNotFoundStatus, "", "cluster_not_found");
    }
    const host = this.#chooseHost(cluster);
    if (host === null) return;
    this.#cluster = cluster;
    if (route.includeRequestAttemptCount) headers.set("x-envoy-attempt-count", String(info.attemptCount));
    if (route.autoHostRewrite && host.hostname !== "") headers.authority = host.hostname;
    const elapsedMs = this.#requestEndMs < 0 ? 0 : this.nowMs - this.#requestEndMs;
    if (!this.#config.plan.suppressEnvoyHeaders) {
      setExpectedTimeout(headers, this.#timeoutMs, this.#perTryTimeoutMs, elapsedMs);
    }
    const { length, trailers, complete } = replay;
    this.#attempt(cluster, host, headers, complete && length === 0 && trailers === null);
    // An attempt that failed at once may have been the last one.
    if (length > 0) this.#request?.encodeData(replay.body(), complete && trailers === null);
    if (trailers !== null) this.#request?.encodeTrailers(trailers);
  }

  #reply(status: number, body: string, details: string, more: AnswerHeaders = {}): void {
    answer(this.#stream, this.#route!, this.#requestHeaders!, { status, body, details, ...more });
  }

  #origin(): "external" | "internal" {
    return this.#requestHeaders!.get("x-envoy-internal") === "true" ? "internal" : "external";
  }
}

function opensTunnel(request: HeaderMap, status: number): boolean {
  return status === 101 || (request.method === "CONNECT" && status >= 200 && status < 300);
}
