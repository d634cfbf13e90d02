// host/upstream/tcp_clusters.ts: raw connections by name of a cluster, for tcp_proxy.
/**
 * Whoever proxies bytes names a cluster and gets a connection to one of its hosts, or the reason why not.
 *
 * @see Envoy: source/common/tcp_proxy/upstream.cc TcpConnPool
 * @module
 */
import type { Connection } from "../net/connection_port.ts";
import { ResourcePriority } from "./circuit_breaker.ts";
import type { ClusterManager } from "./cluster_manager.ts";
import type { Host } from "./host.ts";
import type { LoadBalancerContext } from "./lb/picker.ts";
import type { PoolCancellable, PoolFailureReason } from "./pool.ts";

/** Why there is no connection: that of the pool, or there was nobody to ask. */
export type TcpFailureReason = PoolFailureReason | "no_cluster" | "no_healthy_upstream";

export interface TcpClusterCallbacks {
  /** The receiver sets a handler before he returns, and owns the connection from now on. */
  onConnected(connection: Connection, host: Host): void;
  /** `host` is the one that was tried. */
  onFailure(reason: TcpFailureReason, details: string, host: Host | null): void;
}

export class TcpClusters {
  readonly #manager: ClusterManager;

  constructor(manager: ClusterManager) {
    this.#manager = manager;
  }

  /**
   * Asks for a connection. One of the callbacks comes, once, unless the result is cancelled; null: the
   * failure was told already.
   */
  connect(
    clusterName: string,
    context: LoadBalancerContext | null,
    callbacks: TcpClusterCallbacks,
  ): PoolCancellable | null {
    const cluster = this.#manager.get(clusterName);
    if (cluster === null) {
      callbacks.onFailure("no_cluster", "", null);
      return null;
    }
    const host = cluster.chooseHost(context);
    if (host === null) {
      callbacks.onFailure("no_healthy_upstream", "", null);
      return null;
    }
    return cluster.tcpPool(host, ResourcePriority.Default).newConnection({
      onPoolReady: (connection, readyHost) => callbacks.onConnected(connection, readyHost),
      onPoolFailure: (reason, details, failedHost) => callbacks.onFailure(reason, details, failedHost),
    });
  }
}
