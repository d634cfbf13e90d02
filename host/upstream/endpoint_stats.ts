// host/upstream/endpoint_stats.ts: what hosts count, among the statistics.
// pure: no I/O, no clock, no runtime globals
/**
 * Of clusters with `track_cluster_stats.per_endpoint_stats`. The numbers are those of `/clusters`; they are put
 * together when somebody asks, and a reset leaves them alone.
 *
 * @see Envoy: source/common/upstream/host_utility.cc HostUtility::forEachHostMetric
 * @module
 */
import type { StatValue } from "../observe/stats.ts";
import type { ClusterStatus, HostStats, HostStatus } from "./view.ts";

const COUNTERS: readonly (readonly [string, keyof HostStats])[] = [
  ["cx_connect_fail", "cxConnectFail"],
  ["cx_total", "cxTotal"],
  ["rq_error", "rqError"],
  ["rq_success", "rqSuccess"],
  ["rq_timeout", "rqTimeout"],
  ["rq_total", "rqTotal"],
];
const GAUGES: readonly (readonly [string, keyof HostStats])[] = [
  ["cx_active", "cxActive"],
  ["rq_active", "rqActive"],
  ["rq_pending_active", "rqPendingActive"],
];

/** As statistics, in Envoy's order; clusters that do not track their endpoints have none. */
export function endpointStats(clusters: readonly ClusterStatus[]): StatValue[] {
  return clusters.filter((cluster) => cluster.tracksEndpoints).flatMap(({ observabilityName, hosts }) => {
    const clusterName = observabilityName.replaceAll(":", "_");
    return hosts.flatMap((host) => hostStats(clusterName, host));
  });
}

function hostStats(clusterName: string, { address, hostname, stats, isHealthy }: HostStatus): StatValue[] {
  const tags = [
    { name: "envoy.cluster_name", value: clusterName },
    { name: "envoy.endpoint_address", value: address },
    ...(hostname === "" ? [] : [{ name: "envoy.endpoint_hostname", value: hostname }]),
  ];
  const one = (kind: StatValue["kind"], name: string, value: number): StatValue => ({
    name: `cluster.${clusterName}.endpoint.${address.replaceAll(":", "_")}.${name}`,
    kind,
    value,
    used: true,
    tagged: { name: `cluster.endpoint.${name}`, tags },
  });
  return [
    ...COUNTERS.map(([name, field]) => one("counter", name, stats[field])),
    ...GAUGES.map(([name, field]) => one("gauge", name, stats[field])),
    one("gauge", "healthy", isHealthy ? 1 : 0),
  ];
}
