// test/conformance/differential/cases/route_actions.ts: what routes do with requests, by their rarer fields.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, target: string, fields = "", host = "a.example"): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n` };
}

export const routeActions: Group = {
  name: "route_actions",
  listeners: ["main", "named", "named_default"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      manager:
        "use_remote_address: true\ninternal_address_config: { cidr_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }",
      routeConfig: "internal_only_headers: [ x-only-internal ]",
      virtualHosts: `- name: main
  domains: [ "*" ]
  request_body_buffer_limit: 64
  retry_policy: { retry_on: "5xx", retry_back_off: { base_interval: 0.001s } }
  response_headers_to_add: [ { header: { key: x-virtual, value: "%VIRTUAL_CLUSTER_NAME%" } } ]
  virtual_clusters:
  - { name: posts, headers: [ { name: ":method", string_match: { exact: POST } } ] }
  - { name: counted, headers: [ { name: ":path", string_match: { prefix: /counted } } ] }
  routes:
  - { name: text, match: { path: /text }, direct_response: { status: 200, body: { inline_string: "the body" }, body_format: { text_format_source: { inline_string: "<%RESPONSE_CODE% %REQ(X-Name)% %ROUTE_NAME% %LOCAL_REPLY_BODY%>" } } } }
  - { name: html, match: { path: /html }, direct_response: { status: 404, body_format: { content_type: "text/html", text_format_source: { inline_string: "<p>%PROTOCOL%</p>" } } } }
  - { name: json, match: { path: /json }, direct_response: { status: 503, body: { inline_string: "it \\"is\\"" }, body_format: { json_format: { code: "%RESPONSE_CODE%", text: "%LOCAL_REPLY_BODY%", none: "%REQ(X-None)%" } } } }
  - { name: empty, match: { path: /empty }, direct_response: { status: 200, body: { inline_string: "gone" }, body_format: { text_format_source: { inline_string: "%REQ(X-None)%" }, omit_empty_values: true } } }
  - { name: typed, match: { path: /typed }, direct_response: { status: 200, body: { inline_string: "t" }, body_format: { content_type: "a/b", text_format_source: { inline_string: "x" } } }, response_headers_to_add: [ { header: { key: content-type, value: c/d }, append_action: OVERWRITE_IF_EXISTS_OR_ADD } ] }
  - { name: path_format, match: { prefix: /pf }, route: { cluster: u, path_rewrite: "/new%REQ(X-Path)%" } }
  - { name: path_empty, match: { prefix: /pe }, route: { cluster: u, path_rewrite: "%REQ(X-Path)%" } }
  - { name: host_format, match: { prefix: /hf }, route: { cluster: u, host_rewrite: "p-%REQ(X-Host)%", append_x_forwarded_host: true } }
  - { name: host_empty, match: { prefix: /he }, route: { cluster: u, host_rewrite: "%REQ(X-Host)%" } }
  - { name: redirect_format, match: { prefix: /rf }, redirect: { path_rewrite: "/to%REQ(X-Path)%" } }
  - { name: redirect_strip, match: { prefix: /rs }, redirect: { path_rewrite: "/to%REQ(X-Path)%", strip_query: true, host_redirect: other.example } }
  - { name: redirect_own, match: { prefix: /ro }, redirect: { path_rewrite: "/to?own=%REQ(X-Path)%" } }
  - { name: redirect_relative, match: { prefix: /rr }, redirect: { path_redirect: "relative" } }
  - { name: redirect_query, match: { prefix: /rq }, redirect: { path_redirect: "/x?a=b", strip_query: true } }
  - { name: redirect_regex, match: { prefix: /rx }, redirect: { strip_query: true, regex_rewrite: { pattern: { regex: "/rx/(.*)" }, substitution: "/to/\\\\1" } } }
  - { name: hashed, match: { path: /hashed }, route: { hash_policy: [ { header: { header_name: x-key } } ], weighted_clusters: { use_hash_policy: true, clusters: [ { name: u, weight: 50 }, { name: v, weight: 50 } ] } } }
  - { name: counted, stat_prefix: counted_routes, match: { prefix: /counted }, route: { cluster: u, timeout: 0s, priority: HIGH } }
  - { name: limited, match: { prefix: /limited }, request_body_buffer_limit: 8, route: { cluster: u, timeout: 0s } }
  - { name: rest, match: { prefix: / }, route: { cluster: u, timeout: 0s } }`,
    }),
    httpListener("named", {
      routeConfig: "vhost_header: x-vhost",
      virtualHosts:
        `- { name: one, domains: [ "one.example" ], routes: [ { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: one } } } ] }
- { name: two, domains: [ "*.two.example" ], routes: [ { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: two } } } ] }
- { name: rest, domains: [ "*" ], routes: [ { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: rest } } } ] }`,
    }),
    httpListener("named_default", {
      routeConfig: "vhost_header: x-vhost\nignore_port_in_host_matching: true",
      virtualHosts:
        `- { name: one, domains: [ "one.example" ], routes: [ { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: one } } } ] }`,
    }),
  ], [cluster("u"), cluster("v")]),
  exchanges: [
    get("a body of a text format", "/text", "X-Name: n\r\n"),
    get("a body of a text format with a type of its own", "/html"),
    get("a body of a JSON format", "/json"),
    get("a body of a format that is empty", "/empty"),
    get("a content type of the route's headers and one of the format", "/typed"),
    {
      name: "a formatted body and HEAD",
      client: ["HEAD /text HTTP/1.1\r\nHost: a.example\r\n\r\n", "response to HEAD"],
    },
    get("a formatted body and gRPC", "/text", "Content-Type: application/grpc\r\n"),
    get("a path rewritten by a format", "/pf/x?q=1", "X-Path: /p\r\n"),
    get("a path rewritten by a format without the header", "/pf/x?q=1"),
    get("a path rewritten to nothing", "/pe/x?q=1"),
    get("a path rewritten to a path with a query", "/pe/x?q=1", "X-Path: /p?z\r\n"),
    get("a host rewritten by a format", "/hf", "X-Host: h\r\n"),
    get("a host rewritten to nothing", "/he"),
    get("a redirect to a formatted path", "/rf?q=1", "X-Path: /p\r\n"),
    get("a redirect to a formatted path, and without the query", "/rs?q=1"),
    get("a redirect to a formatted path that has a query", "/ro?q=1", "X-Path: p\r\n"),
    get("a redirect to a path without slash", "/rr?q=1"),
    get("a redirect to a path with a query, which is not stripped", "/rq?q=1"),
    get("a redirect by regular expression without the query", "/rx/a/b?q=1"),
    get("a weighted cluster by hash", "/hashed", "X-Key: one\r\n"),
    get("a weighted cluster by another hash", "/hashed", "X-Key: four\r\n"),
    get("a weighted cluster by a third hash, which is below the half", "/hashed", "X-Key: five\r\n"),
    get("a weighted cluster by the first hash again", "/hashed", "X-Key: one\r\n"),
    get("a virtual cluster", "/counted/1"),
    {
      name: "the first virtual cluster counts",
      client: "POST /counted/2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\nx",
    },
    {
      name: "a virtual cluster of an error",
      client: "GET /counted/3 HTTP/1.1\r\nHost: a.example\r\nx-envoy-max-retries: 0\r\n\r\n",
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    get("a request of no virtual cluster", "/other"),
    {
      name: "a body within the route's buffer limit is sent again",
      client: "POST /limited HTTP/1.1\r\nHost: a.example\r\nContent-Length: 8\r\n\r\n12345678",
      upstreams: {
        u: { http: ["HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] },
      },
    },
    {
      name: "a body beyond the route's buffer limit is not",
      client: "POST /limited HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\n123456789",
      upstreams: {
        u: { http: ["HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] },
      },
    },
    {
      name: "a body beyond the virtual host's buffer limit is not",
      client: `POST /rest HTTP/1.1\r\nHost: a.example\r\nContent-Length: 65\r\n\r\n${"x".repeat(65)}`,
      upstreams: {
        u: { http: ["HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] },
      },
    },
    get("a header that only internal callers may send", "/internal", "X-Only-Internal: 1\r\n"),
    { ...get("a virtual host by another header", "/", "X-VHost: ONE.example\r\n"), listener: "named" },
    { ...get("a virtual host by another header's suffix", "/", "X-VHost: a.two.example\r\n"), listener: "named" },
    { ...get("a virtual host's header is absent", "/", "", "one.example"), listener: "named" },
    { ...get("a virtual host's header is empty", "/", "X-VHost:\r\n", "one.example"), listener: "named" },
    {
      ...get("a virtual host's header twice", "/", "X-VHost: one.example\r\nX-VHost: a.two.example\r\n"),
      listener: "named",
    },
    { ...get("a virtual host's header with a port", "/", "X-VHost: one.example:81\r\n"), listener: "named_default" },
    {
      ...get("a virtual host's header is absent, and there is no default", "/", "", "one.example"),
      listener: "named_default",
    },
  ],
};
