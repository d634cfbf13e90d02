// test/host/http/conn_manager/conn_manager.test.ts: connections and streams under a clock that the test moves.
import type { Route, StreamDuration } from "../../../../host/http/route.ts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DataStatus, type FilterStream, HeadersStatus, type HttpFilter } from "../../../../host/http/filter.ts";
import { CloseType, PeerType } from "../../../../host/net/filter.ts";
import { Downstream, HTTP1, routeWith } from "./downstream.ts";
import { responseHeaders } from "../support.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nserver: envoy\r\n\r\nok";
const OK_AND_CLOSE = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nserver: envoy\r\nconnection: close\r\n\r\nok";

function answer(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\nserver: envoy\r\n` +
    `connection: close\r\n\r\n${body}`;
}

/** Nothing is left that counts as open. */
function assertQuiet(down: Downstream): void {
  assert.equal([down.stat("rq_active"), down.stat("cx_active"), down.stat("cx_http1_active")], [0, 0, 0]);
  assert.ok(down.streams.every((stream) => stream.destroyed === 1), "every filter is destroyed once");
}

const turn = (): Promise<void> => Promise.resolve();

test("a stream is logged at its start, at intervals and when it becomes a tunnel", () => {
  const down = new Downstream({
    plan: {
      accessLogFlushIntervalMs: 100,
      flushAccessLogOnNewRequest: true,
      flushLogOnTunnelSuccessfullyEstablished: true,
      upgrades: [{ type: "websocket", enabled: true, filters: -1 }],
    },
  });
  const types = (): string[] => down.logged.splice(0).map(({ type, code }) => `${type} ${code}`);
  down.feed("GET / HT").feed(GET.slice(8));
  assert.equal(types(), ["DownstreamStart 0"]);
  down.clock.advance(250);
  assert.equal(types(), ["DownstreamPeriodic 0", "DownstreamPeriodic 0"]);
  down.last.respond();
  assert.equal(types(), ["DownstreamEnd 200"]);
  down.clock.advance(1000);
  assert.equal(types(), []);
  down.feed("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  down.last.stream.encodeHeaders(responseHeaders("101"), false);
  down.clock.advance(100);
  down.connection.close(CloseType.NoFlush, "");
  assert.equal(types(), [
    "DownstreamStart 0",
    "DownstreamTunnelSuccessfullyEstablished 101",
    "DownstreamPeriodic 101",
    "DownstreamEnd 101",
  ]);
  assertQuiet(down);
});

test("a request that no filter sees has no start", () => {
  const down = new Downstream({ plan: { flushAccessLogOnNewRequest: true } });
  down.feed("GET / HTTP/1.1\r\n\r\n");
  assert.equal(down.logged.map(({ type }) => type), ["DownstreamEnd"]);
});

test("requests one after the other, each logged once", () => {
  const down = new Downstream();
  for (let i = 0; i < 3; i++) {
    down.feed(GET);
    down.last.respond();
    assert.is(down.take(), OK);
  }
  assert.is(down.logged.length, 3);
  assert.equal(down.logged[0], { code: 200, details: "", flags: "", type: "DownstreamEnd" });
  assert.equal([down.stat("rq_total"), down.stat("rq_completed"), down.stat("rq_2xx"), down.stat("rq_active")], [
    3,
    3,
    3,
    0,
  ]);
  assert.equal([down.stat("cx_total"), down.stat("cx_active"), down.stat("cx_http1_total")], [1, 1, 1]);
  down.connection.finish(PeerType.Remote);
  assert.equal([down.stat("cx_destroy_remote"), down.stat("cx_destroy_active_rq")], [1, 0]);
  assertQuiet(down);
});

test("pipelined requests wait for their turn", async () => {
  const down = new Downstream();
  down.feed(GET + GET + GET.replace("/", "/3"));
  assert.is(down.streams.length, 1);
  down.last.respond("1");
  await turn();
  assert.is(down.streams.length, 2);
  down.last.respond("2");
  await turn();
  assert.is(down.last.headers!.path, "/3");
  down.last.respond("3");
  assert.equal(down.take().match(/\d(?=HTTP|$)/g), ["1", "2", "3"]);
});

test("what was sent ahead of a connection that is gone is never asked", async () => {
  const down = new Downstream();
  down.feed(GET + GET);
  down.last.respond();
  down.connection.finish(PeerType.Remote);
  await turn();
  assert.is(down.streams.length, 1);
  assertQuiet(down);
});

test("bad bytes: an answer, a line in the log, the end", () => {
  const down = new Downstream();
  down.feed("nonsense\r\n\r\n");
  assert.is(down.take(), answer("400 Bad Request", "Bad Request"));
  assert.is(down.connection.closeType, CloseType.FlushWriteAndDelay);
  assert.equal(down.logged, [{ code: 400, details: "http1.codec_error", flags: "DPE", type: "DownstreamEnd" }]);
  assert.equal([down.stat("cx_protocol_error"), down.stat("rq_total"), down.stat("rq_4xx")], [1, 1, 1]);
  assertQuiet(down);
});

test("bad bytes behind a good request are answered after it, and end the connection", async () => {
  const down = new Downstream();
  down.feed(`${GET}nonsense\r\n\r\n${GET}`);
  down.last.respond();
  await turn();
  assert.is(down.take(), OK + answer("400 Bad Request", "Bad Request"));
  assert.is(down.streams.length, 2, "filters are made for what is refused, and not for what follows it");
  assert.is(down.logged.length, 2);
  assertQuiet(down);
});

test("bad bytes in a body end a stream that has no answer with 400, one that has with the connection", () => {
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const unanswered = new Downstream();
  unanswered.feed(chunked).feed("zz\r\n");
  assert.is(unanswered.take(), answer("400 Bad Request", "Bad Request"));
  assert.equal(unanswered.logged.map(({ code, flags }) => [code, flags]), [[400, "DPE"]]);
  assertQuiet(unanswered);

  const answered = new Downstream();
  answered.feed(chunked);
  const headers = answered.last.headers!.clone();
  headers.clear();
  headers.status = 200;
  answered.last.stream.encodeHeaders(headers, false);
  answered.take();
  answered.feed("zz\r\n");
  assert.is(answered.take(), "");
  assert.ok(answered.connection.closed);
  assert.equal(answered.logged.map(({ code, flags }) => [code, flags]), [[200, "DPE"]]);
  assertQuiet(answered);
});

/** A filter that writes down what it is told, and puts its mark on responses. */
function witness(seen: string[]): { name: string; disabled: boolean; create: (stream: FilterStream) => HttpFilter } {
  return {
    name: "witness",
    disabled: false,
    create: (stream) => ({
      onRequestHeaders: () => (seen.push("request"), HeadersStatus.Continue),
      onResponseHeaders: (headers) => {
        seen.push(`response ${headers.status}`);
        headers.set("x-seen", "1");
        return HeadersStatus.Continue;
      },
      onDone: () => seen.push("done"),
      onLog: () => seen.push(`log ${stream.requestHeaders?.path} ${stream.responseHeaders?.status}`),
      onDestroy: () => seen.push("destroy"),
    }),
  };
}

test("filters are told of the end of a request that they have not seen", () => {
  for (const [bytes, status] of [["nonsense\r\n\r\n", 400], ["GET / HTTP/1.0\r\nHost: a\r\n\r\n", 426]] as const) {
    const seen: string[] = [];
    const down = new Downstream({ filters: [witness(seen)] });
    down.feed(bytes);
    assert.not.match(down.take(), "x-seen");
    assert.equal(seen, ["done", `log undefined ${status}`, "destroy"]);
    assertQuiet(down);
  }
  const seen: string[] = [];
  const down = new Downstream({ filters: [witness(seen)], plan: { requestHeadersTimeoutMs: 100 } });
  down.feed("GET / HTTP/1.1\r\nHo");
  down.clock.advance(100);
  assert.equal(seen, ["done", "log undefined 408", "destroy"]);
  const left: string[] = [];
  new Downstream({ filters: [witness(left)] }).feed("GET / HTTP/1.1\r\nHo").connection.finish(PeerType.Remote);
  assert.equal(left, [], "nobody answered");
});

test("the answer to bad bytes in a body passes the filters, unless they have begun one", () => {
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const seen: string[] = [];
  const down = new Downstream({ filters: [witness(seen)] });
  down.feed(chunked).feed("zz\r\n");
  assert.match(down.take(), "x-seen: 1");
  assert.equal(seen, ["request", "response 400", "done", "log / 400", "destroy"]);
  assert.is(down.connection.closeType, CloseType.FlushWriteAndDelay);
  assert.equal(down.logged, [{ code: 400, details: "http1.codec_error", flags: "DPE", type: "DownstreamEnd" }]);
  assertQuiet(down);

  const holding = new Downstream({
    filters: [{
      name: "holding",
      disabled: false,
      create: () => ({ onResponseHeaders: () => HeadersStatus.StopAllIterationAndWatermark }),
    }],
  });
  holding.feed(chunked);
  holding.last.respond();
  holding.feed("zz\r\n");
  assert.is(holding.take(), "");
  assert.ok(holding.connection.closed);
  assertQuiet(holding);
});

test("a head that never ends: each of the time-outs that it may meet", () => {
  const cases = [
    { plan: { streamIdleTimeoutMs: 100 }, body: "stream timeout", details: "stream_idle_timeout", flags: "SI" },
    { plan: { requestTimeoutMs: 100 }, body: "request timeout", details: "request_overall_timeout", flags: "" },
    {
      plan: { requestHeadersTimeoutMs: 100 },
      body: "request header timeout",
      details: "request_header_timeout",
      flags: "",
    },
    {
      plan: { maxStreamDurationMs: 100 },
      body: "downstream duration timeout",
      details: "max_duration_timeout",
      flags: "",
    },
  ];
  for (const { plan, body, details, flags } of cases) {
    const down = new Downstream({ plan });
    down.feed("GET / HTTP/1.1\r\nHo");
    down.clock.advance(99);
    assert.is(down.take(), "");
    down.clock.advance(1);
    assert.is(down.take(), answer("408 Request Timeout", body));
    assert.equal(down.logged, [{ code: 408, details, flags, type: "DownstreamEnd" }]);
    assert.ok(down.connection.closed);
    assertQuiet(down);
  }
});

test("a head in pieces is one request, which began with its first byte", () => {
  const down = new Downstream({ plan: { requestHeadersTimeoutMs: 100 } });
  down.feed("GET / HTTP/1.1\r\n");
  down.clock.advance(60);
  down.feed("Host: a\r\n\r\n");
  assert.is(down.last.stream.info.startMs, down.clock.nowMs() - 60);
  down.clock.advance(500);
  down.last.respond();
  assert.is(down.take(), OK);
  assert.equal([down.stat("rq_total"), down.logged.length], [1, 1]);
});

test("a connection that ends in a head is logged as gone", () => {
  const down = new Downstream();
  down.feed("GET / HT");
  down.connection.finish(PeerType.Remote);
  assert.equal(down.logged, [{ code: 0, details: "downstream_remote_disconnect", flags: "DC", type: "DownstreamEnd" }]);
  assertQuiet(down);
});

test("silence: 504 when the request is whole, 408 when it is not, a cut when the response began", () => {
  for (const [request, status] of [[GET, "504 Gateway Timeout"], [POST, "408 Request Timeout"]] as const) {
    const down = new Downstream({ plan: { streamIdleTimeoutMs: 100 } });
    down.feed(request);
    down.clock.advance(100);
    assert.ok(down.take().startsWith(`HTTP/1.1 ${status}\r\n`));
    assert.is(down.stat("rq_idle_timeout"), 1);
    assert.is(down.connection.closed, request === POST);
  }
  const cut = new Downstream({ plan: { streamIdleTimeoutMs: 100 } });
  cut.feed(GET);
  const headers = cut.last.headers!.clone();
  headers.clear();
  headers.status = 200;
  cut.last.stream.encodeHeaders(headers, false);
  cut.clock.advance(100);
  assert.ok(cut.connection.closed);
  assert.equal(cut.logged.map(({ details, flags }) => [details, flags]), [["stream_idle_timeout", "SI"]]);
  assertQuiet(cut);
});

test("every byte of either side starts the silence anew", () => {
  const down = new Downstream({ plan: { streamIdleTimeoutMs: 100 } });
  down.feed(POST);
  for (const byte of "12345678") {
    down.clock.advance(80);
    down.feed(byte);
  }
  down.clock.advance(80);
  assert.is(down.take(), "");
  down.feed("9");
  down.clock.advance(80);
  down.last.respond();
  assert.is(down.take(), OK);
});

test("a route may be more or less patient than the connection manager", () => {
  const patient = new Downstream({ plan: { streamIdleTimeoutMs: 100 }, route: routeWith({ idleTimeoutMs: 0 }) });
  patient.feed(GET);
  patient.clock.advance(10_000);
  assert.is(patient.take(), "");
  const hasty = new Downstream({ route: routeWith({ idleTimeoutMs: 50 }) });
  hasty.feed(GET);
  hasty.clock.advance(50);
  assert.ok(hasty.take().startsWith("HTTP/1.1 504 "));
});

test("how long a stream may last: configured, by the route, by grpc-timeout", () => {
  const last = (down: Downstream, request: string, ms: number): string => {
    down.feed(request);
    down.clock.advance(ms - 1);
    assert.is(down.take(), "", "too early");
    down.clock.advance(1);
    assert.is(down.logged[0]?.details, "max_duration_timeout");
    return down.take();
  };
  const grpc = (timeout: string): string =>
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\ngrpc-timeout: ${timeout}\r\nContent-Length: 0\r\n\r\n`;
  assert.match(last(new Downstream({ plan: { maxStreamDurationMs: 100 } }), GET, 100), "504 Gateway Timeout");
  const routeLasting = (duration: Partial<StreamDuration>): Route =>
    routeWith({
      streamDuration: { maxMs: null, grpcTimeoutHeaderMaxMs: null, grpcTimeoutHeaderOffsetMs: 0, ...duration },
    });
  const longer = routeLasting({ maxMs: 300 });
  last(new Downstream({ plan: { maxStreamDurationMs: 100 }, route: longer }), GET, 300);

  const capped = new Downstream({ route: routeLasting({ grpcTimeoutHeaderMaxMs: 200 }) });
  assert.match(last(capped, grpc("9S"), 200), "grpc-status: 4\r\n");
  assert.is(capped.last.headers!.get("grpc-timeout"), "200m");
  const offset = new Downstream({ route: routeLasting({ grpcTimeoutHeaderMaxMs: 0, grpcTimeoutHeaderOffsetMs: 100 }) });
  last(offset, grpc("700m"), 600);
  assert.is(offset.last.headers!.get("grpc-timeout"), "600m");
  const unreadable = new Downstream({ route: routeLasting({ maxMs: 400, grpcTimeoutHeaderMaxMs: 200 }) });
  last(unreadable, grpc("soon"), 400);
  assert.is(unreadable.last.headers!.get("grpc-timeout"), "400m");
  const atOnce = new Downstream({ route: routeLasting({ grpcTimeoutHeaderMaxMs: 200 }) });
  atOnce.feed(grpc("0S"));
  atOnce.clock.advance(0);
  assert.is(atOnce.logged[0]?.details, "max_duration_timeout");
  const ignored = new Downstream();
  ignored.feed(grpc("5m"));
  ignored.clock.advance(100);
  assert.is(ignored.take(), "");
  const unlimited = new Downstream({
    plan: { maxStreamDurationMs: 100 },
    route: routeLasting({ maxMs: 0 }),
  });
  unlimited.feed(GET);
  unlimited.clock.advance(1000);
  assert.is(unlimited.take(), "");
});

test("a connection that never said anything is closed when idle", () => {
  const down = new Downstream({ plan: { idleTimeoutMs: 100 } });
  down.clock.advance(100);
  assert.ok(down.connection.closed);
  assert.equal([down.stat("cx_idle_timeout"), down.stat("cx_http1_total"), down.logged.length], [1, 0, 0]);
});

test("a connection that was used is drained when idle: one more request in time, or the end", () => {
  const down = new Downstream({ plan: { idleTimeoutMs: 100, drainTimeoutMs: 50 } });
  down.feed(GET);
  down.clock.advance(500);
  down.last.respond();
  down.clock.advance(100);
  assert.not(down.connection.closed);
  down.clock.advance(50);
  assert.ok(down.connection.closed);

  const used = new Downstream({ plan: { idleTimeoutMs: 100, drainTimeoutMs: 50 } });
  used.feed(GET);
  used.last.respond();
  used.take();
  used.clock.advance(120);
  used.feed("GET / HTTP/1.1\r\n");
  used.clock.advance(50);
  assert.not(used.connection.closed);
  used.feed("Host: a\r\n\r\n");
  used.last.respond();
  assert.is(used.take(), OK_AND_CLOSE);
  assert.ok(used.connection.closed);
});

test("an old connection closes after the response that is being made", () => {
  const down = new Downstream({ plan: { maxConnectionDurationMs: 100 } });
  down.feed(GET);
  down.clock.advance(100);
  assert.is(down.stat("cx_max_duration_reached"), 1);
  down.last.respond();
  assert.is(down.take(), OK_AND_CLOSE);
  assert.ok(down.connection.closed);
});

test("connections grow old at different times", () => {
  // The seed's first fraction is not that of the first request.
  const down = new Downstream({ plan: { maxConnectionDurationMs: 100, maxConnectionDurationJitterPercent: 50 } });
  down.clock.advance(100);
  assert.is(down.stat("cx_max_duration_reached"), 0);
  down.clock.advance(50);
  assert.is(down.stat("cx_max_duration_reached"), 1);
});

test("the last request that a connection may bring", () => {
  const down = new Downstream({ plan: { maxRequestsPerConnection: 2 } });
  down.feed(GET);
  down.last.respond();
  down.feed(GET);
  down.last.respond();
  assert.is(down.take(), OK + OK_AND_CLOSE);
  assert.equal([down.stat("cx_max_requests_reached"), down.connection.closed], [1, true]);
});

test("connections that drain together do not end together where the drain time has a jitter", () => {
  const ends: number[] = [];
  for (const percent of [0, 100]) {
    const down = new Downstream({
      plan: { idleTimeoutMs: 100, drainTimeoutMs: 50, drainTimeoutJitterPercent: percent },
    });
    down.feed(GET);
    down.last.respond();
    down.clock.advance(100);
    let ms = 0;
    for (; !down.connection.closed && ms < 200; ms++) down.clock.advance(1);
    ends.push(ms);
  }
  assert.is(ends[0], 50);
  assert.ok(ends[1]! > 50 && ends[1]! <= 100, `${ends[1]}`);
});

test("a drain closes an idle connection at once, one in use after its response", () => {
  const idle = new Downstream();
  assert.ok(idle.manager.idle);
  idle.manager.drain();
  assert.ok(idle.connection.closed);
  const busy = new Downstream();
  busy.feed(GET);
  assert.equal([busy.manager.idle, busy.manager.activeStreams], [false, 1]);
  busy.manager.drain();
  assert.not(busy.connection.closed);
  busy.last.respond();
  assert.is(busy.take(), OK_AND_CLOSE);
  assert.ok(busy.connection.closed);
});

test("who drains may decide response by response", () => {
  const decisions = [false, true];
  const down = new Downstream({ drainClose: () => decisions.shift()! });
  down.feed(GET);
  down.last.respond();
  down.feed(GET);
  down.last.respond();
  assert.is(down.take(), OK + OK_AND_CLOSE);
  assert.is(down.stat("cx_drain_close"), 1);
});

test("a client that leaves ends its stream once, whatever it was waiting for", () => {
  for (const request of [GET, `${POST}half`]) {
    const down = new Downstream();
    down.feed(request);
    down.connection.finish(PeerType.Remote);
    assert.equal(down.logged.map(({ code, details, flags }) => [code, details, flags]), [
      [0, "downstream_remote_disconnect", "DC"],
    ]);
    assert.equal([down.stat("cx_destroy_remote_active_rq"), down.stat("rq_rx_reset")], [1, 1]);
    assertQuiet(down);
    down.last.respond();
    assert.is(down.take(), "");
  }
});

test("an answer before the request is whole ends the connection", () => {
  const down = new Downstream();
  down.feed(`${POST}half`);
  down.last.respond();
  assert.is(down.take(), OK_AND_CLOSE);
  assert.ok(down.connection.closed);
  assert.equal([down.stat("rq_response_before_rq_complete"), down.stat("rq_rx_reset")], [1, 1]);
  assertQuiet(down);
});

test("an answer to the last bytes of a body comes before its end where filters are told of that apart", () => {
  for (const wantsEndApart of [true, false]) {
    const down = new Downstream({
      filters: [{
        name: "f",
        disabled: false,
        create: (stream) => ({
          wantsEndApart,
          onRequestBody() {
            stream.sendLocalReply({ status: 413, details: "x" });
            return DataStatus.StopIterationNoBuffer;
          },
        }),
      }],
    });
    down.feed(`${POST}123456789`);
    assert.is(down.take().includes("connection: close"), wantsEndApart);
    assert.is(down.connection.closed, wantsEndApart);
    assert.is(down.stat("rq_rx_reset"), wantsEndApart ? 1 : 0);
  }
});

test("a stream that is reset cuts its response", () => {
  const down = new Downstream();
  down.feed(GET);
  const headers = down.last.headers!.clone();
  headers.clear();
  headers.status = 200;
  headers.add("content-length", "10");
  down.last.stream.encodeHeaders(headers, false);
  down.last.stream.resetStream("because");
  assert.ok(down.connection.closed);
  assert.is(down.logged[0]!.details, "because");
  assert.equal([down.stat("rq_tx_reset"), down.stat("cx_destroy_local_active_rq")], [1, 0]);
  assertQuiet(down);
});

test("a 400 of the proxy's own ends the connection, unless that is switched off", () => {
  const refuse = (down: Downstream): string => {
    down.feed(GET);
    down.last.stream.sendLocalReply({ status: 400, details: "d" });
    return down.take();
  };
  const strict = new Downstream();
  assert.match(refuse(strict), "connection: close\r\n");
  assert.ok(strict.connection.closed);
  const lenient = new Downstream({ plan: { http1: { ...HTTP1, streamErrorOnInvalidMessage: true } } });
  assert.not.match(refuse(lenient), "connection: close\r\n");
  assert.not(lenient.connection.closed);
});

test("what is refused before a route is looked for, and what after", () => {
  const host = new Downstream();
  host.feed("GET / HTTP/1.1\r\nX: y\r\n\r\n");
  assert.equal([host.logged[0]!.details, host.routed.length], ["missing_host_header", 0]);
  const path = new Downstream();
  path.feed("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.equal([path.logged[0]!.details, path.routed.length], ["path_normalization_failed", 0]);
  assert.is(path.stat("rq_failed_path_normalization"), 1);
  const upgrade = new Downstream();
  upgrade.feed("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  assert.equal([upgrade.logged[0]!.details, upgrade.logged[0]!.code, upgrade.routed.length], [
    "upgrade_failed",
    403,
    1,
  ]);
  assert.is(upgrade.stat("rq_ws_on_non_ws_route"), 1);
});

test("the route is looked for once, before the filters, and again only when it is forgotten", () => {
  const seen: string[] = [];
  const down = new Downstream({
    filters: [{
      name: "mover",
      disabled: false,
      create: (stream) => ({
        onRequestHeaders(headers) {
          seen.push(stream.info.routeName);
          headers.path = "/moved";
          stream.route();
          if (headers.has("x-forget")) stream.clearRouteCache();
          return HeadersStatus.Continue;
        },
      }),
    }],
  });
  down.feed(GET);
  down.last.stream.route();
  assert.equal([down.routed, seen], [["/"], ["r"]]);
  down.last.respond();
  down.feed(GET.replace("\r\n\r\n", "\r\nx-forget: 1\r\n\r\n"));
  down.last.stream.route();
  assert.equal(down.routed, ["/", "/", "/moved"]);
});

test("filters that are off, and routes that turn them on or off", () => {
  const ran = (disabled: boolean, byRoute: boolean | null): boolean => {
    let runs = false;
    const down = new Downstream({
      route: routeWith({ filterDisabled: (name) => name === "f" ? byRoute : null }),
      filters: [{
        name: "f",
        disabled,
        create: () => {
          runs = true;
          return {};
        },
      }],
    });
    down.feed(GET);
    return runs;
  };
  assert.equal([ran(false, null), ran(true, null), ran(true, false), ran(false, true)], [true, false, true, false]);
});

test("an upgrade that is allowed becomes a tunnel that ends with either side", () => {
  const ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const down = new Downstream({ plan: { upgrades: [{ type: "websocket", enabled: true, filters: -1 }] } });
  down.feed(ask);
  const headers = down.last.headers!.clone();
  headers.clear();
  headers.status = 101;
  headers.add("connection", "upgrade");
  headers.add("upgrade", "websocket");
  down.last.stream.encodeHeaders(headers, false);
  down.feed("bytes");
  assert.is(down.last.body, "bytes");
  assert.equal([down.stat("cx_upgrades_total"), down.stat("cx_upgrades_active")], [1, 1]);
  down.connection.finish(PeerType.Remote);
  assert.equal(down.logged.map(({ code, flags }) => [code, flags]), [[101, "DC"]]);
  assert.is(down.stat("cx_upgrades_active"), 0);
  assertQuiet(down);
});

test("the route's word on upgrades goes before the connection manager's; without a route there is none", () => {
  const ask = (path: string, plan: { enabled: boolean } | null, allowed: boolean | null, hasRoute = true) => {
    const upgrades = plan === null
      ? []
      : [{ type: "websocket", filters: -1, ...plan }, { type: "connect", filters: -1, ...plan }];
    const route = hasRoute ? { ...routeWith({}), allowsUpgrade: () => allowed } : null;
    const down = new Downstream({ plan: { upgrades }, route });
    down.feed(path);
    return down;
  };
  const requests = [
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
  ];
  for (const request of requests) {
    const answered = (...options: [{ enabled: boolean } | null, boolean | null, boolean?]): string => {
      const down = ask(request, ...options);
      return down.take().slice(9, 12) + (down.connection.closed ? " closed" : "") + down.stat("cx_upgrades_active");
    };
    assert.is(answered({ enabled: true }, null), "1");
    assert.is(answered({ enabled: false }, true), "1");
    assert.is(answered(null, true), "1");
    assert.is(answered({ enabled: true }, false), "403 closed0");
    assert.is(answered({ enabled: false }, null), "403 closed0");
    assert.is(answered(null, null), "403 closed0");
    // Whoever is last in the chain says that there is no route.
    assert.is(answered(null, null, false), "0");
  }
});

test("a refused upgrade ends the connection: what follows was for the tunnel", () => {
  const down = new Downstream();
  down.feed(`CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n${GET}`);
  assert.match(down.take(), /^HTTP\/1\.1 403 Forbidden\r\n.*connection: close\r\n/s);
  assert.equal([down.streams.length, down.connection.closed], [1, true]);
  assertQuiet(down);
});

test("100-continue: answered here, or left to the upstream; others pass only where it is left", () => {
  const ask = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  const own = new Downstream();
  own.feed(ask);
  assert.is(own.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  assert.is(own.last.headers!.get("expect"), null);
  const bodiless = new Downstream().feed(ask.replace("Content-Length: 1\r\n", ""));
  assert.is(bodiless.take(), "HTTP/1.1 100 Continue\r\n\r\n", "who expects it gets it");
  const left = new Downstream({ plan: { proxy100Continue: true } });
  left.feed(ask);
  assert.is(left.take(), "");
  assert.is(left.last.headers!.get("expect"), "100-continue");
  for (const [down, text] of [[own, ""], [left, "HTTP/1.1 103 Unknown\r\n\r\n"]] as const) {
    const headers = down.last.headers!.clone();
    headers.clear();
    headers.status = 103;
    down.last.stream.encode1xxHeaders(headers);
    assert.is(down.take(), text);
    assert.is(down.stat("rq_1xx"), 1, "what the client got is counted");
  }
});

test("a client that is slow is felt by the stream", () => {
  const down = new Downstream();
  down.feed(GET);
  down.manager.onAboveWriteBufferHighWatermark();
  down.manager.onBelowWriteBufferLowWatermark();
  assert.equal(down.last.marks, ["high", "low"]);
});

test.run();
