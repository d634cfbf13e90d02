// test/conformance/differential/cases/proxy_status.ts: what the Proxy-Status header says of what went wrong (RFC 9209).
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group, UpstreamScript } from "../exchange.ts";

const ROUTES =
  `- { name: direct, match: { path: /direct }, direct_response: { status: 503, body: { inline_string: own } } }
- { name: empty, match: { path: /empty }, route: { cluster: empty } }
- { name: dead, match: { path: /dead }, route: { cluster: dead } }
- { name: full, match: { path: /full }, route: { cluster: full } }
- { name: missing, match: { path: /missing }, route: { cluster_header: x-cluster } }
- { name: slow, match: { path: /slow }, route: { cluster: u, timeout: 0.2s } }
- { name: idle, match: { path: /idle }, route: { cluster: u, idle_timeout: 0.2s, timeout: 0s } }
- name: again
  match: { path: /again }
  route: { cluster: u, timeout: 0s, retry_policy: { retry_on: 5xx, num_retries: 1 } }
- { name: up, match: { prefix: /up }, route: { cluster: u } }`;

function get(name: string, target: string, more: Partial<Exchange> = {}): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`, ...more };
}

const to = (...http: NonNullable<UpstreamScript["http"]>): Pick<Exchange, "upstreams"> => ({
  upstreams: { u: { http } },
});

function listener(name: string, fields: string, manager = ""): string {
  return httpListener(name, { manager: `proxy_status_config: ${fields}\n${manager}`, routes: ROUTES });
}

export const proxyStatus: Group = {
  name: "proxy_status",
  listeners: ["status"],
  upstreams: ["u"],
  yaml: `node: { id: node-1, cluster: c }\n` + bootstrap([
    listener("status", "{}"),
    listener("recommended", "{ set_recommended_response_code: true }"),
    listener("by_node", "{ use_node_id: true, remove_details: true }"),
    listener("by_name", '{ literal_proxy_name: "a proxy", remove_response_flags: true }'),
    listener("by_server", "{ remove_connection_termination_details: true }", "server_name: mine"),
    listener("late", "{}", "via: p\nrequest_headers_timeout: 0.1s\nstream_idle_timeout: 0.2s"),
    listener("without_node", "{ use_node_id: false }"),
    listener(
      "mapped",
      "{}",
      'local_reply_config: { body_format: { text_format_source: { inline_string: "%RESP(proxy-status)% %RESPONSE_CODE%" } } }',
    ),
  ], [
    cluster("u"),
    cluster("dead"),
    emptyCluster("empty"),
    cluster("full", "  circuit_breakers: { thresholds: [ { max_connections: 0, max_pending_requests: 0 } ] }", "u"),
  ]),
  exchanges: [
    get("nothing is wrong", "/up"),
    get("a response of its own", "/direct"),
    get("no route", "/nowhere"),
    get("no host", "/empty"),
    get("no cluster", "/missing"),
    get("a refused connection", "/dead"),
    get("a circuit breaker", "/full"),
    get("a timeout", "/slow", to({ steps: ["hang"] })),
    get("an idle stream", "/idle", to({ steps: ["hang"] })),
    get("an upstream that closes", "/up", to({ steps: ["close"] })),
    get("an upstream that resets", "/up", to({ steps: ["reset"] })),
    get("an upstream that speaks nonsense", "/up", to({ steps: ["nonsense\r\n\r\n", "close"] })),
    get("an upstream's error", "/up", to("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")),
    get(
      "an upstream's own Proxy-Status",
      "/up",
      to("HTTP/1.1 502 Bad Gateway\r\nproxy-status: theirs; error=dns_error\r\ncontent-length: 0\r\n\r\n"),
    ),
    get(
      "an upstream's own Proxy-Status, and retries spent",
      "/again",
      to("HTTP/1.1 500 Internal Server Error\r\nproxy-status: theirs\r\ncontent-length: 0\r\n\r\n"),
    ),
    { name: "a bad request", client: ["nonsense\r\n\r\n", "response", "closed"] },
    { name: "no host in the request", client: ["GET / HTTP/1.1\r\n\r\n", "response", "closed"] },
    get("no route, as recommended", "/nowhere", { listener: "recommended" }),
    get("no host, as recommended", "/empty", { listener: "recommended" }),
    get("a refused connection, as recommended", "/dead", { listener: "recommended" }),
    get("an upstream that closes, as recommended", "/up", { listener: "recommended", ...to({ steps: ["close"] }) }),
    get("nonsense of an upstream, as recommended", "/up", {
      listener: "recommended",
      ...to({ steps: ["nonsense\r\n\r\n", "close"] }),
    }),
    get("a circuit breaker, as recommended", "/full", { listener: "recommended" }),
    get("a response of its own, as recommended", "/direct", { listener: "recommended" }),
    {
      name: "a bad request, as recommended",
      listener: "recommended",
      client: ["nonsense\r\n\r\n", "response", "closed"],
    },
    {
      name: "a gRPC call, as recommended",
      listener: "recommended",
      client: "GET /dead HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\r\n",
    },
    {
      name: "a head that does not end",
      listener: "late",
      client: ["GET / HTTP/1.1\r\nX-A: a\r\n", "response", "closed"],
    },
    {
      name: "nonsense where a via is added",
      listener: "late",
      client: ["nonsense\r\n\r\n", "response", "closed"],
    },
    get("the node's name, and nothing more", "/dead", { listener: "by_node" }),
    get("a name of its own", "/dead", { listener: "by_name" }),
    get("the server's name", "/dead", { listener: "by_server" }),
    get("not the node's name", "/dead", { listener: "without_node" }),
    get("a body is made before", "/dead", { listener: "mapped" }),
  ],
};
