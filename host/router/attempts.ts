// host/router/attempts.ts: the attempts of one request: the one under way, those that follow, and the response.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Chooses hosts, sends the request to them, and decides whether what comes back is the client's response or
 * another attempt follows.
 *
 * @see Envoy: source/common/router/router.cc
 * @module
 */
import type { ByteQueue } from "../base/byte_queue.ts";
import type { Timer } from "../base/clock.ts";
import { StreamResetReason } from "../http/codec.ts";
import type { DownstreamWatermarkCallbacks } from "../http/filter.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { Counter } from "../observe/stat.ts";
import type { Host } from "../upstream/host.ts";
import { type AttemptTimeouts, AttemptTimers } from "./attempt_timers.ts";
import {
  failMaxDuration,
  failNoCluster,
  failNoHealthyUpstream,
  failReset,
  failTimeout,
  failTooLargeToRetry,
} from "./failures.ts";
import { FilteredUpstreamRequest } from "./filtered_request.ts";
import { finalizeResponse, isFailedHandshake, noteTunnelEnd, opensTunnel } from "./final_response.ts";
import {
  noteConnected,
  noteFailure,
  noteFinalResponse,
  noteReset,
  noteResponse,
  noteResponseEnd,
  noteTimeout,
} from "./host_outcome.ts";
import { RequestLoadBalancerContext } from "./load_balancer_context.ts";
import { RequestReplay } from "./request_replay.ts";
import { RetryState } from "./retry_state.ts";
import type { RoutedRequest } from "./routed_request.ts";
import { TcpUpstreamRequest } from "./tcp_upstream_request.ts";
import type { PooledAttemptClass, UpstreamAttempt, UpstreamRequestOwner } from "./upstream_attempt.ts";
import { describeHost, newUpstreamInfo } from "./upstream_info.ts";
import { UpstreamRequest } from "./upstream_request.ts";

export class Attempts implements UpstreamRequestOwner, AttemptTimeouts<UpstreamAttempt>, DownstreamWatermarkCallbacks {
  readonly #request: RoutedRequest;
  #current: UpstreamAttempt | null = null;
  /** Null once no attempt will follow the current one. */
  #retry: RetryState | null;
  /** Null when nothing of the request matters to the load balancer. */
  readonly #context: RequestLoadBalancerContext | null;
  /** From the end of the request to that of the response. */
  #timer: Timer | null = null;
  /** Bytes pass without framing: their end is that of the upstream's connection. */
  #tunnel = false;
  /** The upstream speaks no HTTP. */
  #isTcp = false;

  /** The request's headers still say what its caller wants of retries. */
  constructor(request: RoutedRequest) {
    const { stream, route, cluster, hashPolicy } = request;
    this.#request = request;
    const retry = this.#createRetryState();
    this.#retry = retry;
    if (retry !== null) request.replay = new RequestReplay(route.requestBufferLimitBytes(stream.bufferLimitBytes));
    const matters = retry !== null || hashPolicy !== null || cluster.asksContext ||
      stream.upstreamOverrideHost !== null;
    this.#context = matters ? new RequestLoadBalancerContext(request, retry) : null;
  }

  // The request.

  /** Begins the first attempt. */
  begin(end: boolean): void {
    const { route, headers, stream } = this.#request;
    const host = this.#chooseHost();
    if (host === null) return;
    if (route.autoHostRewrite && host.hostname !== "") route.rewriteHost(headers, host.hostname);
    stream.setDownstreamWatermarkCallbacks(this);
    this.#attempt(host, end);
  }

  sendData(body: ByteQueue, end: boolean): void {
    const { replay } = this.#request;
    if (replay !== null && !this.#keep(replay, body)) return;
    if (end) this.#onRequestEnd();
    if (this.#current === null) body.clear();
    else this.#current.encodeData(body, end);
  }

  sendTrailers(trailers: HeaderMap): void {
    const { replay } = this.#request;
    if (replay !== null) replay.trailers = trailers;
    this.#onRequestEnd();
    this.#current?.encodeTrailers(trailers);
  }

  /** Ends what is under way; nothing follows. */
  close(): void {
    this.#disableTimers();
    this.#giveUpRetries();
    const attempt = this.#current;
    if (attempt !== null && !attempt.done) attempt.reset();
    this.#current = null;
  }

  // From the client's side.

  onAboveWriteBufferHighWatermark(): void {
    this.#request.cluster.stats.upstreamFlowControlPausedReadingTotal.inc();
    this.#current?.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#request.cluster.stats.upstreamFlowControlResumedReadingTotal.inc();
    this.#current?.readDisable(false);
  }

  // From the attempt.

  get nowMs(): number {
    return this.#request.stream.clock.nowMs();
  }

  onUpstreamHostSelected(attempt: UpstreamAttempt, host: Host): void {
    attempt.host = host;
    describeHost(attempt.info, host);
    if (!attempt.connected) return;
    noteConnected(attempt);
    for (const counters of this.#request.counters) counters.upstreamRqTotal.inc();
    const durationMs = this.#request.cluster.plan.http.maxStreamDurationMs;
    if (durationMs > 0) this.#timersOf(attempt).startDuration(durationMs);
    this.#startPerTryTimer(attempt);
  }

  onUpstream1xxHeaders(_attempt: UpstreamAttempt, headers: HeaderMap): void {
    // The client has seen something of this attempt.
    this.#giveUpRetries();
    this.#request.chargeResponse(headers.status);
    this.#request.stream.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(attempt: UpstreamAttempt, headers: HeaderMap, end: boolean): void {
    const request = this.#request;
    noteResponse(request, attempt, headers);
    if (this.#retry !== null && this.#retriesResponse(this.#retry, attempt, headers)) return;
    const { stream } = request;
    if (isFailedHandshake(request.headers, headers.status, stream.info)) {
      // The client learns of the answer to its handshake, and gets no body: what follows is no WebSocket.
      attempt.reset();
      request.reply(headers.status, "", "websocket_handshake_unsuccessful", { response: headers });
      return;
    }
    attempt.timers?.onResponseStarted();
    noteFinalResponse(request, attempt, headers, end);
    finalizeResponse(request, headers, this.#context === null ? null : this.#context.cookies);
    if (end) this.#onResponseEnd(attempt, null);
    else this.#tunnel = !this.#isTcp && opensTunnel(request.headers, headers.status);
    stream.encodeHeaders(headers, end);
  }

  onUpstreamData(attempt: UpstreamAttempt, data: ByteQueue, end: boolean): void {
    const { stream } = this.#request;
    if (end) {
      if (this.#tunnel && attempt.info.protocol !== "HTTP/2") noteTunnelEnd(stream.info);
      this.#onResponseEnd(attempt, null);
    }
    stream.encodeData(data, end);
  }

  onUpstreamTrailers(attempt: UpstreamAttempt, trailers: HeaderMap): void {
    this.#onResponseEnd(attempt, trailers);
    this.#request.stream.encodeTrailers(trailers);
  }

  onUpstreamReset(attempt: UpstreamAttempt, reason: StreamResetReason, details: string): void {
    noteReset(attempt, reason);
    if (this.#retriesReset(attempt, reason, attempt.connected)) return;
    noteFailure(this.#request, attempt);
    this.#disableTimers();
    failReset(this.#request, reason, details);
  }

  readDisableDownstream(disable: boolean): void {
    this.#request.stream.readDisableDownstream(disable);
  }

  // From the timers.

  onPerTryTimeout(attempt: UpstreamAttempt): void {
    const request = this.#request;
    this.#countTimeout(attempt, request.cluster.stats.upstreamRqPerTryTimeout);
    attempt.reset();
    noteTimeout(attempt, request.timeoutStatus);
    if (this.#retriesReset(attempt, StreamResetReason.LocalReset, true)) return;
    noteFailure(request, attempt);
    failTimeout(request, "upstream_per_try_timeout");
  }

  onMaxDuration(attempt: UpstreamAttempt): void {
    this.#request.cluster.stats.upstreamRqMaxDurationReached.inc();
    this.#timer?.disable();
    attempt.reset();
    failMaxDuration(this.#request);
  }

  #onTimeout(): void {
    const attempt = this.#current;
    if (attempt !== null) {
      const request = this.#request;
      this.#countTimeout(attempt, request.cluster.stats.upstreamRqTimeout);
      for (const counters of request.counters) counters.upstreamRqTimeout.inc();
      if (!request.responseStarted) noteTimeout(attempt, request.timeoutStatus);
      noteFailure(request, attempt);
      attempt.reset();
    }
    failTimeout(this.#request, "response_timeout");
  }

  #countTimeout(attempt: UpstreamAttempt, counter: Counter): void {
    counter.inc();
    if (attempt.host !== null) attempt.host.rqTimeout++;
  }

  // Ends of messages.

  #onRequestEnd(): void {
    const request = this.#request;
    if (request.endMs >= 0) return;
    request.endMs = this.nowMs;
    if (request.replay !== null) request.replay.complete = true;
    const attempt = this.#current, retry = this.#retry;
    if (attempt === null ? retry === null || !retry.waiting : attempt.done) return;
    if (request.timeoutMs > 0) {
      this.#timer = request.stream.clock.createTimer(() => this.#onTimeout());
      this.#timer.enable(request.timeoutMs);
    }
    if (attempt !== null && attempt.connected) this.#startPerTryTimer(attempt);
  }

  #onResponseEnd(attempt: UpstreamAttempt, trailers: HeaderMap | null): void {
    noteResponseEnd(attempt, trailers);
    this.#disableTimers();
    const { endMs, cluster: { stats }, origin, counters } = this.#request;
    if (endMs >= 0) {
      const milliseconds = this.nowMs - endMs;
      stats.codes.recordTime(milliseconds, stats.upstreamRqTime, origin);
      for (let i = 0; i < counters.length; i++) counters[i]!.codes.recordTime(milliseconds);
    }
    if (attempt === this.#current) this.#current = null;
  }

  #disableTimers(): void {
    this.#timer?.disable();
    this.#current?.timers?.disable();
  }

  #timersOf(attempt: UpstreamAttempt): AttemptTimers<UpstreamAttempt> {
    return attempt.timers ??= new AttemptTimers(this.#request.stream.clock, attempt, this);
  }

  #startPerTryTimer(attempt: UpstreamAttempt): void {
    const { perTryTimeoutMs, endMs, responseStarted } = this.#request;
    if (perTryTimeoutMs > 0 && endMs >= 0 && !responseStarted) this.#timersOf(attempt).startPerTry(perTryTimeoutMs);
  }

  // Attempts.

  /** A host for the next attempt; null when there is none, and the request was answered. */
  #chooseHost(): Host | null {
    const { cluster, stream } = this.#request;
    const host = cluster.chooseHost(this.#context);
    stream.info.upstream = newUpstreamInfo(cluster);
    if (host === null) {
      failNoHealthyUpstream(this.#request, this.#context === null ? null : this.#context.overrideHost());
      return null;
    }
    this.#retry?.onHostTried(host);
    return host;
  }

  #attempt(host: Host, end: boolean): void {
    const { cluster, route, headers, stream } = this.#request;
    if (route.opensTcpTunnel(headers)) {
      this.#isTcp = true;
      this.#begin(TcpUpstreamRequest, cluster.tcpPool(host, route.priority), end);
    } else {
      this.#begin(UpstreamRequest, cluster.httpPool(host, route.priority, stream.info.protocol), end);
    }
  }

  /** Begins an attempt with a connection of this pool. */
  #begin<Pool>(Attempt: PooledAttemptClass<Pool>, pool: Pool, end: boolean): void {
    const { cluster, config, stream, headers } = this.#request;
    const upstream = stream.info.upstream!;
    const limitBytes = cluster.plan.perConnectionBufferLimitBytes;
    const chain = cluster.httpFilters ?? config.upstreamFilters ?? null;
    if (chain === null) {
      const attempt = new Attempt(this, limitBytes, upstream);
      this.#current = attempt;
      if (end) this.#onRequestEnd();
      attempt.encodeHeaders(headers, end);
      attempt.start(pool);
    } else {
      const attempt = new FilteredUpstreamRequest(Attempt, this, stream, chain, limitBytes, upstream);
      this.#current = attempt;
      if (end) this.#onRequestEnd();
      attempt.start(pool, headers, end);
    }
  }

  // Retries.

  /** Null when no failure of an attempt would be retried. */
  #createRetryState(): RetryState | null {
    const { retryPolicy: policy, headers, cluster, counters, route: { priority }, stream: { info, clock } } =
      this.#request;
    if (!policy.appliesTo(headers)) return null;
    const onDue = () => this.#attemptAgain();
    return RetryState.create({ policy, headers, cluster, priority, counters, info, clock, onDue });
  }

  #giveUpRetries(): void {
    this.#retry?.close();
    this.#retry = null;
    this.#request.replay = null;
    if (this.#context !== null) this.#context.retry = null;
  }

  /** Keeps a chunk of the body for retries; false when the request had to be answered. */
  #keep(replay: RequestReplay, body: ByteQueue): boolean {
    if (replay.add(body)) return true;
    this.#request.cluster.stats.retryOrShadowAbandoned.inc();
    this.#giveUpRetries();
    if (this.#current !== null) return true;
    body.clear();
    failTooLargeToRetry(this.#request);
    return false;
  }

  /** True when the response is dropped, because another attempt follows. */
  #retriesResponse(retry: RetryState, attempt: UpstreamAttempt, headers: HeaderMap): boolean {
    if (!retry.onResponse(headers)) {
      this.#giveUpRetries();
      return false;
    }
    this.#request.cluster.stats.codes.chargeRetry(headers.status);
    attempt.reset();
    this.#leave(attempt);
    return true;
  }

  /** True when another attempt follows one that has no response. */
  #retriesReset(attempt: UpstreamAttempt, reason: StreamResetReason, requestStarted: boolean): boolean {
    const retry = this.#retry;
    if (retry === null || this.#request.responseStarted) return false;
    if (!retry.onReset(reason, requestStarted)) {
      this.#giveUpRetries();
      return false;
    }
    this.#leave(attempt);
    return true;
  }

  /** Another attempt will follow this one. */
  #leave(attempt: UpstreamAttempt): void {
    if (attempt.host !== null) attempt.host.rqError++;
    attempt.timers?.disable();
    this.#current = null;
  }

  #attemptAgain(): void {
    const request = this.#request;
    const { route, headers, stream, config } = request;
    const cluster = config.clusters.get(route.clusterName!);
    stream.info.attemptCount++;
    if (cluster === null) return failNoCluster(stream, route, headers);
    request.cluster = cluster;
    const host = this.#chooseHost();
    if (host === null) return;
    if (route.autoHostRewrite && host.hostname !== "") headers.authority = host.hostname;
    request.prepareRetryHeaders();
    const { length, trailers, complete } = request.replay!;
    const body = length > 0 ? request.replay!.body() : null;
    this.#attempt(host, complete && body === null && trailers === null);
    // An attempt that failed at once may have been the last one.
    if (body !== null) this.#current?.encodeData(body, complete && trailers === null);
    if (trailers !== null) this.#current?.encodeTrailers(trailers);
  }
}
