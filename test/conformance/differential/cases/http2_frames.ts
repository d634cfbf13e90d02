// test/conformance/differential/cases/http2_frames.ts: clients that speak HTTP/2, frame by frame.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import {
  block,
  data,
  type Fields,
  Frame,
  frame,
  headers,
  ping,
  PREFACE,
  request,
  rstStream,
  settings,
  uint32,
  windowUpdate,
} from "../../../support/http2_frames.ts";
import type { Exchange, FrameStep, Group, UpstreamScript } from "../exchange.ts";

const POST_FIELDS: Fields = request("/", [], "POST");
const ROUTES =
  `- { name: direct, match: { prefix: /direct }, direct_response: { status: 200, body: { inline_string: hello } } }
- { name: moved, match: { prefix: /moved }, redirect: { path_redirect: /new } }
- { name: empty, match: { prefix: /empty }, route: { cluster: empty } }
- { name: dead, match: { prefix: /dead }, route: { cluster: dead } }
- { name: slow, match: { prefix: /slow }, route: { cluster: u, timeout: 0.2s } }
- { name: idle, match: { prefix: /idle }, route: { cluster: u, timeout: 0s, idle_timeout: 0.2s } }
- { name: either, match: { prefix: /either }, route: { cluster: either } }
- { name: ahead, match: { prefix: /ahead }, route: { cluster: ahead } }
- { name: nothing, match: { prefix: /nothing, headers: [ { name: x-never } ] }, route: { cluster: u } }
- { name: all, match: { safe_regex: { regex: "/($|[a-m].*)|[*]" } }, route: { cluster: u } }`;

/** One request on stream 1 and what becomes of it. */
function ask(name: string, fields: Fields, upstream?: UpstreamScript, more: Partial<Exchange> = {}): Exchange {
  return {
    name,
    client: { frames: [headers(1, fields), { stream: 1 }] },
    ...(upstream === undefined ? {} : { upstreams: { u: upstream } }),
    ...more,
  };
}

/** A request that ends its connection. */
function malformed(name: string, fields: Fields): Exchange {
  return { name, client: { frames: [headers(1, fields), { stream: 1 }, "closed"] } };
}

/** The same where only the stream is to end. */
function tolerated(name: string, fields: Fields): Exchange {
  return {
    name: `${name}, connections are kept`,
    listener: "lenient",
    client: { frames: [headers(1, fields), { stream: 1 }, headers(3, request("/direct")), { stream: 3 }] },
  };
}

/** Frames that end their connection, behind a request that is not over. */
function broken(name: string, ...steps: FrameStep[]): Exchange {
  return {
    name,
    client: { frames: [headers(1, POST_FIELDS, false), { seen: 1 }, ...steps, "closed"] },
    upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
  };
}

const without = (name: string): Fields => request().filter(([field]) => field !== name);
const changed = (name: string, value: string): Fields =>
  request().map(([field, before]) => [field, field === name ? value : before]);

/** Six large fields, and the end of the block. */
const LARGE_BLOCK: readonly string[] = Array.from(
  { length: 6 },
  (_, i) => frame(Frame.Continuation, i === 5 ? 4 : 0, 1, block([[`x-${i}`, "x".repeat(11_000)]])),
);

export const http2Frames: Group = {
  name: "http2_frames",
  listeners: ["main", "lenient", "one", "two", "idle", "short", "connect", "strict"],
  upstreams: ["u", "v", "w"],
  yaml: bootstrap([
    httpListener("main", { routes: ROUTES }),
    httpListener("lenient", {
      routes: ROUTES,
      manager: "http2_protocol_options: { override_stream_error_on_invalid_http_message: true }",
    }),
    httpListener("one", { routes: ROUTES, manager: "http2_protocol_options: { max_concurrent_streams: 1 }" }),
    httpListener("two", {
      routes: ROUTES,
      manager: "drain_timeout: 0.2s\ncommon_http_protocol_options: { max_requests_per_connection: 2 }",
    }),
    httpListener("idle", {
      routes: ROUTES,
      manager: "drain_timeout: 0.2s\ncommon_http_protocol_options: { idle_timeout: 0.3s }",
    }),
    httpListener("short", {
      routes: ROUTES,
      manager: "drain_timeout: 0.2s\ncommon_http_protocol_options: { max_connection_duration: 0.3s }",
    }),
    httpListener("connect", {
      routes: ROUTES,
      manager: `http2_protocol_options:
  allow_connect: true
  hpack_table_size: 0
  max_concurrent_streams: 7
  initial_stream_window_size: 70000
  initial_connection_window_size: 80000
  custom_settings_parameters: [ { identifier: 4242, value: 5 } ]
upgrade_configs: [ { upgrade_type: websocket } ]`,
    }),
    httpListener("strict", {
      routes: ROUTES,
      manager: "common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }",
    }),
  ], [
    cluster("u"),
    cluster("dead"),
    emptyCluster("empty"),
    cluster("ahead", "  preconnect_policy: { per_upstream_preconnect_ratio: 3 }", "w"),
    cluster("either", httpProtocolOptions("use_downstream_protocol_config: { http_protocol_options: {} }"), "v"),
  ]),
  exchanges: [
    ask("a request", request("/a?b=c", [["x-a", "1"], ["x-a", "2"]])),
    {
      name: "a body with its length",
      client: {
        frames: [headers(1, [...POST_FIELDS, ["content-length", "5"]], false), data(1, "hel"), data(1, "lo", true), {
          stream: 1,
        }],
      },
    },
    {
      name: "a body without a length",
      client: { frames: [headers(1, POST_FIELDS, false), data(1, "hello"), data(1, "", true), { stream: 1 }] },
    },
    ask("HEAD", request("/", [], "HEAD"), { http: ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"] }),
    ask("304", request(), { http: ["HTTP/1.1 304 Not Modified\r\netag: 1\r\n\r\n"] }),
    ask("a chunked response becomes frames; what concerns the connection is left out", request(), {
      http: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x-a\r\nKeep-Alive: 5\r\nX-B: 1\r\nX-A: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
      ],
    }),
    ask("early hints", request(), {
      http: ["HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
    }),
    {
      name: "expect: 100-continue",
      client: {
        frames: [headers(1, [...POST_FIELDS, ["expect", "100-continue"]], false), { head: 1 }, data(1, "x", true), {
          stream: 1,
        }],
      },
    },
    ask("a direct response", request("/direct")),
    ask("a redirect", request("/moved")),
    ask("no route", request("/nothing")),
    ask("no healthy host", request("/empty")),
    ask("nobody listens", request("/dead")),
    ask("the upstream ends before it answers", request(), { http: [{ steps: ["close"] }] }),
    ask("the upstream ends in the middle of its response", request(), {
      http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", { pause: 50 }, "close"] }],
    }),
    ask("a time-out of the route", request("/slow"), { http: [{ steps: ["hang"] }] }),
    ask("a stream that is idle", request("/idle"), { http: [{ steps: ["hang"] }] }),
    ask("gRPC without a route", request("/nothing", [["content-type", "application/grpc"]], "POST")),
    ask("gRPC without a healthy host", request("/empty", [["content-type", "application/grpc"]], "POST")),
    ask(
      "cookies in crumbs",
      request("/", [["cookie", "a=1"], ["x-b", "c"], ["cookie", "b=2"], ["cookie", "c=3"]]),
    ),
    ask("te: trailers", request("/", [["te", "trailers"]])),
    malformed("te: gzip", request("/", [["te", "gzip"]])),
    ask("host in place of :authority", [...without(":authority"), ["host", "b.example"]]),
    ask("host that is not :authority", request("/", [["host", "b.example"]])),
    malformed("neither host nor :authority", without(":authority")),
    malformed("no :method", without(":method")),
    malformed("no :scheme", without(":scheme")),
    malformed("no :path", without(":path")),
    malformed("an empty :path", changed(":path", "")),
    malformed("a :path without a slash", changed(":path", "a")),
    malformed("a :path with a space", changed(":path", "/a b")),
    ask("a :path with a fragment", changed(":path", "/a#b")),
    ask("OPTIONS *", [[":method", "OPTIONS"], [":scheme", "http"], [":path", "*"], [":authority", "a.example"]]),
    malformed("two :path", request("/", []).flatMap((each) => each[0] === ":path" ? [each, each] : [each])),
    malformed("an unknown pseudo-header", [...request(), [":other", "x"]]),
    malformed("a response's pseudo-header", [...request(), [":status", "200"]]),
    malformed("a pseudo-header behind a header", [...without(":path"), ["x-a", "1"], [":path", "/"]]),
    malformed("an upper-case name", request("/", [["X-A", "1"]])),
    malformed("a name with a space", request("/", [["x a", "1"]])),
    malformed("an empty name", request("/", [["", "1"]])),
    malformed("a carriage return in a value", request("/", [["x-a", "b\rc"]])),
    malformed("a line feed in a value", request("/", [["x-a", "b\r\nx-b: c"]])),
    malformed("NUL in a value", request("/", [["x-a", "b\0c"]])),
    malformed("connection", request("/", [["connection", "keep-alive"]])),
    malformed("transfer-encoding", request("/", [["transfer-encoding", "chunked"]])),
    malformed("upgrade", request("/", [["upgrade", "websocket"]])),
    malformed("two lengths", request("/", [["content-length", "1"], ["content-length", "2"]], "POST")),
    malformed("a length that is no number", request("/", [["content-length", "x"]], "POST")),
    tolerated("an upper-case name", request("/", [["X-A", "1"]])),
    tolerated("a line feed in a value", request("/", [["x-a", "b\nc"]])),
    tolerated("no :path", without(":path")),
    ask("underscores are refused", request("/", [["x_a", "1"]]), undefined, { listener: "strict" }),
    {
      name: "headers of more than 60 KiB",
      client: { frames: [frame(Frame.Headers, 1, 1, block(request())), ...LARGE_BLOCK, { stream: 1 }] },
    },
    ask("more than a hundred headers", request("/", Array.from({ length: 97 }, (_, i) => [`x-${i}`, "1"] as const))),
    {
      name: "a body that is shorter than it says",
      client: {
        frames: [headers(1, [...POST_FIELDS, ["content-length", "5"]], false), { seen: 1 }, data(1, "abc", true), {
          stream: 1,
        }],
      },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "a body that is longer than it says",
      client: {
        frames: [headers(1, [...POST_FIELDS, ["content-length", "2"]], false), { seen: 1 }, data(1, "abc", true), {
          stream: 1,
        }],
      },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "trailers of a request are dropped for HTTP/1",
      client: { frames: [headers(1, POST_FIELDS, false), data(1, "abc"), headers(1, [["x-t", "1"]]), { stream: 1 }] },
    },
    {
      name: "trailers with a pseudo-header",
      client: {
        frames: [headers(1, POST_FIELDS, false), { seen: 1 }, headers(1, [[":path", "/x"]]), { stream: 1 }, "closed"],
      },
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "a response before the request is over",
      client: { frames: [headers(1, request("/direct", [], "POST"), false), { stream: 1, reset: true }] },
    },
    {
      name: "the client resets its request",
      client: { frames: [headers(1, request()), { seen: 1 }, rstStream(1, 8), ping("12345678"), { pongs: 1 }] },
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "the client goes away",
      client: { frames: [headers(1, request()), { seen: 1 }, "reset"] },
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "streams side by side",
      client: {
        frames: [
          headers(1, POST_FIELDS, false) + headers(3, request("/direct")),
          { stream: 3 },
          data(1, "x", true),
          { stream: 1 },
        ],
      },
    },
    {
      name: "HTTP/2 goes on as HTTP/2 where the cluster follows",
      client: { frames: [headers(1, request("/either")), { stream: 1 }] },
      upstreams: { v: { http2: [["request", { head: [[":status", "200"], ["x-a", "1"]], end: true }]] } },
    },
    {
      name: "HTTP/1 goes on as HTTP/1 where the cluster follows",
      client: "GET /either HTTP/1.1\r\nHost: a.example\r\n\r\n",
    },
    { name: "connections ahead of requests", client: { frames: [headers(1, request("/ahead")), { stream: 1 }] } },
    { name: "settings", client: { frames: ["settings"] } },
    { name: "settings that are configured", listener: "connect", client: { frames: ["settings"] } },
    {
      name: "extended CONNECT that is not allowed",
      client: { frames: [headers(1, extended(), false), { stream: 1 }, "closed"] },
    },
    {
      name: "a WebSocket by extended CONNECT",
      listener: "connect",
      client: {
        frames: [headers(1, extended(), false), { head: 1 }, data(1, "ping", true), { stream: 1 }],
      },
      upstreams: {
        u: {
          http: [{
            steps: [
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n",
              { bytes: 4 },
              "pong",
              "end",
            ],
          }],
        },
      },
    },
    {
      name: "a WebSocket that the upstream refuses",
      listener: "connect",
      client: { frames: [headers(1, extended(), false), { stream: 1 }] },
      upstreams: { u: { http: ["HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno"] } },
    },
    {
      name: "CONNECT without a route",
      client: { frames: [headers(1, [[":method", "CONNECT"], [":authority", "a.example:1"]], false), { stream: 1 }] },
    },
    {
      name: "a connection of two requests",
      listener: "two",
      client: {
        frames: [
          headers(1, request("/direct")),
          { stream: 1 },
          headers(3, request("/direct")),
          { stream: 3 },
          { goAways: 2 },
          "closed",
        ],
      },
    },
    {
      name: "an idle connection",
      listener: "idle",
      client: { frames: [headers(1, request("/direct")), { stream: 1 }, { goAways: 2 }, "closed"] },
    },
    {
      name: "a connection that is too old",
      listener: "short",
      client: { frames: [headers(1, request("/direct")), { stream: 1 }, { goAways: 2 }, "closed"] },
    },
    { name: "PING", client: { frames: [ping("abcdefgh"), { pongs: 1 }] } },
    {
      name: "the client's GOAWAY",
      client: {
        frames: [frame(Frame.GoAway, 0, 0, uint32(0) + uint32(0)), headers(1, request("/direct")), { stream: 1 }],
      },
    },
    { name: "SETTINGS do not come first", client: { raw: true, frames: [PREFACE + ping("12345678"), "closed"] } },
    broken("DATA of an idle stream", data(3, "x")),
    broken("WINDOW_UPDATE by nothing", windowUpdate(0, 0)),
    broken("a stream with an even number", headers(2, request())),
    broken(
      "a stream number that was passed over",
      headers(7, request("/direct")),
      { stream: 7 },
      headers(5, request()),
    ),
    broken("RST_STREAM of an idle stream", rstStream(9, 8)),
    broken("a window that is too large", windowUpdate(0, 0x7fffffff)),
    broken("PUSH_PROMISE", frame(Frame.PushPromise, 4, 1, uint32(2))),
    broken("a setting with a wrong value", settings([[4, 0x80000000]])),
    broken("SETTINGS of a wrong length", frame(Frame.Settings, 0, 0, "12345")),
    broken("a header block that is no HPACK", frame(Frame.Headers, 5, 3, "\xff\xff\xff\xff\xff\xff\xff")),
    broken("a frame that is too large", frame(Frame.Data, 0, 1, "x".repeat(16385))),
    broken("empty frames", data(1, "").repeat(3)),
    broken("frames between HEADERS and CONTINUATION", frame(Frame.Headers, 1, 3, "\x82") + ping("12345678")),
    {
      name: "more streams than are allowed",
      listener: "one",
      client: {
        frames: [
          headers(1, POST_FIELDS, false),
          { seen: 1 },
          headers(3, request("/direct")),
          { stream: 3 },
          data(1, "", true),
          {
            stream: 1,
          },
        ],
      },
    },
  ],
};

function extended(): Fields {
  return [[":method", "CONNECT"], [":protocol", "websocket"], ...request("/chat").slice(1)];
}
