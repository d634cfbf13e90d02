// test/conformance/differential/cases/tunnels.ts: CONNECT, upgrades that routes decide about, and how tunnels end.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group, UpstreamStep } from "../exchange.ts";

const CONNECT = "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\nX-A: 1\r\n\r\n";
const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const HEAD: ClientStep = { until: "\r\n\r\n" };

const TCP = "upgrade_configs: [ { upgrade_type: CONNECT, connect_config: {} } ]";
const ROUTES = `- name: refused
  match: { connect_matcher: {}, headers: [ { name: x-refused, present_match: true } ] }
  route: { cluster: u, upgrade_configs: [ { upgrade_type: CONNECT, enabled: false, connect_config: {} } ] }
- name: forwarded
  match: { connect_matcher: {}, headers: [ { name: x-forwarded, present_match: true } ] }
  route: { cluster: u }
- name: dead
  match: { connect_matcher: {}, headers: [ { name: x-dead, present_match: true } ] }
  route: { cluster: dead, ${TCP} }
- name: empty
  match: { connect_matcher: {}, headers: [ { name: x-empty, present_match: true } ] }
  route: { cluster: empty, ${TCP} }
- name: hasty
  match: { connect_matcher: {}, headers: [ { name: x-hasty, present_match: true } ] }
  route: { cluster: t, idle_timeout: 0.2s, ${TCP} }
- name: direct
  match: { connect_matcher: {}, headers: [ { name: x-direct, present_match: true } ] }
  direct_response: { status: 200 }
- name: tunnel
  match: { connect_matcher: {} }
  route: { cluster: t, ${TCP} }
- name: post
  match: { prefix: /post }
  route: { cluster: t, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: { allow_post: true } } ] }
- name: no_post
  match: { prefix: /no_post }
  route: { cluster: u, ${TCP} }
- name: ws
  match: { prefix: /ws }
  route: { cluster: u, timeout: 0.3s, upgrade_configs: [ { upgrade_type: websocket }, { upgrade_type: other } ] }
  response_headers_to_add: [ { header: { key: x-added, value: "1" } } ]
- name: no_ws
  match: { prefix: /no_ws }
  route: { cluster: u, upgrade_configs: [ { upgrade_type: WEBSOCKET, enabled: false } ] }`;

/** A tunnel to the upstream `t`, which does this. */
function tunnel(name: string, client: readonly ClientStep[], upstream: readonly UpstreamStep[], more = ""): Exchange {
  return {
    name,
    client: [CONNECT.replace("X-A: 1", `X-A: 1${more}`), ...client],
    upstreams: { t: { tcp: upstream } },
  };
}

/** CONNECT or an upgrade that the HTTP upstream answers with this. */
function asked(
  name: string,
  request: string,
  answer: readonly UpstreamStep[],
  client: readonly ClientStep[],
): Exchange {
  return { name, client: [request, ...client], upstreams: { u: { http: [{ when: "head", steps: answer }] } } };
}

const FORWARDED = CONNECT.replace("X-A: 1", "X-Forwarded: 1");

export const tunnels: Group = {
  name: "tunnels",
  listeners: ["main", "without", "chosen"],
  upstreams: ["t", "u"],
  yaml: bootstrap([
    httpListener("main", {
      manager: "upgrade_configs: [ { upgrade_type: CONNECT }, { upgrade_type: websocket } ]",
      routes: ROUTES,
    }),
    httpListener("without", {
      manager: "upgrade_configs: [ { upgrade_type: websocket, enabled: false } ]",
      routes: ROUTES,
    }),
    httpListener("chosen", {
      routes: `- { name: all, match: { prefix: "/" }, route: { cluster: u } }`,
    }),
  ], [cluster("t"), cluster("u"), cluster("dead"), emptyCluster("empty")]),
  exchanges: [
    tunnel("bytes go both ways", [HEAD, "ping", { bytes: 4 }, "end", "closed"], [{ bytes: 4 }, "pong"]),
    tunnel("bytes that are sent ahead wait", ["ping", HEAD, { bytes: 4 }, "end", "closed"], [{ bytes: 4 }, "pong"]),
    tunnel("the upstream speaks first", [HEAD, { bytes: 5 }, "end", "closed"], ["hello"]),
    tunnel("the upstream ends first", [HEAD, "closed"], ["bye", "end"]),
    tunnel("the upstream resets", [HEAD, { bytes: 3 }, "closed"], ["bye", { pause: 30 }, "reset"]),
    tunnel("the client ends, the upstream goes on", [HEAD, "ping", "end", "closed"], [
      { bytes: 4 },
      { pause: 50 },
      "late",
    ]),
    tunnel("the client resets", [HEAD, "ping", { pause: 30 }, "reset"], [{ bytes: 4 }]),
    tunnel("silence", [HEAD, "closed"], [], "\r\nX-Hasty: 1"),
    {
      name: "refused by the route",
      client: [CONNECT.replace("X-A: 1", "X-Refused: 1"), "response"],
    },
    {
      name: "not upgraded by anybody",
      listener: "without",
      client: [FORWARDED, "response"],
    },
    {
      name: "allowed by the route alone",
      listener: "without",
      client: [CONNECT, HEAD, "ping", { bytes: 4 }, "end", "closed"],
      upstreams: { t: { tcp: [{ bytes: 4 }, "pong"] } },
    },
    { name: "no route takes it", listener: "chosen", client: [CONNECT, "response"] },
    { name: "no upstream", client: [CONNECT.replace("X-A: 1", "X-Dead: 1"), "response"] },
    { name: "no host", client: [CONNECT.replace("X-A: 1", "X-Empty: 1"), "response"] },
    { name: "an answer of the proxy's own", client: [CONNECT.replace("X-A: 1", "X-Direct: 1"), HEAD, "end", "closed"] },
    asked("forwarded: accepted", FORWARDED, ["HTTP/1.1 200 Fine\r\nX-B: 1\r\n\r\n", { bytes: 4 }, "pong", "hang"], [
      HEAD,
      "ping",
      { bytes: 4 },
      "end",
      "closed",
    ]),
    asked("forwarded: refused", FORWARDED, ["HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"], ["response"]),
    asked("forwarded: accepted with a length", FORWARDED, ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", "hang"], [
      HEAD,
      { bytes: 2 },
      "end",
      "closed",
    ]),
    {
      name: "POST becomes a tunnel",
      client: ["POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping", "response"],
      upstreams: { t: { tcp: [{ bytes: 4 }, "pong", "end"] } },
    },
    {
      name: "POST does not become a tunnel",
      client: "POST /no_post HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping",
    },
    {
      name: "GET does not become a tunnel",
      client: "GET /post HTTP/1.1\r\nHost: a\r\n\r\n",
      upstreams: { t: { tcp: [{ bytes: 4 }, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] } },
    },
    asked("an upgrade that the route allows", UPGRADE, [SWITCH, { bytes: 4 }, "pong", "hang"], [
      HEAD,
      "ping",
      { bytes: 4 },
      "end",
      "closed",
    ]),
    asked("an upgrade that the route refuses", UPGRADE.replace("/ws", "/no_ws"), [SWITCH], ["response"]),
    asked("an upgrade without a route", UPGRADE.replace("/ws", "/none"), [SWITCH], ["response"]),
    asked("an upgraded connection outlives the route's time-out", UPGRADE, [SWITCH, { pause: 500 }, "late", "hang"], [
      HEAD,
      { bytes: 4 },
      "end",
      "closed",
    ]),
    asked("an upgrade that is answered with 200", UPGRADE, ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"], [
      "response",
    ]),
    asked("an upgrade that is answered with 200 in chunks", UPGRADE, [
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ], ["response"]),
    asked("an upgrade that is answered with 302", UPGRADE, [
      "HTTP/1.1 302 Found\r\nLocation: /x\r\nConnection: X-C\r\nX-C: 1\r\ncontent-length: 2\r\n\r\nok",
    ], ["response"]),
    asked("another upgrade that is answered with 200", UPGRADE.replace("websocket", "other"), [
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ], ["response"]),
    asked("an upgrade that is answered with 426", UPGRADE, [
      "HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c\r\nConnection: Upgrade\r\ncontent-length: 0\r\n\r\n",
    ], ["response"]),
    asked(
      "an upgrade that is answered with another protocol",
      UPGRADE,
      [SWITCH.replace("websocket", "other"), "hang"],
      [HEAD, "end", "closed"],
    ),
    asked("bytes behind an upgrade that is refused", UPGRADE + "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", [
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ], ["response", "closed"]),
    {
      name: "bytes behind CONNECT that is refused",
      client: [CONNECT.replace("X-A: 1", "X-Refused: 1") + "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "response", "closed"],
    },
    asked("the upstream ends an upgraded connection", UPGRADE, [`${SWITCH}bye`, "end"], [HEAD, "closed"]),
    asked("the upstream resets an upgraded connection", UPGRADE, [`${SWITCH}bye`, { pause: 30 }, "reset"], [HEAD, {
      bytes: 3,
    }, "closed"]),
    {
      name: "the client resets an upgraded connection",
      client: [UPGRADE, HEAD, "reset"],
      upstreams: { u: { http: [{ when: "head", steps: [SWITCH, "hang"] }] } },
    },
    {
      name: "an upgrade with a body",
      client: [
        UPGRADE.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\n") + "body",
        "response",
      ],
    },
  ],
};
