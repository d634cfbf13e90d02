// test/host/observe/tags.test.ts: names with their tags cut out, as in the real Envoy's Prometheus page.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TagExtractor } from "../../../host/observe/tags.ts";

const CASES: readonly (readonly [string, string, Record<string, string>])[] = [
  ["server.uptime", "server.uptime", {}],
  ["cluster.a.upstream_rq_total", "cluster.upstream_rq_total", { "envoy.cluster_name": "a" }],
  ["cluster.a.canary.upstream_rq_200", "cluster.canary.upstream_rq", {
    "envoy.response_code": "200",
    "envoy.cluster_name": "a",
  }],
  ["cluster.a.a.upstream_rq_5xx", "cluster.a.upstream_rq_xx", {
    "envoy.response_code_class": "5",
    "envoy.cluster_name": "a",
  }],
  ["cluster.a.circuit_breakers.default.cx_open", "cluster.circuit_breakers.default.cx_open", {
    "envoy.cluster_name": "a",
  }],
  ["cluster.a.ssl.ciphers.ECDHE-RSA", "cluster.ssl.ciphers", {
    "cipher_suite": "ECDHE-RSA",
    "envoy.cluster_name": "a",
  }],
  [
    "cluster.a.grpc.pkg_Svc.Method.success",
    "cluster.grpc.success",
    { "envoy.grpc_bridge_method": "Method", "envoy.grpc_bridge_service": "pkg_Svc", "envoy.cluster_name": "a" },
  ],
  ["http.web.downstream_rq_2xx", "http.downstream_rq_xx", {
    "envoy.response_code_class": "2",
    "envoy.http_conn_manager_prefix": "web",
  }],
  [
    "http.web.rds.routes.v1.update_attempt",
    "http.rds.update_attempt",
    { "envoy.http_conn_manager_prefix": "web", "envoy.rds_route_config": "routes.v1" },
  ],
  [
    "listener.127.0.0.1_18080.http.web.downstream_rq_5xx",
    "listener.http.downstream_rq_xx",
    {
      "envoy.response_code_class": "5",
      "envoy.http_conn_manager_prefix": "web",
      "envoy.listener_address": "127.0.0.1_18080",
    },
  ],
  [
    "listener.[__1]_80.worker_3.downstream_cx_total",
    "listener.worker_downstream_cx_total",
    { "envoy.worker_id": "3", "envoy.listener_address": "[__1]_80" },
  ],
  ["listener.web.downstream_cx_total", "listener.downstream_cx_total", { "envoy.listener_address": "web" }],
  ["listener.admin.downstream_cx_total", "listener.admin.downstream_cx_total", {}],
  ["listener.admin.http.admin.rq_total", "listener.admin.http.rq_total", { "envoy.http_conn_manager_prefix": "admin" }],
  ["listener_manager.listener_added", "listener_manager.listener_added", {}],
  ["server.worker_0.watchdog_miss", "server.worker_watchdog_miss", { "envoy.worker_id": "0" }],
  ["tcp.l4.downstream_cx_total", "tcp.downstream_cx_total", { "envoy.tcp_prefix": "l4" }],
  [
    "vhost.all.vcluster.other.upstream_rq_200",
    "vhost.vcluster.upstream_rq",
    { "envoy.response_code": "200", "envoy.virtual_cluster": "other", "envoy.virtual_host": "all" },
  ],
  ["web.http_local_rate_limit.enabled", "http_local_rate_limit.enabled", {
    "envoy.local_http_ratelimit_prefix": "web",
  }],
  ["upstream_rq_1234", "upstream_rq_1234", {}],
];

for (const [name, rest, tags] of CASES) {
  test(name, () => {
    const tagged = new TagExtractor().extract(name);
    assert.is(tagged.name, rest);
    assert.equal(tagged.tags.map(({ name, value }) => [name, value]), Object.entries(tags));
  });
}

test("fixed tags come last", () => {
  const tags = new TagExtractor([{ name: "zone", value: "z" }]).extract("cluster.a.x").tags;
  assert.equal(tags.map((tag) => tag.name), ["envoy.cluster_name", "zone"]);
});

test.run();
