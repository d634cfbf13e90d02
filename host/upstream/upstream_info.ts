// host/upstream/upstream_info.ts: what is known of an attempt, for logs and filters.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { type FilterMetadata, filterMetadata, type UpstreamInfo } from "../observe/stream_info.ts";
import type { Host } from "./host.ts";
import { type ClusterPlan, NO_LOCALITY } from "./plan.ts";

const NO_METADATA = filterMetadata(null);

/** What is said of a cluster. */
export interface DescribedCluster {
  readonly plan: ClusterPlan;
  readonly metadata: FilterMetadata;
  readonly endpointCount: number;
}

/** Of an attempt that has no host yet; bytes count on from the attempt `before` it. */
export function newUpstreamInfo(cluster: DescribedCluster, before: UpstreamInfo | null = null): UpstreamInfo {
  return {
    clusterName: cluster.plan.name,
    observabilityName: cluster.plan.observabilityName,
    host: null,
    hostName: "",
    localAddress: null,
    connection: null,
    transportFailureReason: "",
    requestCount: 0,
    endpointCount: cluster.endpointCount,
    clusterMetadata: cluster.metadata,
    hostMetadata: null,
    locality: NO_LOCALITY,
    localityMetadata: NO_METADATA,
    protocol: "",
    wireBytesSent: before?.wireBytesSent ?? 0,
    wireBytesReceived: before?.wireBytesReceived ?? 0,
    headerBytesSent: before?.headerBytesSent ?? 0,
    headerBytesReceived: before?.headerBytesReceived ?? 0,
    poolReadyMs: -1,
    firstByteSentMs: -1,
    lastByteSentMs: -1,
    firstByteReceivedMs: -1,
    lastByteReceivedMs: -1,
  };
}

/** Of the host that was chosen. */
export function describeHost(upstream: UpstreamInfo, host: Host): void {
  upstream.host = host.address;
  upstream.hostName = host.hostname;
  upstream.hostMetadata = host.filterMetadata;
  upstream.locality = host.locality;
  upstream.localityMetadata = host.localityMetadata;
}
