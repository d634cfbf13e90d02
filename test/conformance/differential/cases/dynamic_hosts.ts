// test/conformance/differential/cases/dynamic_hosts.ts: clusters of clusters, hosts that requests name, names that are looked up.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions, indent } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const CLUSTERS = "type.googleapis.com/envoy.extensions.clusters";
const FILTER = "type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3";
const CARES = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig";

/** Nobody answers there, and nobody is asked anywhere else. */
const NO_SERVER = `typed_dns_resolver_config:
  name: envoy.network.dns_resolver.cares
  typed_config:
    "@type": ${CARES}
    resolvers: [ { socket_address: { address: 127.0.0.1, port_value: @nameserver@ } } ]
    dns_resolver_options: { use_tcp_for_dns_lookups: true, no_default_search_domain: true }
    query_tries: 1`;

function get(target: string, more = "", host = "a.example"): string {
  return `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
}

function aggregate(name: string, members: readonly string[], more = ""): string {
  return `- name: ${name}
  connect_timeout: 2s
  lb_policy: CLUSTER_PROVIDED
  cluster_type:
    name: envoy.clusters.aggregate
    typed_config: { "@type": ${CLUSTERS}.aggregate.v3.ClusterConfig, clusters: [ ${members.join(", ")} ] }
${more}`.trimEnd() + "\n";
}

function originalDst(name: string, config: string): string {
  return `- { name: ${name}, type: ORIGINAL_DST, connect_timeout: 2s, cleanup_interval: 600s, lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: { ${config} } }\n`;
}

function dnsCache(name: string, more: string): string {
  return `dns_cache_config:
  name: ${name}
  dns_lookup_family: V4_ONLY
${indent(more, 2)}${indent(NO_SERVER, 2)}`;
}

function forward(name: string, cache: string): string {
  return `- name: ${name}
  connect_timeout: 2s
  lb_policy: CLUSTER_PROVIDED
  cluster_type:
    name: envoy.clusters.dynamic_forward_proxy
    typed_config:
      "@type": ${CLUSTERS}.dynamic_forward_proxy.v3.ClusterConfig
${indent(cache, 6)}`;
}

function forwardFilter(name: string, cache: string): string {
  return `- name: ${name}
  typed_config:
    "@type": ${FILTER}.FilterConfig
${indent(cache, 4)}`;
}

const rewrite = (field: string): string =>
  `typed_per_filter_config: { wide: { "@type": ${FILTER}.PerRouteConfig, ${field} } }`;

const WIDE = dnsCache("wide", "");
const NARROW = dnsCache("narrow", "max_hosts: 1");
const STILL = dnsCache("still", "dns_cache_circuit_breaker: { max_pending_requests: 0 }");
const GUARDED = dnsCache(
  "guarded",
  "resolved_address_filter: { ranges: [ { address_prefix: 127.0.0.0, prefix_len: 8 } ] }",
);

function listed(name: string, file: string): string {
  return `- name: ${name}
  type: EDS
  connect_timeout: 2s
  common_lb_config: { healthy_panic_threshold: { value: 0 } }
  eds_cluster_config:
    service_name: service
    eds_config: { initial_fetch_timeout: 0.2s, path_config_source: { path: FOLDER/${file} } }\n`;
}

/** A cluster that turns requests away. */
function dropping(name: string, percent: number): string {
  const policy = `policy: { drop_overloads: [ { category: c, drop_percentage: { numerator: ${percent} } } ] }`;
  return cluster(name, "", "u").replace("load_assignment:\n", `load_assignment:\n    ${policy}\n`);
}

const UNHEALTHY = "lb_endpoints: [ { health_status: UNHEALTHY, ";
const NO_PANIC = "  common_lb_config: { healthy_panic_threshold: { value: 0 } }";

export const dynamicHosts: Group = {
  name: "dynamic_hosts",
  listeners: ["main", "narrow", "still", "guarded", "apart"],
  upstreams: ["u", "v"],
  files: {
    "listed.yaml": `version_info: "1"
resources:
- "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name: service
  endpoints:
  - lb_endpoints: [ { health_status: UNHEALTHY, endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @u@ } } } } ]
  - { priority: 1, lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @v@ } } } } ] }
`,
    "unlisted.yaml": 'version_info: "1"\nresources: []\n',
  },
  yaml: "node: { id: id, cluster: cluster }\n" + bootstrap([
    httpListener("main", {
      filters: forwardFilter("wide", WIDE),
      routes: `- { name: first, match: { prefix: /first }, route: { cluster: first } }
- { name: second, match: { prefix: /second }, route: { cluster: second } }
- { name: missing, match: { prefix: /missing }, route: { cluster: missing } }
- { name: none, match: { prefix: /none }, route: { cluster: none } }
- { name: nested, match: { prefix: /nested }, route: { cluster: nested } }
- { name: refused, match: { prefix: /refused }, route: { cluster: refused } }
- { name: full, match: { prefix: /full }, route: { cluster: full } }
- { name: own, match: { prefix: /own }, route: { cluster: own } }
- { name: brief, match: { prefix: /brief }, route: { cluster: brief } }
- { name: rows, match: { prefix: /rows }, route: { cluster: rows } }
- { name: again, match: { prefix: /again }, route: { cluster: first, timeout: 0s, retry_policy: { retry_on: "5xx" } } }
- { name: asked, match: { prefix: /asked }, route: { cluster: asked } }
- { name: port, match: { prefix: /port }, route: { cluster: port } }
- { name: literal, match: { prefix: /literal }, route: { cluster: forward }, ${
        rewrite('host_rewrite_literal: "127.0.0.1:@v@"')
      } }
- { name: header, match: { prefix: /header }, route: { cluster: forward }, ${rewrite("host_rewrite_header: x-to")} }
- { name: forward, match: { prefix: /forward }, route: { cluster: forward } }
- { name: unserved, match: { prefix: /unserved }, route: { cluster: unserved } }
- { name: logical, match: { prefix: /logical }, route: { cluster: logical } }
- { name: either, match: { prefix: /either }, route: { cluster: either } }
- { name: listed, match: { prefix: /listed }, route: { cluster: listed } }
- { name: unlisted, match: { prefix: /unlisted }, route: { cluster: unlisted } }
- { name: dropped, match: { prefix: /dropped }, route: { cluster: dropped } }
- { name: spared, match: { prefix: /spared }, route: { cluster: spared } }`,
    }),
    httpListener("narrow", {
      filters: forwardFilter("narrow", NARROW),
      routes: "- { match: { prefix: / }, route: { cluster: narrow } }",
    }),
    httpListener("still", {
      filters: forwardFilter("still", STILL),
      routes: "- { match: { prefix: / }, route: { cluster: still } }",
    }),
    httpListener("guarded", {
      filters: forwardFilter("guarded", GUARDED),
      routes: "- { match: { prefix: / }, route: { cluster: guarded } }",
    }),
    httpListener("apart", {
      filters: forwardFilter("apart", "sub_cluster_config: { cluster_init_timeout: 4s }"),
      routes: "- { match: { prefix: / }, route: { cluster: apart } }",
    }),
  ], [
    cluster("u"),
    cluster("v"),
    cluster("sick", NO_PANIC, "u").replace("lb_endpoints: [ { ", UNHEALTHY),
    cluster("dead"),
    cluster("busy", "  circuit_breakers: { thresholds: [ { max_requests: 1 } ] }", "u"),
    cluster("ranked", NO_PANIC, "u").replace("lb_endpoints: [ { ", UNHEALTHY).replace(
      "} } } } ] } ]",
      "} } } } ] }, { priority: 1, lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @v@ } } } } ] } ]",
    ),
    aggregate("first", ["u", "v"]),
    aggregate("second", ["sick", "v"]),
    aggregate("missing", ["gone", "v"]),
    aggregate("none", ["gone"]),
    aggregate("nested", ["first"]),
    aggregate("refused", ["dead", "v"]),
    aggregate("full", ["busy"]),
    aggregate("own", ["v"], "  circuit_breakers: { thresholds: [ { max_requests: 1 } ] }"),
    cluster(
      "impatient",
      httpProtocolOptions(`explicit_http_config: { http_protocol_options: {} }
common_http_protocol_options: { max_stream_duration: 0.3s }`),
      "u",
    ),
    aggregate("brief", ["impatient"]),
    aggregate("rows", ["sick", "ranked"]),
    originalDst("asked", "use_http_header: true"),
    originalDst("port", "use_http_header: true, http_header_name: x-to, upstream_port_override: @v@"),
    forward("forward", WIDE),
    forward("narrow", NARROW),
    forward("still", STILL),
    forward("guarded", GUARDED),
    `${forward("apart", "sub_clusters_config: { max_sub_clusters: 3 }")}  dns_lookup_family: V4_ONLY\n${
      indent(NO_SERVER, 2)
    }`,
    cluster("unserved", `  type: STRICT_DNS\n  dns_lookup_family: V4_ONLY\n${indent(NO_SERVER, 2)}`).replace(
      "address: 127.0.0.1, port_value: @unserved@",
      "address: unserved.example, port_value: 80",
    ),
    cluster("logical", `  type: LOGICAL_DNS\n  dns_lookup_family: V4_ONLY\n${indent(NO_SERVER, 2)}`, "u").replace(
      "address: 127.0.0.1, port_value: @u@",
      "address: localhost, port_value: @u@",
    ),
    listed("listed", "listed.yaml"),
    listed("unlisted", "unlisted.yaml"),
    dropping("dropped", 100),
    dropping("spared", 0),
    cluster("either", "", "u").replace(
      "address: { socket_address: { address: 127.0.0.1, port_value: @u@ } }",
      'address: { socket_address: { address: "::1", port_value: @u@ } }, additional_addresses: [ { address: { socket_address: { address: 127.0.0.1, port_value: @u@ } } } ]',
    ),
  ]),
  exchanges: [
    { name: "aggregate: the first member takes everything", client: get("/first") },
    { name: "aggregate: a member without healthy hosts is passed over", client: get("/second") },
    { name: "aggregate: a member that there is not is passed over", client: get("/missing") },
    { name: "aggregate: no member is there", client: get("/none") },
    { name: "aggregate: another aggregate is no member", client: get("/nested") },
    { name: "aggregate: a host that refuses is no reason to go on to the next member", client: get("/refused") },
    {
      name: "aggregate: the limits of the member hold",
      client: [get("/full/1"), "response"],
      others: [[{ seen: 1 }, get("/full/2"), "response"]],
      upstreams: { u: { http: [{ steps: [{ pause: 200 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "aggregate: the limits of the aggregate do not",
      client: [get("/own/1"), "response"],
      others: [[{ seen: 1 }, get("/own/2"), "response"]],
      upstreams: { v: { http: [{ steps: [{ pause: 200 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "aggregate: streams last no longer than the member allows",
      client: get("/brief"),
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    { name: "aggregate: priorities of members stand in a row", client: get("/rows") },
    {
      name: "aggregate: a response that is tried again",
      client: get("/again"),
      upstreams: {
        u: { http: ["HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] },
      },
    },
    { name: "original_dst: by header", client: get("/asked", "x-envoy-original-dst-host: 127.0.0.1:@u@\r\n") },
    { name: "original_dst: another address", client: get("/asked", "x-envoy-original-dst-host: 127.0.0.1:@v@\r\n") },
    { name: "original_dst: nothing says where", client: get("/asked") },
    {
      name: "original_dst: an address without a port",
      client: get("/asked", "x-envoy-original-dst-host: 127.0.0.1\r\n"),
    },
    { name: "original_dst: a name", client: get("/asked", "x-envoy-original-dst-host: localhost:@u@\r\n") },
    { name: "original_dst: nonsense", client: get("/asked", "x-envoy-original-dst-host: a b c\r\n") },
    { name: "original_dst: nobody there", client: get("/asked", "x-envoy-original-dst-host: 127.0.0.1:@dead@\r\n") },
    {
      name: "original_dst: the first of two headers",
      client: get("/asked", "x-envoy-original-dst-host: 127.0.0.1:@v@\r\nx-envoy-original-dst-host: 127.0.0.1:@u@\r\n"),
    },
    {
      name: "original_dst: another header, and a port of the configuration",
      client: get("/port", "x-to: 127.0.0.1:9\r\n"),
    },
    { name: "forward: an address", client: get("/forward", "", "127.0.0.1:@u@") },
    { name: "forward: the same again", client: get("/forward", "", "127.0.0.1:@u@") },
    { name: "forward: a name", client: get("/forward", "", "localhost:@u@") },
    { name: "forward: a name below localhost", client: get("/forward", "", "A.localhost:@v@") },
    { name: "forward: a name that there is not", client: get("/forward", "", "nowhere.onion") },
    { name: "forward: it is remembered", client: get("/forward", "", "nowhere.onion") },
    { name: "forward: name servers that cannot be reached", client: get("/forward", "", "unserved.example:81") },
    { name: "forward: an address of the other family", client: get("/forward", "", "[::1]:@u@") },
    { name: "forward: no name at all", client: get("/forward", "", "a..b") },
    { name: "forward: nobody there", client: get("/forward", "", "127.0.0.1:@dead@") },
    { name: "forward: an empty host", client: get("/forward", "", "") },
    { name: "forward: the route's host", client: get("/literal", "", "localhost:@u@") },
    { name: "forward: the host of a header", client: get("/header", "x-to: 127.0.0.1:@v@\r\n") },
    { name: "forward: the header is not there", client: get("/header", "", "127.0.0.1:@u@") },
    {
      name: "forward: the header comes twice",
      client: get("/header", "x-to: 127.0.0.1:@v@\r\nx-to: 127.0.0.1:@u@\r\n"),
    },
    {
      name: "forward: a body waits for the look-up",
      client: "POST /forward HTTP/1.1\r\nHost: B.localhost:@u@\r\ncontent-length: 5\r\n\r\nhello",
    },
    { name: "forward: a cache that is full", listener: "narrow", client: get("/", "", "127.0.0.1:@u@") },
    { name: "forward: no room for another name", listener: "narrow", client: get("/", "", "127.0.0.1:@v@") },
    { name: "forward: what is in the cache still goes", listener: "narrow", client: get("/", "", "127.0.0.1:@u@") },
    { name: "forward: no request may wait", listener: "still", client: get("/", "", "127.0.0.1:@u@") },
    {
      name: "forward: an address that names must not have",
      listener: "guarded",
      client: get("/", "", "localhost:@u@"),
    },
    { name: "forward: a cluster for an address", listener: "apart", client: get("/", "", "127.0.0.1:@u@") },
    { name: "forward: it is there already", listener: "apart", client: get("/", "", "127.0.0.1:@u@") },
    { name: "forward: a cluster for a name", listener: "apart", client: get("/", "", "localhost:@v@") },
    { name: "forward: a cluster that finds no address", listener: "apart", client: get("/", "", "nowhere.onion") },
    { name: "forward: a cluster too many", listener: "apart", client: get("/", "", "127.0.0.1:@v@") },
    { name: "dns: no name server answers", client: get("/unserved") },
    { name: "dns: a name that the machine knows", client: get("/logical") },
    { name: "eds: endpoints of a file, with priorities", client: get("/listed") },
    { name: "eds: a file without endpoints", client: get("/unlisted") },
    { name: "drop_overloads: everything is turned away", client: get("/dropped") },
    { name: "drop_overloads: nothing is", client: get("/spared") },
    { name: "addresses: the first of two does not answer", client: get("/either") },
  ],
};
