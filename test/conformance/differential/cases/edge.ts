// test/conformance/differential/cases/edge.ts: settings of the connection manager that change requests and responses.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions, onPipe, pipeCluster } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const HOST = "Host: a.example\r\n";

function get(name: string, listener: string, fields = "", target = "/"): Exchange {
  return { name, listener, client: `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n` };
}

export const edge: Group = {
  name: "edge",
  listeners: ["edge"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("edge", { manager: "use_remote_address: true" }),
    httpListener("hops", { manager: "use_remote_address: true\nxff_num_trusted_hops: 1" }),
    httpListener("inner_hops", { manager: "xff_num_trusted_hops: 1" }),
    httpListener("no_append", {
      manager:
        "use_remote_address: true\nskip_xff_append: true\nappend_x_forwarded_port: true\npreserve_external_request_id: true",
    }),
    httpListener("internal", {
      manager: "internal_address_config: { cidr_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }",
    }),
    httpListener("internal_edge", {
      manager: "use_remote_address: true\n" +
        "internal_address_config: { cidr_ranges: [ { address_prefix: 127.0.0.0, prefix_len: 8 } ] }",
    }),
    httpListener("named", {
      manager: `server_name: mine
via: proxy-1
add_user_agent: true
generate_request_id: false
always_set_request_id_in_response: true`,
    }),
    httpListener("named_edge", { manager: "use_remote_address: true\nvia: proxy-1\nadd_user_agent: true" }),
    httpListener("their_server", { manager: "server_header_transformation: APPEND_IF_ABSENT" }),
    httpListener("passed_server", { manager: "server_header_transformation: PASS_THROUGH" }),
    httpListener("paths", {
      manager: `normalize_path: true
merge_slashes: true
path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT`,
    }),
    httpListener("forwarded_paths", {
      manager: "path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD\nnormalize_path: true",
    }),
    httpListener("rejected_paths", { manager: "path_with_escaped_slashes_action: REJECT_REQUEST" }),
    httpListener("ports", { manager: "strip_any_host_port: true" }),
    httpListener("own_port", { manager: "strip_matching_host_port: true" }),
    httpListener("dots", { manager: "strip_trailing_host_dot: true" }),
    httpListener("dropped", {
      manager: "common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }",
    }),
    httpListener("old", {
      manager: "http_protocol_options: { accept_http_10: true, default_host_for_http_10: old.example }",
    }),
    httpListener("trailers", { manager: "http_protocol_options: { enable_trailers: true }" }),
    httpListener("hundred", { manager: "proxy_100_continue: true" }),
    httpListener("few", { manager: "common_http_protocol_options: { max_requests_per_connection: 2 }" }),
    httpListener("suppressed", {
      router: "suppress_envoy_headers: true",
      routes:
        `- { name: host, match: { prefix: /host }, route: { cluster: u, host_rewrite_literal: b.example, append_x_forwarded_host: true } }
- { name: auto, match: { prefix: /auto }, route: { cluster: named, auto_host_rewrite: true } }
- { name: all, match: { prefix: "/" }, route: { cluster: u, prefix_rewrite: /new } }`,
    }),
    httpListener("to_pipe", { routes: '- { match: { prefix: "/" }, route: { cluster: pipe } }' }),
    httpListener("to_trusting_pipe", { routes: '- { match: { prefix: "/" }, route: { cluster: trusting_pipe } }' }),
    onPipe("pipe", httpListener("pipe_edge", { manager: "use_remote_address: true" })),
    onPipe("trusting_pipe", httpListener("pipe_inner")),
  ], [
    pipeCluster("pipe"),
    cluster("named", "  type: STRICT_DNS", "u").replace("127.0.0.1", "localhost") + "  dns_lookup_family: V4_ONLY\n",
    pipeCluster("trusting_pipe"),
    cluster(
      "u",
      httpProtocolOptions("explicit_http_config: { http_protocol_options: { enable_trailers: true } }"),
    ),
  ]),
  exchanges: [
    get(
      "the peer's address is appended",
      "edge",
      "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Request-Id: mine\r\n",
    ),
    get("the peer's address alone", "edge"),
    get(
      "what only internal callers may say, at the edge",
      "edge",
      "X-Envoy-Decorator-Operation: o\r\nX-Envoy-Downstream-Service-Cluster: d\r\nX-Envoy-Downstream-Service-Node: n\r\n" +
        "X-Envoy-External-Address: 9.9.9.9\r\nX-Envoy-Internal: true\r\nX-Envoy-Original-Path: /o\r\nX-Envoy-Original-Host: o\r\n" +
        "X-Envoy-Upstream-Rq-Timeout-Ms: 7\r\nX-Forwarded-Host: h\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Client-Cert: By=a\r\n",
    ),
    get("names at the edge, in their order", "named_edge", "Via: 1.1 theirs\r\n"),
    get("an https target without TLS", "edge", "", "https://b.example/x"),
    get("an https target behind whoever had TLS", "hops", "", "https://b.example/x"),
    get("one trusted hop", "hops", "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nX-Forwarded-Proto: https\r\n"),
    get("fewer addresses than trusted hops", "inner_hops", "X-Forwarded-For: 5.6.7.8\r\n"),
    get("one trusted hop behind another proxy", "inner_hops", "X-Forwarded-For: 1.2.3.4, 5.6.7.8, 9.9.9.9\r\n"),
    get("nothing appended but the port", "no_append", "X-Forwarded-For: 1.2.3.4\r\nX-Request-Id: kept\r\n"),
    get(
      "an internal caller is believed",
      "internal",
      "X-Forwarded-For: 10.1.2.3\r\nX-Envoy-Upstream-Rq-Timeout-Ms: 7000\r\nX-Envoy-Force-Trace: 1\r\n",
    ),
    get(
      "an internal caller behind another",
      "internal",
      "X-Forwarded-For: 10.1.2.3, 10.1.2.4\r\nX-Envoy-Retry-On: 5xx\r\n",
    ),
    get("nobody said who is calling", "internal", "X-Envoy-Retry-On: 5xx\r\n"),
    get("an internal peer at the edge", "internal_edge", "X-Envoy-Max-Retries: 2\r\nX-Request-Id: mine\r\n"),
    {
      name: "names of its own",
      listener: "named",
      client: `GET / HTTP/1.1\r\n${HOST}X-Request-Id: r1\r\nVia: 1.1 before\r\n\r\n`,
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\nvia: 1.0 theirs\r\nserver: theirs\r\ncontent-length: 0\r\n\r\n"] } },
    },
    get("no request id anywhere", "named"),
    {
      name: "the upstream's server stays",
      listener: "their_server",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", `GET / HTTP/1.1\r\n${HOST}\r\n`, "response"],
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 200 OK\r\nserver: theirs\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    get("no server at all", "passed_server"),
    {
      name: "an error where no server is named",
      listener: "passed_server",
      client: ["nonsense\r\n\r\n", "response", "closed"],
    },
    get("dot segments and double slashes", "paths", "", "/a/../plain//x/./y?q=//../"),
    get("escaped slashes are redirected", "paths", "", "/plain%2Fx%5cy?q=%2f"),
    get("gRPC is not redirected", "paths", "Content-Type: application/grpc\r\n", "/plain%2Fx"),
    get("a refused path whose scheme is known has a route", "paths", "X-Forwarded-Proto: http\r\n", "/plain%2Fx"),
    get("a fragment, and the scheme is known", "paths", "X-Forwarded-Proto: http\r\n", "/x#y"),
    get("unreserved characters are unescaped", "paths", "", "/%61%2e%7e%20"),
    get("above the root", "paths", "", "/../../x"),
    get("an encoded NUL", "paths", "", "/a%00b"),
    get("a backslash is a slash", "paths", "", "/a\\b\\..\\c"),
    get("a percent sign alone", "paths", "", "/a%zz%"),
    get("escaped slashes are unescaped on the way", "forwarded_paths", "", "/a%2f..%2Fb%5Cc?x=%2f"),
    get("escaped slashes are refused", "rejected_paths", "", "/a%2Fb"),
    { name: "any port is stripped", listener: "ports", client: "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n" },
    {
      name: "an IPv6 host keeps its brackets",
      listener: "ports",
      client: "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
    },
    {
      name: "another port is not stripped",
      listener: "own_port",
      client: "GET / HTTP/1.1\r\nHost: a.example:8\r\n\r\n",
    },
    {
      name: "its own port is stripped",
      listener: "own_port",
      client: "GET / HTTP/1.1\r\nHost: a.example:@own_port@\r\n\r\n",
    },
    get("a client behind a unix socket", "to_pipe", "X-Forwarded-For: 1.2.3.4\r\n"),
    get("a client behind a unix socket that is trusted", "to_trusting_pipe", "X-Forwarded-For: 1.2.3.4\r\n"),
    { name: "a trailing dot is stripped", listener: "dots", client: "GET / HTTP/1.1\r\nHost: a.example.:80\r\n\r\n" },
    get("an underscore is dropped", "dropped", "X_A: 1\r\nX-B: 2\r\n"),
    {
      name: "HTTP/1.0 where it is accepted",
      listener: "old",
      client: ["GET / HTTP/1.0\r\n\r\n", "response", "closed"],
    },
    {
      name: "HTTP/1.0 with keep-alive",
      listener: "old",
      client: [
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "response",
        "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
        "response",
        "closed",
      ],
    },
    {
      name: "HTTP/1.0 and a chunked upstream",
      listener: "old",
      client: ["GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "response", "closed"],
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"] } },
    },
    {
      name: "trailers pass where they are enabled",
      listener: "trailers",
      client: [
        `POST / HTTP/1.1\r\n${HOST}TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Up: 1\r\n\r\n`,
        "response",
      ],
      upstreams: {
        u: { http: ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-down: 1\r\n\r\n"] },
      },
    },
    {
      name: "trailers that would change their message",
      listener: "trailers",
      client: [
        `POST / HTTP/1.1\r\n${HOST}TE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n` +
        "Content-Length: 9\r\nHost: evil\r\nX-Up: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "response",
      ],
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-down: 1\r\ncontent-length: 9\r\n" +
            "content-type: evil\r\nset-cookie: a=b\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "100-continue is left to the upstream",
      listener: "hundred",
      client: [
        `PUT / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`,
        { until: "\r\n\r\n" },
        "x",
        "response",
      ],
      upstreams: {
        u: {
          http: [{
            when: "head",
            steps: [
              "HTTP/1.1 100 Continue\r\n\r\n",
              { bytes: 1 },
              "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
              "end",
            ],
          }],
        },
      },
    },
    {
      name: "early hints where 100-continue is left to the upstream",
      listener: "hundred",
      client: `GET / HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: {
        u: { http: ["HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] },
      },
    },
    {
      name: "two informational responses",
      listener: "hundred",
      client: `GET / HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\n" +
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    {
      name: "the last request that a connection may bring",
      listener: "few",
      client: [`GET / HTTP/1.1\r\n${HOST}\r\n`, "response", `GET / HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
    },
    get("nothing of its own is added", "suppressed"),
    get("nothing of its own is added to another host", "suppressed", "", "/host"),
    get("nothing of its own is added to the host's name", "suppressed", "", "/auto"),
  ],
};
