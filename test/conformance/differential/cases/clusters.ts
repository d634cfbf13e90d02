// test/conformance/differential/cases/clusters.ts: pools, limits and choice of hosts, as clients and upstreams see them.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

function httpOptions(fields: string): string {
  return `  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": ${OPTIONS}, explicit_http_config: { http_protocol_options: {} }, ${fields} }`;
}

export const clusters: Group = {
  name: "clusters",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      routes: `- { name: turns, match: { prefix: /turns }, route: { cluster: turns } }
- { name: once, match: { prefix: /once }, route: { cluster: once } }
- { name: idle, match: { prefix: /idle }, route: { cluster: idle } }
- { name: dns, match: { prefix: /dns }, route: { cluster: dns } }
- { name: auto, match: { prefix: /auto }, route: { cluster: dns, auto_host_rewrite: true } }
- { name: narrow, match: { prefix: /narrow }, route: { cluster: narrow } }
- { name: pending, match: { prefix: /pending }, route: { cluster: pending } }
- { name: renamed, match: { prefix: /renamed }, route: { cluster: renamed } }
- { name: one, match: { prefix: /one }, route: { cluster: one } }
- { name: few, match: { prefix: /few }, route: { cluster: few } }
- { name: weights, match: { prefix: /weights }, route: { cluster: weights } }`,
    }),
  ], [
    cluster("turns").replace("lb_endpoints: [ ", "lb_endpoints: [ ").replace(
      "@turns@ } } } }",
      "@u@ } } } }, { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @v@ } } } }",
    ),
    cluster("weights").replace(
      "@weights@ } } } }",
      "@u@ } } }, load_balancing_weight: 1 }, { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @v@ } } }, load_balancing_weight: 2 }",
    ),
    cluster("once", httpOptions("common_http_protocol_options: { max_requests_per_connection: 1 }"), "u"),
    cluster("idle", httpOptions("common_http_protocol_options: { idle_timeout: 0.2s }"), "u"),
    cluster("dns", "  type: STRICT_DNS\n  dns_lookup_family: V4_ONLY", "u").replace(
      "address: 127.0.0.1",
      "address: localhost",
    ),
    cluster(
      "narrow",
      httpOptions("common_http_protocol_options: { max_response_headers_kb: 1, max_headers_count: 5 }"),
      "u",
    ),
    cluster("pending", "  circuit_breakers: { thresholds: [ { max_connections: 1, max_pending_requests: 0 } ] }", "u"),
    cluster("one", "  circuit_breakers: { thresholds: [ { max_connections: 1, max_pending_requests: 1 } ] }", "u"),
    cluster("few", "  circuit_breakers: { thresholds: [ { max_requests: 1 } ] }", "u"),
    cluster("renamed", "  alt_stat_name: other_name", "u"),
  ]),
  exchanges: [
    {
      name: "hosts take turns",
      unordered: true,
      client: [
        get("/turns"),
        "response",
        get("/turns"),
        "response",
        get("/turns"),
        "response",
        get("/turns"),
        "response",
      ],
      upstreams: {
        u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nu"] },
        v: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nv"] },
      },
    },
    {
      name: "one request a connection",
      client: [get("/once"), "response", get("/once"), "response"],
    },
    {
      name: "an idle connection is not kept",
      client: [get("/idle"), "response", { pause: 500 }, get("/idle"), "response"],
    },
    { name: "a name instead of an address", client: get("/dns") },
    { name: "the host's name instead of the client's", client: get("/auto") },
    {
      name: "a response head above the cluster's limit",
      client: get("/narrow"),
      upstreams: { u: { http: [{ steps: [`HTTP/1.1 200 OK\r\nx-a: ${"a".repeat(1100)}\r\n\r\n`, "hang"] }] } },
    },
    {
      name: "more response fields than the cluster allows",
      client: get("/narrow"),
      upstreams: {
        u: { http: [{ steps: [`HTTP/1.1 200 OK\r\n${"x-a: 1\r\n".repeat(6)}content-length: 0\r\n\r\n`, "hang"] }] },
      },
    },
    {
      name: "two requests at once take two connections",
      client: [get("/renamed/1"), "response"],
      others: [[{ seen: 1 }, get("/renamed/2"), "response"]],
      upstreams: { u: { http: [{ steps: [{ pause: 200 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "a request waits for the only connection, another one may not even wait",
      client: [get("/one/1"), "response"],
      others: [
        [{ seen: 1 }, get("/one/2"), "response"],
        [{ seen: 1 }, { pause: 100 }, get("/one/3"), "response"],
      ],
      upstreams: { u: { http: [{ steps: [{ pause: 300 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "a request above the number that may run",
      client: [get("/few/1"), "response"],
      others: [[{ seen: 1 }, get("/few/2"), "response"]],
      upstreams: { u: { http: [{ steps: [{ pause: 200 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    { name: "no request may wait for a connection", client: get("/pending") },
    { name: "a cluster that goes by another name in statistics", client: get("/renamed") },
    {
      name: "hosts by weight",
      unordered: true,
      client: Array.from({ length: 6 }, () => [get("/weights"), "response" as const]).flat(),
      upstreams: {
        u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nu"] },
        v: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nv"] },
      },
    },
  ],
};
