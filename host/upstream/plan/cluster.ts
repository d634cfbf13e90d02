// host/upstream/plan/cluster.ts: a Cluster message as a plan.
// pure: no I/O, no clock, no runtime globals
/**
 * Everything wrong is reported at its position, all at once. Fields that nobody reads here are reported by
 * whoever reads configuration: nothing is ignored in silence.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc ClusterInfoImpl
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { parseIp } from "../../base/ip.ts";
import { planStatsMatcher } from "../../matching/plan/stats_matcher.ts";
import { planMetadataMatcher } from "../../matching/plan/stream_matchers.ts";
import {
  type ClusterPlan,
  type DiscoveryType,
  type EndpointHealth,
  type LocalityEndpointsPlan,
  type PreconnectPlan,
  type ProvidedPlan,
  type UpstreamPools,
} from "../plan.ts";
import type { FormatChecker } from "../../http/plan/header_ops.ts";
import type { TrackedStatsPlan } from "../tracked_stats.ts";
import { planCircuitBreakers } from "./circuit_breakers.ts";
import { type DiscoveryPlanContext, planDiscovery } from "./discovery.ts";
import { planConnection } from "./connection.ts";
import { planEndpoints } from "./endpoints.ts";
import { planHealth } from "./health_check.ts";
import { type PlanHttpFilters, planHttpProtocol } from "./http_protocol.ts";
import { planLoadBalancing } from "./load_balancing.ts";
import { planOutlierDetection } from "./outlier_detection.ts";

const USABLE_STATUSES: readonly EndpointHealth[] = ["UNKNOWN", "HEALTHY", "DEGRADED"];
const UNSUPPORTED = "config/unsupported";
const FIFO = "envoy.extensions.queue_policy.fifo.v3.FifoQueuePolicyConfig";
const UPSTREAMS = "envoy.extensions.upstreams";
const UPSTREAM_POOLS: Readonly<Record<string, UpstreamPools>> = {
  [`${UPSTREAMS}.http.generic.v3.GenericConnectionPoolProto`]: "generic",
  [`${UPSTREAMS}.tcp.generic.v3.GenericConnectionPoolProto`]: "generic",
  [`${UPSTREAMS}.http.http.v3.HttpConnectionPoolProto`]: "http",
  [`${UPSTREAMS}.http.tcp.v3.TcpConnectionPoolProto`]: "tcp",
};
const RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/** What planning a cluster needs of the rest of the configuration. */
export interface ClusterPlanContext extends DiscoveryPlanContext {
  /** Null: the chains of requests stay unread. */
  readonly planFilters: PlanHttpFilters | null;
  /** `upstream_bind_config` of the cluster manager. */
  readonly bindConfig: ConfigNode | null;
  readonly formats: FormatChecker;
}

/** Of a cluster on its own. */
const NO_CONTEXT: ClusterPlanContext = {
  planFilters: null,
  addDnsCache: () => {},
  readEndpoints: () => null,
  dnsResolver: null,
  bindConfig: null,
  formats: { formatProblem: () => null },
};

/** The plan of an `envoy.config.cluster.v3.Cluster`; null when it has no name or no known way to find hosts. */
export function planCluster(node: ConfigNode, context: Partial<ClusterPlanContext> = {}): ClusterPlan | null {
  const all = { ...NO_CONTEXT, ...context };
  const { planFilters, formats } = all;
  const name = node.string("name");
  const altStatName = node.string("alt_stat_name");
  const discovery = planDiscovery(node, all);
  const outlierDetection = node.message("outlier_detection");
  const { localities, overprovisioningFactor, weightedPriorityHealth, dropOverload } = planEndpoints(
    node.message("load_assignment"),
  );
  const http = planHttpProtocol(node, planFilters, formats);
  const plan = {
    name,
    statName: (altStatName === "" ? name : altStatName).replaceAll(":", "_"),
    observabilityName: altStatName === "" ? name : altStatName,
    connectTimeoutMs: node.durationMs("connect_timeout", 5000),
    fullBufferTimeoutMs: node.durationMs("per_connection_buffer_high_watermark_timeout", 0),
    perConnectionBufferLimitBytes: node.number("per_connection_buffer_limit_bytes", 1024 * 1024),
    poolPerDownstreamConnection: node.bool("connection_pool_per_downstream_connection"),
    preconnect: planPreconnect(node.message("preconnect_policy")),
    loadBalancing: planLoadBalancing(node),
    closeConnectionsOnHostSetChange: node.message("common_lb_config")?.bool("close_connections_on_host_set_change") ??
      false,
    overrideHostStatuses: planOverrideHostStatuses(node.message("common_lb_config")),
    localities,
    overprovisioningFactor,
    weightedPriorityHealth,
    dropOverload,
    circuitBreakers: planCircuitBreakers(node.message("circuit_breakers")),
    outlierDetection: outlierDetection === null ? null : planOutlierDetection(outlierDetection),
    health: planHealth(node, discovery?.type ?? null, http, formats),
    http,
    connection: planConnection(node, all.bindConfig),
    upstreamPools: planUpstreamPools(node),
    trackedStats: planTrackedStats(node),
    statsMatcher: planStatsMatcher(node.message("stats_matcher")),
    metadata: planMetadata(node),
  };
  checkTransportSocket(node);
  checkQueuingPolicies(node);
  if (discovery === null || name === "") return null;
  checkEndpoints(node, discovery.type, localities);
  checkHashedNames(node, discovery.type);
  checkProvided(node, plan.loadBalancing.policy, discovery.provided);
  const findsByRequest = discovery.type === "ORIGINAL_DST" || discovery.type === "DYNAMIC_FORWARD_PROXY";
  return { ...plan, ...discovery, ...(findsByRequest && { hostsPerWorker: true }) };
}

/** @see Envoy: source/common/upstream/host_utility.cc createOverrideHostStatus */
function planOverrideHostStatuses(common: ConfigNode | null): readonly EndpointHealth[] {
  const set = common?.message("override_host_status") ?? null;
  return set === null ? USABLE_STATUSES : set.strings("statuses") as EndpointHealth[];
}

function planUpstreamPools(node: ConfigNode): UpstreamPools {
  const config = node.message("upstream_config");
  if (config === null) return "generic";
  const name = config.string("name");
  const pools = UPSTREAM_POOLS[config.any("typed_config")?.typeName ?? ""];
  if (pools !== undefined) return pools;
  config.error(UNSUPPORTED, `connection pools '${name}' are not supported`, {
    field: "name",
    help: "remove upstream_config",
  });
  return "generic";
}

function planTrackedStats(node: ConfigNode): TrackedStatsPlan {
  const tracked = node.message("track_cluster_stats");
  const timeoutBudgets = node.bool("track_timeout_budgets");
  return {
    timeoutBudgets: (tracked?.bool("timeout_budgets") ?? false) || timeoutBudgets,
    messageSizes: tracked?.bool("request_response_sizes") ?? false,
    endpoints: tracked?.bool("per_endpoint_stats") ?? false,
  };
}

function planPreconnect(node: ConfigNode | null): PreconnectPlan | null {
  if (node === null) return null;
  const metadata = node.message("preconnect_enabled_metadata");
  const plan = {
    perUpstreamRatio: node.number("per_upstream_preconnect_ratio", 1),
    predictiveRatio: node.number("predictive_preconnect_ratio", 1),
    enabledMetadata: metadata === null ? null : planMetadataMatcher(metadata),
  };
  return plan.perUpstreamRatio > 1 || plan.predictiveRatio > 1 ? plan : null;
}

/** `metadata.filter_metadata` of any message that has one. */
export function planMetadata(node: ConfigNode): Readonly<Record<string, unknown>> {
  return (node.message("metadata")?.json("filter_metadata") ?? {}) as Record<string, unknown>;
}

function checkTransportSocket(node: ConfigNode): void {
  const socket = node.message("transport_socket");
  if (socket === null) return;
  const name = socket.string("name");
  const config = socket.any("typed_config");
  if (config === null ? name === "envoy.transport_sockets.raw_buffer" : config.typeName === RAW_BUFFER) return;
  node.error(UNSUPPORTED, `transport socket '${name}' is not supported yet`, { field: "transport_socket" });
}

/** First come, first served is all that there is. */
function checkQueuingPolicies(node: ConfigNode): void {
  const policy = node.message("queuing_policies")?.message("pending_rq_policy") ?? null;
  if (policy === null) return;
  const name = policy.string("name");
  if (policy.any("typed_config")?.typeName === FIFO) return;
  policy.error(UNSUPPORTED, `there is no queue policy '${name}'`, {
    field: "name",
    help: "use envoy.queue_policy.fifo",
  });
}

/** A cluster that chooses hosts itself is to say so, and no other one can. */
function checkProvided(node: ConfigNode, policy: string, provided: ProvidedPlan | null): void {
  const isProvided = policy === "CLUSTER_PROVIDED";
  if (isProvided === (provided !== null)) return;
  node.error(
    "config/conflict",
    isProvided
      ? "cluster provided LB specified but the cluster did not provide one"
      : "cluster provided LB not specified but the cluster provided one",
    {
      ...(node.has("load_balancing_policy") ? { field: "load_balancing_policy" } : { field: "lb_policy" }),
      help: isProvided ? "use another policy" : "set `lb_policy: CLUSTER_PROVIDED`",
    },
  );
}

/** What the way of finding hosts asks of the endpoints. */
function checkEndpoints(node: ConfigNode, type: DiscoveryType, localities: readonly LocalityEndpointsPlan[]): void {
  const endpoints = localities.flatMap((locality) => locality.endpoints);
  if (type === "ORIGINAL_DST" && node.has("load_assignment")) {
    node.error("config/endpoints", "ORIGINAL_DST clusters must have no load assignment configured", {
      field: "load_assignment",
    });
  }
  if (type === "EDS" && node.has("load_assignment")) {
    node.error("config/endpoints", "the endpoints of an EDS cluster come from its eds_config", {
      field: "load_assignment",
    });
  }
  if (type === "LOGICAL_DNS" && (localities.length !== 1 || endpoints.length !== 1)) {
    node.error("config/endpoints", `a LOGICAL_DNS cluster has exactly one endpoint, this one has ${endpoints.length}`, {
      field: node.has("load_assignment") ? "load_assignment" : "name",
      help: "use STRICT_DNS for more than one",
    });
  }
  for (const endpoint of endpoints) {
    const isName = endpoint.port !== 0 && parseIp(endpoint.address) === null;
    if (type === "STATIC" && isName) {
      node.error("config/bad-address", `'${endpoint.address}' is no IP address`, {
        field: "load_assignment",
        help: "set `type: STRICT_DNS` or `type: LOGICAL_DNS` to have names looked up",
      });
    } else if (type !== "STATIC" && type !== "EDS" && endpoint.port === 0) {
      node.error("config/bad-address", `a ${type} cluster cannot have the unix socket '${endpoint.address}'`, {
        field: "load_assignment",
        help: "use a STATIC cluster",
      });
    }
  }
}

/** Hosts of a STATIC cluster have no names of their own. */
function checkHashedNames(node: ConfigNode, type: DiscoveryType): void {
  const hashing = node.message("common_lb_config")?.message("consistent_hashing_lb_config") ?? null;
  if (type !== "STATIC" || hashing === null || !hashing.bool("use_hostname_for_hashing")) return;
  hashing.error("config/conflict", "the hosts of a STATIC cluster have no names to hash", {
    field: "use_hostname_for_hashing",
    help: "remove it, give the hosts a hash_key in their envoy.lb metadata, or use STRICT_DNS",
  });
}
