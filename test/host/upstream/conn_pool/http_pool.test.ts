// test/host/upstream/conn_pool/http_pool.test.ts: every state of an HTTP pool, with fake connections.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import { DEFAULT_HTTP_PLAN, DEFAULT_THRESHOLDS } from "../../../../host/upstream/plan.ts";
import { type FakeConnection, FakeRequest, PeerType } from "../fakes.ts";
import { assertQuiet, setup } from "./pool_setup.ts";

await xxHashReady;

test("the first request waits for a connection; the second one gets it at once", () => {
  const s = setup();
  const first = s.request();
  assert.equal(first.events, []);
  assert.is(s.stat("upstream_rq_pending_active"), 1);
  const connection = s.env.dialer.last.connect();
  assert.equal(first.events, ["ready 1"]);
  assert.is(s.stat("upstream_rq_pending_active"), 0);
  assert.is(s.stat("upstream_rq_active"), 1);
  connection.receive("r");
  assert.is(s.stat("upstream_rq_active"), 0);

  const second = new FakeRequest();
  assert.is(s.pool.newStream(second, second), null);
  assert.equal(second.events, ["ready 2"]);
  assert.is(second.connectionId, connection.info.id);
  connection.receive("r");
  assert.is(s.env.dialer.dials.length, 1);
  assert.is(s.stat("upstream_rq_total"), 2);
  assert.is(s.stat("upstream_rq_pending_total"), 1);
  assert.is(s.stat("upstream_cx_total"), 1);
  assert.is(s.stat("upstream_cx_http1_total"), 1);

  connection.finish(PeerType.Remote);
  assert.is(s.stat("upstream_cx_destroy_remote"), 1);
  assert.is(s.stat("upstream_cx_destroy_with_active_rq"), 0);
  assertQuiet(s);
});

test("the connection that became free last is used first", () => {
  const s = setup();
  const requests = [s.request(), s.request(), s.request()];
  const connections = s.env.dialer.dials.map((dial) => dial.connect());
  assert.equal(requests.map((request) => request.events.length), [1, 1, 1]);
  connections[0]!.receive("r");
  connections[2]!.receive("r");
  connections[1]!.receive("r");
  assert.equal([s.pool.connectionCount, s.pool.activeCount, s.pool.room], [3, 0, 3]);
  assert.is(s.request().connectionId, connections[1]!.info.id);
  assert.is(s.request().connectionId, connections[2]!.info.id);
  assert.is(s.request().connectionId, connections[0]!.info.id);
});

test("who waits is served in order, whichever connection comes first", () => {
  const s = setup();
  const requests = [s.request(), s.request()];
  s.env.dialer.dials[1]!.connect();
  assert.equal(requests.map((request) => request.events), [["ready 1"], []]);
  s.env.dialer.dials[0]!.connect();
  assert.equal(requests.map((request) => request.events), [["ready 1"], ["ready 1"]]);
});

test("a refused connection fails all who wait, with the transport's words", () => {
  const s = setup();
  const requests = [s.request(), s.request()];
  s.env.dialer.dials[0]!.fail("remote");
  const expected = ["failure remote_connection_failure [delayed connect error: Connection refused] 10.0.0.1:80"];
  assert.equal(requests.map((request) => request.events), [expected, expected]);
  assert.is(s.stat("upstream_cx_connect_fail"), 1);
  assert.is(s.stat("upstream_rq_pending_failure_eject"), 2);
  assert.is(s.stat("upstream_rq_total"), 0);
  assert.is(s.stat("upstream_cx_destroy_remote"), 1);
  s.env.dialer.dials[1]!.fail("remote");
  assertQuiet(s);
});

test("a time-out while connecting is a failure of this side, without transport reason", () => {
  const s = setup();
  const request = s.request();
  s.env.dialer.last.fail("timeout", "connect timeout");
  assert.equal(request.events, ["failure connection_timeout [] 10.0.0.1:80"]);
  assert.is(s.stat("upstream_cx_connect_timeout"), 1);
  assert.is(s.stat("upstream_cx_connect_fail"), 1);
  assert.is(s.stat("upstream_cx_destroy_local"), 1);
  assertQuiet(s);
});

test("who comes back at once after a failure waits for the next connection", () => {
  const s = setup();
  const request = s.request();
  const again = new FakeRequest();
  request.onEvent = () => s.pool.newStream(again, again);
  s.env.dialer.last.fail("remote");
  assert.equal(again.events, []);
  assert.is(s.env.dialer.dials.length, 2);
  s.env.dialer.last.connect().receive("r");
  assert.equal(again.events, ["ready 1", "response"]);
});

test("a cancelled wish is told nothing, and its connection serves the next request", () => {
  const s = setup();
  const request = new FakeRequest();
  const handle = s.pool.newStream(request, request)!;
  handle.cancel();
  handle.cancel();
  assert.is(s.stat("upstream_rq_cancelled"), 1);
  const connection = s.env.dialer.last.connect();
  assert.equal(request.events, []);
  assert.is(s.request().connectionId, connection.info.id);
});

test("more bytes than the response: the connection is closed and the next request is not poisoned", () => {
  const s = setup();
  const first = s.request();
  const connection = s.env.dialer.last.connect();
  const second = new FakeRequest();
  // The client sends its next request as soon as it has the response: the pool must not trust the rest.
  first.onEvent = (event) => event === "response" && s.pool.newStream(second, second);
  connection.receive("rr");
  assert.equal(first.events, ["ready 1", "response"]);
  assert.equal(second.events, []);
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_destroy_local"), 1);
  assert.is(s.stat("upstream_cx_destroy_with_active_rq"), 0);
  s.env.dialer.last.connect().receive("r");
  assert.equal(second.events, ["ready 1", "response"]);
});

test("who waits does not get a connection before all that came with the response before was looked at", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxConnections: 1 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  s.request();
  const connection = s.env.dialer.last.connect();
  const waiting = s.request();
  connection.receive("r?");
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_protocol_error"), 1);
  assert.equal(waiting.events, []);
  s.env.dialer.last.connect();
  assert.equal(waiting.events, ["ready 1"]);
});

test("a request made while the response before is being read gets that connection, not a new one", () => {
  const s = setup();
  const first = s.request();
  const connection = s.env.dialer.last.connect();
  const second = new FakeRequest();
  first.onEvent = (event) => event === "response" && s.pool.newStream(second, second);
  connection.receive("r");
  assert.is(s.env.dialer.dials.length, 1);
  assert.equal(second.events, ["ready 2"]);
  assert.is(second.connectionId, connection.info.id);
});

test("bytes on an idle connection close it", () => {
  const s = setup();
  s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("r");
  connection.receive("r");
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_protocol_error"), 1);
  assertQuiet(s);
});

test("a connection that ends while idle is not used again", () => {
  const s = setup();
  s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("r");
  connection.finish(PeerType.Remote);
  assert.equal(s.request().events, []);
  assert.is(s.env.dialer.dials.length, 2);
});

test("a connection that ends during a request resets it", () => {
  const s = setup();
  const request = s.request();
  s.env.dialer.last.connect().finish(PeerType.Remote);
  assert.equal(request.events, ["ready 1", "reset connection_termination"]);
  assert.is(s.stat("upstream_cx_destroy_remote_with_active_rq"), 1);
  assert.is(s.stat("upstream_cx_destroy_with_active_rq"), 1);
  assertQuiet(s);
});

test("a retry from within a reset goes to another connection", () => {
  const s = setup();
  const request = s.request();
  const connection = s.env.dialer.last.connect();
  const again = new FakeRequest();
  request.onEvent = (event) => event.startsWith("reset") && s.pool.newStream(again, again);
  connection.finish(PeerType.Remote);
  assert.is(s.env.dialer.dials.length, 2);
  s.env.dialer.last.connect();
  assert.equal(again.events, ["ready 1"]);
});

test("what is no HTTP resets the request as a protocol error", () => {
  const s = setup();
  const request = s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("!");
  assert.equal(request.events, ["ready 1", "reset protocol_error"]);
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_protocol_error"), 1);
  assert.is(s.stat("upstream_cx_destroy_local_with_active_rq"), 1);
  assertQuiet(s);
});

test("a request that is reset from this side closes its connection", () => {
  const s = setup();
  const request = s.request();
  const connection = s.env.dialer.last.connect();
  request.encoder!.resetStream("local_reset");
  assert.ok(connection.closed);
  assert.equal(request.events, ["ready 1"]);
  assertQuiet(s);
});

test("connection: close ends the connection after the response", () => {
  const s = setup();
  s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("c");
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_protocol_error"), 0);
  assertQuiet(s);
});

test("max_requests_per_connection ends a connection after its last request", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, maxRequestsPerConnection: 2 } });
  s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("r");
  assert.not(connection.closed);
  assert.is(s.stat("upstream_cx_max_requests"), 0);
  s.request();
  assert.is(s.stat("upstream_cx_max_requests"), 1);
  connection.receive("r");
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_destroy_local"), 1);
  assertQuiet(s);
});

test("an idle connection is closed after the idle timeout, which begins anew after each request", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, idleTimeoutMs: 1000 } });
  s.request();
  const connection = s.env.dialer.last.connect();
  s.env.clock.advance(5000);
  assert.not(connection.closed);
  connection.receive("r");
  s.env.clock.advance(999);
  s.request();
  connection.receive("r");
  s.env.clock.advance(999);
  assert.not(connection.closed);
  s.env.clock.advance(1);
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_idle_timeout"), 1);
  assertQuiet(s);
});

test("the idle timeout is one hour unless configured, and 0 turns it off", () => {
  for (const [idleTimeoutMs, closedAfter] of [[DEFAULT_HTTP_PLAN.idleTimeoutMs, 3_600_000], [0, Infinity]] as const) {
    const s = setup({ http: { ...DEFAULT_HTTP_PLAN, idleTimeoutMs } });
    s.request();
    const connection = s.env.dialer.last.connect();
    connection.receive("r");
    s.env.clock.advance(3_599_999);
    assert.not(connection.closed);
    s.env.clock.advance(1);
    assert.is(connection.closed, closedAfter === 3_600_000);
  }
});

test("max_connection_duration closes an idle connection, and a busy one after its stream", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, maxConnectionDurationMs: 1000 } });
  s.request();
  s.request();
  const [busy, idle] = s.env.dialer.dials.map((dial) => dial.connect()) as [FakeConnection, FakeConnection];
  idle.receive("r");
  s.env.clock.advance(1000);
  assert.ok(idle.closed);
  assert.not(busy.closed);
  assert.is(s.stat("upstream_cx_max_duration_reached"), 2);
  busy.receive("r");
  assert.ok(busy.closed);
  assertQuiet(s);
});

test("max_connection_duration_jitter: connections of one moment end at different ones", () => {
  const http = { ...DEFAULT_HTTP_PLAN, maxConnectionDurationMs: 1000, maxConnectionDurationJitterPercent: 100 };
  const s = setup({ http });
  for (let i = 0; i < 8; i++) s.request();
  const connections = s.env.dialer.dials.map((dial) => dial.connect());
  for (const connection of connections) connection.receive("r");
  s.env.clock.advance(1000);
  assert.ok(connections.every((connection) => !connection.closed), "none before its time");
  s.env.clock.advance(500);
  const closed = connections.filter((connection) => connection.closed).length;
  assert.ok(closed > 0 && closed < 8, String(closed));
  s.env.clock.advance(500);
  assert.ok(connections.every((connection) => connection.closed));
});

test("a peer that does not read what it is sent is given up", () => {
  const s = setup({ fullBufferTimeoutMs: 500 });
  const request = s.request();
  const connection = s.env.dialer.last.connect();
  connection.handler!.onAboveWriteBufferHighWatermark();
  s.env.clock.advance(499);
  connection.handler!.onBelowWriteBufferLowWatermark();
  s.env.clock.advance(1000);
  assert.not(connection.closed, "it read in time");
  connection.handler!.onAboveWriteBufferHighWatermark();
  s.env.clock.advance(500);
  assert.equal([connection.closed, connection.closeDetails], [true, "buffer_high_watermark_timeout_reached"]);
  assert.is(request.events.at(-1), "reset connection_termination");
  assertQuiet(s);
});

test("watermarks of the connection reach the stream", () => {
  const s = setup();
  const request = s.request();
  const connection = s.env.dialer.last.connect();
  connection.handler!.onAboveWriteBufferHighWatermark();
  connection.handler!.onBelowWriteBufferLowWatermark();
  assert.equal(request.events, ["ready 1", "high", "low"]);
});

const PRECONNECT = { perUpstreamRatio: 2, predictiveRatio: 1, enabledMetadata: null };

test("connections are made ahead of streams where the cluster is to", () => {
  const s = setup({ preconnect: PRECONNECT });
  const first = s.request();
  assert.is(s.env.dialer.dials.length, 2, "one for it, one for the next");
  s.env.dialer.dials[0]!.connect();
  s.env.dialer.dials[1]!.connect();
  assert.equal(first.events, ["ready 1"]);
  s.request();
  assert.is(s.env.dialer.dials.length, 4, "two are busy, two are wanted besides");
  const limited = setup({
    preconnect: { ...PRECONNECT, perUpstreamRatio: 3 },
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxConnections: 2 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  limited.request();
  assert.is(limited.env.dialer.dials.length, 2);
  assert.is(limited.stat("upstream_cx_overflow"), 1);
});

test("requests of the cluster are counted on this worker where something is decided by them", () => {
  const hashed = {
    policy: "MAGLEV",
    tableSize: 7,
    useHostnameForHashing: false,
    localityWeighted: false,
    failTrafficOnPanic: false,
    panicThresholdPercent: 50,
  } as const;
  assert.is(setup({ loadBalancing: { ...hashed, hashBalanceFactor: 0 } }).cluster.traffic, null);
  const s = setup({ loadBalancing: { ...hashed, hashBalanceFactor: 150 } });
  const traffic = s.cluster.traffic!;
  s.request();
  assert.equal([traffic.pending, traffic.active], [1, 0]);
  const connection = s.env.dialer.last.connect();
  assert.equal([traffic.pending, traffic.active], [0, 1]);
  connection.receive("r");
  assert.equal([traffic.pending, traffic.active], [0, 0]);
});

test.run();
