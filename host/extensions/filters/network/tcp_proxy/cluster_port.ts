// host/extensions/filters/network/tcp_proxy/cluster_port.ts: what tcp_proxy needs of upstream clusters.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: envoy/tcp/conn_pool.h
 * @module
 */
import type { Connection } from "../../../../net/connection_port.ts";
import type { CounterPort } from "../../../../net/stats.ts";
import type { StreamInfo, UpstreamInfo } from "../../../../observe/stream_info.ts";

/** What a host may be chosen by. */
export interface TcpConnectContext {
  /** Facts of the downstream connection, filter state and dynamic metadata among them. */
  readonly info: StreamInfo;
  /** What hashing load balancers hash; null: nothing was configured, or there is nothing to hash. */
  readonly hashInput: string | null;
  /** What is asked of the metadata of hosts; absent for nothing. */
  readonly metadataMatch?: Readonly<Record<string, unknown>>;
}

/** Counters of a cluster that only the user of the connection can move. */
export interface TcpFlowControl {
  readonly pausedReading: CounterPort;
  readonly resumedReading: CounterPort;
  readonly backedUp: CounterPort;
  readonly drained: CounterPort;
}

export type TcpConnectFailure =
  /** There is no cluster of that name. */
  | "no_cluster"
  | "no_healthy_upstream"
  /** A circuit breaker of the cluster is open. */
  | "overflow"
  | "timeout"
  | "remote"
  | "local";

export interface TcpConnectCallbacks {
  /** The connection is the caller's; reading begins with its `setHandler`. */
  onConnected(connection: Connection, upstream: UpstreamInfo, flowControl: TcpFlowControl): void;
  /** `details` is the transport failure reason; `upstream` is null when there is no cluster. */
  onFailure(reason: TcpConnectFailure, details: string, upstream: UpstreamInfo | null): void;
}

export interface TcpClusterPort {
  /** Connects to a host of the cluster. One callback comes, maybe before this returns, none after `cancel`. */
  connect(clusterName: string, context: TcpConnectContext, callbacks: TcpConnectCallbacks): TcpConnectHandle;
  /** Counts `upstream_cx_connect_attempts_exceeded`. */
  onConnectAttemptsExceeded?(clusterName: string): void;
}

export interface TcpConnectHandle {
  cancel(): void;
}
