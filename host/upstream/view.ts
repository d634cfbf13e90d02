// host/upstream/view.ts: what can be seen of a cluster, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * For `/clusters`: workers answer with this, main adds the workers' numbers up (`mergeClusterStatus`).
 *
 * @see Envoy: source/server/admin/clusters_handler.cc
 * @module
 */
import { ResourcePriority } from "./circuit_breaker.ts";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import type { ClusterOutliers, OutlierStatus } from "./outlier/cluster_outliers.ts";
import type { DiscoveryType, LocalityPlan } from "./plan.ts";

export interface ClusterStatus {
  readonly name: string;
  readonly observabilityName: string;
  readonly type: DiscoveryType;
  readonly defaultPriority: CircuitBreakerSettings;
  readonly highPriority: CircuitBreakerSettings;
  /** From a control plane. */
  readonly addedViaApi: boolean;
  /** Its hosts are among the statistics. */
  readonly tracksEndpoints: boolean;
  /** Present when the cluster has outlier detection. */
  readonly outlier?: OutlierStatus;
  readonly hosts: readonly HostStatus[];
}

export interface CircuitBreakerSettings {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

export interface HostStatus {
  /** `1.2.3.4:80`, `[::1]:80`, or the path of a unix socket. */
  readonly address: string;
  readonly stats: HostStats;
  readonly hostname: string;
  /** `healthy`, or `/failed_active_hc` and the like. */
  readonly healthFlags: string;
  /** Neither unhealthy nor degraded. */
  readonly isHealthy: boolean;
  readonly weight: number;
  readonly locality: LocalityPlan;
  readonly canary: boolean;
  readonly priority: number;
  /** Of outlier detection; -1 when there is none. */
  readonly successRate: number;
  readonly localOriginSuccessRate: number;
}

/** In the order in which `/clusters` prints them. */
export interface HostStats {
  readonly cxActive: number;
  readonly cxConnectFail: number;
  readonly cxTotal: number;
  readonly rqActive: number;
  readonly rqError: number;
  readonly rqPendingActive: number;
  readonly rqSuccess: number;
  readonly rqTimeout: number;
  readonly rqTotal: number;
}

export function clusterStatus(cluster: Cluster): ClusterStatus {
  const { plan, outliers } = cluster;
  const settings = (priority: "default" | "high"): CircuitBreakerSettings => {
    const { connections, pendingRequests, requests, retries } =
      cluster.resources[priority === "default" ? ResourcePriority.Default : ResourcePriority.High];
    return {
      maxConnections: connections.max,
      maxPendingRequests: pendingRequests.max,
      maxRequests: requests.max,
      maxRetries: retries.limit,
    };
  };
  return {
    name: plan.name,
    observabilityName: plan.observabilityName,
    type: plan.type,
    defaultPriority: settings("default"),
    highPriority: settings("high"),
    addedViaApi: plan.addedViaApi ?? false,
    tracksEndpoints: plan.trackedStats.endpoints,
    ...(outliers !== null && { outlier: outliers.status }),
    hosts: [...cluster.priorities.hosts()].map((host) => hostStatus(host, outliers)),
  };
}

function hostStatus(host: Host, outliers: ClusterOutliers | null): HostStatus {
  return {
    address: host.address.text,
    stats: {
      cxActive: host.cxActive,
      cxConnectFail: host.cxConnectFail,
      cxTotal: host.cxTotal,
      rqActive: host.rqActive,
      rqError: host.rqError,
      rqPendingActive: host.rqPendingActive,
      rqSuccess: host.rqSuccess,
      rqTimeout: host.rqTimeout,
      rqTotal: host.rqTotal,
    },
    hostname: host.hostname,
    healthFlags: host.healthFlagsText,
    isHealthy: host.coarseHealth === "healthy",
    weight: host.weight,
    locality: host.locality,
    canary: host.canary,
    priority: host.priority,
    successRate: outliers?.successRate(host, "external") ?? -1,
    localOriginSuccessRate: outliers?.successRate(host, "local") ?? -1,
  };
}

/** The same clusters as several workers see them, as one list: numbers are added up by address. */
export function mergeClusterStatus(workers: readonly (readonly ClusterStatus[])[]): ClusterStatus[] {
  const merged = new Map<string, ClusterStatus>();
  for (const clusters of workers) {
    for (const cluster of clusters) {
      const known = merged.get(cluster.name);
      merged.set(cluster.name, known === undefined ? cluster : mergeCluster(known, cluster));
    }
  }
  return [...merged.values()];
}

function mergeCluster(a: ClusterStatus, b: ClusterStatus): ClusterStatus {
  const rest = [...b.hosts];
  const hosts = a.hosts.map((host) => {
    const index = rest.findIndex((other) => other.address === host.address && other.priority === host.priority);
    if (index < 0) return host;
    const [other] = rest.splice(index, 1) as [HostStatus];
    return {
      ...host,
      stats: addStats(host.stats, other.stats),
      // One worker has them, and the others nothing.
      successRate: Math.max(host.successRate, other.successRate),
      localOriginSuccessRate: Math.max(host.localOriginSuccessRate, other.localOriginSuccessRate),
    };
  });
  const outlier = b.outlier !== undefined && b.outlier.successRateAverage >= 0 ? b.outlier : a.outlier;
  return { ...a, ...(outlier !== undefined && { outlier }), hosts: [...hosts, ...rest] };
}

function addStats(a: HostStats, b: HostStats): HostStats {
  return {
    cxActive: a.cxActive + b.cxActive,
    cxConnectFail: a.cxConnectFail + b.cxConnectFail,
    cxTotal: a.cxTotal + b.cxTotal,
    rqActive: a.rqActive + b.rqActive,
    rqError: a.rqError + b.rqError,
    rqPendingActive: a.rqPendingActive + b.rqPendingActive,
    rqSuccess: a.rqSuccess + b.rqSuccess,
    rqTimeout: a.rqTimeout + b.rqTimeout,
    rqTotal: a.rqTotal + b.rqTotal,
  };
}
