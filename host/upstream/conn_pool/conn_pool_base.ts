// host/upstream/conn_pool/conn_pool_base.ts: what pools of all kinds do for those who wait.
/**
 * Whoever finds no free connection waits in line, and a connection is made for him, unless there are enough on the
 * way. Limits of connections and overload may forbid it: then he waits for those that are there, or fails.
 *
 * @see Envoy: source/common/conn_pool/conn_pool_base.cc ConnPoolImplBase
 * @module
 */
import { StreamResetReason } from "../../http/codec.ts";
import type { ResourcePriority } from "../circuit_breaker.ts";
import type { Host, HostPool } from "../host.ts";
import { PendingLine, type PoolCancellable, type PoolCluster, type PoolFailureReason, PoolLedger } from "./pool.ts";
import type { Preconnect, PreconnectingPool } from "./preconnect.ts";

export abstract class ConnPoolBase<Waiter> implements HostPool, PreconnectingPool {
  readonly host: Host;
  readonly ledger: PoolLedger;
  protected readonly pending: PendingLine<Waiter>;
  protected readonly preconnect: Preconnect | null;

  constructor(host: Host, cluster: PoolCluster, priority: ResourcePriority) {
    this.host = host;
    this.ledger = new PoolLedger(host, cluster, priority);
    this.pending = new PendingLine(this.ledger);
    this.preconnect = cluster.preconnect;
  }

  abstract readonly draining: boolean;
  abstract readonly activeCount: number;
  abstract readonly room: number;
  abstract readonly connectionCount: number;
  abstract createConnection(): void;
  abstract drain(onIdle: () => void): void;
  abstract close(): void;

  /** Whether all who wait have a connection on the way, or may soon have one that is there. */
  protected abstract expectsEnough(): boolean;
  /** Tells somebody that there is no connection for him; `host` is null when none was tried. */
  protected abstract tellFailure(waiter: Waiter, reason: PoolFailureReason, details: string, host: Host | null): void;

  get idle(): boolean {
    return this.connectionCount === 0 && this.pending.length === 0;
  }

  get pendingCount(): number {
    return this.pending.length;
  }

  /** Has somebody wait. Null: he was told already. */
  protected wait(waiter: Waiter): PoolCancellable | null {
    if (!this.ledger.canWait()) {
      this.ledger.cluster.stats.upstreamRqPendingOverflow.inc();
      this.tellFailure(waiter, StreamResetReason.Overflow, "", null);
      return null;
    }
    const entry = this.pending.push(waiter);
    if (!this.#createConnections()) {
      entry.cancel();
      this.tellFailure(waiter, StreamResetReason.Overflow, "", null);
      return null;
    }
    this.preconnect?.connect(this);
    return entry.waiting ? entry : null;
  }

  /** Connections for those who wait on, of whom none is to wait for nothing. */
  protected replaceConnections(): void {
    if (!this.#createConnections() && this.connectionCount === 0) this.failPending(StreamResetReason.Overflow, "");
  }

  protected failPending(reason: PoolFailureReason, details: string): void {
    this.pending.fail((waiter) => this.tellFailure(waiter, reason, details, this.host));
  }

  /** Makes connections until there will be one for everybody who waits; false when overload forbids it. */
  #createConnections(): boolean {
    while (!this.expectsEnough()) {
      if (this.ledger.shedsConnections()) return false;
      // Other hosts may hold all connections of the cluster: one is allowed, else nobody here ever gets any.
      if (!this.ledger.canCreateConnection() && this.connectionCount > 0) return true;
      this.createConnection();
    }
    return true;
  }
}
