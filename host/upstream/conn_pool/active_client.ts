// host/upstream/conn_pool/active_client.ts: one upstream HTTP connection of a pool.
// hot: bytes and streams of every request pass here; see bench/micro/pool.bench.ts
/**
 * Ties a connection to a client codec and tells its pool when it can take a stream. A stream that ends while
 * the codec still reads does not free the connection before all bytes that came with it were looked at:
 * bytes after a response are an error, never the beginning of the next request's response.
 *
 * @see Envoy: source/common/http/codec_client.cc, source/common/conn_pool/conn_pool_base.h ActiveClient
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import {
  type ClientCodec,
  type ClientCodecCallbacks,
  type RequestEncoder,
  type ResponseDecoder,
  type StreamCallbacks,
  StreamResetReason,
} from "../../http/codec.ts";
import type { Connection, ConnectionHandler } from "../../net/connection_port.ts";
import { CloseType, PeerType } from "../../net/filter.ts";
import type { DialCallbacks, DialFailure, DialHandle } from "./dialer.ts";
import { createFullBufferTimer, type FullBufferTimer } from "./full_buffer_timer.ts";
import type { HttpProtocolPlan } from "../plan.ts";
import type { PoolCluster, PoolLedger } from "./pool.ts";

/** Makes the codec of a new connection. */
export type ClientCodecFactory = (
  connection: Connection,
  callbacks: ClientCodecCallbacks,
  plan: HttpProtocolPlan,
  cluster: PoolCluster,
) => ClientCodec;

export const ClientState = { Connecting: 0, Ready: 1, Busy: 2, Draining: 3, Closed: 4 } as const;
export type ClientState = (typeof ClientState)[keyof typeof ClientState];

/** The pool, as its connections see it. */
export interface ActiveClientOwner {
  readonly ledger: PoolLedger;
  readonly createCodec: ClientCodecFactory;
  readonly http: HttpProtocolPlan;
  /** Takes the client out of whatever list it is in, and puts it where its new state belongs. */
  setState(client: ActiveClient, state: ClientState): void;
  onConnected(client: ActiveClient): void;
  /** Comes after the client is closed and counted. */
  onConnectFailed(client: ActiveClient, failure: DialFailure): void;
  /** Bytes are being looked at: a stream may be about to end. Each begin is followed by an end. */
  onDispatchBegin(): void;
  onDispatchEnd(): void;
  /** The client has room for a stream again. */
  onRoom(client: ActiveClient): void;
  onClosed(client: ActiveClient): void;
}

export class ActiveClient implements ConnectionHandler, ClientCodecCallbacks, DialCallbacks {
  readonly #owner: ActiveClientOwner;
  readonly #createdMs: number;
  readonly #idleTimer: Timer;
  #durationTimer: Timer | null = null;
  /** Null where a peer may take its time. */
  #fullBuffer: FullBufferTimer | null = null;
  #dial: DialHandle | null = null;
  connection: Connection | null = null;
  #codec: ClientCodec | null = null;
  /** Set by the owner's `setState` only. */
  state: ClientState = ClientState.Connecting;
  activeStreams = 0;
  /** Streams that this connection has carried. */
  requestCount = 0;
  /** Most streams at once. */
  maxStreams: number;
  /** As many streams there should be room for once it is connected. */
  readonly expectedStreams: number;
  #remainingStreams: number;
  #dispatching = false;
  #settling = false;
  #closeReason: StreamResetReason = StreamResetReason.ConnectionTermination;

  constructor(owner: ActiveClientOwner) {
    this.#owner = owner;
    const { cluster, host } = owner.ledger;
    const { plan, clock } = cluster;
    this.#createdMs = clock.nowMs();
    const { http } = owner;
    const limit = http.maxRequestsPerConnection;
    this.#remainingStreams = limit === 0 ? Infinity : limit;
    const isHttp2 = http.protocol === "HTTP/2";
    this.maxStreams = isHttp2 ? http.http2.maxConcurrentStreams : 1;
    this.expectedStreams = Math.min(this.maxStreams, this.#remainingStreams);
    owner.ledger.onConnectionCreated();
    (isHttp2 ? cluster.stats.upstreamCxHttp2Total : cluster.stats.upstreamCxHttp1Total).inc();
    this.#idleTimer = clock.createTimer(() => this.#onIdleTimeout());
    this.#dial = cluster.dialer.dial({
      address: host.address,
      alternatives: host.additionalAddresses,
      connectTimeoutMs: plan.connectTimeoutMs,
      bufferLimitBytes: plan.perConnectionBufferLimitBytes,
      connection: plan.connection,
      transport: null,
      stats: cluster.stats,
    }, this);
  }

  get betweenMessages(): boolean {
    return this.activeStreams === 0;
  }

  /** Streams that could be opened now. */
  get room(): number {
    return Math.min(this.maxStreams - this.activeStreams, this.#remainingStreams);
  }

  get hasRoom(): boolean {
    return this.activeStreams < this.maxStreams && this.#remainingStreams > 0 && !this.#settling;
  }

  /** Opens a stream; there is room. */
  newStream(decoder: ResponseDecoder & StreamCallbacks): RequestEncoder {
    if (this.activeStreams++ === 0) this.#idleTimer.disable();
    this.requestCount++;
    this.#owner.ledger.onStreamStarted();
    if (--this.#remainingStreams === 0) {
      this.#owner.ledger.cluster.stats.upstreamCxMaxRequests.inc();
      this.#owner.setState(this, ClientState.Draining);
    } else if (this.activeStreams >= this.maxStreams) {
      this.#owner.setState(this, ClientState.Busy);
    }
    return this.#codec!.newStream(decoder);
  }

  get protocol(): ClientCodec["protocol"] {
    return this.#codec!.protocol;
  }

  /** Closes from this side, cutting off what is open. */
  close(details: string): void {
    if (this.state === ClientState.Closed) return;
    if (this.connection !== null) return this.connection.close(CloseType.NoFlush, details);
    this.#dial?.cancel();
    this.#end(PeerType.Local);
    this.#owner.onClosed(this);
  }

  /** Starts to wait for the idle timeout. */
  startIdleTimer(): void {
    const timeoutMs = this.#owner.ledger.cluster.plan.http.idleTimeoutMs;
    if (timeoutMs > 0) this.#idleTimer.enable(timeoutMs);
  }

  // DialCallbacks

  onFurtherAttempt(): void {
    this.#owner.ledger.onFurtherAttempt();
  }

  onConnected(connection: Connection): void {
    const { cluster } = this.#owner.ledger;
    const { clock, plan } = cluster;
    this.#dial = null;
    this.connection = connection;
    cluster.stats.upstreamCxConnectMs.record(clock.nowMs() - this.#createdMs);
    this.#fullBuffer = createFullBufferTimer(clock, plan.fullBufferTimeoutMs, (details) => this.close(details));
    this.#codec = this.#owner.createCodec(connection, this, this.#owner.http, cluster);
    connection.setHandler(this);
    const { maxConnectionDurationMs: durationMs, maxConnectionDurationJitterPercent: jitterPercent } = plan.http;
    if (durationMs > 0) {
      this.#durationTimer = clock.createTimer(() => this.#onMaxDuration());
      const jitter = jitterPercent === 0 ? 0 : cluster.random.fraction() * jitterPercent / 100;
      this.#durationTimer.enable(durationMs * (1 + jitter));
    }
    this.#owner.onConnected(this);
  }

  onFailure(failure: DialFailure): void {
    if (this.state === ClientState.Closed) return;
    this.#dial = null;
    this.#owner.ledger.onConnectFailed(failure);
    this.#end(failure.reason === "remote" ? PeerType.Remote : PeerType.Local);
    this.#owner.onConnectFailed(this, failure);
  }

  // ConnectionHandler

  onData(bytes: Uint8Array): void {
    const codec = this.#codec!;
    // HTTP/1 has nothing to say to a client that did not ask.
    if (this.activeStreams === 0 && this.protocol !== "HTTP/2") return this.#onProtocolError();
    this.#dispatching = true;
    this.#owner.onDispatchBegin();
    const error = codec.dispatch(bytes);
    if (this.state === ClientState.Closed) return;
    this.#dispatching = false;
    if (error !== null) {
      this.#onProtocolError();
    } else if (this.#settling) {
      this.#settling = false;
      this.#afterStream();
    }
    this.#owner.onDispatchEnd();
  }

  onEnd(): void {
    // Half-close is not enabled on pooled connections: the peer's FIN comes as `onClose`.
  }

  onClose(by: PeerType, _details: string): void {
    if (this.state === ClientState.Closed) return;
    this.#end(by);
    // Whoever is reset may ask the pool for another connection: this one is out of its lists by now.
    const codec = this.#codec!;
    if (codec.onConnectionClosed(this.#closeReason, "") === true) {
      this.#owner.ledger.cluster.stats.upstreamCxProtocolError.inc();
    }
    // A response that the end of the connection completed is no cut one.
    if (this.activeStreams > 0 || codec.cutsRequest === true) this.#owner.ledger.onStreamsCut(by);
    while (this.activeStreams > 0) this.#endStream();
    this.#owner.onClosed(this);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#fullBuffer?.onAboveHighWatermark();
    this.#codec!.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#fullBuffer?.stop();
    this.#codec!.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  }

  // ClientCodecCallbacks

  onGoAway(): void {
    if (this.state === ClientState.Closed) return;
    this.#owner.ledger.cluster.stats.upstreamCxCloseNotify.inc();
    if (this.activeStreams === 0 && !this.#dispatching) return this.close("goaway");
    this.#owner.setState(this, ClientState.Draining);
    if (this.#dispatching) this.#settling = true;
  }

  onStreamReset(reason: StreamResetReason): void {
    const { stats } = this.#owner.ledger.cluster;
    switch (reason) {
      case StreamResetReason.LocalReset:
      case StreamResetReason.ProtocolError:
        return stats.upstreamRqTxReset.inc();
      case StreamResetReason.RemoteReset:
        return stats.upstreamRqRxReset.inc();
      case StreamResetReason.ConnectionTermination:
        return stats.upstreamRqPendingFailureEject.inc();
    }
  }

  onStreamClosed(): void {
    if (this.activeStreams === 0) return;
    this.#endStream();
    if (this.state === ClientState.Closed) return;
    if (this.#dispatching) this.#settling = true;
    else this.#afterStream();
  }

  onMaxStreamsChanged(count: number): void {
    this.maxStreams = count;
    if (this.state === ClientState.Ready && !this.hasRoom) this.#owner.setState(this, ClientState.Busy);
    else if (this.state === ClientState.Busy && this.hasRoom) this.#owner.onRoom(this);
  }

  #endStream(): void {
    this.activeStreams--;
    this.#owner.ledger.onStreamEnded();
  }

  /** A stream ended well or was reset: the connection is used again, or closed. */
  #afterStream(): void {
    if (this.state === ClientState.Draining || !this.#codec!.reusable) {
      if (this.activeStreams === 0) this.close("");
      else if (this.state !== ClientState.Draining) this.#owner.setState(this, ClientState.Draining);
    } else if (this.hasRoom) {
      this.#owner.onRoom(this);
    }
  }

  #onProtocolError(): void {
    this.#owner.ledger.cluster.stats.upstreamCxProtocolError.inc();
    this.#closeReason = StreamResetReason.ProtocolError;
    this.close("codec_error");
  }

  #onIdleTimeout(): void {
    this.#owner.ledger.cluster.stats.upstreamCxIdleTimeout.inc();
    this.close("idle_timeout");
  }

  #onMaxDuration(): void {
    if (this.state === ClientState.Closed || this.state === ClientState.Draining) return;
    this.#owner.ledger.cluster.stats.upstreamCxMaxDurationReached.inc();
    if (this.activeStreams === 0) this.close("max_duration_reached");
    else this.#owner.setState(this, ClientState.Draining);
  }

  /** Leaves the pool's lists, stops the timers and counts the end. */
  #end(by: PeerType): void {
    this.#owner.setState(this, ClientState.Closed);
    this.#idleTimer.disable();
    this.#durationTimer?.disable();
    this.#fullBuffer?.stop();
    this.#owner.ledger.onConnectionClosed(by, this.#createdMs, this.requestCount);
    if (this.#dispatching) this.#owner.onDispatchEnd();
    this.#dispatching = false;
  }
}
