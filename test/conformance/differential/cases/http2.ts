// test/conformance/differential/cases/http2.ts: HTTP/1 and HTTP/2 on both sides, in all directions.
/** @module */
import type { Fields } from "../../../support/http2_frames.ts";
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Exchange, Group, Http2ClientStep, Http2UpstreamStep, UpstreamScript } from "../exchange.ts";

/** Fields of a cluster that speaks it. */
export function speaks(options: string): string {
  return httpProtocolOptions(`explicit_http_config: { ${options} }`);
}

/** A request's fields, and more of them. */
export function asks(method: string, path: string, ...more: Fields): Fields {
  return [[":method", method], [":scheme", "http"], [":path", path], [":authority", "a.example"], ...more];
}

const OK: UpstreamScript = { http2: [["request", { head: [[":status", "200"]] }, { data: "ok", end: true }]] };
const HEAD: Fields = [[":status", "200"], ["x-a", "1"]];

function ask(name: string, fields: Fields, more: Partial<Exchange> = {}): Exchange {
  return { name, client: { http2: [{ ask: fields }, "response"] }, ...more };
}

function both(
  name: string,
  steps: readonly Http2ClientStep[],
  http2: readonly Http2UpstreamStep[],
  listener = "main",
): Exchange {
  return { name, listener, client: { http2: steps }, upstreams: { v: { http2: [http2] } } };
}

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

export const http2: Group = {
  name: "http2",
  listeners: ["main"],
  upstreams: ["u", "v"],
  yaml: bootstrap([
    httpListener("main", {
      manager: "http_protocol_options: { enable_trailers: true }",
      routes: `- { name: one, match: { prefix: /1 }, route: { cluster: u } }
- { name: two, match: { prefix: /2 }, route: { cluster: v } }
- { name: slow, match: { prefix: /slow }, route: { cluster: v, timeout: 0.2s } }
- { name: direct, match: { prefix: /direct }, direct_response: { status: 200, body: { inline_string: fine } } }`,
    }),
    httpListener("hundred", {
      manager: "proxy_100_continue: true",
      routes: `- { name: one, match: { prefix: /1 }, route: { cluster: u } }
- { name: two, match: { prefix: /2 }, route: { cluster: v } }`,
    }),
  ], [
    cluster("u", speaks("http_protocol_options: { enable_trailers: true }")),
    cluster("v", speaks("http2_protocol_options: {}")),
  ]),
  exchanges: [
    // HTTP/2 to HTTP/1.
    ask("2 to 1: GET", asks("GET", "/1", ["x-a", "1"])),
    ask("2 to 1: HEAD", asks("HEAD", "/1"), {
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"] } },
    }),
    ask("2 to 1: 204", asks("GET", "/1"), {
      upstreams: { u: { http: ["HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n"] } },
    }),
    ask("2 to 1: 304", asks("GET", "/1"), {
      upstreams: { u: { http: ["HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\netag: e\r\n\r\n"] } },
    }),
    {
      name: "2 to 1: POST with a length",
      client: {
        http2: [
          { ask: asks("POST", "/1", ["content-length", "5"]), end: false },
          { data: "hello", end: true },
          "response",
        ],
      },
    },
    {
      name: "2 to 1: POST without",
      client: {
        http2: [{ ask: asks("POST", "/1"), end: false }, { data: "hel" }, { data: "lo", end: true }, "response"],
      },
    },
    { name: "2 to 1: POST of nothing", client: { http2: [{ ask: asks("POST", "/1") }, "response"] } },
    {
      name: "2 to 1: POST that ends with an empty frame",
      client: { http2: [{ ask: asks("POST", "/1"), end: false }, { data: "", end: true }, "response"] },
    },
    {
      name: "2 to 1: trailers",
      client: {
        http2: [
          { ask: asks("POST", "/1", ["te", "trailers"]), end: false },
          { data: "hello" },
          { trailers: [["x-up", "1"]] },
          "response",
        ],
      },
      upstreams: { u: { http: [`${CHUNKED}2\r\nok\r\n0\r\nx-down: 1\r\n\r\n`] } },
    },
    ask("2 to 1: a response without length", asks("GET", "/1"), {
      upstreams: { u: { http: [{ steps: ["HTTP/1.1 200 OK\r\n\r\nuntil close", "end"] }] } },
    }),
    ask("2 to 1: cookies in crumbs", asks("GET", "/1", ["cookie", "a=1"], ["x-a", "1"], ["cookie", "b=2"])),
    ask("2 to 1: settings of an upgrade", asks("GET", "/1", ["http2-settings", "AAMAAABkAARAAAAA"])),
    ask("2 to 1: host beside :authority", asks("GET", "/1", ["host", "b.example"])),
    ask("2 to 1: host and no :authority", [
      ...[[":method", "GET"], [":scheme", "http"], [":path", "/1"]] as const,
      ["host", "b.example"],
    ]),
    ask("2 to 1: scheme https", [[":method", "GET"], [":scheme", "https"], [":path", "/1"], [":authority", "a"]]),
    {
      name: "2 to 1: Expect",
      client: {
        http2: [
          { ask: asks("POST", "/1", ["expect", "100-continue"]), end: false },
          { pause: 100 },
          { data: "hello", end: true },
          "response",
        ],
      },
    },
    ask("2 to 1: early hints where nobody wants them", asks("GET", "/1"), {
      upstreams: {
        u: { http: ["HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] },
      },
    }),
    ask("2 to 1: early hints", asks("GET", "/1"), {
      listener: "hundred",
      upstreams: {
        u: { http: ["HTTP/1.1 103 Early Hints\r\nlink: l\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] },
      },
    }),
    ask("2 to 1: the upstream is gone in the middle of the body", asks("GET", "/1"), {
      upstreams: { u: { http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "end"] }] } },
    }),
    ask("2 to 1: the upstream is gone before the head", asks("GET", "/1"), {
      upstreams: { u: { http: [{ steps: ["end"] }] } },
    }),
    ask("2 to 1: a bad head", asks("GET", "/1"), { upstreams: { u: { http: ["nonsense\r\n\r\n"] } } }),
    {
      name: "2 to 1: the client resets",
      client: { http2: [{ ask: asks("GET", "/1") }, { seen: 1 }, { rst: "CANCEL" }] },
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "2 to 1: the client resets in the middle of its body",
      client: { http2: [{ ask: asks("POST", "/1"), end: false }, { data: "hel" }, { seen: 1 }, { rst: "CANCEL" }] },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "2 to 1: an answer before the request is over",
      client: { http2: [{ ask: asks("POST", "/1"), end: false }, { data: "hel" }, "response"] },
      upstreams: {
        u: { http: [{ when: "head", steps: ["HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno", "hang"] }] },
      },
    },
    // HTTP/2 to HTTP/2.
    ask("2 to 2: GET", asks("GET", "/2", ["x-a", "1"]), { upstreams: { v: OK } }),
    both("2 to 2: HEAD", [{ ask: asks("HEAD", "/2") }, "response"], [
      { head: [...HEAD, ["content-length", "5"]], end: true },
    ]),
    both("2 to 2: 204", [{ ask: asks("GET", "/2") }, "response"], [{ head: [[":status", "204"]], end: true }]),
    both("2 to 2: POST with a length", [
      { ask: asks("POST", "/2", ["content-length", "5"]), end: false },
      { data: "hello", end: true },
      "response",
    ], ["request", { head: [...HEAD, ["content-length", "2"]] }, { data: "ok", end: true }]),
    both("2 to 2: trailers", [
      { ask: asks("POST", "/2", ["te", "trailers"]), end: false },
      { data: "hello" },
      { trailers: [["x-up", "1"]] },
      "response",
    ], ["request", { head: HEAD }, { data: "ok" }, { trailers: [["x-down", "1"]] }]),
    ask("2 to 2: cookies in crumbs", asks("GET", "/2", ["cookie", "a=1"], ["x-a", "1"], ["cookie", "b=2"]), {
      upstreams: { v: OK },
    }),
    ask("2 to 2: host beside :authority", asks("GET", "/2", ["host", "b.example"]), { upstreams: { v: OK } }),
    both("2 to 2: early hints", [{ ask: asks("GET", "/2") }, "response"], [
      { head: [[":status", "103"], ["link", "l"]] },
      { head: HEAD, end: true },
    ], "hundred"),
    both("2 to 2: a conversation", [
      { ask: asks("POST", "/2"), end: false },
      { data: "one" },
      "head",
      { bytes: 3 },
      { data: "two" },
      { bytes: 3 },
      { data: "", end: true },
      "response",
    ], [{ head: HEAD }, { bytes: 3 }, { data: "ONE" }, { bytes: 3 }, { data: "TWO" }, "request", {
      data: "",
      end: true,
    }]),
    both("2 to 2: the response ends before the request", [
      { ask: asks("POST", "/2"), end: false },
      { data: "hel" },
      "response",
    ], [{ bytes: 3 }, { head: [[":status", "403"]] }, { data: "no", end: true }, "hang"]),
    both("2 to 2: the upstream resets before the head", [{ ask: asks("GET", "/2") }, "response"], [{ rst: "CANCEL" }]),
    both("2 to 2: the upstream refuses the stream", [{ ask: asks("GET", "/2") }, "response"], [{
      rst: "REFUSED_STREAM",
    }]),
    both("2 to 2: the upstream resets in the middle of the body", [{ ask: asks("GET", "/2") }, "response"], [
      { head: HEAD },
      { data: "half" },
      { pause: 50 },
      { rst: "INTERNAL_ERROR" },
    ]),
    both("2 to 2: the upstream is gone in the middle of the body", [{ ask: asks("GET", "/2") }, "response"], [
      { head: HEAD },
      { data: "half" },
      { pause: 50 },
      "close",
    ]),
    both("2 to 2: the client resets", [{ ask: asks("GET", "/2") }, { seen: 1 }, { rst: "CANCEL" }], ["hang"]),
    both("2 to 2: a body shorter than its length", [{ ask: asks("GET", "/2") }, "response"], [
      { head: [...HEAD, ["content-length", "5"]] },
      { data: "half" },
      { pause: 50 },
      { data: "", end: true },
    ]),
    both("2 to 2: no body where there should be one", [{ ask: asks("GET", "/2") }, "response"], [
      { head: [...HEAD, ["content-length", "5"]], end: true },
      "hang",
    ]),
    both("2 to 2: a response without a status", [{ ask: asks("GET", "/2") }, "response"], [
      { head: [["x-a", "1"]], end: true },
      "hang",
    ]),
    both("2 to 2: the route's time is over", [{ ask: asks("GET", "/slow") }, "response"], ["hang"]),
    // HTTP/1 to HTTP/2.
    {
      name: "1 to 2: GET",
      client:
        "GET /2 HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nTE: gzip, trailers\r\n\r\n",
      upstreams: { v: OK },
    },
    {
      name: "1 to 2: HEAD",
      client: ["HEAD /2 HTTP/1.1\r\nHost: a.example\r\n\r\n", "response to HEAD"],
      upstreams: { v: { http2: [[{ head: [...HEAD, ["content-length", "5"]], end: true }]] } },
    },
    {
      name: "1 to 2: 204",
      client: "GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      upstreams: { v: { http2: [[{ head: [[":status", "204"]], end: true }]] } },
    },
    {
      name: "1 to 2: 304 with a length",
      client: "GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      upstreams: { v: { http2: [[{ head: [[":status", "304"], ["content-length", "5"]], end: true }]] } },
    },
    {
      name: "1 to 2: POST with a length",
      client: "POST /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
      upstreams: { v: OK },
    },
    {
      name: "1 to 2: POST in chunks, with trailers",
      client:
        "POST /2 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-up: 1\r\n\r\n",
      upstreams: { v: { http2: [["request", { head: HEAD }, { data: "ok" }, { trailers: [["x-down", "1"]] }]] } },
    },
    {
      name: "1 to 2: cookies",
      client: "GET /2 HTTP/1.1\r\nHost: a.example\r\nCookie: a=1; b=2\r\n\r\n",
      upstreams: { v: OK },
    },
    {
      name: "1 to 2: early hints",
      listener: "hundred",
      client: "GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      upstreams: {
        v: { http2: [[{ head: [[":status", "103"], ["link", "l"]] }, { head: HEAD }, { data: "ok", end: true }]] },
      },
    },
    {
      name: "1 to 2: set-cookie twice",
      client: "GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      upstreams: {
        v: { http2: [[{ head: [[":status", "200"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]], end: true }]] },
      },
    },
    {
      name: "1 to 2: the upstream resets in the middle of the body",
      client: "GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n",
      upstreams: {
        v: { http2: [[{ head: HEAD }, { data: "half" }, { pause: 50 }, { rst: "INTERNAL_ERROR" }]] },
      },
    },
    {
      name: "1 to 2: the client is gone",
      client: ["GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n", { seen: 1 }, "reset"],
      upstreams: { v: { http2: [["hang"]] } },
    },
    {
      name: "1 to 2: the client is gone in the middle of its body",
      client: ["POST /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf", { seen: 1 }, "reset"],
      upstreams: { v: { http2: [["hang"]] } },
    },
    // What HTTP/2 forbids.
    ask("2: a connection-specific field", asks("GET", "/direct", ["connection", "close"])),
    ask("2: te that is not trailers", asks("GET", "/direct", ["te", "gzip"])),
    ask("2: an upper-case name", asks("GET", "/direct", ["X-Upper", "1"])),
    ask("2: no path", [[":method", "GET"], [":scheme", "http"], [":authority", "a"]]),
    ask("2: an empty path", [[":method", "GET"], [":scheme", "http"], [":authority", "a"], [":path", ""]]),
    ask("2: no scheme", [[":method", "GET"], [":path", "/direct"], [":authority", "a"]]),
    ask("2: nothing says which host", [[":method", "GET"], [":scheme", "http"], [":path", "/direct"]]),
    ask("2: no body where there should be one", asks("POST", "/direct", ["content-length", "1"])),
    {
      name: "2: a body shorter than its length",
      client: {
        http2: [{ ask: asks("POST", "/1", ["content-length", "5"]), end: false }, { data: "half" }, { seen: 1 }, {
          data: "",
          end: true,
        }, "response"],
      },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "2: a body longer than its length",
      client: {
        http2: [{ ask: asks("POST", "/1", ["content-length", "1"]), end: false }, { seen: 1 }, {
          data: "half",
          end: true,
        }, "response"],
      },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    ask("2: OPTIONS *", asks("OPTIONS", "*")),
    ask("2: a fragment", asks("GET", "/direct#f")),
  ],
};
