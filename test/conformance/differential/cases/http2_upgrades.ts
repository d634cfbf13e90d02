// test/conformance/differential/cases/http2_upgrades.ts: upgrades where a side speaks HTTP/2, by extended CONNECT.
/** @module */
import type { Fields } from "../../../support/http2_frames.ts";
import { bootstrap, cluster, httpListener } from "../bootstrap.ts";
import type { Exchange, Group, Http2ClientStep, Http2UpstreamStep, UpstreamScript } from "../exchange.ts";
import { asks, speaks } from "./http2.ts";

const ROUTES = `- { name: one, match: { prefix: /1 }, route: { cluster: u } }
- { name: two, match: { prefix: /2 }, route: { cluster: v } }`;
const UPGRADE = "upgrade_configs: [ { upgrade_type: websocket } ]";
const BOTH = "upgrade_configs: [ { upgrade_type: websocket }, { upgrade_type: chat/2 } ]";
const ALLOW = "http2_protocol_options: { allow_connect: true }";

/** An extended CONNECT. */
function asksFor(path: string, ...more: Fields): Fields {
  return asks("CONNECT", path, [":protocol", "websocket"], ["sec-websocket-version", "13"], ...more);
}

const ASK = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n\r\n`;
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n";
const ACCEPT: Http2UpstreamStep = { head: [[":status", "200"], ["x-a", "1"]] };

/** The same for a protocol that is no WebSocket. */
const ASK_CHAT: Http2ClientStep = { ask: asks("CONNECT", "/1", [":protocol", "chat/2"]), end: false };
const ASK_CHAT_2: Http2ClientStep = { ask: asks("CONNECT", "/2", [":protocol", "chat/2"]), end: false };
const TALK: readonly Http2ClientStep[] = ["head", { data: "ping" }, { bytes: 4 }, { data: "", end: true }, "response"];
const SWITCH_CHAT = SWITCH.replace("websocket", "chat/2");
const HTTP1_CHAT = ASK("/2").replace("WebSocket", "Chat/2").replace("Sec-WebSocket-Key: k\r\n", "");

function two(
  name: string,
  path: string,
  steps: readonly Http2ClientStep[],
  upstreams: Readonly<Record<string, UpstreamScript>> = {},
  more: Partial<Exchange> = {},
): Exchange {
  return { name, client: { http2: [{ ask: asksFor(path), end: false }, ...steps] }, upstreams, ...more };
}

export const http2Upgrades: Group = {
  name: "http2_upgrades",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", { manager: `${BOTH}\n${ALLOW}`, routes: ROUTES }),
    httpListener("disallowed", { manager: UPGRADE, routes: ROUTES }),
    httpListener("unconfigured", { manager: ALLOW, routes: ROUTES }),
  ], [
    cluster("u", speaks("http_protocol_options: {}")),
    cluster("v", speaks("http2_protocol_options: { allow_connect: true }")),
  ]),
  exchanges: [
    two("2 to 1: bytes go both ways", "/1", [
      "head",
      { data: "ping" },
      { bytes: 4 },
      { data: "more" },
      { bytes: 4 },
      { data: "", end: true },
      "response",
    ], { u: { http: [{ steps: [SWITCH, { bytes: 4 }, "pong", { bytes: 4 }, "done", "hang"] }] } }),
    two("2 to 1: bytes before the answer", "/1", [{ data: "early" }, "head", { bytes: 2 }, { rst: "CANCEL" }], {
      u: { http: [{ steps: [{ pause: 100 }, SWITCH, { bytes: 5 }, "ok", "hang"] }] },
    }),
    two("2 to 1: the upstream ends the tunnel", "/1", ["response"], {
      u: { http: [{ steps: [`${SWITCH}bye`, "end", "hang"] }] },
    }),
    two("2 to 1: the upstream resets the tunnel", "/1", ["response"], {
      u: { http: [{ steps: [SWITCH, { pause: 50 }, "reset"] }] },
    }),
    two("2 to 1: the client resets the tunnel", "/1", ["head", { rst: "CANCEL" }], {
      u: { http: [{ steps: [SWITCH, "hang"] }] },
    }),
    two("2 to 1: the upstream does not switch", "/1", ["response"], {
      u: { http: ["HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"] },
    }),
    two("2 to 1: the upstream answers 200", "/1", ["response"], {
      u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] },
    }),
    two("2 to 1: the upstream answers 201", "/1", ["response"], {
      u: { http: ["HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok"] },
    }),
    two("2 to 1: the upstream answers 204", "/1", ["response"], {
      u: { http: ["HTTP/1.1 204 No Content\r\n\r\n"] },
    }),
    two("2 to 1: the upstream is gone", "/1", ["response"], { u: { http: [{ steps: ["end"] }] } }),
    {
      name: "2 to 1: a request that ends with its head",
      client: { http2: [{ ask: asksFor("/1") }, "response"] },
      upstreams: { u: { http: [{ steps: [SWITCH, "bye", "end", "hang"] }] } },
    },
    two("2 to 2: bytes go both ways", "/2", [
      "head",
      { data: "ping" },
      { bytes: 4 },
      { data: "more" },
      { bytes: 4 },
      { data: "", end: true },
      "response",
    ], {
      v: {
        http2: [[ACCEPT, { bytes: 4 }, { data: "pong" }, { bytes: 4 }, { data: "done" }, "request", {
          data: "",
          end: true,
        }]],
      },
    }),
    two("2 to 2: the upstream ends first", "/2", ["head", "response"], {
      v: { http2: [[ACCEPT, { data: "bye", end: true }, "hang"]] },
    }),
    two("2 to 2: the upstream resets", "/2", ["response"], {
      v: { http2: [[ACCEPT, { data: "bye" }, { pause: 50 }, { rst: "CONNECT_ERROR" }]] },
    }),
    two("2 to 2: the client resets", "/2", ["head", { rst: "CANCEL" }], { v: { http2: [[ACCEPT, "hang"]] } }),
    two("2 to 2: refused", "/2", ["response"], { v: { http2: [[{ head: [[":status", "403"]], end: true }]] } }),
    {
      name: "1 to 2: bytes go both ways",
      client: [ASK("/2"), { until: "\r\n\r\n" }, "ping", { bytes: 4 }, "more", { bytes: 4 }, "end", "closed"],
      upstreams: {
        v: { http2: [[ACCEPT, { bytes: 4 }, { data: "pong" }, { bytes: 4 }, { data: "done" }, "hang"]] },
      },
    },
    {
      name: "1 to 2: the upstream ends the tunnel",
      client: [ASK("/2"), { until: "\r\n\r\n" }, "closed"],
      upstreams: { v: { http2: [[ACCEPT, { data: "bye", end: true }, "hang"]] } },
    },
    {
      name: "1 to 2: the upstream resets the tunnel",
      client: [ASK("/2"), { until: "\r\n\r\n" }, "closed"],
      upstreams: { v: { http2: [[ACCEPT, { pause: 50 }, { rst: "CANCEL" }]] } },
    },
    {
      name: "1 to 2: the client drops the tunnel",
      client: [ASK("/2"), { until: "\r\n\r\n" }, "reset"],
      upstreams: { v: { http2: [[ACCEPT, "hang"]] } },
    },
    {
      name: "1 to 2: refused",
      client: [ASK("/2"), "response", "closed"],
      upstreams: {
        v: { http2: [[{ head: [[":status", "403"], ["content-length", "2"]] }, { data: "no", end: true }]] },
      },
    },
    {
      name: "1 to 2: 204",
      client: [ASK("/2"), "response", "closed"],
      upstreams: { v: { http2: [[{ head: [[":status", "204"]], end: true }]] } },
    },
    two("2: another protocol than the configured", "/1", [], {}, {
      client: {
        http2: [{ ask: asks("CONNECT", "/1", [":protocol", "other"]), end: false }, "response"],
      },
    }),
    two("2: nothing is configured", "/1", ["response"], {}, { listener: "unconfigured" }),
    two("2: extended CONNECT is not allowed", "/1", ["response"], {}, { listener: "disallowed" }),
    {
      name: "2: :protocol without CONNECT",
      client: { http2: [{ ask: asks("GET", "/1", [":protocol", "websocket"]), end: false }, "response"] },
    },
    {
      name: "2: extended CONNECT without a path",
      client: {
        http2: [{
          ask: [[":method", "CONNECT"], [":scheme", "http"], [":authority", "a"], [":protocol", "websocket"]],
          end: false,
        }, "response"],
      },
    },
    {
      name: "2: upgrade as a field",
      client: { http2: [{ ask: asks("GET", "/1", ["upgrade", "websocket"]) }, "response"] },
    },
    {
      name: "generic, 2 to 1: bytes go both ways",
      client: { http2: [ASK_CHAT, ...TALK] },
      upstreams: { u: { http: [{ steps: [SWITCH_CHAT, { bytes: 4 }, "pong", "hang"] }] } },
    },
    {
      name: "generic, 2 to 1: another protocol is switched to",
      client: { http2: [ASK_CHAT, ...TALK] },
      upstreams: { u: { http: [{ steps: [SWITCH, { bytes: 4 }, "pong", "hang"] }] } },
    },
    ...["200 OK", "403 Forbidden"].map((status): Exchange => ({
      name: `generic, 2 to 1: ${status}`,
      client: { http2: [ASK_CHAT, "response"] },
      upstreams: { u: { http: [`HTTP/1.1 ${status}\r\ncontent-length: 2\r\n\r\nok`] } },
    })),
    {
      name: "generic, 2 to 1: the upstream ends the tunnel",
      client: { http2: [ASK_CHAT, "response"] },
      upstreams: { u: { http: [{ steps: [`${SWITCH_CHAT}bye`, "end", "hang"] }] } },
    },
    {
      name: "generic, 2 to 2: bytes go both ways",
      client: { http2: [ASK_CHAT_2, ...TALK] },
      upstreams: { v: { http2: [[ACCEPT, { bytes: 4 }, { data: "pong" }, "request", { data: "", end: true }]] } },
    },
    {
      name: "generic, 1 to 2: bytes go both ways",
      client: [HTTP1_CHAT, { until: "\r\n\r\n" }, "ping", { bytes: 4 }, "end", "closed"],
      upstreams: { v: { http2: [[ACCEPT, { bytes: 4 }, { data: "pong" }, "hang"]] } },
    },
    {
      name: "generic, 1 to 2: refused",
      client: [HTTP1_CHAT, "response", "closed"],
      upstreams: { v: { http2: [[{ head: [[":status", "403"]], end: true }]] } },
    },
    {
      name: "generic, 1 to 1: bytes go both ways",
      client: [HTTP1_CHAT.replace("/2 HTTP", "/1 HTTP"), { until: "\r\n\r\n" }, "ping", { bytes: 4 }, "end", "closed"],
      upstreams: { u: { http: [{ steps: [SWITCH_CHAT, { bytes: 4 }, "pong", "hang"] }] } },
    },
    {
      name: "generic, 1 to 1: the upstream answers 200",
      client: [HTTP1_CHAT.replace("/2 HTTP", "/1 HTTP"), "response", "closed"],
    },
    {
      name: "2: CONNECT where nothing is configured",
      client: { http2: [{ ask: [[":method", "CONNECT"], [":authority", "a.example:80"]], end: false }, "response"] },
    },
  ],
};
