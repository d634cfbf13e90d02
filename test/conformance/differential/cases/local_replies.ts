// test/conformance/differential/cases/local_replies.ts: answers of the proxy's own, as local_reply_config makes them.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, listener: string, target: string, fields = ""): Exchange {
  return { name, listener, client: `GET ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n` };
}

const ROUTES =
  `- { name: plain, match: { path: /direct }, direct_response: { status: 403, body: { inline_string: denied } } }
- { name: bare, match: { path: /bare }, direct_response: { status: 404 } }
- { name: moved, match: { path: /moved }, redirect: { path_redirect: /new } }
- name: typed
  match: { path: /typed }
  direct_response: { status: 200, body: { inline_string: "<p>" } }
  response_headers_to_add: [ { header: { key: content-type, value: text/html }, append_action: OVERWRITE_IF_EXISTS_OR_ADD } ]
- { name: empty, match: { path: /empty }, route: { cluster: empty } }
- { name: all, match: { prefix: /up }, route: { cluster: u } }`;

const status = (op: string, value: number): string =>
  `status_code_filter: { comparison: { op: ${op}, value: { default_value: ${value}, runtime_key: none } } }`;

const MAPPERS = `local_reply_config:
  mappers:
  - filter:
      extension_filter:
        name: cel
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
          expression: "request.headers['x-cel'] == 'yes' && response.code == 403"
    body: { inline_string: expressed }
  - filter: { header_filter: { header: { name: x-status, present_match: true } } }
    headers_to_add: [ { header: { key: grpc-status, value: "5" } }, { header: { key: grpc-message, value: mine } } ]
  - filter: { header_filter: { header: { name: x-case, string_match: { exact: and } } } }
    body: { inline_string: first }
    headers_to_add:
    - { header: { key: x-code, value: "%RESPONSE_CODE% %RESP(:status)%" } }
    - { header: { key: x-path, value: "%REQ(:path)%" } }
    - { header: { key: content-type, value: text/odd }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
  - filter: { and_filter: { filters: [ { ${
  status("GE", 400)
} }, { header_filter: { header: { name: x-and, present_match: true } } } ] } }
    status_code: 418
    body_format_override: { text_format_source: { inline_string: "%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%RESPONSE_CODE_DETAILS%|%RESP(:status)%" } }
  - filter: { response_flag_filter: { flags: [ UH ] } }
    status_code: 502
    body: { inline_string: nobody }
    body_format_override:
      content_type: application/problem+json
      json_format: { z: "%RESPONSE_CODE%", a: "%LOCAL_REPLY_BODY%", flags: "%RESPONSE_FLAGS%", none: "%REQ(x-none)%" }
  - filter: { or_filter: { filters: [ { ${status("EQ", 403)} }, { ${status("EQ", 301)} } ] } }
    body: { inline_string: "mapped %RESPONSE_CODE%" }
    headers_to_add: [ { header: { key: x-mapped, value: "1" } } ]
  - filter: { ${status("EQ", 404)} }
    body: { inline_string: "found after all" }
    status_code: 200
  - filter: { grpc_status_filter: { statuses: [ UNAVAILABLE ] } }
    headers_to_add: [ { header: { key: x-grpc, value: unavailable } } ]
  - filter: { duration_filter: { comparison: { op: GE, value: { default_value: 0, runtime_key: none } } } }
    headers_to_add: [ { header: { key: x-late, value: "1" } } ]`;

export const localReplies: Group = {
  name: "local_replies",
  listeners: ["mapped"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("mapped", { manager: MAPPERS, routes: ROUTES }),
    httpListener("text", {
      manager: `local_reply_config:
  body_format:
    text_format_source: { inline_string: "%LOCAL_REPLY_BODY%:%RESPONSE_CODE%:path=%REQ(:path)%:%PROTOCOL%:%RESPONSE_FLAGS%:%RESPONSE_CODE_DETAILS%:%ACCESS_LOG_TYPE%\\n" }`,
      routes: ROUTES,
    }),
    httpListener("html", {
      manager: `local_reply_config:
  body_format:
    text_format: "<h1>%LOCAL_REPLY_BODY%%REQ(x-none)%</h1>"
    content_type: "text/html; charset=UTF-8"
    omit_empty_values: true`,
      routes: ROUTES,
    }),
    httpListener("json", {
      manager: `local_reply_config:
  body_format:
    json_format:
      status: "%RESPONSE_CODE%"
      message: "%LOCAL_REPLY_BODY%"
      path: "%REQ(:path)%"
      nested: { b: "%PROTOCOL%", a: "%REQ(x-none)%" }`,
      routes: ROUTES,
    }),
    httpListener("sorted", {
      manager: `local_reply_config:
  body_format:
    json_format: { b: "%RESPONSE_CODE%", a: "%REQ(x-none)%", c: "%LOCAL_REPLY_BODY%" }
    json_format_options: { sort_properties: true }
    omit_empty_values: true`,
      routes: ROUTES,
    }),
    httpListener("emptied", {
      manager: 'local_reply_config: { body_format: { text_format: "%REQ(x-none)%", omit_empty_values: true } }',
      routes: ROUTES,
    }),
    httpListener("marked", {
      manager: "path_with_escaped_slashes_action: REJECT_REQUEST",
      routeConfig: 'response_headers_to_add: [ { header: { key: x-route, value: "%ROUTE_NAME%" } } ]',
      routes: `- { name: idle, match: { path: /idle }, route: { cluster: u, idle_timeout: 0.1s } }
- { name: lasting, match: { path: /lasting }, route: { cluster: u, max_stream_duration: { max_stream_duration: 0.1s } } }
- { name: hasty, match: { path: /hasty }, route: { cluster: u, timeout: 0.1s } }
${ROUTES}`,
    }),
    httpListener("late", {
      manager: `request_timeout: 0.1s
request_headers_timeout: 0.1s
local_reply_config:
  mappers:
  - filter: { ${status("EQ", 408)} }
    status_code: 503
    body: { inline_string: too late }
    headers_to_add: [ { header: { key: x-late, value: "%REQ(x-a)%" } } ]
  - filter: { ${status("EQ", 400)} }
    status_code: 422
    body: { inline_string: bad }`,
      routes: ROUTES,
    }),
  ], [cluster("u"), emptyCluster("empty")]),
  exchanges: [
    ...["/idle", "/lasting", "/hasty"].map((path) => ({
      ...get(`the route's headers on a late answer: ${path}`, "marked", path),
      upstreams: { u: { http: [{ steps: ["hang" as const] }] } },
    })),
    get("the route's headers on a refused upgrade", "marked", "/up", "Connection: Upgrade\r\nUpgrade: foo\r\n"),
    get("the route's headers on a refused path", "marked", "/up%2fa", "X-Forwarded-Proto: http\r\n"),
    get("a refused path of which no route is known", "marked", "/up%2fa"),
    get("the route's headers on a direct response", "marked", "/direct"),
    get("the route's headers on a redirect", "marked", "/moved"),
    get("the route's headers where there is no host", "marked", "/empty"),
    get("no route, no headers", "marked", "/none"),
    get("the first mapper that hits", "mapped", "/direct", "x-case: and\r\nx-and: 1\r\n"),
    get("an expression", "mapped", "/direct", "x-cel: yes\r\n"),
    get("an expression that is not true", "mapped", "/bare", "x-cel: yes\r\n"),
    get("two filters at once and a format of its own", "mapped", "/direct", "x-and: 1\r\n"),
    get("a flag, and a body of JSON", "mapped", "/empty"),
    get("one of two filters", "mapped", "/direct"),
    get("a redirect has a body", "mapped", "/moved"),
    get("another status", "mapped", "/bare"),
    get("no route", "mapped", "/nowhere"),
    get("a type of the route's own", "mapped", "/typed"),
    get("a type of the route's own, and another body", "mapped", "/typed", "x-case: and\r\n"),
    {
      name: "an upstream's error is left alone",
      listener: "mapped",
      client: "GET /up HTTP/1.1\r\nHost: a.example\r\nx-case: and\r\nx-and: 1\r\n\r\n",
      upstreams: { u: { http: ["HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\ntheir"] } },
    },
    {
      name: "HEAD",
      listener: "mapped",
      client: ["HEAD /direct HTTP/1.1\r\nHost: a.example\r\nx-case: and\r\n\r\n", "response to HEAD"],
    },
    get("a gRPC call", "mapped", "/empty", "content-type: application/grpc\r\n"),
    get("a gRPC status of a mapper's own", "mapped", "/direct", "content-type: application/grpc\r\nx-status: 1\r\n"),
    get("a gRPC call with a text", "mapped", "/direct", "content-type: application/grpc\r\nx-and: 1\r\n"),
    {
      name: "an upstream that closes",
      listener: "mapped",
      client: "GET /up HTTP/1.1\r\nHost: a.example\r\n\r\n",
      upstreams: { u: { http: [{ steps: ["close"] }] } },
    },
    {
      name: "an upstream that closes under a gRPC call",
      listener: "mapped",
      client: "GET /up HTTP/1.1\r\nHost: a.example\r\ncontent-type: application/grpc\r\n\r\n",
      upstreams: { u: { http: [{ steps: ["close"] }] } },
    },
    { name: "nonsense", listener: "mapped", client: ["nonsense\r\n\r\n", "response", "closed"] },
    {
      name: "no host",
      listener: "mapped",
      client: ["GET / HTTP/1.1\r\nx-case: and\r\n\r\n", "response", "closed"],
    },
    get("a text format", "text", "/direct"),
    get("a text format without a body", "text", "/bare"),
    get("a text format of a typed reply", "text", "/typed"),
    get("a text format of a redirect", "text", "/moved"),
    get("a text format of a gRPC message", "text", "/direct", "content-type: application/grpc\r\n"),
    get("an upstream's body has no format", "text", "/up"),
    { name: "a text format of nonsense", listener: "text", client: ["nonsense\r\n\r\n", "response", "closed"] },
    {
      name: "a text format of HTTP/1.0",
      listener: "text",
      client: ["GET / HTTP/1.0\r\nHost: a\r\n\r\n", "response", "closed"],
    },
    {
      name: "a text format of an unknown transfer-encoding",
      listener: "text",
      client: ["GET /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd\r\n\r\n", "response", "closed"],
    },
    {
      name: "a text format of a bad path",
      listener: "text",
      client: ["GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n", "response", "closed"],
    },
    {
      name: "a text format of a refused upgrade",
      listener: "text",
      client: ["GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: odd\r\n\r\n", "response", "closed"],
    },
    get("a content type", "html", "/direct"),
    get("a content type and a typed reply", "html", "/typed"),
    get("a JSON format", "json", "/direct"),
    get("a JSON format without a body", "json", "/bare"),
    get("a JSON format of a gRPC message", "json", "/direct", "content-type: application/grpc\r\n"),
    {
      name: "a JSON format of HEAD",
      listener: "json",
      client: ["HEAD /direct HTTP/1.1\r\nHost: a.example\r\n\r\n", "response to HEAD"],
    },
    {
      name: "a JSON format of a gRPC HEAD",
      listener: "json",
      client: [
        "HEAD /direct HTTP/1.1\r\nHost: a.example\r\ncontent-type: application/grpc\r\n\r\n",
        "response to HEAD",
      ],
    },
    get("absent values are left out", "sorted", "/direct"),
    get("a format that gives nothing", "emptied", "/direct"),
    {
      name: "a request that does not end",
      listener: "late",
      client: [
        "POST /up HTTP/1.1\r\nHost: a.example\r\nX-A: a\r\nContent-Length: 5\r\n\r\n",
        "response",
        "closed",
      ],
      upstreams: { u: { http: [{ when: "request", steps: ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "a head that does not end",
      listener: "late",
      client: ["GET / HTTP/1.1\r\nX-A: a\r\n", "response", "closed"],
    },
    { name: "a bad request gets another status", listener: "late", client: ["nonsense\r\n\r\n", "response", "closed"] },
  ],
};
