// host/http/conn_manager/stream_timers.ts: how long a stream may take, and how often it is logged meanwhile.
// pure: no I/O, no clock, no runtime globals
// hot: the idle timer starts anew with every chunk; see bench/micro/http_path.bench.ts
/**
 * | timer | runs | ends the stream with |
 * | --- | --- | --- |
 * | idle | while nothing happens in either direction | 504; 408 while the request is not whole |
 * | request headers | until the head is whole | 408 |
 * | request | until the request is whole | 408 |
 * | duration | from the beginning | 504; 408 while the request is not whole |
 * | access log | again and again | nothing: a record is written |
 *
 * A stream extends it, rather than having one, because each stream would have to make it.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream::onIdleTimeout, onRequestTimeout
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import { ResponseFlag, type StreamInfo } from "../../observe/stream_info.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import { formatGrpcTimeout, parseGrpcTimeoutMs } from "../grpc_timeout.ts";
import type { HeaderMap } from "../header_map.ts";
import { isGrpcContentType } from "../local_reply.ts";
import type { Route, StreamDuration } from "../route.ts";
import type { IdleStream, StreamIdleTimer } from "./stream_idle_timers.ts";

const GRPC_DEADLINE_EXCEEDED = 4;

export abstract class StreamTimers implements IdleStream {
  readonly info: StreamInfo;
  /** The request is whole. */
  requestEnded = false;
  /** The stream has left its connection. */
  finished = false;
  protected readonly config: ConnectionManagerConfig;
  #idleTimer: StreamIdleTimer | null = null;
  #idleTimeoutMs: number;
  #requestTimer: Timer | null = null;
  #headersTimer: Timer | null = null;
  #durationTimer: Timer | null = null;
  /** What the route says of it. */
  #duration: StreamDuration | null = null;
  #logTimer: Timer | null = null;

  constructor(config: ConnectionManagerConfig, info: StreamInfo) {
    this.config = config;
    this.info = info;
    this.#idleTimeoutMs = config.plan.streamIdleTimeoutMs;
  }

  /** Answers, or resets a stream of which the response has begun. */
  protected abstract answerTimeout(status: number, body: string, details: string, grpcStatus?: number): void;
  protected abstract logPeriodically(): void;

  /** Begins to wait, when all else of the stream is there; `isRecreated`: the request is known already. */
  protected startTimers(isRecreated: boolean): void {
    const { clock, plan } = this.config;
    if (plan.requestHeadersTimeoutMs > 0 && !isRecreated) {
      this.#headersTimer = clock.createTimer(() => this.#onRequestHeadersTimeout());
      this.#headersTimer.enable(plan.requestHeadersTimeoutMs);
    }
    if (plan.requestTimeoutMs > 0 && !isRecreated) {
      this.#requestTimer = clock.createTimer(() => this.#onRequestTimeout());
      this.#requestTimer.enable(plan.requestTimeoutMs);
    }
    if (plan.maxStreamDurationMs > 0) this.#limitDuration(plan.maxStreamDurationMs);
    if (plan.accessLogFlushIntervalMs > 0) this.#logEvery(plan.accessLogFlushIntervalMs);
    this.touch();
  }

  protected stopTimers(): void {
    if (this.#idleTimer !== null) this.config.timers.streamIdle.giveBack(this.#idleTimer);
    this.#idleTimer = null;
    this.#requestTimer?.disable();
    this.#headersTimer?.disable();
    this.#durationTimer?.disable();
    this.#logTimer?.disable();
  }

  /** There was activity in either direction. */
  protected touch(): void {
    if (this.#idleTimeoutMs <= 0) {
      this.#idleTimer?.timer.disable();
      return;
    }
    if (this.finished) return;
    this.#idleTimer ??= this.config.timers.streamIdle.take(this);
    this.#idleTimer.timer.enable(this.#idleTimeoutMs);
  }

  /** The request's head is whole. */
  protected stopHeadersTimer(): void {
    this.#headersTimer?.disable();
  }

  /** The request is whole. */
  protected stopRequestTimer(): void {
    this.#requestTimer?.disable();
  }

  /** Takes over what a route says of times. */
  protected applyTimeouts(route: Route, headers: HeaderMap): void {
    if (route.idleTimeoutMs !== null && route.idleTimeoutMs !== this.#idleTimeoutMs) {
      this.#idleTimeoutMs = route.idleTimeoutMs;
      this.touch();
    }
    const duration = route.streamDuration ?? null;
    // Another route may have set a limit before.
    if (duration === null && this.#duration === null) return;
    this.#duration = duration;
    const ms = streamLimitMs(headers, duration, this.config.plan.maxStreamDurationMs);
    // What is used up by now is not taken off, so that not every request has a time-out of its own.
    if (duration !== null && isGrpcContentType(headers.get("content-type"))) {
      if (ms !== null) headers.set("grpc-timeout", formatGrpcTimeout(ms));
      else if (this.#durationTimer !== null) headers.remove("grpc-timeout");
    }
    if (ms === null) this.#durationTimer?.disable();
    else this.#limitDuration(ms);
  }

  #limitDuration(ms: number): void {
    const { clock } = this.config;
    this.#durationTimer ??= clock.createTimer(() => this.#onMaxDuration());
    this.#durationTimer.enable(Math.max(0, ms - (clock.nowMs() - this.info.startMs)));
  }

  #logEvery(intervalMs: number): void {
    const timer = this.config.clock.createTimer(() => {
      this.logPeriodically();
      timer.enable(intervalMs);
    });
    this.#logTimer = timer;
    timer.enable(intervalMs);
  }

  onIdleTimeout(): void {
    this.config.stats.rqIdleTimeout.inc();
    this.info.setFlag(ResponseFlag.StreamIdleTimeout);
    this.answerTimeout(this.#lateStatus, "stream timeout", "stream_idle_timeout");
  }

  #onMaxDuration(): void {
    this.config.stats.rqMaxDurationReached.inc();
    this.answerTimeout(this.#lateStatus, "downstream duration timeout", "max_duration_timeout", GRPC_DEADLINE_EXCEEDED);
  }

  #onRequestTimeout(): void {
    this.config.stats.rqTimeout.inc();
    this.answerTimeout(408, "request timeout", "request_overall_timeout");
  }

  #onRequestHeadersTimeout(): void {
    this.config.stats.rqHeaderTimeout.inc();
    this.answerTimeout(408, "request header timeout", "request_header_timeout");
  }

  /** Who is waited for: the upstream, or still the client. */
  get #lateStatus(): number {
    return this.requestEnded ? 504 : 408;
  }
}

/**
 * How long a stream may last; null: for ever. A deadline of the client's own counts where the route looks at it, and is
 * no later than the route allows.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream::refreshDurationTimeout
 */
function streamLimitMs(headers: HeaderMap, duration: StreamDuration | null, usualMs: number): number | null {
  const capMs = duration?.grpcTimeoutHeaderMaxMs ?? null;
  const askedMs = capMs === null ? null : parseGrpcTimeoutMs(headers.get("grpc-timeout"));
  if (askedMs === null) {
    const maxMs = duration?.maxMs ?? usualMs;
    return maxMs > 0 ? maxMs : null;
  }
  const cappedMs = capMs! > 0 ? Math.min(askedMs, capMs!) : askedMs;
  return Math.max(0, cappedMs - duration!.grpcTimeoutHeaderOffsetMs);
}
