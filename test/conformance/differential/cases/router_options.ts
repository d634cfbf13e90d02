// test/conformance/differential/cases/router_options.ts: what the router itself is told, and routes that lead nowhere.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group } from "../exchange.ts";

const GRPC = "Host: a.example\r\nContent-Type: application/grpc\r\nTE: trailers\r\nContent-Length: 0\r\n\r\n";
const CONNECT = "CONNECT b.example:80 HTTP/1.1\r\nHost: b.example:80\r\n\r\n";

function grpcAnswer(status: number, more = ""): string {
  return `HTTP/1.1 ${status} X\r\ncontent-type: application/grpc\r\n${more}content-length: 0\r\n\r\n`;
}

/** A call that upstreams answer with this status. */
function call(listener: string, path: string, status: number, more = ""): Exchange {
  return {
    name: `${listener}: ${path} and ${status}${more === "" ? "" : ` ${more.trim()}`}`,
    listener,
    client: `POST ${path} HTTP/1.1\r\n${GRPC}`,
    upstreams: { u: { http: [grpcAnswer(status, more)] } },
  };
}

function get(listener: string, path: string): Exchange {
  return { name: `${listener}: ${path}`, listener, client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n` };
}

function connect(name: string, client: readonly ClientStep[], answer = "HTTP/1.1 200 OK\r\n\r\n"): Exchange {
  return { name, listener: "early", client, upstreams: { u: { http: [{ when: "head", steps: [answer, "hang"] }] } } };
}

const GRPC_ROUTES = `- { match: { prefix: /empty }, route: { cluster: empty } }
- { match: { prefix: /retried }, route: { cluster: u, timeout: 0s, retry_policy: { retry_on: "5xx", num_retries: 1 } } }
- match: { prefix: /typed }
  route: { cluster: u, retry_policy_typed_config: { "@type": type.googleapis.com/envoy.config.route.v3.RetryPolicy, retry_on: 5xx } }
- { match: { prefix: / }, route: { cluster: NAME, timeout: 0.2s } }`;
const V_CLUSTER =
  `virtual_clusters: [ { name: NAME, headers: [ { name: ":method", string_match: { exact: POST } } ] } ]\n`;

export const routerOptions: Group = {
  name: "router_options",
  listeners: ["counted", "suppressed", "early", "nowhere"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("counted", {
      routes: GRPC_ROUTES.replaceAll("NAME", "counted"),
      virtualHost: V_CLUSTER.replace("NAME", "counted"),
    }),
    httpListener("suppressed", {
      router: "suppress_grpc_request_failure_code_stats: true",
      routes: GRPC_ROUTES.replaceAll("NAME", "suppressed"),
      virtualHost: V_CLUSTER.replace("NAME", "suppressed"),
    }),
    httpListener("early", {
      router: "reject_connect_request_early_data: true",
      manager: "upgrade_configs: [ { upgrade_type: CONNECT } ]\n",
      routes: `- match: { connect_matcher: {} }
  route: { cluster: u, upgrade_configs: [ { upgrade_type: CONNECT } ] }
  response_headers_to_add: [ { header: { key: x-route, value: "1" } } ]
- { match: { prefix: / }, route: { cluster: u } }`,
    }),
    httpListener("nowhere", {
      virtualHost: "rate_limits: [ { actions: [ { source_cluster: {} } ] } ]\n",
      routes: `- { name: none, match: { prefix: /none }, non_forwarding_action: {} }
- name: filter
  match: { prefix: /filter }
  filter_action: { action: { "@type": type.googleapis.com/google.protobuf.Empty } }
- { name: empty, match: { prefix: /empty }, filter_action: {} }`,
    }),
  ], [cluster("u"), cluster("counted", "", "u"), cluster("suppressed", "", "u"), emptyCluster("empty")]),
  exchanges: [
    ...["counted", "suppressed"].flatMap((listener) => [
      call(listener, "/a", 200, "grpc-status: 0\r\n"),
      call(listener, "/a", 200, "grpc-status: 14\r\n"),
      call(listener, "/a", 503),
      call(listener, "/empty", 200),
      { ...get(listener, "/a"), upstreams: { u: { http: ["HTTP/1.1 504 X\r\ncontent-length: 0\r\n\r\n"] } } },
      {
        name: `${listener}: a timeout`,
        listener,
        client: [`POST /a HTTP/1.1\r\n${GRPC}`, "response"] as const,
        upstreams: { u: { http: [{ steps: ["hang" as const] }] } },
      },
      {
        ...call(listener, "/retried", 200),
        name: `${listener}: a retry`,
        upstreams: { u: { http: [grpcAnswer(503), grpcAnswer(200, "grpc-status: 0\r\n")] } },
      },
    ]),
    connect("data behind CONNECT", [CONNECT + "early", "response to CONNECT", { pause: 20 }, "reset"]),
    connect("data after the answer", [CONNECT, "response to CONNECT", "late", { pause: 20 }, "reset"]),
    {
      name: "data behind CONNECT in HTTP/2",
      listener: "early",
      client: {
        http2: [
          { ask: [[":method", "CONNECT"], [":authority", "b.example:80"]], end: false },
          { seen: 1 },
          { data: "early" },
          "response",
        ],
      },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    { ...call("counted", "/typed", 200), upstreams: { u: { http: [grpcAnswer(503), grpcAnswer(200)] } } },
    connect("the body of a POST", [
      "POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi",
      "response",
    ], "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    get("nowhere", "/none"),
    get("nowhere", "/filter"),
    get("nowhere", "/empty"),
  ],
};
