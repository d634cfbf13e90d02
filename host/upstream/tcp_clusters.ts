// host/upstream/tcp_clusters.ts: raw connections by name of a cluster, for tcp_proxy.
/**
 * Whoever proxies bytes names a cluster and gets a connection to one of its hosts, or the reason why not.
 * Fits the port that `extensions/filters/network/tcp_proxy/cluster_port.ts` states.
 *
 * @see Envoy: source/common/tcp_proxy/upstream.cc TcpConnPool
 * @module
 */
import { xxHash64 } from "../base/xxhash.ts";
import type { Connection } from "../net/connection_port.ts";
import type { CounterPort } from "../net/stats.ts";
import type { StreamInfo, UpstreamInfo } from "../observe/stream_info.ts";
import { ResourcePriority } from "./circuit_breaker.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterManager } from "./cluster_manager.ts";
import type { Host } from "./host.ts";
import { LoadBalancerContextBase } from "./lb/context.ts";
import { MetadataMatch } from "./lb/metadata_match.ts";
import type { PoolCancellable, PoolFailureReason } from "./conn_pool/pool.ts";
import type { TcpConnection } from "./conn_pool/tcp_connection.ts";
import type { TcpPoolCallbacks } from "./conn_pool/tcp_pool.ts";
import { describeHost, newUpstreamInfo } from "./upstream_info.ts";

/** What a host may be chosen by. */
export interface TcpContext {
  readonly info: StreamInfo;
  readonly hashInput: string | null;
  readonly metadataMatch?: Readonly<Record<string, unknown>>;
}

export interface FlowControlStats {
  readonly pausedReading: CounterPort;
  readonly resumedReading: CounterPort;
  readonly backedUp: CounterPort;
  readonly drained: CounterPort;
}

export type TcpFailureReason = "no_cluster" | "no_healthy_upstream" | "overflow" | "timeout" | "remote" | "local";

export interface TcpClusterCallbacks {
  /** The connection is the caller's; reading begins with its `setHandler`, which he calls before he returns. */
  onConnected(connection: Connection, upstream: UpstreamInfo, flowControl: FlowControlStats): void;
  /** `details` is the transport failure reason; `upstream` is null when there is no cluster. */
  onFailure(reason: TcpFailureReason, details: string, upstream: UpstreamInfo | null): void;
}

const NOTHING_TO_CANCEL: PoolCancellable = { cancel() {} };

export class TcpClusters {
  readonly #manager: ClusterManager;

  constructor(manager: ClusterManager) {
    this.#manager = manager;
  }

  /** Asks for a connection. One callback comes, maybe before this returns, none after `cancel`. */
  connect(clusterName: string, context: TcpContext, callbacks: TcpClusterCallbacks): PoolCancellable {
    const cluster = this.#manager.get(clusterName);
    if (cluster === null) {
      callbacks.onFailure("no_cluster", "", null);
      return NOTHING_TO_CANCEL;
    }
    if (!cluster.resources[ResourcePriority.Default].connections.canCreate()) {
      cluster.stats.upstreamCxOverflow.inc();
      callbacks.onFailure("overflow", "", newUpstreamInfo(cluster));
      return NOTHING_TO_CANCEL;
    }
    const host = cluster.chooseHost(new ConnectionContext(context));
    if (host === null) {
      callbacks.onFailure("no_healthy_upstream", "", newUpstreamInfo(cluster));
      return NOTHING_TO_CANCEL;
    }
    const pool = cluster.tcpPool(host, ResourcePriority.Default);
    return pool.newConnection(new Request(cluster, callbacks)) ?? NOTHING_TO_CANCEL;
  }

  onConnectAttemptsExceeded(clusterName: string): void {
    this.#manager.get(clusterName)?.stats.upstreamCxConnectAttemptsExceeded.inc();
  }
}

/** A connection as load balancers see it. */
class ConnectionContext extends LoadBalancerContextBase {
  readonly #context: TcpContext;
  #metadataMatch: MetadataMatch | null = null;

  constructor(context: TcpContext) {
    super();
    this.#context = context;
  }

  override hash(): bigint | null {
    const { hashInput } = this.#context;
    return hashInput === null ? null : xxHash64(hashInput);
  }

  override metadataMatch(): MetadataMatch | null {
    const { info, metadataMatch } = this.#context;
    const dynamic = info.dynamicMetadata.get("envoy.lb");
    if (metadataMatch === undefined && dynamic === undefined) return null;
    return this.#metadataMatch ??= MetadataMatch.of({ ...metadataMatch, ...dynamic });
  }

  override get streamInfo(): StreamInfo {
    return this.#context.info;
  }
}

class Request implements TcpPoolCallbacks {
  readonly #cluster: Cluster;
  readonly #callbacks: TcpClusterCallbacks;

  constructor(cluster: Cluster, callbacks: TcpClusterCallbacks) {
    this.#cluster = cluster;
    this.#callbacks = callbacks;
  }

  onPoolReady(connection: TcpConnection, host: Host): void {
    host.outlierMonitor?.putResult("connected_finally");
    this.#callbacks.onConnected(connection, this.#describe(host), this.#cluster.stats.flowControl);
  }

  onPoolFailure(reason: PoolFailureReason, details: string, host: Host | null): void {
    const name = failureName(reason);
    // As in Envoy, connections that cannot even be tried say nothing of the host.
    if (name === "remote") host?.outlierMonitor?.putResult("connect_failed");
    else if (name === "timeout") host?.outlierMonitor?.putResult("timeout");
    this.#callbacks.onFailure(name, details, this.#describe(host));
  }

  #describe(host: Host | null): UpstreamInfo {
    const upstream = newUpstreamInfo(this.#cluster);
    if (host !== null) describeHost(upstream, host);
    return upstream;
  }
}

function failureName(reason: PoolFailureReason): TcpFailureReason {
  switch (reason) {
    case "overflow":
      return "overflow";
    case "connection_timeout":
      return "timeout";
    case "remote_connection_failure":
      return "remote";
    case "local_connection_failure":
      return "local";
  }
}
