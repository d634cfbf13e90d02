// test/host/router/slow_peers.test.ts: clients and upstreams that are slow, with everything between them and the clock.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ConnectionManagerPlan } from "../../../host/http/conn_manager/conn_manager_config.ts";
import { CloseType, PeerType } from "../../../host/net/filter.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { Router } from "../../../host/router/router.ts";
import { RouterStats } from "../../../host/router/router_stats.ts";
import { createClientCodec } from "../../../host/upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../../../host/upstream/cluster_manager.ts";
import { Downstream } from "../http/conn_manager/downstream.ts";
import { createFakeEnvironment, type FakeConnection, type FakeEnvironment, planWith } from "../upstream/fakes.ts";
import { tableOfRoutes } from "./support.ts";

/** A connection manager with the router, between a client and an upstream that the test plays. */
class Proxy {
  readonly env: FakeEnvironment;
  readonly down: Downstream;

  constructor(plan: Partial<ConnectionManagerPlan> = {}, route: object = {}) {
    this.env = { ...createFakeEnvironment(), createClientCodec };
    const clusters = new ClusterManager(this.env);
    clusters.update([{ ...planWith(["10.0.0.1:80"]), name: "c", observabilityName: "c" }]);
    const config = {
      plan: { suppressEnvoyHeaders: true, respectExpectedRqTimeout: false },
      stats: new RouterStats(StatsStore.create().scope("http.a")),
      clusters,
      localAddress: "10.7.7.7",
    };
    const table = tableOfRoutes([{ match: { prefix: "/" }, route: { cluster: "c", ...route } }]);
    this.down = new Downstream({
      plan,
      configure: () => ({
        clock: this.env.clock,
        routes: { current: () => table },
        filters: [{
          name: "router",
          disabled: false,
          terminal: true,
          create: (stream) => new Router(config, stream),
        }],
      }),
    });
  }

  get client(): FakeConnection {
    return this.down.connection;
  }

  /** The newest connection to the upstream. */
  get upstream(): FakeConnection {
    return this.env.dialer.last.connection!;
  }

  send(text: string): this {
    this.down.feed(text);
    const dial = this.env.dialer.dials.at(-1);
    if (dial !== undefined && dial.connection === null) dial.connect();
    return this;
  }

  advance(ms: number): this {
    this.env.clock.advance(ms);
    return this;
  }

  /** Status of what was sent to the client since the last call. */
  status(): string {
    return this.down.take().slice("HTTP/1.1 ".length).slice(0, 3);
  }

  get log(): readonly [number, string, string] {
    const { code, details, flags } = this.down.logged.at(-1)!;
    return [code, details, flags];
  }

  /** Nothing is open any more, on either side, and nobody waits for anything. */
  assertQuiet(): void {
    if (!this.client.closed) this.client.finish(PeerType.Remote);
    const stat = (name: string) => this.env.store.valueOf(`cluster.a.${name}`) ?? 0;
    assert.equal([this.down.stat("rq_active"), stat("upstream_rq_active"), stat("upstream_rq_pending_active")], [
      0,
      0,
      0,
    ]);
    for (const dial of this.env.dialer.dials) {
      if (dial.connection?.closed === false) dial.connection.finish(PeerType.Remote);
    }
    assert.is(stat("upstream_cx_active"), 0);
    assert.is(this.env.clock.armedTimers, 0);
  }
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";

/** Sends a byte every so often, until the connection is gone or the text is sent. */
function drip(proxy: Proxy, to: FakeConnection, text: string, everyMs: number): number {
  let sent = 0;
  while (sent < text.length && !to.closed) {
    to.receive(text[sent++]!);
    proxy.advance(everyMs);
  }
  return sent;
}

test("a head that drips does not get more time for it", () => {
  const limits: readonly [Partial<ConnectionManagerPlan>, string][] = [
    [{ requestHeadersTimeoutMs: 100 }, "request_header_timeout"],
    [{ requestTimeoutMs: 100 }, "request_overall_timeout"],
    [{ streamIdleTimeoutMs: 100 }, "stream_idle_timeout"],
    [{ maxStreamDurationMs: 100 }, "max_duration_timeout"],
  ];
  for (const [plan, details] of limits) {
    const proxy = new Proxy(plan);
    const sent = drip(proxy, proxy.client, GET, 10);
    assert.is(proxy.status(), "408");
    assert.equal([sent, proxy.client.closed, proxy.log[1]], [10, true, details]);
    proxy.assertQuiet();
  }
});

test("a second head on a connection has the same time as the first", () => {
  const proxy = new Proxy({ requestHeadersTimeoutMs: 100 });
  proxy.send(GET);
  proxy.upstream.receive("HTTP/1.1 204 No Content\r\n\r\n");
  assert.is(proxy.status(), "204");
  proxy.advance(1000);
  proxy.client.receive("GET / HT");
  proxy.advance(99);
  assert.is(proxy.status(), "");
  proxy.advance(1);
  assert.is(proxy.status(), "408");
  proxy.assertQuiet();
});

test("a body that drips is activity, but is not waited for longer than a request may take", () => {
  const proxy = new Proxy({ streamIdleTimeoutMs: 50, requestTimeoutMs: 500 }).send(POST);
  assert.is(drip(proxy, proxy.client, "x".repeat(1000), 40), 13);
  assert.is(proxy.status(), "408");
  assert.equal(proxy.log, [408, "request_overall_timeout", ""]);
  assert.ok(proxy.upstream.closed, "the upstream must not take a part for the whole");
  proxy.assertQuiet();
});

test("a body that stops: 408, and the upstream's connection is not used again", () => {
  const proxy = new Proxy({ streamIdleTimeoutMs: 50 }).send(POST);
  proxy.client.receive("some");
  proxy.advance(50);
  assert.is(proxy.status(), "408");
  assert.equal(proxy.log, [408, "stream_idle_timeout", "SI"]);
  assert.equal([proxy.client.closed, proxy.upstream.closed], [true, true]);
  proxy.assertQuiet();
});

test("a reader that is slow stops the upstream, not the response; one that stops loses it", () => {
  const proxy = new Proxy({ streamIdleTimeoutMs: 100 }).send(GET);
  proxy.upstream.receive(HEAD + "x".repeat(100));
  proxy.client.handler!.onAboveWriteBufferHighWatermark();
  assert.is(proxy.upstream.readDisables, 1);
  proxy.advance(99);
  proxy.client.handler!.onBelowWriteBufferLowWatermark();
  assert.is(proxy.upstream.readDisables, 0);
  proxy.upstream.receive("x".repeat(100));
  proxy.client.handler!.onAboveWriteBufferHighWatermark();
  proxy.advance(100);
  assert.equal(proxy.log, [200, "stream_idle_timeout", "SI"]);
  assert.equal([proxy.client.closed, proxy.upstream.closed], [true, true]);
  proxy.assertQuiet();
});

test("an upstream that reads slowly stops the client; one that stops costs a 408", () => {
  const proxy = new Proxy({ streamIdleTimeoutMs: 100 }).send(POST);
  proxy.client.receive("x".repeat(100));
  proxy.upstream.handler!.onAboveWriteBufferHighWatermark();
  assert.is(proxy.client.readDisables, 1);
  proxy.upstream.handler!.onBelowWriteBufferLowWatermark();
  assert.is(proxy.client.readDisables, 0);
  proxy.upstream.handler!.onAboveWriteBufferHighWatermark();
  proxy.advance(100);
  assert.is(proxy.status(), "408");
  assert.is(proxy.client.readDisables, 0, "its end would not be seen");
  proxy.assertQuiet();
});

test("both ways full at once: each side goes on when its reader does", () => {
  const proxy = new Proxy({ streamIdleTimeoutMs: 100 }).send(POST);
  proxy.client.receive("U".repeat(400));
  proxy.upstream.receive(HEAD + "d".repeat(400));
  proxy.upstream.handler!.onAboveWriteBufferHighWatermark();
  proxy.client.handler!.onAboveWriteBufferHighWatermark();
  assert.equal([proxy.client.readDisables, proxy.upstream.readDisables], [1, 1]);
  proxy.client.handler!.onBelowWriteBufferLowWatermark();
  assert.equal([proxy.client.readDisables, proxy.upstream.readDisables], [1, 0]);
  proxy.upstream.receive("d".repeat(100));
  proxy.upstream.handler!.onBelowWriteBufferLowWatermark();
  assert.equal([proxy.client.readDisables, proxy.upstream.readDisables], [0, 0]);
  proxy.client.receive("U".repeat(600));
  proxy.upstream.receive("d".repeat(500));
  assert.is(proxy.upstream.written.match(/U/g)!.length, 1000);
  assert.is(proxy.down.take().split("\r\n\r\n")[1], "d".repeat(1000));
  proxy.assertQuiet();
});

test("an upstream that is silent: whichever limit is the first", () => {
  const idle = new Proxy({ streamIdleTimeoutMs: 100 }, { timeout: "0.2s" }).send(GET).advance(100);
  assert.is(idle.status(), "504");
  assert.equal(idle.log, [504, "stream_idle_timeout", "SI"]);
  const late = new Proxy({ streamIdleTimeoutMs: 300 }, { timeout: "0.2s" }).send(GET).advance(200);
  assert.is(late.status(), "504");
  assert.equal(late.log, [504, "response_timeout", "UT"]);
  const long = new Proxy({ maxStreamDurationMs: 100 }, { timeout: "0.2s" }).send(GET).advance(100);
  assert.equal([long.status(), long.log], ["504", [504, "max_duration_timeout", ""]]);
  for (const proxy of [idle, late, long]) {
    assert.equal([proxy.client.closed, proxy.upstream.closed], [false, true], "only the upstream is at fault");
    proxy.assertQuiet();
  }
});

test("a head of a response that drips does not get more time for it", () => {
  const proxy = new Proxy({}, { timeout: "0.2s" }).send(GET);
  assert.is(drip(proxy, proxy.upstream, HEAD, 10), 20);
  assert.equal([proxy.status(), proxy.log], ["504", [504, "response_timeout", "UT"]]);
  proxy.assertQuiet();
});

test("a response body that drips is activity, but is not waited for longer than the route allows", () => {
  const cuts: readonly [Partial<ConnectionManagerPlan>, object, string][] = [
    [{ streamIdleTimeoutMs: 50 }, { timeout: "0.4s" }, "response_timeout"],
    [{ streamIdleTimeoutMs: 50, maxStreamDurationMs: 400 }, {}, "max_duration_timeout"],
  ];
  for (const [plan, route, details] of cuts) {
    const proxy = new Proxy(plan, route).send(GET);
    proxy.upstream.receive(HEAD);
    assert.is(drip(proxy, proxy.upstream, "x".repeat(1000), 40), 10);
    assert.is(proxy.status(), "200");
    assert.equal([proxy.log[1], proxy.client.closed, proxy.upstream.closed], [details, true, true]);
    proxy.assertQuiet();
  }
});

test("events are written as they come, each before the next", () => {
  const proxy = new Proxy().send(GET);
  proxy.upstream.receive("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  assert.is(proxy.status(), "200");
  for (const event of ["1", "2"]) {
    proxy.upstream.receive(`9\r\ndata: ${event}\n\n\r\n`);
    assert.is(proxy.down.take(), `9\r\ndata: ${event}\n\n\r\n`);
  }
  proxy.upstream.receive("0\r\n\r\n");
  assert.is(proxy.down.take(), "0\r\n\r\n");
  proxy.assertQuiet();
});

test("a request body is sent as it comes, and its response while it comes", () => {
  const proxy = new Proxy().send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  proxy.upstream.written = "";
  proxy.client.receive("1\r\na\r\n");
  assert.is(proxy.upstream.written, "1\r\na\r\n");
  proxy.upstream.receive(HEAD + "b");
  assert.match(proxy.down.take(), /\r\n\r\nb$/);
  proxy.client.receive("1\r\nc\r\n0\r\n\r\n");
  assert.match(proxy.upstream.written, /1\r\nc\r\n0\r\n\r\n$/);
  proxy.upstream.receive("d".repeat(999));
  assert.equal([proxy.down.take().length, proxy.log[0]], [999, 200]);
  proxy.assertQuiet();
});

test("a connection that is to close while its response comes closes behind it", () => {
  for (const plan of [{ maxConnectionDurationMs: 100 }, { maxRequestsPerConnection: 1 }]) {
    const proxy = new Proxy(plan).send(GET).advance(100);
    proxy.upstream.receive("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
    proxy.advance(1000);
    assert.match(proxy.down.take(), /connection: close\r\n\r\nha$/);
    assert.not.ok(proxy.client.closed);
    proxy.upstream.receive("lf");
    assert.equal([proxy.down.take(), proxy.client.closeType], ["lf", CloseType.FlushWriteAndDelay]);
    proxy.assertQuiet();
  }
});

test("a tunnel is idle when neither side says anything", () => {
  const upgrades = [{ type: "websocket", enabled: true, filters: -1 }];
  const proxy = new Proxy({ streamIdleTimeoutMs: 100, upgrades }).send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  proxy.upstream.receive("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  assert.is(proxy.status(), "101");
  for (let i = 0; i < 5; i++) {
    proxy.advance(60);
    proxy.client.receive("ping");
    proxy.advance(60);
    proxy.upstream.receive("pong");
  }
  assert.is(proxy.down.take(), "pong".repeat(5));
  proxy.advance(100);
  assert.equal([proxy.client.closed, proxy.upstream.closed, proxy.log[1]], [true, true, "stream_idle_timeout"]);
  proxy.assertQuiet();
});

test.run();
