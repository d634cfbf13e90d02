// test/conformance/differential/cases/strict_headers.ts: headers to the router that it does not understand.
/** @module */
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

/** A request of an internal caller. */
function get(name: string, fields: string, path = "/"): Exchange {
  return { name, client: `GET ${path} HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 10.0.0.1\r\n${fields}\r\n` };
}

export const strictHeaders: Group = {
  name: "strict_headers",
  listeners: ["main"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("main", {
      manager: "internal_address_config: { cidr_ranges: [ { address_prefix: 10.0.0.0, prefix_len: 8 } ] }",
      router: `strict_check_headers:
- x-envoy-upstream-rq-timeout-ms
- x-envoy-upstream-rq-per-try-timeout-ms
- x-envoy-max-retries
- x-envoy-retry-on
- x-envoy-retry-grpc-on`,
      virtualHost: "response_headers_to_add: [ { header: { key: x-host, value: v } } ]",
      routes: `- { name: none, match: { path: /none }, route: { cluster_header: x-none } }
- { name: direct, match: { path: /direct }, direct_response: { status: 200 } }
- { name: rest, match: { prefix: / }, route: { cluster: u, timeout: 0s } }`,
    }),
  ], [cluster("u")]),
  exchanges: [
    get("numbers and names that are understood", "X-Envoy-Max-Retries: 2\r\nX-Envoy-Retry-On: 5xx, reset\r\n"),
    get("a timeout that is no number", "X-Envoy-Upstream-Rq-Timeout-Ms: soon\r\n"),
    get("a timeout with a space around it", "X-Envoy-Upstream-Rq-Per-Try-Timeout-Ms: 5000 \r\n"),
    get("a timeout with a fraction", "X-Envoy-Upstream-Rq-Per-Try-Timeout-Ms: 1.5\r\n"),
    get("retries below zero", "X-Envoy-Max-Retries: -1\r\n"),
    get("a condition that there is not", "X-Envoy-Retry-On: 5xx,never\r\n"),
    get("a condition of gRPC for HTTP", "X-Envoy-Retry-On: cancelled\r\n"),
    get("a condition of HTTP for gRPC", "X-Envoy-Retry-Grpc-On: 5xx\r\n"),
    get("no condition at all", "X-Envoy-Retry-On:\r\n"),
    get("two mistakes: the first in the configuration", "X-Envoy-Retry-On: never\r\nX-Envoy-Max-Retries: many\r\n"),
    get("a mistake of a request without a cluster", "X-Envoy-Max-Retries: many\r\n", "/none"),
    get("a mistake of a request that is answered directly", "X-Envoy-Max-Retries: many\r\n", "/direct"),
    {
      name: "a mistake of somebody from outside",
      client: "GET / HTTP/1.1\r\nHost: a.example\r\nX-Envoy-Max-Retries: many\r\n\r\n",
    },
  ],
};
