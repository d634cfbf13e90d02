// host/upstream/conn_pool/tcp_connection.ts: a connection of a TCP pool: counted from its making to its end.
// hot: bytes of tcp_proxy pass here
/**
 * What the pool's user gets is this object; it passes everything through, and learns of the end on the way.
 *
 * @see Envoy: source/common/tcp/conn_pool.h ActiveTcpClient
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import type { Connection, ConnectionHandler, ConnectionStats } from "../../net/connection_port.ts";
import { CloseType, PeerType } from "../../net/filter.ts";
import type { ConnectionInfo } from "../../observe/stream_info.ts";
import type { DialCallbacks, DialFailure, DialHandle } from "./dialer.ts";
import { createFullBufferTimer, type FullBufferTimer } from "./full_buffer_timer.ts";
import type { PoolLedger } from "./pool.ts";

/** The pool, as its connections see it. */
export interface TcpConnectionOwner {
  readonly ledger: PoolLedger;
  /** `use` or `discard` follows. */
  onConnected(connection: TcpConnection): void;
  onConnectFailed(connection: TcpConnection, failure: DialFailure): void;
  onClosed(connection: TcpConnection): void;
}

/** Of connections that are made ahead, as without TcpProtocolOptions in Envoy. */
const IDLE_TIMEOUT_MS = 600_000;

export class TcpConnection implements Connection, ConnectionHandler, DialCallbacks {
  readonly #owner: TcpConnectionOwner;
  readonly #createdMs: number;
  readonly #dial: DialHandle;
  #inner: Connection | null = null;
  #handler: ConnectionHandler | null = null;
  /** Ends a connection that nobody comes for; null when there was somebody from the beginning. */
  #idleTimer: Timer | null = null;
  /** Null where a peer may take its time. */
  #fullBuffer: FullBufferTimer | null = null;
  /** What came before there was a user. */
  #early: Uint8Array[] | null = null;
  #used = false;
  #gone = false;

  constructor(owner: TcpConnectionOwner) {
    this.#owner = owner;
    const { cluster, host } = owner.ledger;
    this.#createdMs = cluster.clock.nowMs();
    owner.ledger.onConnectionCreated();
    this.#dial = cluster.dialer.dial({
      address: host.address,
      alternatives: host.additionalAddresses,
      connectTimeoutMs: cluster.plan.connectTimeoutMs,
      bufferLimitBytes: cluster.plan.perConnectionBufferLimitBytes,
      connection: cluster.plan.connection,
      transport: null,
      stats: cluster.stats,
    }, this);
  }

  get connecting(): boolean {
    return this.#inner === null && !this.#gone;
  }

  /** Waits for a user. What the peer says first is kept for him; its end is noticed. */
  keep(): void {
    this.#inner!.setHandler(this);
    const { clock, stats } = this.#owner.ledger.cluster;
    this.#idleTimer = clock.createTimer(() => {
      stats.upstreamCxIdleTimeout.inc();
      this.discard();
    });
    this.#idleTimer.enable(IDLE_TIMEOUT_MS);
  }

  /** Counts the connection as in use from now on. */
  use(): void {
    this.#idleTimer?.disable();
    this.#used = true;
    this.#owner.ledger.onStreamStarted();
  }

  /** Its user has had all that he wanted: from here on its end cuts nothing. */
  release(): void {
    if (!this.#used || this.#gone) return;
    this.#used = false;
    this.#owner.ledger.onStreamEnded();
  }

  /** Gives up a connection that nobody uses. */
  discard(): void {
    if (this.#gone) return;
    if (this.#inner !== null) return this.#inner.close(CloseType.NoFlush, "discarded");
    this.#dial.cancel();
    this.#end(PeerType.Local);
    this.#owner.onClosed(this);
  }

  #end(by: PeerType): void {
    this.#gone = true;
    this.#idleTimer?.disable();
    this.#fullBuffer?.stop();
    if (this.#used) this.#owner.ledger.onStreamEnded();
    this.#owner.ledger.onConnectionClosed(by, this.#createdMs, this.#used ? 1 : 0);
    if (this.#used) this.#owner.ledger.onStreamsCut(by);
  }

  // DialCallbacks

  onFurtherAttempt(): void {
    this.#owner.ledger.onFurtherAttempt();
  }

  onConnected(connection: Connection): void {
    this.#inner = connection;
    const { cluster } = this.#owner.ledger;
    const { fullBufferTimeoutMs } = cluster.plan;
    this.#fullBuffer = createFullBufferTimer(cluster.clock, fullBufferTimeoutMs, (details) => {
      connection.close(CloseType.NoFlush, details);
    });
    cluster.stats.upstreamCxConnectMs.record(cluster.clock.nowMs() - this.#createdMs);
    this.#owner.onConnected(this);
  }

  onFailure(failure: DialFailure): void {
    if (this.#gone) return;
    this.#owner.ledger.onConnectFailed(failure);
    this.#end(failure.reason === "remote" ? PeerType.Remote : PeerType.Local);
    this.#owner.onConnectFailed(this, failure);
  }

  // ConnectionHandler: what the socket tells goes to the user's handler

  onData(bytes: Uint8Array): void {
    if (this.#handler !== null) return this.#handler.onData(bytes);
    (this.#early ??= []).push(bytes.slice());
    if (this.#early.length === 1) this.#inner!.readDisable(true);
  }

  onEnd(): void {
    this.#handler!.onEnd();
  }

  onClose(by: PeerType, details: string): void {
    if (this.#gone) return;
    this.#end(by);
    this.#handler?.onClose(by, details);
    this.#owner.onClosed(this);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.#fullBuffer?.onAboveHighWatermark();
    this.#handler!.onAboveWriteBufferHighWatermark();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.#fullBuffer?.stop();
    this.#handler!.onBelowWriteBufferLowWatermark();
  }

  // Connection: what the user asks goes to the socket

  get info(): ConnectionInfo {
    return this.#inner!.info;
  }

  get closed(): boolean {
    return this.#gone || this.#inner!.closed;
  }

  get queuedBytes(): number {
    return this.#inner!.queuedBytes;
  }

  get wasReset(): boolean {
    return this.#inner!.wasReset ?? false;
  }

  setStats(stats: ConnectionStats): void {
    this.#inner!.setStats?.(stats);
  }

  setDelayedCloseTimeoutMs(timeoutMs: number): void {
    this.#inner!.setDelayedCloseTimeoutMs?.(timeoutMs);
  }

  setHandler(handler: ConnectionHandler): void {
    const first = this.#handler === null;
    this.#handler = handler;
    if (!first) return;
    if (this.#idleTimer === null) this.#inner!.setHandler(this);
    // Whoever sets a handler does not expect to hear from it before he is done.
    else if (this.#early !== null) queueMicrotask(() => this.#deliverEarly());
  }

  #deliverEarly(): void {
    const early = this.#early!;
    this.#early = null;
    for (const bytes of early) if (!this.closed) this.#handler!.onData(bytes);
    if (!this.closed) this.#inner!.readDisable(false);
  }

  enableHalfClose(enabled: boolean): void {
    this.#inner!.enableHalfClose(enabled);
  }

  write(bytes: Uint8Array): void {
    this.#inner!.write(bytes);
  }

  writeLatin1(text: string): void {
    this.#inner!.writeLatin1(text);
  }

  cork(): void {
    this.#inner!.cork();
  }

  uncork(): void {
    this.#inner!.uncork();
  }

  end(): void {
    this.#inner!.end();
  }

  close(type: CloseType, details?: string): void {
    this.#inner!.close(type, details);
  }

  readDisable(disable: boolean): void {
    this.#inner!.readDisable(disable);
  }

  setBufferLimitBytes(limitBytes: number): void {
    this.#inner!.setBufferLimitBytes(limitBytes);
  }
}
