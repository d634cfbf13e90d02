// test/host/upstream/plan/cluster.test.ts: Cluster messages to plans, with every problem at its position.
import { Runtime } from "../../../../host/base/runtime.ts";
import { liveOutlierDetection } from "../../../../host/upstream/outlier/runtime.ts";
import { setRuntime } from "../../base/runtime_fixture.ts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import { unreadFields } from "../../../../host/config/unread.ts";
import { HTTP1_CLIENT_DEFAULTS } from "../../../../host/http/h1/options.ts";
import { HTTP2_DEFAULTS } from "../../../../host/http/h2/options.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { compileMatchPredicate } from "../../../../host/matching/match_predicate.ts";
import { DEFAULT_OUTLIER_DETECTION } from "../../../../host/upstream/outlier/plan.ts";
import { DEFAULT_RESOLVER_PLAN, type DnsResolverPlan } from "../../../../host/net/dns.ts";
import { DEFAULT_DNS_PLAN } from "../../../../host/upstream/dns_plan.ts";
import {
  type ClusterPlan,
  createClusterPlan,
  DEFAULT_CONNECTION_PLAN,
  DEFAULT_THRESHOLDS,
} from "../../../../host/upstream/plan.ts";
import { NO_ENDPOINTS } from "../../../../host/upstream/plan/endpoints.ts";
import { planCluster } from "../../../../host/upstream/plan/cluster.ts";

const registry = loadRegistry();

interface Planned {
  readonly plan: ClusterPlan | null;
  /** `severity code path: message` of each diagnostic, unread fields among them. */
  readonly problems: string[];
}

/** Plans a cluster of which `yaml` gives the fields. */
function plan(yaml: string): Planned {
  const { root, diagnostics } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml });
  const result = root === null ? null : planCluster(root);
  const all = [
    ...diagnostics.all.filter((item) => item.code !== "config/deprecated-field"),
    ...(root === null ? [] : unreadFields(root)),
  ];
  return {
    plan: result,
    problems: all.filter((item) => item.severity !== "note").map((item) =>
      `${item.severity} ${item.code} ${item.at}: ${item.message}`
    ),
  };
}

/** The plan of a cluster that has no problems. */
function good(yaml: string): ClusterPlan {
  const { plan: result, problems } = plan(yaml);
  assert.equal(problems, []);
  return result!;
}

const ENDPOINTS = `
load_assignment:
  cluster_name: a
  endpoints:
  - lb_endpoints:
    - endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: 80 } } }
`;
const OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const http = (fields: string): string =>
  `name: a\ntyped_extension_protocol_options: { o: { "@type": ${OPTIONS}, ${fields} } }\n`;
const policy = (type: string, fields = ""): string =>
  `{ typed_extension_config: { name: x, typed_config: { "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.${type}${fields} } } }`;

test("retry budgets", () => {
  const budgets = (yaml: string) => {
    const { default: thresholds, high } = good(`name: a\n${yaml}`).circuitBreakers;
    return [thresholds.retryBudget, high.retryBudget];
  };
  const budget = "{ budget_percent: { value: 12.5 }, min_retry_concurrency: 7, budget_interval: 2s }";
  assert.equal(budgets("circuit_breakers: { thresholds: [{ retry_budget: {} }] }"), [
    { budgetPercent: 20, minRetryConcurrency: 3, intervalMs: 0 },
    null,
  ]);
  assert.equal(budgets(`circuit_breakers: { thresholds: [{ priority: HIGH, retry_budget: ${budget} }] }`), [
    null,
    { budgetPercent: 12.5, minRetryConcurrency: 7, intervalMs: 2000 },
  ]);
});

test("how long a peer may not read", () => {
  assert.is(good("name: a").fullBufferTimeoutMs, 0);
  assert.is(good("name: a\nper_connection_buffer_high_watermark_timeout: 5s").fullBufferTimeoutMs, 5000);
});

test("what requests are sent by", () => {
  const pools = (name: string, type: string) =>
    plan(`name: a
upstream_config: { name: ${name}, typed_config: { "@type": type.googleapis.com/envoy.extensions.upstreams.${type} } }`);
  assert.is(good("name: a").upstreamPools, "generic");
  assert.is(pools("x", "http.generic.v3.GenericConnectionPoolProto").plan!.upstreamPools, "generic");
  assert.is(pools("x", "tcp.generic.v3.GenericConnectionPoolProto").plan!.upstreamPools, "generic");
  assert.is(pools("x", "http.tcp.v3.TcpConnectionPoolProto").plan!.upstreamPools, "tcp");
  assert.is(pools("x", "http.http.v3.HttpConnectionPoolProto").plan!.upstreamPools, "http");
  assert.equal(pools("x", "http.udp.v3.UdpConnectionPoolProto").problems, [
    "error config/unsupported upstream_config.name: connection pools 'x' are not supported",
  ]);
});

test("which statistics are kept", () => {
  assert.is(good("name: a").statsMatcher, null);
  assert.is(good("name: a\nstats_matcher: { reject_all: false }").statsMatcher, null);
  assert.equal(good("name: a\nstats_matcher: { reject_all: true }").statsMatcher, {
    keepsMatching: true,
    patterns: [],
  });
  const patterns = [{ kind: "suffix", value: "x", ignoreCase: false }];
  assert.equal(good("name: a\nstats_matcher: { inclusion_list: { patterns: [{ suffix: x }] } }").statsMatcher, {
    keepsMatching: true,
    patterns,
  });
  assert.equal(good("name: a\nstats_matcher: { exclusion_list: { patterns: [{ suffix: x }] } }").statsMatcher, {
    keepsMatching: false,
    patterns,
  });
});

test("those who wait are served in the order in which they came, and in no other", () => {
  const policy = (name: string, type: string) =>
    plan(`name: a
queuing_policies: { pending_rq_policy: { name: ${name}, typed_config: { "@type": type.googleapis.com/${type} } } }`)
      .problems;
  assert.equal(policy("envoy.queue_policy.fifo", "envoy.extensions.queue_policy.fifo.v3.FifoQueuePolicyConfig"), []);
  assert.equal(policy("other", "google.protobuf.Struct"), [
    "error config/unsupported queuing_policies.pending_rq_policy.name: there is no queue policy 'other'",
  ]);
});

test("connections that clients do not share", () => {
  assert.is(good("name: a").poolPerDownstreamConnection, false);
  assert.is(good("name: a\nconnection_pool_per_downstream_connection: true").poolPerDownstreamConnection, true);
});

test("statistics that are kept only when asked for", () => {
  assert.equal(good("name: a").trackedStats, { timeoutBudgets: false, messageSizes: false, endpoints: false });
  assert.is(good("name: a\ntrack_timeout_budgets: true").trackedStats.timeoutBudgets, true);
  assert.equal(
    good("name: a\ntrack_cluster_stats: { timeout_budgets: true, request_response_sizes: true }").trackedStats,
    { timeoutBudgets: true, messageSizes: true, endpoints: false },
  );
  assert.is(good("name: a\ntrack_cluster_stats: { per_endpoint_stats: true }").trackedStats.endpoints, true);
});

test("a bare cluster has Envoy's defaults", () => {
  assert.equal(good("name: a"), createClusterPlan("a"));
});

test("the usual fields", () => {
  const result = good(`
name: "a:b"
alt_stat_name: "stat:name"
type: strict_dns
connect_timeout: 0.25s
per_connection_buffer_limit_bytes: 32768
preconnect_policy: { per_upstream_preconnect_ratio: 2.5 }
dns_refresh_rate: 10s
dns_jitter: 1s
dns_failure_refresh_rate: { base_interval: 1s, max_interval: 20s }
respect_dns_ttl: true
dns_lookup_family: V4_PREFERRED
upstream_connection_options: { tcp_keepalive: { keepalive_time: 60 } }
metadata: { filter_metadata: { envoy.x: { k: [1, v] } } }
common_lb_config: { healthy_panic_threshold: { value: 20 } }
circuit_breakers:
  thresholds:
  - { max_connections: 1, max_pending_requests: 2, max_requests: 3, max_retries: 4, max_connection_pools: 5, track_remaining: true }
  - { priority: HIGH, max_connections: 9 }
  - { max_connections: 7 }
  per_host_thresholds: [{ max_connections: 5 }]
load_assignment:
  cluster_name: other
  policy: { overprovisioning_factor: 200 }
  endpoints:
  - locality: { region: r, zone: z, sub_zone: s }
    metadata: { filter_metadata: { near: { k: v } } }
    load_balancing_weight: 3
    priority: 1
    lb_endpoints:
    - endpoint: { hostname: h, address: { socket_address: { address: one.example, port_value: 80 } } }
      load_balancing_weight: 7
      health_status: DEGRADED
      metadata: { filter_metadata: { envoy.lb: { canary: true } } }
`);
  assert.equal(result, {
    ...createClusterPlan("a:b"),
    statName: "stat_name",
    observabilityName: "stat:name",
    type: "STRICT_DNS",
    connectTimeoutMs: 250,
    perConnectionBufferLimitBytes: 32768,
    overrideHostStatuses: ["UNKNOWN", "HEALTHY", "DEGRADED"],
    preconnect: { perUpstreamRatio: 2.5, predictiveRatio: 1, enabledMetadata: null },
    loadBalancing: {
      policy: "ROUND_ROBIN",
      panicThresholdPercent: 20,
      failTrafficOnPanic: false,
      localityWeighted: false,
    },
    localities: [{
      priority: 1,
      locality: { region: "r", zone: "z", subZone: "s" },
      weight: 3,
      endpoints: [{
        address: "one.example",
        port: 80,
        hostname: "h",
        weight: 7,
        health: "DEGRADED",
        metadata: { "envoy.lb": { canary: true } },
      }],
      metadata: { near: { k: "v" } },
    }],
    overprovisioningFactor: 200,
    circuitBreakers: {
      default: {
        maxConnections: 1,
        maxPendingRequests: 2,
        maxRequests: 3,
        maxRetries: 4,
        maxConnectionPools: 5,
        retryBudget: null,
        trackRemaining: true,
      },
      high: { ...DEFAULT_THRESHOLDS, maxConnections: 9 },
      maxConnectionsPerHost: 5,
    },
    dns: {
      refreshRateMs: 10_000,
      jitterMs: 1000,
      failureRefresh: { baseMs: 1000, maxMs: 20_000 },
      respectTtl: true,
      minRefreshRateMs: 0,
      lookupFamily: "V4_PREFERRED",
      waitsForWarm: true,
      resolver: null,
    },
    connection: { ...DEFAULT_CONNECTION_PLAN, tcpKeepalive: { timeSeconds: 60 } },
    metadata: { "envoy.x": { k: [1, "v"] } },
  });
});

test("a DnsCluster is STRICT_DNS, or LOGICAL_DNS with all_addresses_in_single_endpoint", () => {
  const dns = (fields: string): string =>
    `name: a\ncluster_type: { name: envoy.cluster.dns, typed_config: { "@type": type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster${fields} } }\n${
      ENDPOINTS.replace("10.0.0.1", "one.example")
    }`;
  const strict = good(dns(", dns_refresh_rate: 7s, dns_lookup_family: V6_ONLY"));
  assert.equal([strict.type, strict.dns.refreshRateMs, strict.dns.lookupFamily], ["STRICT_DNS", 7000, "V6_ONLY"]);
  const logical = good(dns(", all_addresses_in_single_endpoint: true"));
  assert.equal([logical.type, logical.dns.lookupFamily], ["LOGICAL_DNS", "AUTO"]);
});

test("HttpProtocolOptions: HTTP/1.1 and its options", () => {
  const result = good(http(
    "common_http_protocol_options: { idle_timeout: 5s, max_connection_duration: 6s, " +
      "max_connection_duration_jitter: { value: 7 }, max_stream_duration: 4s, max_requests_per_connection: 8, max_headers_count: 9, max_response_headers_kb: 10 }, " +
      "explicit_http_config: { http_protocol_options: { enable_trailers: true, allow_chunked_length: true, " +
      "send_fully_qualified_url: true, header_key_format: { proper_case_words: {} } } }",
  ));
  assert.equal(result.http, {
    protocol: "HTTP/1.1",
    followsDownstream: false,
    idleTimeoutMs: 5000,
    maxConnectionDurationMs: 6000,
    maxConnectionDurationJitterPercent: 7,
    maxStreamDurationMs: 4000,
    maxRequestsPerConnection: 8,
    http1: {
      ...HTTP1_CLIENT_DEFAULTS,
      enableTrailers: true,
      allowChunkedLength: true,
      sendFullyQualifiedUrl: true,
      headerKeyFormat: { kind: "properCase" },
      maxResponseHeadersCount: 9,
      maxResponseHeadersBytes: 10 * 1024,
    },
    http2: HTTP2_DEFAULTS,
    filters: [],
    retryPolicy: null,
    hashPolicies: [],
    mirrorPolicies: [],
    errorMatcher: null,
  });
});

test("HttpProtocolOptions: policies of routes", () => {
  const { retryPolicy, hashPolicies } = good(http(
    "explicit_http_config: { http_protocol_options: {} }, retry_policy: { retry_on: reset, num_retries: 3 }, " +
      "hash_policy: [{ header: { header_name: X-A }, terminal: true }]",
  )).http;
  assert.equal([retryPolicy!.retryOn, retryPolicy!.numRetries], ["reset", 3]);
  assert.equal(hashPolicies, [{ kind: "header", name: "x-a", rewrite: null, terminal: true }]);
});

test("HttpProtocolOptions: header validators are refused", () => {
  const { problems } = plan(http(
    "explicit_http_config: { http_protocol_options: {} }, header_validation_config: { name: x, typed_config: " +
      '{ "@type": type.googleapis.com/envoy.extensions.http.header_validators.envoy_default.v3.HeaderValidatorConfig } }',
  ));
  assert.is(problems.length, 1);
  assert.match(problems[0]!, "there are no header validators");
});

test("HttpProtocolOptions: the protocol of the client, with options of both", () => {
  const both = good(http(
    "use_downstream_protocol_config: { http_protocol_options: { enable_trailers: true }, " +
      "http2_protocol_options: { max_concurrent_streams: 5 } }",
  )).http;
  assert.equal([both.followsDownstream, both.protocol], [true, "HTTP/2"]);
  assert.equal([both.http1.enableTrailers, both.http2.maxConcurrentStreams], [true, 5]);
  const none = good(http("use_downstream_protocol_config: {}")).http;
  assert.equal([none.followsDownstream, none.protocol], [true, "HTTP/1.1"]);
});

test("HttpProtocolOptions: HTTP/2 and all of its options", () => {
  const result = good(http(
    "explicit_http_config: { http2_protocol_options: { hpack_table_size: 1, max_concurrent_streams: 2, " +
      "initial_stream_window_size: 65536, initial_connection_window_size: 65537, allow_connect: true, " +
      "max_outbound_frames: 3, max_outbound_control_frames: 4, " +
      "max_consecutive_inbound_frames_with_empty_payload: 5, max_inbound_priority_frames_per_stream: 6, " +
      "max_inbound_window_update_frames_per_data_frame_sent: 7, " +
      "stream_reset_burst: 8, stream_reset_rate: 9, max_header_field_size_kb: 65, disallow_obs_text: true, " +
      "enable_huffman_encoding: false, " +
      "override_stream_error_on_invalid_http_message: true, connection_keepalive: { interval: 30s, timeout: 2s, " +
      "interval_jitter: { value: 10 }, connection_idle_interval: 3s }, " +
      "custom_settings_parameters: [{ identifier: 99, value: 8 }] } }",
  ));
  assert.is(result.http.protocol, "HTTP/2");
  assert.equal(result.http.http2, {
    hpackTableBytes: 1,
    maxConcurrentStreams: 2,
    initialStreamWindowBytes: 65536,
    initialConnectionWindowBytes: 65537,
    allowConnect: true,
    maxOutboundFrames: 3,
    maxOutboundControlFrames: 4,
    maxConsecutiveEmptyFrames: 5,
    maxPriorityFramesPerStream: 6,
    maxWindowUpdatesPerDataFrame: 7,
    streamResetBurst: 8,
    streamResetRate: 9,
    maxHeaderFieldBytes: 65 * 1024,
    disallowObsText: true,
    huffmanEncoding: false,
    streamErrorOnInvalidMessage: true,
    keepalive: { intervalMs: 30_000, timeoutMs: 2000, jitterPercent: 10, idleIntervalMs: 3000 },
    customSettings: [[99, 8]],
  });
  assert.equal(good(http("explicit_http_config: { http2_protocol_options: {} }")).http.http2, HTTP2_DEFAULTS);
  assert.is(good("name: a\nhttp2_protocol_options: { max_concurrent_streams: 9 }").http.http2.maxConcurrentStreams, 9);
});

test("custom settings stand for the fields they are, and are refused where those are set", () => {
  const of = (fields: string): Planned => plan(http(`explicit_http_config: { http2_protocol_options: { ${fields} } }`));
  const named = of("custom_settings_parameters: [{ identifier: 3, value: 8 }, { identifier: 4, value: 70000 }]");
  assert.equal(named.problems, []);
  assert.is(named.plan!.http.http2.maxConcurrentStreams, 8);
  assert.is(named.plan!.http.http2.initialStreamWindowBytes, 70000);
  assert.equal(named.plan!.http.http2.customSettings, []);
  for (
    const fields of [
      "max_concurrent_streams: 7, custom_settings_parameters: [{ identifier: 3, value: 8 }]",
      "custom_settings_parameters: [{ identifier: 2, value: 0 }]",
      "custom_settings_parameters: [{ identifier: 8, value: 1 }]",
      "custom_settings_parameters: [{ identifier: 77, value: 1 }, { identifier: 77, value: 2 }]",
    ]
  ) {
    const { problems } = of(fields);
    assert.is(problems.length, 1, fields);
    assert.match(problems[0]!, "config/conflict");
  }
});

test("the deprecated fields of the Cluster say the same", () => {
  const result = good(
    "name: a\nmax_requests_per_connection: 8\ncommon_http_protocol_options: { idle_timeout: 5s }\n" +
      "http_protocol_options: { enable_trailers: true }",
  );
  assert.equal([result.http.maxRequestsPerConnection, result.http.idleTimeoutMs], [8, 5000]);
  assert.ok(result.http.http1.enableTrailers);
});

test("the deprecated fields of the Cluster: which protocol", () => {
  const both =
    "http_protocol_options: { enable_trailers: true }\nhttp2_protocol_options: { max_concurrent_streams: 9 }\n";
  const { http: follows } = good(`name: a\nprotocol_selection: USE_DOWNSTREAM_PROTOCOL\n${both}`);
  assert.equal([follows.followsDownstream, follows.protocol], [true, "HTTP/2"]);
  assert.equal([follows.http1.enableTrailers, follows.http2.maxConcurrentStreams], [true, 9]);
  const { problems } = plan(`name: a\n${both}`);
  assert.equal(problems, ["error config/conflict http2_protocol_options: there are options of both HTTP/1 and HTTP/2"]);
  // Nobody reads them beside the field of today.
  const typed = plan(http("explicit_http_config: { http_protocol_options: {} }") + both);
  assert.equal([typed.problems, typed.plan!.http.protocol], [[], "HTTP/1.1"]);
});

test("a unix socket and a named endpoint", () => {
  const result = good(`
name: a
load_assignment:
  cluster_name: a
  named_endpoints: { e: { address: { socket_address: { address: 10.0.0.1, port_value: 80 } } } }
  endpoints: { lb_endpoints: [{ endpoint: { address: { pipe: { path: /run/x } } } }, { endpoint_name: e }] }
`);
  assert.equal(result.localities[0]!.endpoints.map((e) => [e.address, e.port]), [["/run/x", 0], ["10.0.0.1", 80]]);
});

test("clusters that choose hosts themselves", () => {
  const provided = (yaml: string): unknown => good(`name: a\nlb_policy: CLUSTER_PROVIDED\n${yaml}`).provided;
  assert.equal(provided("type: ORIGINAL_DST"), {
    type: "ORIGINAL_DST",
    headerName: "",
    metadataKey: null,
    port: null,
    cleanupIntervalMs: 5000,
  });
  assert.equal(
    provided(`type: ORIGINAL_DST
cleanup_interval: 1s
original_dst_lb_config:
  use_http_header: true
  http_header_name: X-Dst
  upstream_port_override: 81
  metadata_key: { key: ns, path: [{ key: a }, { key: b }] }`),
    {
      type: "ORIGINAL_DST",
      headerName: "x-dst",
      metadataKey: { namespace: "ns", path: ["a", "b"] },
      port: 81,
      cleanupIntervalMs: 1000,
    },
  );
  const clusters = "type.googleapis.com/envoy.extensions.clusters";
  assert.equal(
    provided(
      `cluster_type: { name: x, typed_config: { "@type": ${clusters}.aggregate.v3.ClusterConfig, clusters: [b, c] } }`,
    ),
    { type: "AGGREGATE", clusters: ["b", "c"] },
  );
  assert.is(good("name: a\ncluster_type: { name: envoy.cluster.static }" + ENDPOINTS).type, "STATIC");
});

test("which name servers are asked", () => {
  const cares = (fields: string): string =>
    `typed_dns_resolver_config: { name: x, typed_config: { "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, resolvers: [{ socket_address: { address: 10.0.0.53, port_value: 5353 } }]${fields} } }`;
  const resolver = (yaml: string, fallback: DnsResolverPlan | null = null): unknown => {
    const { root } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml });
    return planCluster(root!, { dnsResolver: fallback })!.dns.resolver;
  };
  const dns = "name: a\ntype: STRICT_DNS\n";
  const own = { ...DEFAULT_RESOLVER_PLAN, servers: ["10.0.0.53:5353"] };
  assert.is(resolver(dns), null);
  assert.equal(resolver(dns, own), own);
  assert.equal(resolver(dns + cares("")), own);
  assert.equal(
    resolver(
      dns +
        cares(
          ", use_resolvers_as_fallback: true, filter_unroutable_families: true, query_timeout_seconds: 2, query_tries: 3, rotate_nameservers: true, dns_resolver_options: { use_tcp_for_dns_lookups: true, no_default_search_domain: true }",
        ),
    ),
    {
      servers: ["10.0.0.53:5353"],
      serversAsFallback: true,
      useTcp: true,
      useSearchDomains: false,
      filterUnroutableFamilies: true,
      timeoutMs: 2000,
      tries: 3,
      rotate: true,
    },
  );
  const old = "dns_resolution_config: { resolvers: [{ socket_address: { address: '::1', port_value: 53 } }] }";
  assert.equal(resolver(dns + old), { ...DEFAULT_RESOLVER_PLAN, servers: ["[::1]:53"] });
  assert.equal(resolver(`${dns}use_tcp_for_dns_lookups: true`), { ...DEFAULT_RESOLVER_PLAN, useTcp: true });
});

test("every field of a DnsCluster", () => {
  const dns = (fields: string): ClusterPlan =>
    good(
      `name: a\ncluster_type: { name: x, typed_config: { "@type": type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster${fields} } }` +
        ENDPOINTS,
    );
  assert.equal([dns("").type, dns("").dns], ["STRICT_DNS", DEFAULT_DNS_PLAN]);
  const full = dns(
    ", dns_refresh_rate: 7s, dns_failure_refresh_rate: { base_interval: 1s }, respect_dns_ttl: true, dns_jitter: 2s, dns_lookup_family: ALL, all_addresses_in_single_endpoint: true, dns_min_refresh_rate: 3s",
  );
  assert.is(full.type, "LOGICAL_DNS");
  assert.equal(full.dns, {
    refreshRateMs: 7000,
    jitterMs: 2000,
    failureRefresh: { baseMs: 1000, maxMs: 10_000 },
    respectTtl: true,
    minRefreshRateMs: 3000,
    lookupFamily: "ALL",
    waitsForWarm: true,
    resolver: null,
  });
  assert.not(good("name: a\ntype: STRICT_DNS\nwait_for_warm_on_init: false").dns.waitsForWarm);
});

test("addresses to connect from and to", () => {
  const connection = (yaml: string): unknown => good(`name: a\n${yaml}`).connection;
  assert.equal(connection("upstream_bind_config: {}"), DEFAULT_CONNECTION_PLAN);
  assert.equal(
    connection(`upstream_connection_options:
  happy_eyeballs_config: { first_address_family_version: V6, first_address_family_count: 2 }
upstream_bind_config:
  source_address: { address: 10.0.0.9, port_value: 0 }
  extra_source_addresses: [{ address: { address: "::1", port_value: 5 } }]
  local_address_selector:
    name: x
    typed_config: { "@type": type.googleapis.com/envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector }`),
    {
      tcpKeepalive: null,
      happyEyeballs: { firstFamily: "V6", firstFamilyCount: 2 },
      sources: [{ address: "10.0.0.9", port: 0 }, { address: "::1", port: 5 }],
    },
  );
  const more = good(
    "name: a" +
      ENDPOINTS.replace(
        "endpoint: {",
        "endpoint: { additional_addresses: [{ address: { socket_address: { address: '::1', port_value: 81 } } }],",
      ),
  );
  assert.equal(more.localities[0]!.endpoints[0]!.additionalAddresses, [{ address: "::1", port: 81 }]);
});

test("endpoints that come from a file", () => {
  const asked: string[] = [];
  const { root } = loadBootstrap({
    registry,
    typeName: "envoy.config.cluster.v3.Cluster",
    yaml:
      "name: a\ntype: EDS\neds_cluster_config: { service_name: s, eds_config: { initial_fetch_timeout: 3s, path_config_source: { path: /x } } }",
  });
  const readEndpoints = (_node: unknown, path: string, service: string) => {
    asked.push(`${path} ${service}`);
    return NO_ENDPOINTS;
  };
  assert.equal(planCluster(root!, { readEndpoints })!.eds, {
    serviceName: "s",
    path: "/x",
    initial: NO_ENDPOINTS,
    initialFetchTimeoutMs: 3000,
  });
  assert.equal(asked, ["/x s"]);
  const old = good("name: b\ntype: EDS\neds_cluster_config: { eds_config: { path: /y } }");
  assert.equal([old.eds!.serviceName, old.eds!.path], ["b", "/y"]);
  const drop =
    "  policy: { drop_overloads: [{ category: c, drop_percentage: { numerator: 5, denominator: TEN_THOUSAND } }] }";
  assert.equal(good("name: a" + ENDPOINTS + drop).dropOverload, { category: "c", fraction: 0.0005 });
});

test("raw_buffer is the transport socket there is", () => {
  const raw = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
  good(`name: a\ntransport_socket: { name: x, typed_config: { "@type": ${raw} } }`);
  good("name: a\ntransport_socket: { name: envoy.transport_sockets.raw_buffer }");
});

/** What is refused: YAML and the start of the only problem. */
const REFUSED: readonly (readonly [string, string])[] = [
  [
    "name: a\nupstream_connection_options: { set_local_interface_name_on_upstream_connections: true }",
    "error config/unsupported upstream_connection_options.set_local_interface_name_on_upstream_connections: the runtime",
  ],
  [
    "name: a\nupstream_bind_config: { source_address: { address: 10.0.0.1, port_value: 0 }, additional_source_addresses: [{ address: 10.0.0.2, port_value: 0 }] }",
    "error config/conflict upstream_bind_config.additional_source_addresses: the two source addresses are of the same",
  ],
  [
    "name: a\nupstream_bind_config: { source_address: { address: here, port_value: 0 } }",
    "error config/bad-address upstream_bind_config.source_address.address: 'here' is no IP address",
  ],
  [
    "name: a\ntype: EDS",
    "error config/missing-field type: an EDS cluster needs an eds_cluster_config with an eds_config",
  ],
  [
    "name: a\ntype: EDS\neds_cluster_config: { eds_config: { ads: {} } }",
    "error config/unsupported eds_cluster_config.eds_config.ads: endpoints come from files so far",
  ],
  [
    "name: a\ntype: EDS\neds_cluster_config: { eds_config: { path_config_source: { path: /x } } }" + ENDPOINTS,
    "error config/endpoints load_assignment: the endpoints of an EDS cluster come from its eds_config",
  ],
  [
    "name: a" + ENDPOINTS + "  policy: { drop_overloads: [{ category: a }, { category: b }] }",
    "error config/unsupported load_assignment.policy.drop_overloads: there are 2 categories",
  ],
  ["name: a\ntype: ORIGINAL_DST", "error config/conflict lb_policy: cluster provided LB not specified"],
  [
    "name: a\ntype: ORIGINAL_DST\nlb_policy: CLUSTER_PROVIDED" + ENDPOINTS,
    "error config/endpoints load_assignment: ORIGINAL_DST clusters must have no load assignment",
  ],
  [
    "name: a\ntype: ORIGINAL_DST\nlb_policy: CLUSTER_PROVIDED\noriginal_dst_lb_config: { http_header_name: x }",
    "error config/conflict original_dst_lb_config.http_header_name: http_header_name is x and use_http_header is false",
  ],
  ["name: a\ncluster_type: { name: envoy.clusters.redis }", "error config/unsupported cluster_type.name: cluster type"],
  [
    "name: a\nlb_policy: RING_HASH\nring_hash_lb_config: { minimum_ring_size: 9, maximum_ring_size: 8 }",
    "error config/out-of-range ring_hash_lb_config.minimum_ring_size: the minimum ring size 9 is greater than the maximum, 8",
  ],
  [
    "name: a\nlb_policy: MAGLEV\ncommon_lb_config: { consistent_hashing_lb_config: { use_hostname_for_hashing: true } }",
    "error config/conflict common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing: the hosts of a STATIC",
  ],
  [
    "name: a\nlb_policy: MAGLEV\nmaglev_lb_config: { table_size: 9 }",
    "error config/out-of-range maglev_lb_config.table_size: the table size 9 is no prime number",
  ],
  [
    "name: a\nlb_policy: CLUSTER_PROVIDED",
    "error config/conflict lb_policy: cluster provided LB specified but the cluster did not provide one",
  ],
  [
    `name: a\nload_balancing_policy: { policies: [${policy("cluster_provided.v3.ClusterProvided")}] }`,
    "error config/conflict load_balancing_policy: cluster provided LB specified but the cluster did not provide one",
  ],
  [
    http("explicit_http_config: { http3_protocol_options: {} }"),
    "error config/unsupported typed_extension_protocol_options",
  ],
  [http("auto_config: {}"), "error config/unsupported typed_extension_protocol_options"],
  [
    http("use_downstream_protocol_config: { http3_protocol_options: {} }"),
    "error config/unsupported typed_extension_protocol_options",
  ],
  [
    "name: a\ntransport_socket: { name: tls, typed_config: { '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext } }",
    "error config/unsupported transport_socket: transport socket 'tls' is not supported yet",
  ],
  [
    "name: a" + ENDPOINTS.replace("10.0.0.1", "localhost"),
    "error config/bad-address load_assignment: 'localhost' is no IP address",
  ],
  [
    "name: a\ntype: STRICT_DNS" +
    ENDPOINTS.replace("socket_address: { address: 10.0.0.1, port_value: 80 }", "pipe: { path: /x }"),
    "error config/bad-address load_assignment: a STRICT_DNS cluster cannot have the unix socket '/x'",
  ],
  [
    "name: a\ntype: LOGICAL_DNS",
    "error config/endpoints name: a LOGICAL_DNS cluster has exactly one endpoint, this one has 0",
  ],
  [
    "name: a" + ENDPOINTS.replace(", port_value: 80", ", port_value: 0"),
    "warning config/bad-address load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value: nobody listens on port 0",
  ],
  [
    "name: a" + ENDPOINTS.replace("address: 10.0.0.1", "protocol: UDP, address: 10.0.0.1"),
    "error config/unsupported load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.protocol",
  ],
  [
    "name: a\nload_assignment: { cluster_name: a, endpoints: { lb_endpoints: [{ endpoint_name: gone }] } }",
    "error config/missing-field load_assignment.endpoints[0].lb_endpoints[0].endpoint_name: there is no named endpoint 'gone'",
  ],
  [
    `name: a\ncommon_lb_config: { locality_weighted_lb_config: {} }\nload_balancing_policy: { policies: [${
      policy("random.v3.Random")
    }] }`,
    "error config/conflict common_lb_config.locality_weighted_lb_config: load_balancing_policy cannot be combined",
  ],
  ["name: a\nlb_policy: LOAD_BALANCING_POLICY_CONFIG", "error config/missing-field lb_policy"],
  [
    "name: a\ntyped_dns_resolver_config: { name: x, typed_config: { '@type': type.googleapis.com/envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig } }",
    "error config/unsupported typed_dns_resolver_config.typed_config: getaddrinfo cannot be asked",
  ],
  [
    "name: a\ntyped_dns_resolver_config: { name: x, typed_config: { '@type': type.googleapis.com/envoy.extensions.network.dns_resolver.apple.v3.AppleDnsResolverConfig } }",
    "error config/unsupported typed_dns_resolver_config.typed_config: Apple's DNS",
  ],
  [
    "name: a\ndns_resolution_config: { resolvers: [{ socket_address: { address: dns.example, port_value: 53 } }] }",
    "error config/bad-address dns_resolution_config.resolvers[0].socket_address.address: 'dns.example' is no IP address",
  ],
  [
    "name: a\ntype: STRICT_DNS\ndns_failure_refresh_rate: { base_interval: 2s, max_interval: 1s }",
    "error config/conflict dns_failure_refresh_rate.max_interval",
  ],
  [
    "name: a\noutlier_detection: { max_ejection_time: 1s }",
    "error config/conflict outlier_detection.max_ejection_time: max_ejection_time is shorter than base_ejection_time",
  ],
];

for (const [yaml, expected] of REFUSED) {
  test(`refused: ${expected}`, () => {
    const { problems } = plan(yaml);
    assert.is(problems.length, 1, problems.join("\n"));
    assert.ok(problems[0]!.startsWith(expected), problems[0]);
  });
}

test("connections ahead", () => {
  assert.equal(
    good(
      "name: a\npreconnect_policy: { predictive_preconnect_ratio: 3, preconnect_enabled_metadata: " +
        "{ filter: f, path: [{ key: k }], value: { bool_match: true } } }",
    ).preconnect,
    {
      perUpstreamRatio: 1,
      predictiveRatio: 3,
      enabledMetadata: { namespace: "f", path: ["k"], value: { kind: "bool", value: true }, invert: false },
    },
  );
  assert.is(good("name: a\npreconnect_policy: { per_upstream_preconnect_ratio: 1 }").preconnect, null);
});

test("fields that nobody reads are reported, never ignored", () => {
  for (
    const field of [
      `typed_extension_protocol_options: { o: { "@type": ${OPTIONS}, common_http_protocol_options: { max_stream_duration: 7s } } }`,
      "health_checks: [{ timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, tcp_health_check: {}, event_service: {} }]",
    ]
  ) {
    const { problems } = plan(`name: a\n${field}`);
    assert.is(problems.length, 1, `${field}: ${problems.join("\n")}`);
  }
});

test("outlier detection: Envoy's defaults, every field, and the runtime keys above them", () => {
  assert.equal(good("name: a\noutlier_detection: {}").outlierDetection, DEFAULT_OUTLIER_DETECTION);
  const enforcing = {
    CONSECUTIVE_5XX: 21,
    CONSECUTIVE_GATEWAY_FAILURE: 22,
    SUCCESS_RATE: 23,
    CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 24,
    SUCCESS_RATE_LOCAL_ORIGIN: 25,
    FAILURE_PERCENTAGE: 26,
    FAILURE_PERCENTAGE_LOCAL_ORIGIN: 27,
  };
  const expected = {
    intervalMs: 1000,
    baseEjectionTimeMs: 2000,
    maxEjectionTimeMs: 3000,
    maxEjectionTimeJitterMs: 4000,
    maxEjectionPercent: 5,
    alwaysEjectOneHost: true,
    splitsLocalOrigin: true,
    consecutive5xx: 6,
    consecutiveGatewayFailure: 7,
    consecutiveLocalOriginFailure: 8,
    successRate: { minimumHosts: 9, requestVolume: 10, stdevFactor: 11 },
    failurePercentage: { minimumHosts: 12, requestVolume: 13, threshold: 14 },
    enforcing,
    healthCheckUnejects: false,
    detectsDegraded: true,
  };
  const all = `name: a
outlier_detection:
  interval: 1s
  base_ejection_time: 2s
  max_ejection_time: 3s
  max_ejection_time_jitter: 4s
  max_ejection_percent: 5
  always_eject_one_host: true
  split_external_local_origin_errors: true
  consecutive_5xx: 6
  consecutive_gateway_failure: 7
  consecutive_local_origin_failure: 8
  success_rate_minimum_hosts: 9
  success_rate_request_volume: 10
  success_rate_stdev_factor: 11
  failure_percentage_minimum_hosts: 12
  failure_percentage_request_volume: 13
  failure_percentage_threshold: 14
  enforcing_consecutive_5xx: 21
  enforcing_consecutive_gateway_failure: 22
  enforcing_success_rate: 23
  enforcing_consecutive_local_origin_failure: 24
  enforcing_local_origin_success_rate: 25
  enforcing_failure_percentage: 26
  enforcing_failure_percentage_local_origin: 27
  successful_active_health_check_uneject_host: false
  detect_degraded_hosts: true`;
  assert.equal(good(all).outlierDetection, expected);

  const values = {
    interval_ms: 101,
    base_ejection_time_ms: 102,
    max_ejection_time_ms: 103,
    max_ejection_time_jitter_ms: 104,
    max_ejection_percent: 200,
    consecutive_5xx: 106,
    failure_percentage_threshold: 14.9,
    enforcing_success_rate: 0,
    success_rate_stdev_factor: "many",
  };
  const runtime = new Runtime();
  const live = liveOutlierDetection(good(all).outlierDetection!, runtime);
  assert.equal(live.current, { ...expected, maxEjectionPercent: Math.min(100, expected.maxEjectionPercent) });
  setRuntime(
    runtime,
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`outlier_detection.${key}`, value])),
  );
  assert.equal(live.current, {
    ...expected,
    intervalMs: 101,
    baseEjectionTimeMs: 102,
    maxEjectionTimeMs: 103,
    maxEjectionTimeJitterMs: 104,
    maxEjectionPercent: 100,
    consecutive5xx: 106,
    enforcing: { ...enforcing, SUCCESS_RATE: 0 },
  });
});

test("the longest ejection is no shorter than the shortest", () => {
  const detection = (fields: string) => good(`name: a\noutlier_detection: { ${fields} }`).outlierDetection!;
  assert.is(detection("base_ejection_time: 600s").maxEjectionTimeMs, 600_000);
  assert.is(detection("base_ejection_time: 60s").maxEjectionTimeMs, 300_000);
});

test("what outlier detection counts as an error", () => {
  const match = (headers: string): string => `http_response_headers_match: { headers: [ ${headers} ] }`;
  const { errorMatcher } = good(http(`explicit_http_config: { http_protocol_options: {} },
    outlier_detection: { error_matcher: { or_match: { rules: [
      { and_match: { rules: [ { ${match("{ name: x-a, present_match: true }")} }, { any_match: true } ] } },
      { not_match: { ${match("{ name: x-b, present_match: true }")} } } ] } } }`)).http;
  const matches = compileMatchPredicate(errorMatcher!);
  const outcomes = [{}, { "x-b": "1" }, { "x-a": "1", "x-b": "1" }].map((headers) => matches(HeaderMap.of(headers)));
  assert.equal(outcomes, [true, false, true]);
});

test("all problems at once", () => {
  const bad =
    "name: a\ntype: EDS\nlb_policy: MAGLEV\nmaglev_lb_config: { table_size: 9 }\nload_assignment: { cluster_name: a, endpoints: { lb_endpoints: [{}] } }";
  assert.is(plan(bad).problems.length, 3);
});

test.run();
