// test/host/upstream/conn_pool/http_pool_http2.test.ts: pools whose connections carry many streams.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { goAwayFrame, PREFACE, rstStreamFrame, SETTINGS_ACK, settingsFrame } from "../../../../host/http/h2/frame.ts";
import { HTTP2_DEFAULTS } from "../../../../host/http/h2/options.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { ResourcePriority } from "../../../../host/upstream/circuit_breaker.ts";
import { createClientCodec } from "../../../../host/upstream/conn_pool/client_codec.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import type { HttpPool } from "../../../../host/upstream/conn_pool/http_pool.ts";
import { DEFAULT_HTTP_PLAN, type HttpProtocolPlan } from "../../../../host/upstream/plan.ts";
import { Peer } from "../../http/h2/harness.ts";
import {
  createFakeEnvironment,
  type FakeConnection,
  type FakeEnvironment,
  FakeRequest,
  PeerType,
  planWith,
  StreamResetReason,
} from "../fakes.ts";

/** A cluster that speaks HTTP/2 with one host. */
class Setup {
  readonly env: FakeEnvironment = { ...createFakeEnvironment(), createClientCodec };
  readonly cluster: Cluster;
  readonly pool: HttpPool;
  readonly peers = new Map<FakeConnection, Peer>();

  constructor(maxConcurrentStreams = 1024, changes: Partial<HttpProtocolPlan> = {}) {
    const http2 = { ...HTTP2_DEFAULTS, maxConcurrentStreams };
    const http: HttpProtocolPlan = { ...DEFAULT_HTTP_PLAN, protocol: "HTTP/2", http2, ...changes };
    this.cluster = new Cluster(planWith(["10.0.0.1:80"], { http }), this.env);
    this.cluster.start(() => {});
    this.pool = this.cluster.httpPool(this.cluster.chooseHost(null)!, ResourcePriority.Default);
  }

  request(): FakeRequest {
    const request = new FakeRequest();
    this.pool.newStream(request, request);
    return request;
  }

  connect(index: number, settings: readonly (readonly [number, number])[] = []): FakeConnection {
    const connection = this.env.dialer.dials[index]!.connect();
    this.peers.set(connection, new Peer());
    connection.receive(settingsFrame(settings) + SETTINGS_ACK);
    return connection;
  }

  stat(name: string): number {
    return this.env.store.valueOf(`cluster.a.${name}`) ?? -1;
  }

  answer(connection: FakeConnection, ...ids: number[]): void {
    const peer = this.peers.get(connection)!;
    connection.receive(ids.map((id) => peer.headers(id, [[":status", "200"]], true)).join(""));
  }
}

function send(request: FakeRequest): void {
  request.encoder!.encodeHeaders(
    HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a", ":scheme": "http" }),
    true,
  );
}

test("all who wait get one connection, and its streams end in any order", () => {
  const s = new Setup();
  const requests = Array.from({ length: 20 }, () => s.request());
  assert.is(s.env.dialer.dials.length, 1);
  const connection = s.connect(0);
  assert.ok(connection.written.startsWith(PREFACE));
  assert.equal(requests.map((request) => request.events[0]), Array.from({ length: 20 }, (_, i) => `ready ${i + 1}`));
  requests.forEach(send);
  s.answer(connection, 39, 1, 3);
  assert.equal([0, 1, 2, 19].map((i) => requests[i]!.events[1] ?? ""), ["response", "response", "", "response"]);
  assert.equal([s.stat("upstream_rq_active"), s.stat("upstream_cx_http2_total")], [17, 1]);
  assert.is(s.stat("http2.streams_active"), 17);
});

test("with every stream taken another connection is made; one that is free again is used", () => {
  const s = new Setup(2);
  const requests = Array.from({ length: 5 }, () => s.request());
  assert.is(s.env.dialer.dials.length, 3);
  const first = s.connect(0);
  assert.equal(requests.map((request) => request.events.length), [1, 1, 0, 0, 0]);
  requests.slice(0, 2).forEach(send);
  s.answer(first, 1);
  assert.equal(requests.map((request) => request.events[0] ?? ""), ["ready 1", "ready 2", "ready 3", "", ""]);
});

test("the server's word on streams at once holds from its SETTINGS on", () => {
  const s = new Setup();
  s.request();
  const connection = s.connect(0, [[3, 2]]);
  s.request();
  const third = s.request();
  assert.equal(third.events, []);
  assert.is(s.env.dialer.dials.length, 2);
  connection.receive(settingsFrame([[3, 10]]));
  assert.equal(third.events, ["ready 3"]);
});

test("GOAWAY: what is open ends there, what is new goes elsewhere, what was not looked at may be tried again", () => {
  const s = new Setup();
  const requests = [s.request(), s.request()];
  const connection = s.connect(0);
  requests.forEach(send);
  connection.receive(goAwayFrame(1, 0));
  assert.is(requests[1]!.events[1], `reset ${StreamResetReason.RemoteRefusedStreamReset}`);
  assert.is(s.stat("upstream_cx_close_notify"), 1);
  const next = s.request();
  assert.is(s.env.dialer.dials.length, 2);
  assert.equal(next.events, []);
  assert.not(connection.closed);
  s.answer(connection, 1);
  assert.is(requests[0]!.events[1], "response");
  assert.ok(connection.closed);
  s.connect(1);
  assert.equal(next.events, ["ready 1"]);
});

test("GOAWAY on a connection without streams closes it", () => {
  const s = new Setup();
  const request = s.request();
  const connection = s.connect(0);
  send(request);
  s.answer(connection, 1);
  connection.receive(goAwayFrame(1, 0));
  assert.ok(connection.closed);
  assert.ok(s.pool.idle);
});

test("a reset of one stream leaves the others alone, from either side", () => {
  const s = new Setup();
  const requests = [s.request(), s.request(), s.request()];
  const connection = s.connect(0);
  requests.forEach(send);
  connection.receive(rstStreamFrame(1, 8));
  requests[1]!.encoder!.resetStream(StreamResetReason.LocalReset);
  s.answer(connection, 5);
  assert.equal(requests.map((request) => request.events[1] ?? ""), [
    `reset ${StreamResetReason.RemoteReset}`,
    "",
    "response",
  ]);
  assert.not(connection.closed);
  assert.equal([s.stat("upstream_rq_active"), s.stat("http2.tx_reset"), s.stat("http2.rx_reset")], [0, 1, 1]);
});

test("the end of the connection, and bytes that are no HTTP/2, end all its streams", () => {
  for (
    const [end, reason, counted] of [
      [(connection: FakeConnection): void => connection.finish(PeerType.Remote), "connection_termination", 0],
      [
        (connection: FakeConnection): void => connection.receive("HTTP/1.1 400 Bad Request\r\n\r\n"),
        "protocol_error",
        1,
      ],
    ] as const
  ) {
    const s = new Setup();
    const requests = [s.request(), s.request()];
    const connection = s.connect(0);
    requests.forEach(send);
    end(connection);
    assert.equal(requests.map((request) => request.events[1]), [`reset ${reason}`, `reset ${reason}`]);
    assert.is(s.stat("upstream_cx_protocol_error"), counted);
    assert.is(s.stat("upstream_cx_destroy_with_active_rq"), 1);
    assert.equal([s.stat("upstream_rq_active"), s.stat("http2.streams_active"), s.stat("upstream_cx_active")], [
      0,
      0,
      0,
    ]);
    assert.ok(s.pool.idle);
    assert.is(s.env.clock.armedTimers, 0);
  }
});

test("a connection at its number of requests takes no more, and closes after them", () => {
  const s = new Setup(1024, { maxRequestsPerConnection: 2 });
  const requests = [s.request(), s.request(), s.request()];
  assert.is(s.env.dialer.dials.length, 2, "it is known beforehand that one is not enough");
  const connection = s.connect(0);
  assert.equal(requests.map((request) => request.events.length), [1, 1, 0]);
  requests.slice(0, 2).forEach(send);
  s.answer(connection, 3, 1);
  assert.ok(connection.closed);
  assert.is(s.stat("upstream_cx_max_requests"), 1);
});

test("an idle connection is closed in time, and PING waits for none", () => {
  const keepalive = { intervalMs: 1000, timeoutMs: 100, jitterPercent: 0, idleIntervalMs: 0 };
  const s = new Setup(1024, { idleTimeoutMs: 5000, http2: { ...HTTP2_DEFAULTS, keepalive } });
  const request = s.request();
  const connection = s.connect(0);
  send(request);
  s.answer(connection, 1);
  s.env.clock.advance(1000);
  assert.not(connection.closed);
  s.env.clock.advance(100);
  assert.ok(connection.closed);
  assert.is(s.stat("http2.keepalive_timeout"), 1);
  assert.is(s.env.clock.armedTimers, 0);
});

test("a cluster that follows its clients has a pool of each protocol", () => {
  const s = new Setup(1024, { protocol: "HTTP/1.1", followsDownstream: true });
  const host = s.cluster.chooseHost(null)!;
  const pools = ["HTTP/1.0", "HTTP/1.1", "HTTP/2", ""].map((protocol) =>
    s.cluster.httpPool(host, ResourcePriority.Default, protocol)
  );
  assert.is(pools[0], pools[1]);
  assert.is.not(pools[1], pools[2]);
  assert.is(pools[3], pools[1], "requests of the proxy itself");
  assert.is.not(s.cluster.httpPool(host, ResourcePriority.High, "HTTP/2"), pools[2]);
  for (const pool of pools.slice(1, 3)) {
    const request = new FakeRequest();
    pool.newStream(request, request);
  }
  assert.equal([s.stat("upstream_cx_http1_total"), s.stat("upstream_cx_http2_total")], [1, 1]);
  const fixed = new Setup(1024, { protocol: "HTTP/1.1" });
  const only = fixed.cluster.chooseHost(null)!;
  assert.is(fixed.cluster.httpPool(only, 0, "HTTP/2"), fixed.cluster.httpPool(only, 0, "HTTP/1.1"));
});

test.run();
