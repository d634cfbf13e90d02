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
import type { DialFailure } from "./dialer.ts";
import type { Host, HostPool } from "../host.ts";
import {
  failureDetails,
  failureReason,
  PendingLine,
  type PoolCancellable,
  type PoolCluster,
  type PoolFailureReason,
  PoolLedger,
} from "./pool.ts";
import type { Preconnect, PreconnectingPool } from "./preconnect.ts";
import { TcpConnection, type TcpConnectionOwner } from "./tcp_connection.ts";

export interface TcpPoolCallbacks {
  /** The receiver sets a handler and owns the connection: he closes it. */
  onPoolReady(connection: TcpConnection, host: Host): void;
  onPoolFailure(reason: PoolFailureReason, transportFailureReason: string, host: Host | null): void;
}

export class TcpPool implements TcpConnectionOwner, HostPool, PreconnectingPool {
  readonly ledger: PoolLedger;
  readonly host: Host;
  readonly #pending: PendingLine<TcpPoolCallbacks>;
  readonly #connections = new Set<TcpConnection>();
  #connecting = 0;
  /** Connected ahead; the last one is taken first. */
  readonly #ready: TcpConnection[] = [];
  readonly #preconnect: Preconnect | null;
  #onIdle: (() => void) | null = null;

  constructor(host: Host, cluster: PoolCluster, priority: ResourcePriority) {
    this.host = host;
    this.#preconnect = cluster.preconnect;
    this.ledger = new PoolLedger(host, cluster, priority);
    this.#pending = new PendingLine(this.ledger);
    this.#pending.onCancelled = () => this.#onCancelled();
  }

  /** Asks for a connection. Null: one of the callbacks came already. */
  newConnection(callbacks: TcpPoolCallbacks): PoolCancellable | null {
    const preconnect = this.#preconnect;
    if (preconnect !== null) preconnect.connectToNext(this.#poolOf);
    const ready = this.#ready.pop();
    if (ready !== undefined) {
      this.#give(ready, callbacks);
      preconnect?.connect(this);
      return null;
    }
    if (!this.ledger.canWait()) {
      this.ledger.cluster.stats.upstreamRqPendingOverflow.inc();
      callbacks.onPoolFailure(StreamResetReason.Overflow, "", null);
      return null;
    }
    const entry = this.#pending.push(callbacks);
    if (!this.#createConnections()) {
      entry.cancel();
      callbacks.onPoolFailure(StreamResetReason.Overflow, "", null);
      return null;
    }
    preconnect?.connect(this);
    return entry.waiting ? entry : null;
  }

  get idle(): boolean {
    return this.#connections.size === 0 && this.#pending.length === 0;
  }

  get pendingCount(): number {
    return this.#pending.length;
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
    this.#failPending(StreamResetReason.LocalConnectionFailure, "pool closed");
    for (const connection of [...this.#connections]) connection.discard();
  }

  /** Cuts the connections that are in use; others may be made. */
  closeConnections(): void {
    for (const connection of [...this.#connections]) if (!connection.connecting) connection.discard();
  }

  /** Makes a connection for everybody who waits; false when overload forbids it. */
  #createConnections(): boolean {
    while (this.#pending.length > this.#connecting) {
      if (this.ledger.shedsConnections()) return false;
      if (!this.ledger.canCreateConnection() && this.#connections.size > 0) return true;
      this.createConnection();
    }
    return true;
  }

  /** Connections for those who wait on, of whom none is to wait for nothing. */
  #replaceConnections(): void {
    if (!this.#createConnections() && this.#connections.size === 0) this.#failPending(StreamResetReason.Overflow, "");
  }

  // PreconnectingPool

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
    const wanted = (this.pendingCount + this.activeCount) * (this.#preconnect?.perUpstreamRatio ?? 1);
    if (this.#connecting > 0 && this.room - 1 + this.activeCount >= wanted) {
      this.#connecting--;
      [...this.#connections].filter((connection) => connection.connecting).pop()?.discard();
    }
    this.#checkIdle();
  }

  #failPending(reason: PoolFailureReason, details: string): void {
    this.#pending.fail((callbacks) => callbacks.onPoolFailure(reason, details, this.host));
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
    const callbacks = this.#pending.shift();
    if (callbacks !== null) return this.#give(connection, callbacks);
    // Nobody wants it any more, or not yet.
    if (this.#preconnect === null || this.draining) return connection.discard();
    this.#ready.push(connection);
    connection.keep();
  }

  onConnectFailed(connection: TcpConnection, failure: DialFailure): void {
    this.#connecting--;
    this.#connections.delete(connection);
    this.#failPending(failureReason(failure), failureDetails(failure));
    this.#replaceConnections();
    this.#checkIdle();
  }

  onClosed(connection: TcpConnection): void {
    this.#connections.delete(connection);
    const index = this.#ready.indexOf(connection);
    if (index >= 0) this.#ready.splice(index, 1);
    this.#replaceConnections();
    this.#checkIdle();
  }
}
