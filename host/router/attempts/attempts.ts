// host/router/attempts/attempts.ts: the attempts of one request: those under way, those that follow, and the response.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Chooses hosts, sends the request to them, and decides whether what comes back is the client's response or
 * something better may follow. There is one attempt after the other, but for hedging: then the first good response
 * of several that are under way wins, and the others are reset.
 *
 * @see Envoy: source/common/router/router.cc
 * @module
 */
import type { ByteQueue } from "../../base/byte_queue.ts";
import type { Timer } from "../../base/clock.ts";
import { StreamResetReason } from "../../http/codec.ts";
import type { DownstreamWatermarkCallbacks } from "../../http/filter.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { ResponseFlag } from "../../observe/stream_info.ts";
import type { Counter } from "../../observe/stat.ts";
import type { Host } from "../../upstream/host.ts";
import { AttemptSet, sendBody } from "./attempt_set.ts";
import type { AttemptTimeouts } from "./attempt_timers.ts";
import {
  failMaxDuration,
  failNoHealthyUpstream,
  failReset,
  failTimeout,
  failTooLargeToRetry,
  resetStatus,
} from "../failures.ts";
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
import { followRedirect } from "./internal_redirect.ts";
import { RequestLoadBalancerContext } from "./load_balancer_context.ts";
import type { HedgePolicyPlan } from "../plan.ts";
import { resetReasonFlag } from "./reset_reason.ts";
import { RequestReplay } from "./request_replay.ts";
import { dropsResponse, hedge, retriesReset, retriesTimeout } from "./retry_decision.ts";
import { type RetryOwner, RetryState } from "./retry_state.ts";
import type { RoutedRequest } from "../routed_request.ts";
import { chooseHost, createAttempt, rewriteHost, startPerTryTimers, timersOf } from "./start_attempt.ts";
import type { UpstreamAttempt, UpstreamRequestOwner } from "./upstream_attempt.ts";
import { describeHost, newUpstreamInfo } from "../../upstream/upstream_info.ts";

export class Attempts
  implements UpstreamRequestOwner, AttemptTimeouts<UpstreamAttempt>, RetryOwner, DownstreamWatermarkCallbacks {
  readonly request: RoutedRequest;
  /** Those under way. Once the response has begun, the one that it comes from. */
  readonly #inFlight: AttemptSet = new AttemptSet();
  /** Null once no attempt will follow. */
  #retry: RetryState | null;
  /** Null when nothing of the request matters to the load balancer. */
  readonly #context: RequestLoadBalancerContext | null;
  /** From the end of the request to that of the response. */
  #timer: Timer | null = null;
  /** Bytes pass without framing: their end is that of the upstream's connection. */
  #tunnel = false;
  #closed = false;

  /** The request's headers still say what its caller wants of retries. */
  constructor(request: RoutedRequest) {
    const { stream, route, cluster, hashPolicy } = request;
    this.request = request;
    const retry = RetryState.create(request, this);
    this.#retry = retry;
    if (retry !== null || route.internalRedirectPolicy !== null) {
      request.replay = new RequestReplay(route.requestBufferLimitBytes ?? (stream.bufferLimitBytes || Infinity));
    }
    const matters = retry !== null || hashPolicy !== null || cluster.asksContext ||
      stream.upstreamOverrideHost !== null;
    this.#context = matters ? new RequestLoadBalancerContext(request, retry) : null;
  }

  // The request.

  /** Begins the first attempt, and those that a hedge policy wants beside it; false without a host. */
  begin(end: boolean): boolean {
    const { route, headers, stream } = this.request;
    const host = chooseHost(this.request, this.#context, this.#retry);
    if (host === null) return false;
    if (route.hedgePolicy === null) {
      rewriteHost(this.request, host, headers);
      stream.setDownstreamWatermarkCallbacks(this);
      this.#attempt(host, headers, end);
    } else {
      this.#beginHedged(host, route.hedgePolicy, end);
    }
    return true;
  }

  /** Each of them changes headers of its own. */
  #beginHedged(host: Host, policy: HedgePolicyPlan, end: boolean): void {
    const { cluster, headers, stream } = this.request;
    const { numerator, denominator } = policy.additionalRequestChance;
    const isOneMore = numerator > 0 && cluster.random.uint32() % denominator < numerator;
    const more = policy.initialRequests - 1 + (isOneMore ? 1 : 0);
    const copies = Array.from({ length: more }, () => headers.clone());
    rewriteHost(this.request, host, headers);
    stream.setDownstreamWatermarkCallbacks(this);
    this.#attempt(host, headers, end);
    for (const copy of copies) {
      if (this.#closed) return;
      stream.info.attemptCount++;
      const other = cluster.chooseHost(this.#context);
      if (other === null) return void stream.info.attemptCount--;
      stream.info.upstream = newUpstreamInfo(cluster, stream.info.upstream);
      this.#retry?.onHostTried(other);
      rewriteHost(this.request, other, copy);
      this.#attempt(other, copy, end);
    }
  }

  /** Bytes of the request that wait to be sent, or to be sent again. */
  get bufferedBytes(): number {
    return (this.request.replay?.length ?? 0) + this.#inFlight.bufferedBytes;
  }

  sendData(body: ByteQueue, end: boolean): void {
    const { replay } = this.request;
    if (replay !== null && !this.#keep(replay, body)) return;
    if (end) this.#onRequestEnd();
    this.#inFlight.encodeData(body, end);
  }

  sendTrailers(trailers: HeaderMap): void {
    const { replay } = this.request;
    if (replay !== null) replay.trailers = trailers;
    this.#onRequestEnd();
    this.#inFlight.encodeTrailers(trailers);
  }

  /** Ends what is under way; nothing follows. */
  close(): void {
    this.#closed = true;
    this.#timer?.disable();
    this.#giveUpRetries();
    this.#inFlight.resetAll();
  }

  // From the client's side.

  onAboveWriteBufferHighWatermark(): void {
    this.request.cluster.stats.upstreamFlowControlPausedReadingTotal.inc();
    this.#inFlight.readDisable(true);
  }

  onBelowWriteBufferLowWatermark(): void {
    this.request.cluster.stats.upstreamFlowControlResumedReadingTotal.inc();
    this.#inFlight.readDisable(false);
  }

  // From the attempts.

  get nowMs(): number {
    return this.request.stream.clock.nowMs();
  }

  onUpstreamHostSelected(attempt: UpstreamAttempt, host: Host): void {
    attempt.host = host;
    this.request.isCanary = host.canary;
    describeHost(attempt.info, host);
    if (!attempt.connected) return;
    attempt.log?.onConnected();
    noteConnected(attempt);
    for (const counters of this.request.counters) counters.upstreamRqTotal.inc();
    const durationMs = (host.owner ?? this.request.cluster).plan.http.maxStreamDurationMs;
    if (durationMs > 0) timersOf(attempt, this.request, this).startDuration(durationMs);
    startPerTryTimers(attempt, this.request, this);
  }

  onUpstream1xxHeaders(attempt: UpstreamAttempt, headers: HeaderMap): void {
    attempt.measure?.onResponseHeaders(headers);
    attempt.timers?.onActivity();
    this.request.responseStarted = true;
    this.#giveUpRetries();
    this.#inFlight.resetOthers(attempt);
    this.request.chargeResponse(headers.status);
    this.request.stream.encode1xxHeaders(headers);
  }

  onUpstreamHeaders(attempt: UpstreamAttempt, headers: HeaderMap, end: boolean): void {
    const request = this.request;
    attempt.measure?.onResponseHeaders(headers);
    attempt.log?.onResponseHeaders(headers);
    noteResponse(request, attempt, headers);
    if (this.#retry !== null) {
      if (dropsResponse(request, this.#retry, this.#inFlight, attempt, headers)) return;
      this.#giveUpRetries();
    }
    if (followRedirect(request, headers)) return;
    request.replay = null;
    const { stream } = request;
    stream.info.upstream = attempt.info;
    this.#inFlight.resetOthers(attempt);
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
    else this.#tunnel = !request.isTcp && opensTunnel(request.headers, headers.status);
    stream.encodeHeaders(headers, end);
  }

  onUpstreamData(attempt: UpstreamAttempt, data: ByteQueue, end: boolean): void {
    const { stream } = this.request;
    if (attempt.measure !== null) attempt.measure.bodyBytesReceived += data.length;
    if (attempt.log !== null) attempt.log.info.bytesReceived += data.length;
    attempt.timers?.onActivity();
    if (end) {
      if (this.#tunnel && attempt.info.protocol !== "HTTP/2") noteTunnelEnd(stream.info);
      this.#onResponseEnd(attempt, null);
    }
    stream.encodeData(data, end);
  }

  onUpstreamTrailers(attempt: UpstreamAttempt, trailers: HeaderMap): void {
    if (attempt.log !== null) attempt.log.responseTrailers = trailers;
    this.#onResponseEnd(attempt, trailers);
    this.request.stream.encodeTrailers(trailers);
  }

  onUpstreamReset(attempt: UpstreamAttempt, reason: StreamResetReason, details: string): void {
    const request = this.request;
    attempt.log?.info.setFlag(resetReasonFlag(reason));
    noteReset(request, attempt, reason);
    if (retriesReset(request, this.#retry, this.#inFlight, attempt, reason, attempt.connected)) return;
    noteFailure(request, attempt);
    if (!request.responseStarted) request.chargeResponse(resetStatus(reason));
    this.#inFlight.remove(attempt);
    if (this.#hasHope) return;
    this.#timer?.disable();
    failReset(request, reason, details);
  }

  readDisableDownstream(disable: boolean): void {
    this.request.stream.readDisableDownstream(disable);
  }

  // From the timers.

  onPerTryTimeout(attempt: UpstreamAttempt): void {
    attempt.log?.info.setFlag(ResponseFlag.UpstreamRequestTimeout);
    this.#onAttemptTimeout(attempt, this.request.cluster.stats.upstreamRqPerTryTimeout, "upstream_per_try_timeout");
  }

  onPerTryIdleTimeout(attempt: UpstreamAttempt): void {
    attempt.log?.info.setFlag(ResponseFlag.StreamIdleTimeout);
    const counter = this.request.cluster.stats.upstreamRqPerTryIdleTimeout;
    this.#onAttemptTimeout(attempt, counter, "upstream_per_try_idle_timeout");
  }

  #onAttemptTimeout(attempt: UpstreamAttempt, counter: Counter, details: string): void {
    const request = this.request;
    if (request.hedgesOnPerTryTimeout) return hedge(request, this.#retry, attempt);
    countTimeout(attempt, counter);
    attempt.reset();
    noteTimeout(attempt, request.timeoutStatus);
    if (retriesTimeout(request, this.#retry, this.#inFlight, attempt)) return;
    noteFailure(request, attempt);
    if (!request.responseStarted) request.chargeResponse(request.timeoutStatus);
    this.#inFlight.remove(attempt);
    if (!this.#hasHope) failTimeout(request, details);
  }

  onMaxDuration(attempt: UpstreamAttempt): void {
    const request = this.request;
    (attempt.host?.owner ?? request.cluster).stats.upstreamRqMaxDurationReached.inc();
    attempt.reset();
    if (retriesReset(request, this.#retry, this.#inFlight, attempt, StreamResetReason.LocalReset, true)) return;
    this.#inFlight.remove(attempt);
    if (this.#hasHope) return;
    this.#timer?.disable();
    failMaxDuration(request);
  }

  /** The time for all attempts together is over. */
  #onTimeout(): void {
    const request = this.request;
    for (const attempt of this.#inFlight.all) {
      countTimeout(attempt, request.cluster.stats.upstreamRqTimeout);
      for (const counters of request.counters) counters.upstreamRqTimeout.inc();
      if (!request.responseStarted) {
        if (attempt.measure !== null) attempt.measure.timeCounts = false;
        // One that took too long before was noted then.
        if (!attempt.retried) noteTimeout(attempt, request.timeoutStatus);
        request.chargeResponse(request.timeoutStatus);
      }
      noteFailure(request, attempt);
    }
    this.#giveUpRetries();
    this.#inFlight.resetAll();
    failTimeout(request, "response_timeout");
  }

  // Ends of messages.

  #onRequestEnd(): void {
    const request = this.request;
    if (request.endMs >= 0) return;
    request.endMs = this.nowMs;
    if (request.replay !== null) request.replay.complete = true;
    if (!this.#hasHope) return;
    if (request.timeoutMs > 0) {
      this.#timer = request.stream.clock.createTimer(() => this.#onTimeout());
      this.#timer.enable(request.timeoutMs);
    }
    for (const attempt of this.#inFlight.all) if (attempt.connected) startPerTryTimers(attempt, request, this);
  }

  #onResponseEnd(attempt: UpstreamAttempt, trailers: HeaderMap | null): void {
    noteResponseEnd(attempt, trailers);
    this.#timer?.disable();
    this.#inFlight.remove(attempt);
    this.request.recordTime();
  }

  // Attempts.

  #attempt(host: Host, headers: HeaderMap, end: boolean): UpstreamAttempt {
    const request = this.request;
    const attempt = createAttempt(request, this, host, headers);
    this.#inFlight.add(attempt);
    if (end) this.#onRequestEnd();
    attempt.begin(headers, end);
    return attempt;
  }

  onRetryDue(): void {
    const request = this.request;
    const { route, headers, stream, config, replay } = request;
    const cluster = config.clusters.get(request.clusterName);
    stream.info.attemptCount++;
    if (cluster === null) {
      stream.info.upstream!.clusterName = "";
      stream.info.upstream!.observabilityName = "";
      return failNoHealthyUpstream(request, null);
    }
    request.cluster = cluster;
    const host = chooseHost(this.request, this.#context, this.#retry);
    if (host === null) return;
    if (route.autoHostRewrite && host.hostname !== "") headers.authority = host.hostname;
    request.prepareRetryHeaders(this.#retry!.followsTimeout);
    const { trailers, complete } = replay!;
    const body = replay!.body();
    const attempt = this.#attempt(host, headers, complete && body === null && trailers === null);
    // One that failed at once takes nothing more.
    if (body !== null) sendBody(attempt, body, complete && trailers === null);
    if (trailers !== null) attempt.encodeTrailers(trailers);
  }

  /** True while a response may still come: from an attempt under way or from one that is to follow. */
  get #hasHope(): boolean {
    return this.#inFlight.hasLive || (this.#retry !== null && this.#retry.waiting);
  }

  // Retries.

  #giveUpRetries(): void {
    this.#retry?.close();
    this.#retry = null;
    if (this.request.route.internalRedirectPolicy === null) this.request.replay = null;
    if (this.#context !== null) this.#context.retry = null;
  }

  /** Keeps a chunk of the body for retries; false when the request had to be answered. */
  #keep(replay: RequestReplay, body: ByteQueue): boolean {
    if (replay.add(body)) return true;
    this.request.cluster.stats.retryOrShadowAbandoned.inc();
    this.#giveUpRetries();
    this.request.replay = null;
    if (this.#inFlight.size > 0) return true;
    body.clear();
    failTooLargeToRetry(this.request);
    return false;
  }
}

function countTimeout({ host }: UpstreamAttempt, counter: Counter): void {
  counter.inc();
  if (host !== null) host.rqTimeout++;
}
