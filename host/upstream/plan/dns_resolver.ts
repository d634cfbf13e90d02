// host/upstream/plan/dns_resolver.ts: which name servers a cluster or a cache asks.
// pure: no I/O, no clock, no runtime globals
/**
 * `typed_dns_resolver_config` counts before `dns_resolution_config`, that before `dns_resolvers`, and what the
 * bootstrap says after all of them.
 *
 * @see Envoy: source/common/network/dns_resolver/dns_factory_util.cc
 * @module
 */
import { parseIp } from "../../base/ip.ts";
import type { ConfigNode } from "../../config/node.ts";
import { DEFAULT_RESOLVER_PLAN, type DnsResolverPlan } from "../../net/dns.ts";
import type { ResolverPlan } from "../dns_plan.ts";

const RESOLVERS = "envoy.extensions.network.dns_resolver";
const CARES = `${RESOLVERS}.cares.v3.CaresDnsResolverConfig`;
const GET_ADDR_INFO = `${RESOLVERS}.getaddrinfo.v3.GetAddrInfoDnsResolverConfig`;
const APPLE = `${RESOLVERS}.apple.v3.AppleDnsResolverConfig`;

const DNS_PORT = 53;

/** Of a Cluster, a DnsCluster, a DnsCacheConfig or the Bootstrap; `fallback` when it says nothing. */
export function planResolver(node: ConfigNode, fallback: ResolverPlan = null): ResolverPlan {
  const typed = node.message("typed_dns_resolver_config");
  const useTcp = hasField(node, "use_tcp_for_dns_lookups") && node.bool("use_tcp_for_dns_lookups");
  const resolution = hasField(node, "dns_resolution_config") ? node.message("dns_resolution_config") : null;
  if (typed !== null) return planTyped(typed, fallback);
  if (resolution !== null) {
    const options = planOptions(resolution.message("dns_resolver_options"));
    return { ...DEFAULT_RESOLVER_PLAN, servers: planServers(resolution, "resolvers"), ...options };
  }
  const servers = hasField(node, "dns_resolvers") ? planServers(node, "dns_resolvers") : [];
  if (servers.length === 0 && !useTcp) return fallback;
  return { ...DEFAULT_RESOLVER_PLAN, servers, useTcp };
}

/** Fields that not all of the messages have. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  "envoy.config.cluster.v3.Cluster": ["dns_resolvers", "use_tcp_for_dns_lookups", "dns_resolution_config"],
  "envoy.config.bootstrap.v3.Bootstrap": ["use_tcp_for_dns_lookups", "dns_resolution_config"],
  "envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig": [
    "use_tcp_for_dns_lookups",
    "dns_resolution_config",
  ],
};

function hasField(node: ConfigNode, field: string): boolean {
  return FIELDS[node.typeName]?.includes(field) ?? false;
}

function planTyped(node: ConfigNode, fallback: ResolverPlan): ResolverPlan {
  node.accept("name", "the type of typed_config says which resolver it is");
  const config = node.any("typed_config");
  switch (config?.typeName) {
    case CARES:
      return planCares(config);
    case GET_ADDR_INFO:
      return unsupported(node, fallback, "getaddrinfo cannot be asked for times to live or by several threads");
    case APPLE:
      return unsupported(node, fallback, "Apple's DNS is there on Apple's systems only");
    default:
      return unsupported(node, fallback, `DNS resolver '${config?.typeName ?? ""}' is not known`);
  }
}

function unsupported(node: ConfigNode, fallback: ResolverPlan, message: string): ResolverPlan {
  node.error("config/unsupported", message, {
    field: "typed_config",
    help: `use ${CARES}, or remove it: the machine's name servers are asked by default`,
  });
  return fallback;
}

function planCares(config: ConfigNode): DnsResolverPlan {
  config.accept("udp_max_queries", "each query has a socket of its own");
  config.accept("max_udp_channel_duration", "each query has a socket of its own");
  config.accept("reinit_channel_on_timeout", "each query has a socket of its own");
  config.accept("edns0_max_payload_size", "what is larger than 512 bytes comes by TCP");
  config.refuse("qcache_max_ttl", "answers are not cached below the clusters that ask", "remove it");
  return {
    ...DEFAULT_RESOLVER_PLAN,
    servers: planServers(config, "resolvers"),
    serversAsFallback: config.bool("use_resolvers_as_fallback"),
    filterUnroutableFamilies: config.bool("filter_unroutable_families"),
    timeoutMs: config.number("query_timeout_seconds", DEFAULT_RESOLVER_PLAN.timeoutMs / 1000) * 1000,
    tries: config.number("query_tries", DEFAULT_RESOLVER_PLAN.tries),
    rotate: config.bool("rotate_nameservers"),
    ...planOptions(config.message("dns_resolver_options")),
  };
}

function planOptions(node: ConfigNode | null): Pick<DnsResolverPlan, "useTcp" | "useSearchDomains"> {
  return {
    useTcp: node?.bool("use_tcp_for_dns_lookups") ?? false,
    useSearchDomains: !(node?.bool("no_default_search_domain") ?? false),
  };
}

function planServers(node: ConfigNode, field: string): string[] {
  return node.messages(field).flatMap((item) => {
    const socket = item.message("socket_address");
    if (socket === null) {
      item.error("config/bad-address", "a name server needs a socket_address");
      return [];
    }
    socket.accept("protocol", "dns_resolver_options say whether TCP is used");
    const address = socket.string("address");
    const port = socket.number("port_value") || DNS_PORT;
    const ip = parseIp(address);
    if (ip === null) {
      socket.error("config/bad-address", `'${address}' is no IP address`, { field: "address" });
      return [];
    }
    return ip.version === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  });
}
