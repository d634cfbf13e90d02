// host/http/conn_manager/connection_drain.ts: when a connection that nobody broke takes its last request.
// pure: no I/O, no clock, no runtime globals
// hot: asked with every request and response; see bench/micro/http_path.bench.ts
/**
 * | what ends it | when |
 * | --- | --- |
 * | nothing is asked of it | idle for so long |
 * | its age, its number of requests | so much, so many |
 * | the server drains, or is overloaded | at the next response |
 * | the client or a filter wants no other request | after this response |
 *
 * HTTP/1 says so with `connection: close` on the next response; HTTP/2 first announces it, and still takes what the
 * client had sent before it knew. Where no request comes the connection closes after the drain time.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc startDrainSequence, onIdleTimeout, onConnectionDurationTimeout
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import { CloseType } from "../../net/filter.ts";
import type { ServerCodec } from "../codec.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";

/** The connection manager, as its drain sees it. */
export interface DrainedConnection {
  readonly closed: boolean;
  readonly isHttp2: boolean;
  /** Null until the client has said what it speaks. */
  readonly codec: ServerCodec | null;
  close(type: CloseType): void;
  /** Closes when nothing is left to do or to send. */
  closeWhenDone(): void;
}

export class ConnectionDrain {
  /** The next response is the connection's last one. */
  closing = false;
  readonly #connection: DrainedConnection;
  readonly #config: ConnectionManagerConfig;
  readonly #idleTimer: Timer | null;
  readonly #durationTimer: Timer | null;
  /** Ends the time in which an idle connection that is about to close still takes a request. */
  #timer: Timer | null = null;
  #requests = 0;

  constructor(connection: DrainedConnection, config: ConnectionManagerConfig) {
    this.#connection = connection;
    this.#config = config;
    const { plan, timers } = config;
    this.#idleTimer = plan.idleTimeoutMs > 0 ? timers.connectionIdle.createTimer(() => this.#onIdleTimeout()) : null;
    this.#idleTimer?.enable(plan.idleTimeoutMs);
    this.#durationTimer = plan.maxConnectionDurationMs > 0
      ? timers.connectionMax.createTimer(() => this.#onMaxDuration())
      : null;
    this.#durationTimer?.enable(
      this.#jittered(plan.maxConnectionDurationMs, plan.maxConnectionDurationJitterPercent),
    );
  }

  /** The last stream ended. */
  onIdle(): void {
    this.#idleTimer?.enable(this.#config.plan.idleTimeoutMs);
  }

  /** So little came that it is no request yet, but it may take no longer than the head of one. */
  onPrefix(): void {
    const { requestHeadersTimeoutMs } = this.#config.plan;
    if (requestHeadersTimeoutMs > 0) this.#idleTimer?.enable(requestHeadersTimeoutMs);
  }

  onRequest(): void {
    this.#idleTimer?.disable();
    this.#requests++;
    const limit = this.#config.plan.maxRequestsPerConnection;
    if (limit === 0 || this.#requests < limit || this.closing) return;
    this.#config.stats.cxMaxRequestsReached.inc();
    this.announce();
  }

  /** Asked when response headers are sent: whether they are to say that they are the last ones. */
  decideLastResponse(): boolean {
    const { drain, overload, stats } = this.#config;
    const keepalive = overload === null ? null : overload.keepalive;
    if (keepalive !== null && !this.#isAnnounced && keepalive.fires()) {
      stats.cxOverloadDisableKeepalive.inc();
      stats.cxDrainClose.inc();
      this.announce();
    }
    const { isHttp2, codec } = this.#connection;
    // The client asked for it, or the request left the connection in no state to go on.
    if (codec!.closeAfterResponse === true) this.closing = true;
    if (!this.#isAnnounced && drain.drainClose()) {
      stats.cxDrainClose.inc();
      this.announce();
    }
    return this.closing && !isHttp2;
  }

  get #isAnnounced(): boolean {
    return this.closing || this.#timer !== null;
  }

  /** HTTP/1 needs no more than the next response to tell the client. */
  announce(): void {
    if (this.#connection.isHttp2) this.start();
    else this.closing = true;
  }

  /** The next response is the last one; without a request the connection closes after a while. */
  start(): void {
    const connection = this.#connection;
    if (connection.closed || this.#timer !== null) return;
    if (connection.isHttp2) connection.codec!.shutdownNotice();
    else this.closing = true;
    this.#timer = this.#config.clock.createTimer(() => {
      if (connection.isHttp2) connection.codec!.goAway();
      this.closing = true;
      connection.closeWhenDone();
    });
    const { drainTimeoutMs, drainTimeoutJitterPercent } = this.#config.plan;
    this.#timer.enable(this.#jittered(drainTimeoutMs, drainTimeoutJitterPercent));
  }

  /** The connection is gone. */
  stop(): void {
    this.#idleTimer?.disable();
    this.#durationTimer?.disable();
    this.#timer?.disable();
  }

  #onIdleTimeout(): void {
    this.#config.stats.cxIdleTimeout.inc();
    if (this.#connection.codec !== null) this.start();
    else this.#connection.close(CloseType.FlushWrite);
  }

  #onMaxDuration(): void {
    this.#config.stats.cxMaxDurationReached.inc();
    this.start();
  }

  /** Up to so many percent more, so that connections that began together do not end together. */
  #jittered(ms: number, percent: number): number {
    return percent === 0 ? ms : ms * (1 + this.#config.random.fraction() * percent / 100);
  }
}
