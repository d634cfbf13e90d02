// host/upstream/conn_pool/preconnect.ts: connections that are made before there is a stream for them.
// hot: once per request of clusters that look ahead
/**
 * Two ratios say how much room there has to be, for each stream that is there or waits:
 *
 * | ratio | room at | is looked after by |
 * | --- | --- | --- |
 * | `per_upstream_preconnect_ratio` | the host of the stream | the host's pool |
 * | `predictive_preconnect_ratio` | all hosts, made at those that are next | the load balancer, asked ahead |
 *
 * @see Envoy: source/common/conn_pool/conn_pool_base.cc, source/common/upstream/cluster_manager_impl.cc maybePreconnect
 * @module
 */
import { compileMetadataMatcher } from "../../matching/stream_matchers.ts";
import type { ClusterBalancer } from "../lb/picker.ts";
import type { Host } from "../host.ts";
import type { PreconnectPlan } from "../plan.ts";
import type { PrioritySet } from "../priority.ts";
import type { ClusterStats } from "../stats.ts";
import type { Traffic } from "../traffic.ts";

/** Connections made ahead at once, at most. */
const MAX_PRECONNECTS = 3;

/** Who knows whether a host may have one connection more. */
export interface ConnectionLimits {
  readonly host: Host;
  /** Under overload: a connection that is wanted now is not made. */
  shedsConnections(): boolean;
  /** Whether the limits allow for one more; counts when they do not. */
  canCreateConnection(): boolean;
}

/** A pool, as far as it matters to what is made ahead. */
export interface PreconnectingPool {
  readonly ledger: ConnectionLimits;
  /** No connections are wanted any more. */
  readonly draining: boolean;
  /** Streams, or users, that wait, and that have a connection. */
  readonly pendingCount: number;
  readonly activeCount: number;
  /** How many more could have one, now or soon. */
  readonly room: number;
  /** Connections in any state. */
  readonly connectionCount: number;
  createConnection(): void;
}

/** What a cluster does about connections ahead of streams. */
export class Preconnect {
  readonly perUpstreamRatio: number;
  readonly #predictiveRatio: number;
  readonly #isEnabledFor: (host: Host) => boolean;
  readonly #balancer: ClusterBalancer;
  readonly #priorities: PrioritySet;
  readonly #stats: ClusterStats;
  readonly #traffic: Traffic;

  constructor(
    plan: PreconnectPlan,
    balancer: ClusterBalancer,
    priorities: PrioritySet,
    stats: ClusterStats,
    traffic: Traffic,
  ) {
    this.perUpstreamRatio = plan.perUpstreamRatio;
    this.#predictiveRatio = plan.predictiveRatio;
    const matches = plan.enabledMetadata === null ? null : compileMetadataMatcher(plan.enabledMetadata);
    this.#isEnabledFor = matches === null ? () => true : (host) => matches({ dynamicMetadata: host.filterMetadata });
    this.#balancer = balancer;
    this.#priorities = priorities;
    this.#stats = stats;
    this.#traffic = traffic;
  }

  /** Connects ahead of the streams that this pool will have. */
  connect(pool: PreconnectingPool): void {
    const ratio = this.perUpstreamRatio;
    if (ratio <= 1) return;
    let made = 0;
    while (made < MAX_PRECONNECTS && this.#connectOnce(pool, ratio, 0)) made++;
  }

  /** A stream is about to be asked for: connects to hosts that will be chosen for those behind it. */
  connectToNext(poolOf: (host: Host) => PreconnectingPool): void {
    const ratio = this.#predictiveRatio;
    if (ratio <= 1) return;
    const { pending, active } = this.#traffic;
    for (let made = 0; made < MAX_PRECONNECTS; made++) {
      if (this.#hasRoomFor((pending + active + 1) * ratio - active)) return;
      const host = this.#balancer.peekAnotherHost?.() ?? null;
      if (host === null || !this.#connectOnce(poolOf(host), ratio, 1)) return;
    }
  }

  /** Makes one connection if there is room for fewer streams than wanted; false when no other one may follow. */
  #connectOnce(pool: PreconnectingPool, ratio: number, more: number): boolean {
    const { ledger, pendingCount, activeCount, room } = pool;
    const { host } = ledger;
    if (pool.draining || (pendingCount + activeCount + more) * ratio <= room + activeCount) return false;
    // The others have enough to do.
    if (host.coarseHealth !== "healthy") return false;
    if (!this.#isEnabledFor(host)) {
      this.#stats.upstreamCxPreconnectSkipped.inc();
      return false;
    }
    if (ledger.shedsConnections()) return false;
    const allowed = ledger.canCreateConnection();
    // A host gets its first connection whatever others hold.
    if (allowed || pool.connectionCount === 0) pool.createConnection();
    return allowed;
  }

  #hasRoomFor(streams: number): boolean {
    let room = 0;
    for (const { hosts } of this.#priorities.hostSets) {
      for (const host of hosts) {
        room += host.room;
        if (room >= streams) return true;
      }
    }
    return false;
  }
}
