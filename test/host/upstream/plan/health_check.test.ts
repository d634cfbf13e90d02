// test/host/upstream/plan/health_check.test.ts: HealthCheck messages to plans, with every problem at its position.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import { unreadFields } from "../../../../host/config/unread.ts";
import type { HealthCheckPlan, HealthPlan } from "../../../../host/upstream/health/plan.ts";
import { planCluster } from "../../../../host/upstream/plan/cluster.ts";

const registry = loadRegistry();
const BASE = "timeout: 1s, interval: 2s, unhealthy_threshold: 3, healthy_threshold: 4";

function plan(yaml: string): { health: HealthPlan | null; hostsPerWorker: boolean; problems: string[] } {
  const { root, diagnostics } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml });
  const result = root === null ? null : planCluster(root);
  const all = [...diagnostics.all, ...(root === null ? [] : unreadFields(root))];
  return {
    health: result?.health ?? null,
    hostsPerWorker: result?.hostsPerWorker ?? false,
    problems: all.filter(({ severity, code }) => severity !== "note" && code !== "config/deprecated-field")
      .map((item) => `${item.at}: ${item.message}`),
  };
}

function good(check: string, more = ""): HealthCheckPlan {
  const { health, problems } = plan(`name: a\nhealth_checks: [ { ${BASE}, ${check} } ]\n${more}`);
  assert.equal(problems, []);
  assert.is(health!.checks.length, 1);
  return health!.checks[0]!;
}

test("intervals that are not given follow from those that are", () => {
  const check = good("tcp_health_check: {}");
  assert.equal(check, {
    name: "",
    timeoutMs: 1000,
    intervalMs: 2000,
    initialJitterMs: 0,
    intervalJitterMs: 0,
    intervalJitterPercent: 0,
    unhealthyIntervalMs: 2000,
    unhealthyEdgeIntervalMs: 2000,
    healthyEdgeIntervalMs: 2000,
    noTrafficIntervalMs: 60_000,
    noTrafficHealthyIntervalMs: 60_000,
    unhealthyThreshold: 3,
    healthyThreshold: 4,
    reuseConnection: true,
    alwaysLogFailures: false,
    alwaysLogSuccess: false,
    eventLogPaths: [],
    checker: { kind: "tcp", proxyProtocol: null, send: null, receive: [] },
  });
  const other = good("tcp_health_check: {}, unhealthy_interval: 5s, no_traffic_interval: 7s");
  assert.is(other.unhealthyEdgeIntervalMs, 5000);
  assert.is(other.healthyEdgeIntervalMs, 2000);
  assert.is(other.noTrafficHealthyIntervalMs, 7000);
  const all = good(
    "tcp_health_check: {}, initial_jitter: 1s, interval_jitter: 2s, interval_jitter_percent: 3, unhealthy_edge_interval: 4s, " +
      "healthy_edge_interval: 5s, no_traffic_healthy_interval: 6s, reuse_connection: false",
  );
  assert.equal(
    [
      all.initialJitterMs,
      all.intervalJitterMs,
      all.intervalJitterPercent,
      all.unhealthyEdgeIntervalMs,
      all.healthyEdgeIntervalMs,
      all.noTrafficHealthyIntervalMs,
      all.reuseConnection,
    ],
    [1000, 2000, 3, 4000, 5000, 6000, false],
  );
});

test("HTTP", () => {
  assert.equal(good("http_health_check: { path: /a }").checker, {
    kind: "http",
    protocol: "HTTP/1.1",
    host: "",
    path: "/a",
    method: "GET",
    send: null,
    receive: [],
    responseBufferBytes: 1024,
    expectedStatuses: [[200, 201]],
    retriableStatuses: [],
    requestHeaders: { remove: [], add: [] },
    serviceName: null,
  });
  assert.equal(
    good(
      'http_health_check: { path: /a, host: h, method: PUT, send: { text: "00ff" }, receive: [ { text: "6f" }, { binary: "aw==" } ], ' +
        "response_buffer_size: 0, expected_statuses: [ { start: 200, end: 300 } ], retriable_statuses: [ { start: 500, end: 501 } ], " +
        "codec_client_type: HTTP2, request_headers_to_add: [ { header: { key: X-A, value: b } } ], request_headers_to_remove: [ X-C ], " +
        "service_name_matcher: { exact: s } }",
    ).checker,
    {
      kind: "http",
      protocol: "HTTP/2",
      host: "h",
      path: "/a",
      method: "PUT",
      send: Uint8Array.of(0, 255),
      receive: [Uint8Array.of(0x6f), Uint8Array.of(0x6b)],
      responseBufferBytes: 0,
      expectedStatuses: [[200, 300]],
      retriableStatuses: [[500, 501]],
      requestHeaders: {
        remove: ["x-c"],
        add: [{ name: "x-a", format: "b", action: "append", keepEmptyValue: false }],
      },
      serviceName: { kind: "exact", value: "s", ignoreCase: false },
    },
  );
});

const HTTP2 = "http2_protocol_options: {}";

test("gRPC, with a cluster that speaks HTTP/2", () => {
  const check =
    "grpc_health_check: { service_name: s, authority: a, initial_metadata: [ { header: { key: m, value: v } } ] }";
  assert.equal(good(check, HTTP2).checker, {
    kind: "grpc",
    serviceName: "s",
    authority: "a",
    initialMetadata: { remove: [], add: [{ name: "m", format: "v", action: "append", keepEmptyValue: false }] },
  });
});

test("a check by TCP", () => {
  const version = (config: string) => {
    const { checker } = good(`tcp_health_check: { proxy_protocol_config: ${config} }`);
    return checker.kind === "tcp" && checker.proxyProtocol;
  };
  assert.equal(["{}", "{ version: V1 }", "{ version: V2 }"].map(version), ["V1", "V1", "V2"]);
  // Envoy has no use for these either.
  assert.is(
    version("{ pass_through_tlvs: { match_type: INCLUDE_ALL }, added_tlvs: [ { type: 240, value: YQ== } ] }"),
    "V1",
  );
});

test("event logs", () => {
  const sink = "type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink";
  const check = good(
    "tcp_health_check: {}, event_service: { grpc_service: { envoy_grpc: { cluster_name: a } } }, event_log_path: /b, " +
      `event_logger: [ { name: f, typed_config: { "@type": ${sink}, event_log_path: /a } } ]`,
  );
  assert.equal(check.eventLogPaths, ["/a", "/b"]);
});

test("what a cluster says besides, and several checks", () => {
  const { health, problems } = plan(`
name: a
close_connections_on_host_health_failure: true
ignore_health_on_host_removal: true
common_lb_config: { ignore_new_hosts_until_first_hc: true, update_merge_window: 5s }
health_checks:
- { name: one, ${BASE}, tcp_health_check: {} }
- { name: two, ${BASE}, http_health_check: { path: / } }
`);
  assert.equal(problems, []);
  assert.equal(health!.checks.map(({ name, checker }) => `${name} ${checker.kind}`), ["one tcp", "two http"]);
  assert.ok(health!.closeConnectionsOnFailure && health!.ignoreOnRemoval && health!.excludeUntilChecked);
  assert.is(health!.updateMergeWindowMs, 5000);
});

const REFUSED: readonly (readonly [check: string, problem: string])[] = [
  [
    'http_health_check: { path: /, send: { text: "00" } }',
    "health_checks[0].http_health_check.send: a health check with the method GET has no body to send",
  ],
  [
    'http_health_check: { path: /, receive: [ { text: "0" } ] }',
    "health_checks[0].http_health_check.receive[0].text: invalid hex string '0'",
  ],
  [
    'http_health_check: { path: /, response_buffer_size: 1, receive: [ { text: "0001" } ] }',
    "health_checks[0].http_health_check.receive: 2 bytes are expected, and only 1 of a response are looked at",
  ],
  [
    "http_health_check: { path: /, expected_statuses: [ { start: 200, end: 200 } ] }",
    "health_checks[0].http_health_check.expected_statuses[0].end: invalid http expected status range: expecting start < end, but found start=200 and end=200",
  ],
  [
    "http_health_check: { path: /, retriable_statuses: [ { start: 99, end: 200 } ] }",
    "health_checks[0].http_health_check.retriable_statuses[0].start: invalid http retriable status range: expecting start >= 100, but found start=99",
  ],
  [
    "http_health_check: { path: /, retriable_statuses: [ { start: 500, end: 601 } ] }",
    "health_checks[0].http_health_check.retriable_statuses[0].end: invalid http retriable status range: expecting end <= 600, but found end=601",
  ],
  [
    "http_health_check: { path: /, codec_client_type: HTTP3 }",
    "health_checks[0].http_health_check.codec_client_type: health checks over HTTP/3 are not supported yet",
  ],
  [
    "grpc_health_check: {}",
    "health_checks[0].grpc_health_check: the cluster must support HTTP/2 for gRPC health checking",
  ],
  [
    "custom_health_check: { name: envoy.health_checkers.redis }",
    "health_checks[0].custom_health_check: health checkers of extensions are not supported yet",
  ],
  [
    "tcp_health_check: {}, tls_options: { alpn_protocols: [ h2 ] }",
    "health_checks[0].tls_options: HealthCheck.tls_options is known to Envoy, but not to nuncio",
  ],
  [
    "tcp_health_check: {}, transport_socket_match_criteria: { a: b }",
    "health_checks[0].transport_socket_match_criteria: HealthCheck.transport_socket_match_criteria is known to Envoy, but not to nuncio",
  ],
];

for (const [check, problem] of REFUSED) {
  test(`refused: ${problem}`, () => {
    assert.equal(plan(`name: a\nhealth_checks: [ { ${BASE}, ${check} } ]`).problems, [problem]);
  });
}

test("several checks need names, each its own", () => {
  const { problems } = plan(`
name: a
health_checks:
- { ${BASE}, tcp_health_check: {} }
- { name: x, ${BASE}, tcp_health_check: {} }
- { name: x, ${BASE}, tcp_health_check: {} }
`);
  assert.equal(problems, [
    "health_checks[0]: health check at index 0 is missing a name; all health checks must have a name when multiple health checks are configured",
    "health_checks[2].name: health check 'x' is there twice",
  ]);
});

test("an aggregate cluster has no hosts to check; each worker checks those that requests name", () => {
  const providing = (type: string) =>
    plan(`name: a\nlb_policy: CLUSTER_PROVIDED\nhealth_checks: [ { ${BASE}, tcp_health_check: {} } ]\n${type}`);
  assert.equal(
    providing(
      'cluster_type: { name: x, typed_config: { "@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [b] } }',
    ).problems,
    ["health_checks: a cluster that is made of others has no hosts to check"],
  );
  const requested = providing("type: ORIGINAL_DST");
  assert.equal(requested.problems, []);
  assert.ok(requested.hostsPerWorker);
});

test("how an endpoint wants to be checked", () => {
  const { root } = loadBootstrap({
    registry,
    typeName: "envoy.config.cluster.v3.Cluster",
    yaml: `
name: a
load_assignment:
  cluster_name: a
  endpoints:
  - lb_endpoints:
    - endpoint:
        address: { socket_address: { address: 10.0.0.1, port_value: 80 } }
        health_check_config: { port_value: 81, hostname: h, disable_active_health_check: true }
    - endpoint:
        address: { socket_address: { address: 10.0.0.2, port_value: 80 } }
        health_check_config: { address: { socket_address: { address: 10.0.0.3, port_value: 82 } } }
    - endpoint:
        address: { socket_address: { address: 10.0.0.2, port_value: 80 } }
        health_check_config: { address: { pipe: { path: /run/hc } } }
`,
  });
  assert.equal(planCluster(root!)!.localities[0]!.endpoints.map(({ healthCheck }) => healthCheck), [
    { address: "", port: 81, hostname: "h", disabled: true },
    { address: "10.0.0.3", port: 82, hostname: "", disabled: false },
    { address: "/run/hc", port: 0, hostname: "", disabled: false },
  ]);
});

test.run();
