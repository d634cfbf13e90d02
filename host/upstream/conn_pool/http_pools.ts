// host/upstream/conn_pool/http_pools.ts: the pools of HTTP connections to the hosts of a cluster.
// hot: get runs per request; see bench/micro/pool.bench.ts
/**
 * A host has a pool for each priority and protocol. In a cluster with `connection_pool_per_downstream_connection`
 * each client's connection has pools of its own, which are there as long as they are in use; connections of the
 * proxy itself share the usual ones.
 *
 * @see Envoy: source/common/upstream/cluster_manager_impl.cc ClusterEntry::httpConnPoolImpl
 * @see Envoy: source/common/upstream/conn_pool_map_impl.h
 * @module
 */
import type { ClientCodecFactory } from "./active_client.ts";
import type { ResourcePriority } from "../circuit_breaker.ts";
import type { Host } from "../host.ts";
import { HttpPool } from "./http_pool.ts";
import type { PoolCluster } from "./pool.ts";

/** Where `Host.httpPools` has those of HTTP/2, by priority. */
const HTTP2_POOLS = [2, 3] as const;
/** How many there are. */
const POOLS_PER_HOST = 4;

export class HttpPools {
  readonly #cluster: PoolCluster;
  readonly #createCodec: ClientCodecFactory;

  constructor(cluster: PoolCluster, createCodec: ClientCodecFactory) {
    this.#cluster = cluster;
    this.#createCodec = createCodec;
  }

  /** `downstream` is the protocol of the client, "" without one; `connectionId` is -1 then. */
  get(host: Host, priority: ResourcePriority, downstream: string, connectionId: number): HttpPool {
    const isHttp2 = this.#usesHttp2(downstream);
    const index = isHttp2 ? HTTP2_POOLS[priority] : priority;
    if (connectionId >= 0 && this.#cluster.plan.poolPerDownstreamConnection) {
      const key = connectionId * POOLS_PER_HOST + index;
      const known = host.downstreamPools?.get(key) as HttpPool | undefined;
      return known ?? keepInUse(this.#create(host, priority, isHttp2, connectionId), key);
    }
    return (host.httpPools[index] ??= this.#create(host, priority, isHttp2, -1)) as HttpPool;
  }

  /** False when the pool would be one more than the cluster may use, and none can be given up; that is counted. */
  canUse(host: Host, priority: ResourcePriority, downstream: string, connectionId: number): boolean {
    const { resources, stats } = this.#cluster;
    const { connectionPools } = resources[priority];
    if (connectionPools.max === Infinity) return true;
    if (!this.get(host, priority, downstream, connectionId).idle || connectionPools.canCreate()) return true;
    const spare = host.allHttpPools.find((pool) => isSpare(pool as HttpPool, priority));
    if (spare === undefined) {
      stats.upstreamCxPoolOverflow.inc();
      return false;
    }
    spare.close();
    return true;
  }

  #usesHttp2(downstream: string): boolean {
    const { http } = this.#cluster.plan;
    return (http.followsDownstream && downstream !== "" ? downstream : http.protocol) === "HTTP/2";
  }

  #create(host: Host, priority: ResourcePriority, isHttp2: boolean, connectionId: number): HttpPool {
    const { http } = this.#cluster.plan;
    const protocol = isHttp2 ? "HTTP/2" : "HTTP/1.1";
    const own = http.protocol === protocol ? http : { ...http, protocol } as const;
    return new HttpPool(host, this.#cluster, priority, this.#createCodec, own, connectionId);
  }
}

/** The host has it, by this key, as long as it is in use. */
function keepInUse(pool: HttpPool, key: number): HttpPool {
  pool.onUse = (used) => {
    const pools = pool.host.downstreamPools ??= new Map();
    if (used) pools.set(key, pool);
    else if (pools.get(key) === pool) pools.delete(key);
  };
  return pool;
}

/** It counts, and nobody needs it now. */
function isSpare(pool: HttpPool, priority: ResourcePriority): boolean {
  return pool.ledger.priority === priority && !pool.idle && pool.pendingCount === 0 && pool.activeCount === 0;
}
