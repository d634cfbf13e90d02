// host/upstream/plan.ts: what a cluster is, as plain data that crosses threads.
// pure: no I/O, no clock, no runtime globals
/**
 * Configuration becomes a `ClusterPlan` on the main thread (`plan/cluster.ts`); workers build clusters from
 * it. Everything here is structured-cloneable, and two plans that mean the same have the same JSON text:
 * that is how an unchanged cluster is known (`planKey`).
 *
 * @see Envoy: api/envoy/config/cluster/v3/cluster.proto
 * @module
 */
import { HTTP1_CLIENT_DEFAULTS, type Http1ClientOptions } from "../http/h1/options.ts";
import { HTTP2_DEFAULTS, type Http2Plan } from "../http/h2/options.ts";
import type { HashPolicyPlan } from "../http/hash_policy.ts";
import type { MetadataMatcherPlan } from "../matching/stream_matchers.ts";
import type { StatsMatcherPlan } from "../matching/stats_matcher.ts";
import type { MatchPredicatePlan } from "../matching/match_predicate.ts";
import { DEFAULT_HAPPY_EYEBALLS, type HappyEyeballsPlan } from "../net/happy_eyeballs.ts";
import type { ExtensionPlan } from "../net/plan.ts";
import { DEFAULT_DNS_PLAN, type DnsCachePlan, type DnsPlan } from "./dns_plan.ts";
import { type HealthPlan, NO_HEALTH_PLAN } from "./health/plan.ts";
import type { LoadBalancingPlan, MetadataKeyPlan } from "./lb/plan.ts";
import type { MirrorPolicyPlan } from "./mirror_policy.ts";
import type { RetryPolicyPlan } from "./retry_plan.ts";
import type { OutlierDetectionPlan } from "./outlier/plan.ts";
import { NOTHING_TRACKED, type TrackedStatsPlan } from "./tracked_stats.ts";

/** How hosts are found. */
export type DiscoveryType =
  | "STATIC"
  | "STRICT_DNS"
  | "LOGICAL_DNS"
  | "EDS"
  | "ORIGINAL_DST"
  | "AGGREGATE"
  | "COMPOSITE"
  | "DYNAMIC_FORWARD_PROXY";

export interface ClusterPlan {
  readonly name: string;
  /** The name in statistics: `alt_stat_name`, else the name; colons become underscores. */
  readonly statName: string;
  /** Shown as `observability_name`. */
  readonly observabilityName: string;
  readonly type: DiscoveryType;
  /** Absent: the configuration has it. */
  readonly addedViaApi?: boolean;
  /** Each worker finds its own hosts, as requests ask for them, and decides by itself about their health. */
  readonly hostsPerWorker?: boolean;
  /** From the start of a connection until it can carry bytes, a TLS handshake included. */
  readonly connectTimeoutMs: number;
  readonly perConnectionBufferLimitBytes: number;
  /** A connection that has more than that to send for so long is closed; 0 = never. */
  readonly fullBufferTimeoutMs: number;
  /** No two connections of clients share an upstream one. */
  readonly poolPerDownstreamConnection: boolean;
  /** Connections ahead of streams; null for none. */
  readonly preconnect: PreconnectPlan | null;
  readonly loadBalancing: LoadBalancingPlan;
  /** A host that comes or goes ends the connections to all others, for those who balance by connections. */
  readonly closeConnectionsOnHostSetChange: boolean;
  /** Of a host that a filter may choose by itself. */
  readonly overrideHostStatuses: readonly EndpointHealth[];
  readonly localities: readonly LocalityEndpointsPlan[];
  /** By how much healthy hosts may carry more than their share, in percent: 140. */
  readonly overprovisioningFactor: number;
  /** Weights of hosts count for the health of their priority, not their number. */
  readonly weightedPriorityHealth: boolean;
  readonly circuitBreakers: CircuitBreakersPlan;
  /** Null: nobody watches what becomes of requests. */
  readonly outlierDetection: OutlierDetectionPlan | null;
  readonly health: HealthPlan;
  readonly http: HttpProtocolPlan;
  readonly dns: DnsPlan;
  /** Of a cluster whose endpoints come from elsewhere; null for all others. */
  readonly eds: EdsPlan | null;
  /** Requests that are turned away; null for none. */
  readonly dropOverload: DropOverloadPlan | null;
  /** Of a cluster that chooses hosts itself; null for all others. */
  readonly provided: ProvidedPlan | null;
  readonly connection: UpstreamConnectionPlan;
  readonly upstreamPools: UpstreamPools;
  readonly trackedStats: TrackedStatsPlan;
  /** Which statistics are kept; null for all. */
  readonly statsMatcher: StatsMatcherPlan | null;
  /** Namespaces of `metadata.filter_metadata`, as plain JSON. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Streams that connections are to have room for, for each one that is there or waits: 1 to 3. */
export interface PreconnectPlan {
  /** Of each host. */
  readonly perUpstreamRatio: number;
  /** Of all hosts together. */
  readonly predictiveRatio: number;
  /** Hosts that it concerns, by their metadata; null for all. */
  readonly enabledMetadata: MetadataMatcherPlan | null;
}

/** A ClusterLoadAssignment. */
export interface EndpointsPlan {
  readonly localities: readonly LocalityEndpointsPlan[];
  readonly overprovisioningFactor: number;
  readonly weightedPriorityHealth: boolean;
  readonly dropOverload: DropOverloadPlan | null;
  /** Without another list for so long there are no endpoints; 0: the list holds forever. */
  readonly staleAfterMs: number;
}

/** Where a cluster's endpoints come from. */
export interface EdsPlan {
  /** What the cluster is called there. */
  readonly serviceName: string;
  readonly path: string;
  /** What is known at the start; null for nothing. Says nothing of whether the cluster is the same. */
  readonly initial: EndpointsPlan | null;
  /** Without endpoints the cluster serves after this long, without hosts; 0: never. */
  readonly initialFetchTimeoutMs: number;
}

/** @see Envoy: api/envoy/config/endpoint/v3/endpoint.proto DropOverload */
export interface DropOverloadPlan {
  readonly category: string;
  /** From 0 to 1. */
  readonly fraction: number;
}

export interface LocalityPlan {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** Endpoints of one locality at one priority. */
export interface LocalityEndpointsPlan {
  readonly priority: number;
  readonly locality: LocalityPlan;
  /** Weight of the locality; 0 when not given. */
  readonly weight: number;
  readonly endpoints: readonly EndpointPlan[];
  /** Namespaces of `metadata.filter_metadata`, as plain JSON; absent when there is none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Health as the configuration states it. */
export type EndpointHealth = "UNKNOWN" | "HEALTHY" | "UNHEALTHY" | "DRAINING" | "TIMEOUT" | "DEGRADED";

export interface EndpointPlan {
  /** An IP address, a DNS name, or the path of a unix socket (then `port` is 0). */
  readonly address: string;
  readonly port: number;
  /** Where the host can be reached, too. */
  readonly additionalAddresses?: readonly { readonly address: string; readonly port: number }[];
  /** `Endpoint.hostname`: for auto_host_rewrite and health checks. */
  readonly hostname: string;
  readonly weight: number;
  readonly health: EndpointHealth;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Absent: checks go where requests go. */
  readonly healthCheck?: EndpointHealthCheckPlan;
}

/** How one endpoint wants to be checked. */
export interface EndpointHealthCheckPlan {
  /** An IP address, or the path of a unix socket; empty for the endpoint's own. */
  readonly address: string;
  /** 0 for the endpoint's own, or that of `address`. */
  readonly port: number;
  /** The host name to check with; empty for that of the check. */
  readonly hostname: string;
  readonly disabled: boolean;
}

export interface CircuitBreakersPlan {
  readonly default: ThresholdsPlan;
  readonly high: ThresholdsPlan;
  /** Most connections to one host; `Infinity` when not limited. */
  readonly maxConnectionsPerHost: number;
}

export interface ThresholdsPlan {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Pools of HTTP connections; `Infinity` when not limited. */
  readonly maxConnectionPools: number;
  /** Takes the place of `maxRetries`; null for none. */
  readonly retryBudget: RetryBudgetPlan | null;
  readonly trackRemaining: boolean;
}

/** How many retries there may be, by how many requests there are. */
export interface RetryBudgetPlan {
  readonly budgetPercent: number;
  /** So many are always allowed. */
  readonly minRetryConcurrency: number;
  /** The requests that began in the latest time count; 0: those that are under way. */
  readonly intervalMs: number;
}

/** How HTTP is spoken to the hosts. */
export interface HttpProtocolPlan {
  readonly protocol: "HTTP/1.1" | "HTTP/2";
  /** Requests of clients go out in the protocol that they came in; `protocol` is for those of the proxy itself. */
  readonly followsDownstream: boolean;
  /** Connections without a stream are closed after this long; 0 = never. */
  readonly idleTimeoutMs: number;
  /** Connections are not given new streams after this long; 0 = no limit. */
  readonly maxConnectionDurationMs: number;
  /** Up to so many percent are added to it, at random. */
  readonly maxConnectionDurationJitterPercent: number;
  /** From the moment that an attempt has a connection to its end; 0 = no limit. */
  readonly maxStreamDurationMs: number;
  /** Requests that one connection carries; 0 = no limit. */
  readonly maxRequestsPerConnection: number;
  /** Its limits of headers hold for HTTP/2 too. */
  readonly http1: Http1ClientOptions;
  readonly http2: Http2Plan;
  /** Responses that outlier detection counts as errors; null: those of 5xx. */
  readonly errorMatcher: MatchPredicatePlan | null;
  /** Filters of every request to the cluster, the last one being the codec; empty for none. */
  readonly filters: readonly HttpFilterPlan[];
  /** In place of that of the route or virtual host, but for its time for an attempt; null leaves theirs. */
  readonly retryPolicy: RetryPolicyPlan | null;
  /** In place of those of the route; empty leaves theirs. */
  readonly hashPolicies: readonly HashPolicyPlan[];
  /** Likewise. */
  readonly mirrorPolicies: readonly MirrorPolicyPlan[];
}

/** A filter of an upstream chain. */
export interface HttpFilterPlan extends ExtensionPlan {
  /** Off unless a route turns it on. */
  readonly disabled: boolean;
  readonly terminal: boolean;
}

/** What a cluster whose hosts nobody lists goes by, by `type`. */
export type ProvidedPlan = OriginalDstPlan | AggregatePlan | CompositePlan | DynamicForwardProxyPlan;

/** Requests say where they go. */
export interface OriginalDstPlan {
  readonly type: "ORIGINAL_DST";
  /** The request header with the address, in lower case; empty for none. */
  readonly headerName: string;
  /** Where dynamic metadata has the address: a namespace and keys. */
  readonly metadataKey: MetadataKeyPlan | null;
  /** Takes the place of the address's own port. */
  readonly port: number | null;
  /** Hosts that were not chosen in this time, and have no connection, go. */
  readonly cleanupIntervalMs: number;
}

/** Other clusters, the first of them preferred. */
export interface AggregatePlan {
  readonly type: "AGGREGATE";
  readonly clusters: readonly string[];
}

/** Other clusters, the next of them for each attempt. */
export interface CompositePlan {
  readonly type: "COMPOSITE";
  readonly clusters: readonly string[];
}

/** Requests go to the host that they are for. */
export interface DynamicForwardProxyPlan {
  readonly type: "DYNAMIC_FORWARD_PROXY";
  /** Null when each host has a cluster of its own. */
  readonly dnsCache: DnsCachePlan | null;
  readonly subClusters: SubClustersPlan | null;
}

/** Clusters that are made for the hosts that requests are for. */
export interface SubClustersPlan {
  readonly maxSubClusters: number;
  /** Those that nobody asked for in this time go. */
  readonly ttlMs: number;
  readonly loadBalancing: LoadBalancingPlan;
  readonly dns: DnsPlan;
  /** Hosts whose clusters are made before anybody asks. */
  readonly preresolve: readonly { readonly address: string; readonly port: number }[];
}

/** What requests are sent by: HTTP, a connection of bytes each, or whichever the route wants. */
export type UpstreamPools = "generic" | "http" | "tcp";

/** How hosts are connected to. */
export interface UpstreamConnectionPlan {
  readonly tcpKeepalive: TcpKeepalivePlan | null;
  /** The order in which the addresses of a host are tried that has several. */
  readonly happyEyeballs: HappyEyeballsPlan;
  /** Addresses to connect from, one for each family at most; empty: the system chooses. */
  readonly sources: readonly SourceAddressPlan[];
}

/** An IP address; port 0 lets the system choose one. */
export interface SourceAddressPlan {
  readonly address: string;
  readonly port: number;
}

export const DEFAULT_CONNECTION_PLAN: UpstreamConnectionPlan = {
  tcpKeepalive: null,
  happyEyeballs: DEFAULT_HAPPY_EYEBALLS,
  sources: [],
};

export interface TcpKeepalivePlan {
  /** Before the first probe. */
  readonly timeSeconds: number;
}

export const NO_LOCALITY: LocalityPlan = { region: "", zone: "", subZone: "" };

export const DEFAULT_BUDGET_PERCENT = 20;
export const DEFAULT_MIN_RETRY_CONCURRENCY = 3;

export const DEFAULT_THRESHOLDS: ThresholdsPlan = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  maxConnectionPools: Infinity,
  retryBudget: null,
  trackRemaining: false,
};

export const DEFAULT_HTTP_PLAN: HttpProtocolPlan = {
  protocol: "HTTP/1.1",
  followsDownstream: false,
  idleTimeoutMs: 3_600_000,
  maxConnectionDurationMs: 0,
  maxConnectionDurationJitterPercent: 0,
  maxStreamDurationMs: 0,
  maxRequestsPerConnection: 0,
  http1: HTTP1_CLIENT_DEFAULTS,
  http2: HTTP2_DEFAULTS,
  errorMatcher: null,
  filters: [],
  retryPolicy: null,
  hashPolicies: [],
  mirrorPolicies: [],
};

/** A plan with Envoy's defaults, for what no configuration file describes: tests, embedding. */
export function createClusterPlan(name: string, changes: Partial<ClusterPlan> = {}): ClusterPlan {
  return {
    name,
    statName: name.replaceAll(":", "_"),
    observabilityName: name,
    type: "STATIC",
    connectTimeoutMs: 5000,
    perConnectionBufferLimitBytes: 1024 * 1024,
    fullBufferTimeoutMs: 0,
    overrideHostStatuses: ["UNKNOWN", "HEALTHY", "DEGRADED"],
    poolPerDownstreamConnection: false,
    preconnect: null,
    loadBalancing: {
      policy: "ROUND_ROBIN",
      panicThresholdPercent: 50,
      failTrafficOnPanic: false,
      localityWeighted: false,
    },
    closeConnectionsOnHostSetChange: false,
    localities: [],
    overprovisioningFactor: 140,
    weightedPriorityHealth: false,
    circuitBreakers: { default: DEFAULT_THRESHOLDS, high: DEFAULT_THRESHOLDS, maxConnectionsPerHost: Infinity },
    outlierDetection: null,
    health: NO_HEALTH_PLAN,
    http: DEFAULT_HTTP_PLAN,
    dns: DEFAULT_DNS_PLAN,
    eds: null,
    dropOverload: null,
    provided: null,
    connection: DEFAULT_CONNECTION_PLAN,
    upstreamPools: "generic",
    trackedStats: NOTHING_TRACKED,
    statsMatcher: null,
    metadata: {},
    ...changes,
  };
}
