// test/host/http/conn_manager/conn_manager_http2.test.ts: the connection manager with clients that speak HTTP/2.
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  frameHeader,
  FrameType,
  PREFACE,
  rstStreamFrame,
  SETTINGS_ACK,
  settingsFrame,
  windowUpdateFrame,
} from "../../../../host/http/h2/frame.ts";
import { HTTP2_DEFAULTS } from "../../../../host/http/h2/options.ts";
import { Downstream, type Options, routeWith } from "./downstream.ts";
import { type Fields, GET, Peer, POST } from "../h2/harness.ts";

/** A client that has begun an HTTP/2 connection. */
class Http2Downstream extends Downstream {
  readonly peer: Peer = new Peer();

  constructor(options: Options = {}) {
    super(options);
    this.feed(PREFACE + settingsFrame([]) + SETTINGS_ACK);
    this.frames();
  }

  ask(streamId: number, fields: Fields = GET, end = true): this {
    this.feed(this.peer.headers(streamId, fields, end));
    return this;
  }

  /** Frames since the last call, without dates. */
  frames(): string[] {
    const text = this.connection.written;
    this.connection.written = "";
    return this.peer.read(text).map((line) => line.replace(/ date=[^=]* GMT/, ""));
  }
}

test("what a connection begins with says what it speaks, however it is cut", () => {
  for (let at = 1; at < PREFACE.length; at++) {
    const down = new Downstream();
    down.feed(PREFACE.slice(0, at)).feed(PREFACE.slice(at) + settingsFrame([]));
    assert.equal([down.stat("cx_http2_total"), down.stat("cx_http1_total")], [1, 0], `cut at ${at}`);
    assert.is(down.manager.protocol, "HTTP/2");
    assert.is(down.logged.length, 0);
  }
  for (const method of ["GET", "POST", "PRI", "PROPFIND"]) {
    const head = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    for (let at = 1; at < head.length; at++) {
      const down = new Downstream();
      down.feed(head.slice(0, at)).feed(head.slice(at));
      assert.equal([down.stat("cx_http2_total"), down.stat("cx_http1_total")], [0, 1], `${method}, cut at ${at}`);
    }
  }
});

test("a codec that is configured is not asked for", () => {
  const one = new Downstream({ plan: { codecType: "HTTP1" } });
  one.feed(PREFACE);
  assert.ok(one.take().startsWith("HTTP/1.1 400"));
  const two = new Downstream({ plan: { codecType: "HTTP2" } });
  two.feed("GET / HTTP/1.1\r\n\r\n");
  assert.is(two.stat("cx_http2_total"), 1);
  assert.is(two.stat("cx_protocol_error"), 1);
});

test("a connection that is old before it says that it speaks HTTP/2 is told to go, too", () => {
  const down = new Downstream({ plan: { codecType: "AUTO", maxConnectionDurationMs: 100, drainTimeoutMs: 50 } });
  const peer = new Peer();
  down.clock.advance(100);
  down.feed(PREFACE + settingsFrame([]) + SETTINGS_ACK + peer.headers(1, GET, true));
  peer.read(down.take());
  assert.is(down.streams.length, 1);
  down.clock.advance(50);
  assert.match(peer.read(down.take()).join(), /^GOAWAY /);
});

test("so few bytes that they say nothing may take no longer than a head", () => {
  const down = new Downstream({ plan: { requestHeadersTimeoutMs: 100 } });
  down.feed("PRI");
  down.clock.advance(101);
  assert.ok(down.connection.closed);
});

test("a request, its answer and its line in the log; nothing of HTTP/1's connections is in it", () => {
  const down = new Http2Downstream();
  down.ask(1);
  down.last.respond("hello");
  assert.equal(down.frames(), ["HEADERS 1 :status=200 content-length=5 server=envoy", "DATA 1 hello END"]);
  assert.equal(down.logged, [{ code: 200, details: "", flags: "", type: "DownstreamEnd" }]);
  assert.equal([down.stat("rq_http2_total"), down.stat("rq_active"), down.stat("rq_2xx")], [1, 0, 1]);
  assert.not(down.connection.closed);
});

test("an answer before the request's end leaves the connection to the others", () => {
  const down = new Http2Downstream();
  down.ask(1, POST, false).ask(3);
  down.streams[0]!.respond("");
  down.streams[1]!.respond("");
  assert.equal(down.frames(), [
    "HEADERS 1 :status=200 content-length=0 server=envoy END",
    "RST_STREAM 1 NoError",
    "HEADERS 3 :status=200 content-length=0 server=envoy END",
  ]);
  assert.not(down.connection.closed);
});

test("the log says who ended a stream, and why", () => {
  const reset = new Http2Downstream();
  reset.ask(1).feed(rstStreamFrame(1, 8));
  assert.equal(reset.logged[0], { code: 0, details: "http2.remote_reset", flags: "DR", type: "DownstreamEnd" });
  assert.is(reset.streams[0]!.destroyed, 1);

  const bad = new Http2Downstream();
  bad.ask(1).ask(3, [...GET, ["connection", "close"]]);
  assert.equal(bad.logged.map(({ details, flags }) => [details, flags]), [
    ["http2.invalid.header.field", "DPE"],
    ["codec_error:The_user_callback_function_failed", "DPE"],
  ]);
  assert.equal(bad.frames(), ["GOAWAY 3 ProtocolError"]);
  assert.is(bad.stat("cx_protocol_error"), 1);
  assert.ok(bad.connection.closed);

  const large = new Http2Downstream();
  large.ask(1, [...GET, ["x-a", "x".repeat(62_000)]]);
  assert.equal([large.logged[0]!.details, large.logged[0]!.flags], ["http2.header_list_size_too_large", "DR"]);
  assert.not(large.connection.closed);

  const nothing = new Http2Downstream();
  nothing.feed(frameHeader(8, FrameType.Ping, 0, 1) + "12345678");
  assert.is(nothing.logged.length, 0, "no request, no line");
});

test("streams that are reset before they come to anything end the connection", () => {
  const down = new Http2Downstream();
  let opened = 0;
  for (let id = 1; !down.connection.closed && id < 2000; id += 2) {
    down.ask(id).feed(rstStreamFrame(id, 8));
    opened++;
  }
  assert.is(opened, 250);
  assert.is(down.stat("rq_too_many_premature_resets"), 1);
  // Streams that the client makes the codec reset are no better.
  const made = new Http2Downstream();
  opened = 0;
  for (let id = 1; !made.connection.closed && id < 2000; id += 2) {
    made.ask(id).feed(windowUpdateFrame(id, 0x7fffffff));
    opened++;
  }
  assert.ok(opened <= 250);
});

test("resets of streams that were answered, or that waited long, do no harm", () => {
  const down = new Http2Downstream();
  for (let id = 1; id < 1200; id += 4) {
    down.ask(id).ask(id + 2);
    down.last.respond("");
    down.clock.advance(1001);
    down.feed(rstStreamFrame(id, 8));
  }
  assert.not(down.connection.closed);
});

test("draining: the notice goes with a response, the end comes later and waits for what is open", () => {
  const down = new Http2Downstream({ drainClose: () => true, plan: { drainTimeoutMs: 5000 } });
  down.ask(1);
  down.last.respond("");
  assert.equal(down.frames(), ["GOAWAY 2147483647 NoError", "HEADERS 1 :status=200 content-length=0 server=envoy END"]);
  down.ask(3);
  down.clock.advance(5000);
  assert.equal(down.frames(), ["GOAWAY 3 NoError"]);
  down.ask(5);
  assert.is(down.streams.length, 2, "too late");
  assert.not(down.connection.closed);
  down.last.respond("");
  assert.ok(down.connection.closed);
  assert.is(down.stat("cx_drain_close"), 1);
});

test("a connection that is to end waits until the client has room for the last response", () => {
  const down = new Http2Downstream({ plan: { maxRequestsPerConnection: 1, drainTimeoutMs: 10 } });
  down.feed(settingsFrame([[4, 3]]));
  down.ask(1);
  down.last.respond("hello");
  down.clock.advance(20);
  assert.not(down.connection.closed);
  down.feed(windowUpdateFrame(1, 2));
  assert.ok(down.connection.closed);
  assert.equal(down.frames(), [
    "SETTINGS ACK",
    "GOAWAY 2147483647 NoError",
    "HEADERS 1 :status=200 content-length=5 server=envoy",
    "DATA 1 hel",
    "GOAWAY 1 NoError",
    "DATA 1 lo END",
  ]);
});

test("a client that makes no room at all is waited for as long as responses may be flushed", () => {
  const down = new Http2Downstream({
    plan: { maxRequestsPerConnection: 1, drainTimeoutMs: 10, streamFlushTimeoutMs: 500 },
  });
  down.feed(settingsFrame([[4, 3]]));
  down.ask(1);
  down.last.respond("hello");
  down.clock.advance(499);
  assert.not(down.connection.closed);
  down.clock.advance(1);
  assert.ok(down.connection.closed);
});

test("how long an end waits is the route's, if it says so", () => {
  const waits = (route: Parameters<typeof routeWith>[0]): number => {
    const down = new Http2Downstream({ plan: { streamFlushTimeoutMs: 500 }, route: routeWith(route) });
    down.feed(settingsFrame([[4, 3]]));
    down.ask(1);
    down.last.respond("hello");
    down.frames();
    for (let ms = 0;; ms += 100) {
      if (down.frames().some((frame) => frame.startsWith("RST_STREAM"))) return ms;
      down.clock.advance(100);
    }
  };
  assert.is(waits({}), 500);
  assert.is(waits({ idleTimeoutMs: 200 }), 500);
  assert.is(waits({ idleTimeoutMs: 200, flushTimeoutMs: 300 }), 300);
});

test("idle connections are told, and end after the drain time", () => {
  const down = new Http2Downstream({ plan: { idleTimeoutMs: 1000, drainTimeoutMs: 50 } });
  down.ask(1);
  down.last.respond("");
  down.frames();
  down.clock.advance(1000);
  assert.equal(down.frames(), ["GOAWAY 2147483647 NoError"]);
  down.clock.advance(50);
  assert.ok(down.connection.closed);
});

test("the listener goes: idle connections end at once, others after their streams", () => {
  const idle = new Http2Downstream();
  idle.manager.drain();
  assert.equal(idle.frames(), ["GOAWAY 0 NoError"]);
  assert.ok(idle.connection.closed);
  const busy = new Http2Downstream({ plan: { drainTimeoutMs: 50 } });
  busy.ask(1);
  busy.manager.drain();
  busy.clock.advance(50);
  assert.not(busy.connection.closed);
  busy.last.respond("");
  assert.ok(busy.connection.closed);
});

test("a head in pieces has its time, and ends the connection when that is over", () => {
  const down = new Http2Downstream({ plan: { requestHeadersTimeoutMs: 100 } });
  down.feed(down.peer.headers(1, GET, true, 4).slice(0, 20));
  assert.is(down.stat("rq_active"), 1);
  down.clock.advance(100);
  assert.equal(down.frames(), ["GOAWAY 0 NoError"]);
  assert.ok(down.connection.closed);
  const good = new Http2Downstream({ plan: { requestHeadersTimeoutMs: 100 } });
  const head = good.peer.headers(1, GET, true, 4);
  good.feed(head.slice(0, 20));
  good.clock.advance(99);
  good.feed(head.slice(20));
  assert.is(good.stat("rq_total"), 1);
  good.last.respond("");
  assert.equal(good.frames(), ["HEADERS 1 :status=200 content-length=0 server=envoy END"]);
});

test("extended CONNECT is an upgrade, and its stream's end is not the connection's", () => {
  const ask: Fields = [[":method", "CONNECT"], [":protocol", "websocket"], ...GET.slice(1)];
  const plan = { http2: { ...HTTP2_DEFAULTS, allowConnect: true } };
  const none = new Http2Downstream({ plan });
  none.ask(1, ask, false);
  assert.equal(none.frames(), ["HEADERS 1 :status=403 server=envoy END", "RST_STREAM 1 NoError"]);
  const down = new Http2Downstream({
    plan: { ...plan, upgrades: [{ type: "websocket", enabled: true, filters: -1 }] },
  });
  down.ask(1, ask, false);
  assert.is(down.stat("cx_upgrades_active"), 1);
  const { headers } = down.last;
  assert.equal([headers!.method, headers!.protocol, headers!.get("upgrade")], ["GET", "websocket", "websocket"]);
  down.feed(rstStreamFrame(1, 8));
  assert.is(down.stat("cx_upgrades_active"), 0);
  assert.not(down.connection.closed);
});

test.run();
