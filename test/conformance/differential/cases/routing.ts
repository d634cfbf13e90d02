// test/conformance/differential/cases/routing.ts: which route a request takes, and what the route makes of it.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

function get(name: string, target: string, fields = "", host = "a.example"): Exchange {
  return { name, client: `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n` };
}

export const routing: Group = {
  name: "routing",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      routeConfig: `request_headers_to_add:
- { header: { key: x-levels, value: table } }
response_headers_to_add:
- { header: { key: x-levels, value: table } }
request_headers_to_remove: [ x-remove-me ]
response_headers_to_remove: [ x-powered-by ]`,
      virtualHosts: `- name: exact
  domains: [ exact.example, "exact.example:8080" ]
  routes: [ { name: exact, match: { prefix: / }, direct_response: { status: 200, body: { inline_string: exact } } } ]
- name: suffix
  domains: [ "*.wild.example" ]
  routes: [ { name: suffix, match: { prefix: / }, direct_response: { status: 200, body: { inline_string: suffix } } } ]
- name: longer_suffix
  domains: [ "*.very.wild.example" ]
  routes: [ { name: longer_suffix, match: { prefix: / }, direct_response: { status: 200, body: { inline_string: longer } } } ]
- name: prefix
  domains: [ "start.*" ]
  routes: [ { name: prefix, match: { prefix: / }, direct_response: { status: 200, body: { inline_string: prefix } } } ]
- name: secure
  domains: [ secure.example ]
  require_tls: ALL
  routes: [ { name: secure, match: { prefix: / }, route: { cluster: u } } ]
- name: all
  domains: [ "*" ]
  request_headers_to_add:
  - { header: { key: x-levels, value: host } }
  response_headers_to_add:
  - { header: { key: x-levels, value: host } }
  routes:
  - { name: first, match: { prefix: /close }, direct_response: { status: 200, body: { inline_string: first } } }
  - { name: shadowed, match: { prefix: /closer }, direct_response: { status: 200, body: { inline_string: never } } }
  - { name: path, match: { path: /path }, direct_response: { status: 200, body: { inline_string: path } } }
  - { name: regex, match: { safe_regex: { regex: "/re/[0-9]+" } }, direct_response: { status: 200, body: { inline_string: regex } } }
  - { name: psp, match: { path_separated_prefix: /psp }, direct_response: { status: 200, body: { inline_string: psp } } }
  - { name: nocase, match: { path: /NoCase, case_sensitive: false }, direct_response: { status: 200, body: { inline_string: nocase } } }
  - name: header
    match:
      prefix: /h
      headers:
      - { name: x-m, string_match: { exact: "1" } }
      - { name: x-no, present_match: true, invert_match: true }
      - { name: x-r, range_match: { start: 3, end: 5 } }
    direct_response: { status: 200, body: { inline_string: header } }
  - { name: query, match: { prefix: /q, query_parameters: [ { name: q, string_match: { prefix: "ye" } } ] }, direct_response: { status: 200, body: { inline_string: query } } }
  - { name: grpc, match: { prefix: /g, grpc: {} }, direct_response: { status: 200, body: { inline_string: grpc } } }
  - { name: created, match: { path: /created }, direct_response: { status: 201 } }
  - { name: found, match: { path: /found }, direct_response: { status: 302 } }
  - { name: bad, match: { path: /bad }, direct_response: { status: 400, body: { inline_string: bad } } }
  - { name: redirect, match: { path: /redirect }, redirect: { host_redirect: other.example, path_redirect: /new, response_code: FOUND } }
  - { name: https, match: { path: /https }, redirect: { https_redirect: true } }
  - { name: strip, match: { path: /strip }, redirect: { path_redirect: /x, strip_query: true, response_code: PERMANENT_REDIRECT } }
  - { name: prefix_redirect, match: { prefix: /old/ }, redirect: { prefix_rewrite: /new/ } }
  - { name: regex_redirect, match: { prefix: /rr/ }, redirect: { regex_rewrite: { pattern: { regex: "^/rr/([^/]+)/(.*)$" }, substitution: "/\\\\2/\\\\1" } } }
  - { name: port_redirect, match: { path: /port }, redirect: { port_redirect: 8443, scheme_redirect: https } }
  - { name: prefix_rewrite, match: { prefix: /prns }, route: { cluster: u, prefix_rewrite: /z } }
  - { name: regex_rewrite, match: { prefix: /rx/ }, route: { cluster: u, regex_rewrite: { pattern: { regex: "^/rx/([a-z]+)" }, substitution: "/\\\\1/rx" } } }
  - { name: host_literal, match: { path: /host }, route: { cluster: u, host_rewrite_literal: inner.example } }
  - { name: host_header, match: { path: /host_header }, route: { cluster: u, host_rewrite_header: x-host, append_x_forwarded_host: true } }
  - { name: host_regex, match: { prefix: /host_path/ }, route: { cluster: u, host_rewrite_path_regex: { pattern: { regex: "^/host_path/(.+)$" }, substitution: "\\\\1.example" } } }
  - name: ops
    match: { path: /ops }
    route: { cluster: u }
    request_headers_to_add:
    - { header: { key: x-levels, value: route } }
    - { header: { key: x-there, value: appended } }
    - { header: { key: x-there2, value: overwritten }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }
    - { header: { key: x-there3, value: never }, append_action: ADD_IF_ABSENT }
    - { header: { key: x-there4, value: changed }, append_action: OVERWRITE_IF_EXISTS }
    - { header: { key: x-absent4, value: never }, append_action: OVERWRITE_IF_EXISTS }
    - { header: { key: x-empty, value: "%REQ(x-nothing)%" } }
    - { header: { key: x-kept-empty, value: "%REQ(x-nothing)%" }, keep_empty_value: true }
    - { header: { key: x-percent, value: "100%%" } }
    - { header: { key: x-format, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %PROTOCOL% %REQ(:path)% %ROUTE_NAME%" } }
    - { header: { key: accept, value: appended/x } }
    request_headers_to_remove: [ x-gone ]
    response_headers_to_add:
    - { header: { key: x-levels, value: route } }
    - { header: { key: x-status, value: "%RESPONSE_CODE%" } }
    - { header: { key: vary, value: origin } }
    - { header: { key: server, value: mine } }
    response_headers_to_remove: [ x-secret ]
  - name: weighted
    match: { path: /weighted }
    route:
      weighted_clusters:
        clusters:
        - { name: u, weight: 0 }
        - { name: v, weight: 100, request_headers_to_add: [ { header: { key: x-levels, value: cluster } } ], response_headers_to_add: [ { header: { key: x-levels, value: cluster } } ] }
  - { name: attempts, match: { path: /local }, route: { cluster: dead } }
  - { name: fallback, match: { prefix: / }, route: { cluster: u } }
  include_attempt_count_in_response: true
  include_request_attempt_count: true`,
    }),
  ], [cluster("u"), cluster("v"), cluster("dead")]),
  exchanges: [
    get("an exact domain in capitals", "/", "", "EXACT.example"),
    get("a domain with its port", "/", "", "exact.example:8080"),
    get("a domain with another port", "/nowhere", "", "exact.example:81"),
    get("a suffix domain", "/", "", "a.wild.example"),
    get("the longest suffix domain", "/", "", "x.very.wild.example"),
    get("a suffix domain needs more than the suffix", "/nowhere", "", "wild.example"),
    get("a prefix domain", "/", "", "start.anything"),
    get("plain text where TLS is required", "/s?a=b", "", "secure.example"),
    get("the first route that matches", "/closer"),
    get("a path without its query", "/path?x=1"),
    get("a path that goes on is another", "/path/more"),
    get("a regular expression matches whole paths", "/re/12"),
    get("a regular expression that matches a part only", "/re/12x"),
    get("a path-separated prefix", "/psp/a"),
    get("a path-separated prefix that goes on in its segment", "/pspx"),
    get("a path in another case", "/nOcAsE"),
    get("headers that all match", "/h", "X-M: 1\r\nX-R: 4\r\n"),
    get("a number outside of the range", "/h", "X-M: 1\r\nX-R: 5\r\n"),
    get("a header that must be absent", "/h", "X-M: 1\r\nX-R: 3\r\nX-No: 1\r\n"),
    get("a query parameter", "/q?a=1&q=yes"),
    get("a query parameter that does not match", "/q?q=no"),
    get("a gRPC request", "/g", "Content-Type: application/grpc+proto\r\n"),
    get("a request that only looks like gRPC", "/g", "Content-Type: application/grpc-web\r\n"),
    get("a direct response 201 has a location", "/created"),
    get("a direct response 302 has a location", "/found"),
    get("a direct response 400 closes", "/bad"),
    get("a redirect to another host and path", "/redirect?a=b"),
    get("a redirect to https", "/https?a=b", "", "a.example:80"),
    get("a redirect without the query", "/strip?a=b"),
    get("a redirect of a prefix", "/old/x?y"),
    get("a redirect by a regular expression", "/rr/one/two?q"),
    get("a redirect to a port", "/port", "", "a.example:99"),
    get("a prefix is rewritten literally", "/prnsX/y?q=1"),
    get("a path is rewritten by a regular expression", "/rx/abc/d?q"),
    get("a host is rewritten", "/host"),
    get("a host from a header", "/host_header", "X-Host: from.header\r\nX-Forwarded-Host: before\r\n"),
    get("a host from the path", "/host_path/abc"),
    {
      name: "header operations on all levels",
      client:
        "GET /ops HTTP/1.1\r\nHost: a.example\r\nX-Remove-Me: 1\r\nX-Gone: 1\r\nX-There: 1\r\nX-There2: 1\r\nX-There2: 2\r\n" +
        "X-There3: 1\r\nX-There4: 1\r\nAccept: text/x\r\n\r\n",
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 203 X\r\nx-powered-by: p\r\nx-secret: s\r\nvary: accept\r\nx-levels: upstream\r\ncontent-length: 0\r\n\r\n",
          ],
        },
      },
    },
    get("a weighted cluster and its headers", "/weighted"),
    get("a local reply gets the route's headers", "/local"),
  ],
};
