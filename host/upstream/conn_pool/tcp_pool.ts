// host/upstream/conn_pool/tcp_pool.ts: raw connections to one host at one priority.
/**
 * Every user gets a connection of his own, which is never used again. The line, the limits and the numbers
 * are those of the HTTP pool: a connection in use counts as a request. Connections that nobody uses yet are
 * there only in clusters that preconnect.
 *
 * @see Envoy: source/common/tcp/conn_pool.cc
 * @module
 */
import { StreamResetReason } from "../../http/codec.ts";
import type { ResourcePriority } from "../circuit_breaker.ts";
import { ConnPoolBase } from "./conn_pool_base.ts";
import type { DialFailure } from "./dialer.ts";
import type { Host } from "../host.ts";
import {
  failureDetails,
  failureReason,
  type PoolCancellable,
  type PoolCluster,
  type PoolFailureReason,
} from "./pool.ts";
import type { PreconnectingPool } from "./preconnect.ts";
import { TcpConnection, type TcpConnectionOwner } from "./tcp_connection.ts";

export interface TcpPoolCallbacks {
  /** The receiver sets a handler and owns the connection: he closes it. */
  onPoolReady(connection: TcpConnection, host: Host): void;
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void;
}

export class TcpPool extends ConnPoolBase<TcpPoolCallbacks> implements TcpConnectionOwner {
  readonly #connections = new Set<TcpConnection>();
  #connecting = 0;
  /** Connected ahead; the last one is taken first. */
  readonly #ready: TcpConnection[] = [];
  #onIdle: (() => void) | null = null;

  constructor(host: Host, cluster: PoolCluster, priority: ResourcePriority) {
    super(host, cluster, priority);
    this.pending.onCancelled = () => this.#onCancelled();
  }

  /** Asks for a connection. Null: one of the callbacks came already. */
  newConnection(callbacks: TcpPoolCallbacks): PoolCancellable | null {
    const { preconnect } = this;
    preconnect?.connectToNext(this.#poolOf);
    const ready = this.#ready.pop();
    if (ready === undefined) return this.wait(callbacks);
    this.#give(ready, callbacks);
    preconnect?.connect(this);
    return null;
  }

  get activeCount(): number {
    return this.#connections.size - this.room;
  }

  get draining(): boolean {
    return this.#onIdle !== null;
  }

  get room(): number {
    return this.#connecting + this.#ready.length;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  drain(onIdle: () => void): void {
    this.#onIdle = onIdle;
    for (const connection of this.#ready.splice(0)) connection.discard();
    this.#checkIdle();
  }

  close(): void {
    this.failPending(StreamResetReason.LocalConnectionFailure, "pool closed");
    for (const connection of [...this.#connections]) connection.discard();
  }

  /** Cuts the connections that are in use; others may be made. */
  closeConnections(): void {
    for (const connection of [...this.#connections]) if (!connection.connecting) connection.discard();
  }

  // ConnPoolBase

  protected expectsEnough(): boolean {
    return this.pending.length <= this.#connecting;
  }

  protected tellFailure(
    callbacks: TcpPoolCallbacks,
    reason: PoolFailureReason,
    details: string,
    host: Host | null,
  ): void {
    callbacks.onPoolFailure(reason, details, host);
  }

  createConnection(): void {
    this.#connecting++;
    this.#connections.add(new TcpConnection(this));
  }

  readonly #poolOf = (host: Host): PreconnectingPool => {
    const { cluster, priority } = this.ledger;
    return cluster.tcpPool(host, priority);
  };

  #give(connection: TcpConnection, callbacks: TcpPoolCallbacks): void {
    connection.use();
    callbacks.onPoolReady(connection, this.host);
  }

  /** Connections on the way that nobody waits for are given up, the youngest first. */
  #onCancelled(): void {
    const wanted = (this.pendingCount + this.activeCount) * (this.preconnect?.perUpstreamRatio ?? 1);
    if (this.#connecting > 0 && this.room - 1 + this.activeCount >= wanted) {
      this.#connecting--;
      [...this.#connections].filter((connection) => connection.connecting).pop()?.discard();
    }
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#onIdle === null || !this.idle) return;
    const onIdle = this.#onIdle;
    this.#onIdle = null;
    onIdle();
  }

  // TcpConnectionOwner

  onConnected(connection: TcpConnection): void {
    this.#connecting--;
    const callbacks = this.pending.shift();
    if (callbacks !== null) return this.#give(connection, callbacks);
    // Nobody wants it any more, or not yet.
    if (this.preconnect === null || this.draining) return connection.discard();
    this.#ready.push(connection);
    connection.keep();
  }

  onConnectFailed(connection: TcpConnection, failure: DialFailure): void {
    this.#connecting--;
    this.#connections.delete(connection);
    this.failPending(failureReason(failure), failureDetails(failure));
    this.replaceConnections();
    this.#checkIdle();
  }

  onClosed(connection: TcpConnection): void {
    this.#connections.delete(connection);
    const index = this.#ready.indexOf(connection);
    if (index >= 0) this.#ready.splice(index, 1);
    this.replaceConnections();
    this.#checkIdle();
  }
}
