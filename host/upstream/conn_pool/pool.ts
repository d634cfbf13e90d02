// host/upstream/conn_pool/pool.ts: what HTTP and TCP pools have in common: the waiting line and the counting.
// hot: requests are counted in and out; see bench/micro/pool.bench.ts
/**
 * A pool belongs to one host and one priority. Somebody who wants a connection either gets one at once or
 * waits in line; whoever waits is told of a connection or of a failure, in the order in which he came.
 *
 * @see Envoy: source/common/conn_pool/conn_pool_base.cc
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { StreamResetReason } from "../../http/codec.ts";
import { PeerType } from "../../net/filter.ts";
import type { ResourcePriority } from "../circuit_breaker.ts";
import type { ResourceManager } from "../resource_manager.ts";
import type { Dialer, DialFailure } from "./dialer.ts";
import type { Host } from "../host.ts";
import type { ClusterPlan } from "../plan.ts";
import type { Preconnect, PreconnectingPool } from "./preconnect.ts";
import type { ClusterStats } from "../stats.ts";
import type { Traffic } from "../traffic.ts";

/** Why a pool could not give a connection: a reset reason of its own kind. */
export type PoolFailureReason = Extract<
  StreamResetReason,
  "overflow" | "local_connection_failure" | "remote_connection_failure" | "connection_timeout"
>;

/** The failure that those who waited are told of. */
export function failureReason(failure: DialFailure): PoolFailureReason {
  switch (failure.reason) {
    case "timeout":
      return StreamResetReason.ConnectionTimeout;
    case "remote":
      return StreamResetReason.RemoteConnectionFailure;
    case "local":
      return StreamResetReason.LocalConnectionFailure;
  }
}

/** The transport failure reason; a time-out has none, as in Envoy. */
export function failureDetails(failure: DialFailure): string {
  return failure.reason === "timeout" ? "" : failure.details;
}

/** What a pool needs of its cluster. */
export interface PoolCluster {
  readonly plan: ClusterPlan;
  readonly stats: ClusterStats;
  readonly resources: readonly [ResourceManager, ResourceManager];
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  /** Under overload: a connection that is wanted now is not made. */
  readonly shedsConnections: () => boolean;
  /** Null where connections are made for streams that are there. */
  readonly preconnect: Preconnect | null;
  /** Null where nobody decides by it. */
  readonly traffic: Traffic | null;
  httpPool(host: Host, priority: ResourcePriority, protocol: string, connectionId: number): PreconnectingPool;
  tcpPool(host: Host, priority: ResourcePriority): PreconnectingPool;
}

/** Somebody who waits; `cancel` leaves the line and tells nobody. */
export interface PoolCancellable {
  cancel(): void;
}

/** A place in a waiting line. */
export class PendingEntry<W> implements PoolCancellable {
  readonly waiter: W;
  readonly #line: PendingLine<W>;
  /** True until the entry left the line, whichever way. */
  waiting = true;
  next: PendingEntry<W> | null = null;
  previous: PendingEntry<W> | null = null;

  constructor(line: PendingLine<W>, waiter: W) {
    this.#line = line;
    this.waiter = waiter;
  }

  cancel(): void {
    if (this.waiting) this.#line.cancel(this);
  }
}

/** Those who wait, first come first served. Counts itself. */
export class PendingLine<W> {
  readonly #ledger: PoolLedger;
  #first: PendingEntry<W> | null = null;
  #last: PendingEntry<W> | null = null;
  length = 0;
  /** Called when somebody left of his own accord. */
  onCancelled: () => void = () => {};

  constructor(ledger: PoolLedger) {
    this.#ledger = ledger;
  }

  push(waiter: W): PendingEntry<W> {
    const entry = new PendingEntry(this, waiter);
    entry.previous = this.#last;
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.length++;
    this.#ledger.onPending();
    return entry;
  }

  /** The one who waited longest leaves the line; null when nobody waits. */
  shift(): W | null {
    const entry = this.#first;
    if (entry === null) return null;
    this.#remove(entry);
    return entry.waiter;
  }

  /** Those who wait now leave the line, and `tell` each that there will be no connection. */
  fail(tell: (waiter: W) => void): void {
    // Who fails may come back at once; he then waits for the next connection, not for this failure.
    for (let count = this.length; count > 0; count--) {
      const waiter = this.shift();
      if (waiter === null) return;
      this.#ledger.cluster.stats.upstreamRqPendingFailureEject.inc();
      tell(waiter);
    }
  }

  cancel(entry: PendingEntry<W>): void {
    this.#remove(entry);
    this.#ledger.cluster.stats.upstreamRqCancelled.inc();
    this.onCancelled();
  }

  #remove(entry: PendingEntry<W>): void {
    if (entry.previous === null) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === null) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.waiting = false;
    this.length--;
    this.#ledger.onPendingEnded();
  }
}

/** Keeps the numbers of a pool: of its host, of its cluster and of the circuit breakers. */
export class PoolLedger {
  readonly host: Host;
  readonly cluster: PoolCluster;
  readonly priority: ResourcePriority;
  readonly #resources: ResourceManager;
  readonly #stats: ClusterStats;
  readonly #traffic: Traffic | null;

  constructor(host: Host, cluster: PoolCluster, priority: ResourcePriority) {
    this.#traffic = cluster.traffic;
    this.host = host;
    this.cluster = cluster;
    this.priority = priority;
    this.#resources = cluster.resources[priority];
    this.#stats = cluster.stats;
  }

  /** Under overload: a connection that is wanted now is not made. */
  shedsConnections(): boolean {
    return this.cluster.shedsConnections();
  }

  /** Counts a connection that is one too many. */
  canCreateConnection(): boolean {
    const allowed = this.host.cxActive < this.cluster.plan.circuitBreakers.maxConnectionsPerHost &&
      this.#resources.connections.canCreate();
    if (!allowed) this.#stats.upstreamCxOverflow.inc();
    return allowed;
  }

  canWait(): boolean {
    return this.#resources.pendingRequests.canCreate();
  }

  canStart(): boolean {
    return this.#resources.requests.canCreate();
  }

  /** A pool has connections, or somebody waits for one; or neither any more. */
  onPoolUse(used: boolean): void {
    if (used) this.#resources.connectionPools.inc();
    else this.#resources.connectionPools.dec();
  }

  onPending(): void {
    if (this.#traffic !== null) this.#traffic.pending++;
    this.host.rqPendingActive++;
    this.#stats.upstreamRqPendingTotal.inc();
    this.#stats.upstreamRqPendingActive.inc();
    this.#resources.pendingRequests.inc();
  }

  onPendingEnded(): void {
    if (this.#traffic !== null) this.#traffic.pending--;
    this.host.rqPendingActive--;
    this.#stats.upstreamRqPendingActive.dec();
    this.#resources.pendingRequests.dec();
  }

  onStreamStarted(): void {
    this.host.rqTotal++;
    if (this.#traffic !== null) this.#traffic.active++;
    this.host.rqActive++;
    this.#stats.upstreamRqTotal.inc();
    this.#stats.upstreamRqActive.inc();
    this.#resources.requests.inc();
  }

  onStreamEnded(): void {
    if (this.#traffic !== null) this.#traffic.active--;
    this.host.rqActive--;
    this.#stats.upstreamRqActive.dec();
    this.#resources.requests.dec();
  }

  onConnectionCreated(): void {
    this.host.cxTotal++;
    this.host.cxActive++;
    this.#stats.upstreamCxTotal.inc();
    this.#stats.upstreamCxActive.inc();
    this.#resources.connections.inc();
  }

  /** A host with several addresses is dialled at another one. */
  onFurtherAttempt(): void {
    this.host.cxTotal++;
    this.#stats.upstreamCxTotal.inc();
  }

  onConnectFailed(failure: DialFailure): void {
    this.host.cxConnectFail++;
    this.#stats.upstreamCxConnectFail.inc();
    if (failure.reason === "timeout") this.#stats.upstreamCxConnectTimeout.inc();
  }

  /** A connection is gone, or never came about. */
  onConnectionClosed(by: PeerType, createdMs: number, requests: number): void {
    const stats = this.#stats;
    this.host.cxActive--;
    stats.upstreamCxActive.dec();
    this.#resources.connections.dec();
    stats.upstreamCxDestroy.inc();
    if (by === PeerType.Remote) stats.upstreamCxDestroyRemote.inc();
    else stats.upstreamCxDestroyLocal.inc();
    stats.upstreamCxLengthMs.record(this.cluster.clock.nowMs() - createdMs);
    if (requests > 0) stats.upstreamRqPerCx.record(requests);
  }

  /** The end of a connection cut streams off. */
  onStreamsCut(by: PeerType): void {
    this.#stats.upstreamCxDestroyWithActiveRq.inc();
    if (by === PeerType.Remote) this.#stats.upstreamCxDestroyRemoteWithActiveRq.inc();
    else this.#stats.upstreamCxDestroyLocalWithActiveRq.inc();
  }
}
