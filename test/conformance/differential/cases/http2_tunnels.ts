// test/conformance/differential/cases/http2_tunnels.ts: CONNECT where a side speaks HTTP/2.
/** @module */
import type { Fields } from "../../../support/http2_frames.ts";
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group, Http2ClientStep, UpstreamScript } from "../exchange.ts";
import { asks, speaks } from "./http2.ts";

function asksFor(host: string): Fields {
  return [[":method", "CONNECT"], [":authority", `${host}.example:80`], ["x-a", "1"]];
}

function two(
  name: string,
  host: string,
  steps: readonly Http2ClientStep[],
  upstreams: Readonly<Record<string, UpstreamScript>>,
): Exchange {
  return { name, client: { http2: [{ ask: asksFor(host), end: false }, ...steps] }, upstreams };
}

const ASK = "CONNECT two.example:80 HTTP/1.1\r\nHost: two.example:80\r\nX-A: 1\r\n\r\n";

export const http2Tunnels: Group = {
  name: "http2_tunnels",
  listeners: ["main"],
  upstreams: ["t", "u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      manager: "upgrade_configs: [ { upgrade_type: CONNECT } ]\nhttp2_protocol_options: { allow_connect: true }",
      virtualHosts: `- name: tcp
  domains: ["tcp.example:*"]
  routes:
  - name: tcp
    match: { connect_matcher: {} }
    route: { cluster: t, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: {} } ] }
- name: one
  domains: ["one.example:*"]
  routes: [ { name: one, match: { connect_matcher: {} }, route: { cluster: u } } ]
- name: two
  domains: ["two.example:*"]
  routes: [ { name: two, match: { connect_matcher: {} }, route: { cluster: v } } ]
- name: dead
  domains: ["dead.example:*"]
  routes:
  - name: dead
    match: { connect_matcher: {} }
    route: { cluster: dead, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: {} } ] }
- name: none
  domains: ["*"]
  routes:
  - name: post
    match: { prefix: /post }
    route: { cluster: t, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: { allow_post: true } } ] }
  - { name: none, match: { prefix: / }, route: { cluster: u } }`,
    }),
  ], [
    cluster("t"),
    cluster("u", speaks("http_protocol_options: {}")),
    cluster("v", speaks("http2_protocol_options: { allow_connect: true }")),
    cluster("dead"),
  ]),
  exchanges: [
    two("2 to bytes: both ways", "tcp", [
      "head",
      { data: "ping" },
      { bytes: 4 },
      { data: "more" },
      { bytes: 4 },
      { rst: "CANCEL" },
    ], { t: { tcp: [{ bytes: 4 }, "pong", { bytes: 4 }, "done", "hang"] } }),
    two("2 to bytes: the client ends its half", "tcp", ["head", { data: "ping", end: true }, "response"], {
      t: { tcp: [{ bytes: 4 }, { pause: 50 }, "pong", "end"] },
    }),
    two("2 to bytes: the upstream ends first", "tcp", ["response"], { t: { tcp: ["bye", "end"] } }),
    two("2 to bytes: the upstream resets", "tcp", ["response"], {
      t: { tcp: ["bye", { pause: 50 }, "reset"] },
    }),
    {
      name: "2 to bytes: POST",
      client: {
        http2: [{ ask: asks("POST", "/post"), end: false }, "head", { data: "ping", end: true }, "response"],
      },
      upstreams: { t: { tcp: [{ bytes: 4 }, "pong", "end"] } },
    },
    two("2 to bytes: nobody is there", "dead", ["response"], {}),
    two("2 to 1: both ways", "one", ["head", { data: "ping" }, { bytes: 4 }, { rst: "CANCEL" }], {
      u: { http: [{ steps: ["HTTP/1.1 200 OK\r\nx-b: 1\r\n\r\n", { bytes: 4 }, "pong", "hang"] }] },
    }),
    two("2 to 1: the client ends its half", "one", [
      "head",
      { data: "ping" },
      { bytes: 4 },
      { data: "", end: true },
      "response",
    ], {
      u: { http: [{ steps: ["HTTP/1.1 200 OK\r\n\r\n", { bytes: 4 }, "pong", "hang"] }] },
    }),
    two("2 to 1: refused", "one", ["response"], {
      u: { http: ["HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"] },
    }),
    two("2 to 2: both ways", "two", [
      "head",
      { data: "ping" },
      { bytes: 4 },
      { data: "", end: true },
      "response",
    ], {
      v: {
        http2: [[{ head: [[":status", "200"], ["x-b", "1"]] }, { bytes: 4 }, { data: "pong" }, "request", {
          data: "",
          end: true,
        }]],
      },
    }),
    two("2 to 2: the upstream resets", "two", ["head", "response"], {
      v: { http2: [[{ head: [[":status", "200"]] }, { pause: 50 }, { rst: "CONNECT_ERROR" }]] },
    }),
    {
      name: "1 to 2: both ways",
      client: [ASK, { until: "\r\n\r\n" }, "ping", { bytes: 4 }, "end", "closed"],
      upstreams: {
        v: { http2: [[{ head: [[":status", "200"], ["x-b", "1"]] }, { bytes: 4 }, { data: "pong" }, "hang"]] },
      },
    },
    {
      name: "1 to 2: refused",
      client: [ASK, "response to CONNECT"],
      upstreams: { v: { http2: [[{ head: [[":status", "403"]] }, { data: "no", end: true }]] } },
    },
    two("2: no route for CONNECT", "other", ["response"], {}),
    {
      name: "2: CONNECT with a path",
      client: {
        http2: [{ ask: [...asksFor("tcp").slice(0, 2), [":path", "/"], [":scheme", "http"]], end: false }, "response"],
      },
    },
  ],
};
