// host/upstream/plan/discovery.ts: how a cluster finds its hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * `type` names one of the old ways, `cluster_type` an extension; the old ways have names as extensions, too.
 *
 * @see Envoy: source/common/upstream/cluster_factory_impl.cc
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { DEFAULT_DNS_PLAN, type DnsLookupFamily, type DnsPlan, type ResolverPlan } from "../dns_plan.ts";
import type {
  AggregatePlan,
  CompositePlan,
  DiscoveryType,
  DynamicForwardProxyPlan,
  EdsPlan,
  EndpointsPlan,
  OriginalDstPlan,
  ProvidedPlan,
  SubClustersPlan,
} from "../plan.ts";
import { type AddDnsCache, planDnsCache, planFailureRefresh } from "./dns_cache.ts";
import { planResolver } from "./dns_resolver.ts";
import { planSubClusterPolicy } from "./load_balancing.ts";
import { planMetadataKey } from "./metadata_key.ts";

const CLUSTERS = "envoy.extensions.clusters";
const DNS_CLUSTER = `${CLUSTERS}.dns.v3.DnsCluster`;
const DYNAMIC_FORWARD_PROXY_CLUSTER = `${CLUSTERS}.dynamic_forward_proxy.v3.ClusterConfig`;
const AGGREGATE_CLUSTER = `${CLUSTERS}.aggregate.v3.ClusterConfig`;
const COMPOSITE_CLUSTER = `${CLUSTERS}.composite.v3.ClusterConfig`;

/** Names of extensions that have no configuration of their own. */
const NAMED_TYPES: Readonly<Record<string, string>> = {
  "envoy.cluster.static": "STATIC",
  "envoy.cluster.strict_dns": "STRICT_DNS",
  "envoy.cluster.logical_dns": "LOGICAL_DNS",
  "envoy.cluster.eds": "EDS",
  "envoy.cluster.original_dst": "ORIGINAL_DST",
};

const ORIGINAL_DST_HEADER = "x-envoy-original-dst-host";
const DEFAULT_CLEANUP_INTERVAL_MS = 5000;

/** What planning the discovery of a cluster needs of the rest of the configuration. */
export interface DiscoveryPlanContext {
  readonly addDnsCache: AddDnsCache;
  /**
   * What a file says of the endpoints of a service; null, after a report on the node, when nothing. The node is that
   * of the configuration source.
   */
  readonly readEndpoints: (node: ConfigNode, path: string, serviceName: string) => EndpointsPlan | null;
  /** The resolver of the bootstrap. */
  readonly dnsResolver: ResolverPlan;
}

/** What of a cluster's plan says where its hosts come from. */
export interface DiscoveryPart {
  readonly type: DiscoveryType;
  readonly dns: DnsPlan;
  readonly eds: EdsPlan | null;
  readonly provided: ProvidedPlan | null;
}

/** Null after an error was reported. */
export function planDiscovery(node: ConfigNode, context: DiscoveryPlanContext): DiscoveryPart | null {
  const part = planAny(node, context);
  if (part?.type !== "STRICT_DNS" && part?.type !== "LOGICAL_DNS") {
    node.accept("wait_for_warm_on_init", "hosts that need no look-up are there at once");
  }
  return part;
}

function planAny(node: ConfigNode, context: DiscoveryPlanContext): DiscoveryPart | null {
  const custom = node.message("cluster_type");
  if (custom === null) return planType(node, node.enum("type"), "type", context);
  const name = custom.string("name");
  const config = custom.any("typed_config");
  switch (config?.typeName) {
    case DNS_CLUSTER:
      return planDnsCluster(node, config, context);
    case AGGREGATE_CLUSTER:
      return providedPart(planAggregate(config));
    case COMPOSITE_CLUSTER:
      return providedPart(planComposite(config));
    case DYNAMIC_FORWARD_PROXY_CLUSTER: {
      const plan = planDynamicForwardProxy(node, config, context);
      return plan === null ? null : providedPart(plan);
    }
  }
  const named = NAMED_TYPES[name];
  if (named !== undefined) return planType(node, named, "cluster_type", context);
  custom.error("config/unsupported", `cluster type '${name}' is not supported yet`, { field: "name" });
  return null;
}

function planType(node: ConfigNode, type: string, field: string, context: DiscoveryPlanContext): DiscoveryPart | null {
  if (type !== "ORIGINAL_DST") node.accept("cleanup_interval", "it concerns ORIGINAL_DST clusters only");
  switch (type) {
    case "STATIC":
      planClusterDns(node, context);
      return { type, dns: DEFAULT_DNS_PLAN, eds: null, provided: null };
    case "STRICT_DNS":
    case "LOGICAL_DNS":
      return { type, dns: planClusterDns(node, context), eds: null, provided: null };
    case "EDS": {
      planClusterDns(node, context);
      const eds = planEds(node, context);
      return eds === null ? null : { type, dns: DEFAULT_DNS_PLAN, eds, provided: null };
    }
    case "ORIGINAL_DST":
      return providedPart(planOriginalDst(node));
    default:
      node.error("config/unsupported", `clusters of type ${type} are not supported yet`, {
        field,
        help: "use STATIC, STRICT_DNS, LOGICAL_DNS or EDS",
      });
      return null;
  }
}

function providedPart(provided: ProvidedPlan): DiscoveryPart {
  return { type: provided.type, dns: DEFAULT_DNS_PLAN, eds: null, provided };
}

function planEds(node: ConfigNode, context: DiscoveryPlanContext): EdsPlan | null {
  const config = node.message("eds_cluster_config");
  const source = config?.message("eds_config") ?? null;
  if (config === null || source === null) {
    node.error("config/missing-field", "an EDS cluster needs an eds_cluster_config with an eds_config", {
      field: config === null ? "type" : "eds_cluster_config",
    });
    return null;
  }
  source.accept("resource_api_version", "there is one version of the API");
  const serviceName = config.string("service_name") || node.string("name");
  const file = source.message("path_config_source");
  file?.accept("watched_directory", "files are noticed however they are replaced");
  file?.accept("poll_interval", "files are watched, and looked at every 5 s besides");
  const path = file?.string("path") ?? source.string("path");
  for (const field of ["ads", "api_config_source", "self"]) {
    source.refuse(field, "endpoints come from files so far", "use path_config_source");
  }
  if (path === "") return null;
  return {
    serviceName,
    path,
    initial: context.readEndpoints(file ?? source, path, serviceName),
    initialFetchTimeoutMs: source.durationMs("initial_fetch_timeout", 15_000),
  };
}

function planOriginalDst(node: ConfigNode): OriginalDstPlan {
  const config = node.message("original_dst_lb_config");
  const useHeader = config?.bool("use_http_header") ?? false;
  const headerName = config?.string("http_header_name") ?? "";
  if (!useHeader && headerName !== "") {
    config!.error("config/conflict", `http_header_name is ${headerName} and use_http_header is false`, {
      field: "http_header_name",
      help: "set `use_http_header: true`",
    });
  }
  const port = config?.number("upstream_port_override", -1) ?? -1;
  return {
    type: "ORIGINAL_DST",
    headerName: !useHeader ? "" : headerName === "" ? ORIGINAL_DST_HEADER : headerName.toLowerCase(),
    metadataKey: planMetadataKey(config?.message("metadata_key") ?? null),
    port: port < 0 ? null : port,
    cleanupIntervalMs: node.durationMs("cleanup_interval", DEFAULT_CLEANUP_INTERVAL_MS),
  };
}

function planAggregate(config: ConfigNode): AggregatePlan {
  return { type: "AGGREGATE", clusters: config.strings("clusters") };
}

function planComposite(config: ConfigNode): CompositePlan {
  return { type: "COMPOSITE", clusters: config.messages("clusters").map((entry) => entry.string("name")) };
}

function planDynamicForwardProxy(
  node: ConfigNode,
  config: ConfigNode,
  context: DiscoveryPlanContext,
): DynamicForwardProxyPlan | null {
  config.accept("allow_insecure_cluster_options", "names in certificates are not asked for by plain upstreams");
  config.accept("allow_coalesced_connections", "only connections with TLS are shared by names");
  const subs = config.message("sub_clusters_config");
  const cache = config.message("dns_cache_config");
  if (subs !== null) {
    const subClusters = planSubClusters(node, subs, context);
    return { type: "DYNAMIC_FORWARD_PROXY", dnsCache: null, subClusters };
  }
  if (cache === null) {
    config.error(
      "config/missing-field",
      "a dynamic_forward_proxy cluster needs a dns_cache_config or a sub_clusters_config",
    );
    return null;
  }
  const dnsCache = planDnsCache(cache, context.dnsResolver);
  context.addDnsCache(cache, dnsCache);
  return { type: "DYNAMIC_FORWARD_PROXY", dnsCache, subClusters: null };
}

function planSubClusters(node: ConfigNode, subs: ConfigNode, context: DiscoveryPlanContext): SubClustersPlan {
  const policy = subs.enum("lb_policy");
  if (policy === "CLUSTER_PROVIDED") {
    subs.error("config/conflict", "clusters of one host do not choose hosts themselves", {
      field: "lb_policy",
      help: "use ROUND_ROBIN",
    });
  }
  const dns = subs.message("dns_cluster_config");
  const own = planClusterDns(node, context);
  return {
    maxSubClusters: subs.number("max_sub_clusters", 1024),
    ttlMs: subs.durationMs("sub_cluster_ttl", 300_000),
    loadBalancing: planSubClusterPolicy(node, policy),
    dns: dns === null ? own : planDnsCluster(node, dns, context).dns,
    preresolve: subs.messages("preresolve_clusters").map((host) => {
      host.accept("protocol", "it is the host's name that counts");
      return { address: host.string("address"), port: host.number("port_value") };
    }),
  };
}

function planClusterDns(node: ConfigNode, context: DiscoveryPlanContext): DnsPlan {
  const waitsForWarm = node.bool("wait_for_warm_on_init", true);
  const resolver = planResolver(node, context.dnsResolver);
  const lookupFamily = node.enum("dns_lookup_family") as DnsLookupFamily;
  return { ...planDns(node), lookupFamily, waitsForWarm, resolver };
}

function planDnsCluster(node: ConfigNode, config: ConfigNode, context: DiscoveryPlanContext): DiscoveryPart {
  const family = config.enum("dns_lookup_family");
  const dns: DnsPlan = {
    ...planDns(config),
    minRefreshRateMs: config.durationMs("dns_min_refresh_rate", DEFAULT_DNS_PLAN.minRefreshRateMs),
    lookupFamily: family === "UNSPECIFIED" ? "AUTO" : family as DnsLookupFamily,
    waitsForWarm: node.bool("wait_for_warm_on_init", true),
    resolver: planResolver(config, context.dnsResolver),
  };
  const type = config.bool("all_addresses_in_single_endpoint") ? "LOGICAL_DNS" : "STRICT_DNS";
  return { type, dns, eds: null, provided: null };
}
/** The fields that a Cluster and a DnsCluster have in common. */
function planDns(node: ConfigNode): Omit<DnsPlan, "lookupFamily" | "waitsForWarm" | "resolver"> {
  return {
    refreshRateMs: node.durationMs("dns_refresh_rate", DEFAULT_DNS_PLAN.refreshRateMs),
    jitterMs: node.durationMs("dns_jitter", 0),
    failureRefresh: planFailureRefresh(node),
    respectTtl: node.bool("respect_dns_ttl"),
    minRefreshRateMs: DEFAULT_DNS_PLAN.minRefreshRateMs,
  };
}
