// test/host/upstream/conn_pool/tcp_pool.test.ts: raw connections for tcp_proxy, with fake sockets.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TcpClusterPort } from "../../../../host/extensions/filters/network/tcp_proxy/cluster_port.ts";
import type { Connection, ConnectionHandler } from "../../../../host/net/connection_port.ts";
import { CloseType } from "../../../../host/net/filter.ts";
import { StreamInfo, type UpstreamInfo } from "../../../../host/observe/stream_info.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { type ClusterPlan, DEFAULT_THRESHOLDS } from "../../../../host/upstream/plan.ts";
import { TcpClusters } from "../../../../host/upstream/tcp_clusters.ts";
import { createFakeEnvironment, FakeConnection, type FakeEnvironment, PeerType, planWith } from "../fakes.ts";

class User implements ConnectionHandler {
  readonly events: string[] = [];
  connection: Connection | null = null;
  cancel: () => void = () => {};

  onConnected(connection: Connection, { host }: UpstreamInfo): void {
    this.connection = connection;
    this.events.push(`connected ${host!.text}`);
    connection.setHandler(this);
  }
  onFailure(reason: string, details: string, upstream: UpstreamInfo | null): void {
    this.events.push(`failure ${reason} [${details}] ${upstream?.host?.text ?? "no host"}`);
  }
  onData(bytes: Uint8Array): void {
    this.events.push(new TextDecoder().decode(bytes));
  }
  onEnd(): void {
    this.events.push("end");
  }
  onClose(by: PeerType): void {
    this.events.push(`close ${by}`);
  }
  onAboveWriteBufferHighWatermark(): void {
    this.events.push("high");
  }
  onBelowWriteBufferLowWatermark(): void {
    this.events.push("low");
  }
}

interface Setup {
  readonly env: FakeEnvironment;
  readonly manager: ClusterManager;
  connect(cluster?: string): User;
  stat(name: string): number;
}

function setup(changes: Partial<ClusterPlan> = {}, endpoints: string[] = ["10.0.0.1:80"]): Setup {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([planWith(endpoints, changes)]);
  const clusters: TcpClusterPort = new TcpClusters(manager);
  const info = new StreamInfo(new FakeConnection({ address: "10.9.9.9", port: 1, text: "10.9.9.9:1" }).info, 0, 0);
  return {
    env,
    manager,
    connect(cluster = "a") {
      const user = new User();
      const handle = clusters.connect(cluster, { info, hashInput: null }, user);
      user.cancel = () => handle.cancel();
      return user;
    },
    stat: (name) => env.store.valueOf(`cluster.a.${name}`) ?? -1,
  };
}

function assertQuiet(s: Setup): void {
  const { connections, pendingRequests, requests } = s.manager.get("a")!.resources[0];
  assert.equal([connections.count, pendingRequests.count, requests.count], [0, 0, 0]);
  assert.equal([s.stat("upstream_cx_active"), s.stat("upstream_rq_active"), s.stat("upstream_rq_pending_active")], [
    0,
    0,
    0,
  ]);
  assert.is(s.env.clock.armedTimers, 0);
}

test("a peer that does not read what it is sent is given up", () => {
  const s = setup({ fullBufferTimeoutMs: 500 });
  const user = s.connect();
  const inner = s.env.dialer.last.connect();
  inner.handler!.onAboveWriteBufferHighWatermark();
  s.env.clock.advance(500);
  assert.equal([inner.closed, inner.closeDetails], [true, "buffer_high_watermark_timeout_reached"]);
  assert.equal(user.events, ["connected 10.0.0.1:80", "high", `close ${PeerType.Local}`]);
  assertQuiet(s);
});

test("a connection is one user's, and counts as a request, as in Envoy", () => {
  const s = setup();
  const user = s.connect();
  const inner = s.env.dialer.last.connect();
  assert.equal(user.events, ["connected 10.0.0.1:80"]);
  inner.receive("hello");
  inner.handler!.onAboveWriteBufferHighWatermark();
  inner.handler!.onBelowWriteBufferLowWatermark();
  inner.handler!.onEnd();
  user.connection!.writeLatin1("bye");
  user.connection!.end();
  assert.is(inner.written, "bye");
  assert.ok(inner.ended);
  assert.equal(
    ["upstream_cx_total", "upstream_cx_active", "upstream_rq_total", "upstream_rq_active", "upstream_rq_pending_total"]
      .map(s.stat),
    [1, 1, 1, 1, 1],
  );
  inner.finish(PeerType.Remote);
  assert.equal(user.events.slice(1), ["hello", "high", "low", "end", `close ${PeerType.Remote}`]);
  assert.ok(user.connection!.closed);
  assert.equal(
    ["upstream_cx_destroy", "upstream_cx_destroy_remote_with_active_rq", "upstream_cx_http1_total"].map(s.stat),
    [1, 1, 0],
  );
  assertQuiet(s);
});

test("overload: no connection is made, and who wants one fails", () => {
  const s = setup();
  const env = { ...s.env, shedsConnections: () => true };
  const manager = new ClusterManager(env);
  manager.update([planWith(["10.0.0.1:80"])]);
  const info = new StreamInfo(new FakeConnection({ address: "10.9.9.9", port: 1, text: "10.9.9.9:1" }).info, 0, 0);
  const user = new User();
  new TcpClusters(manager).connect("a", { info, hashInput: null }, user);
  assert.equal(user.events, ["failure overflow [] no host"]);
  assert.is(env.dialer.dials.length, 0);
});

test("the user's close is local", () => {
  const s = setup();
  const user = s.connect();
  const inner = s.env.dialer.last.connect();
  user.connection!.close(CloseType.FlushWrite, "idle");
  assert.equal([inner.closeType, inner.closeDetails], [CloseType.FlushWrite, "idle"]);
  assert.is(s.stat("upstream_cx_destroy_local_with_active_rq"), 1);
  assertQuiet(s);
});

test("no cluster and no host are told at once", () => {
  assert.equal(setup().connect("nope").events, ["failure no_cluster [] no host"]);
  assert.equal(setup({}, []).connect().events, ["failure no_healthy_upstream [] no host"]);
});

test("a failed connection: why, and whose", () => {
  for (const reason of ["remote", "local", "timeout"] as const) {
    const s = setup();
    const user = s.connect();
    s.env.dialer.last.fail(reason, "words");
    assert.equal(user.events, [`failure ${reason} [${reason === "timeout" ? "" : "words"}] 10.0.0.1:80`]);
    assert.is(s.stat("upstream_cx_connect_fail"), 1);
    assert.is(s.stat("upstream_cx_connect_timeout"), reason === "timeout" ? 1 : 0);
    assert.is(s.stat("upstream_rq_total"), 0);
    assertQuiet(s);
  }
});

test("cancel gives the connection on its way up", () => {
  const s = setup();
  const first = s.connect();
  const second = s.connect();
  second.cancel();
  assert.equal(s.env.dialer.dials.map((dial) => dial.cancelled), [false, true]);
  s.env.dialer.dials[0]!.connect();
  assert.equal(first.events, ["connected 10.0.0.1:80"]);
  assert.equal(second.events, []);
  assert.is(s.stat("upstream_rq_cancelled"), 1);
});

test("circuit breaker: at the cluster's limit of connections nobody waits", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxConnections: 1 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  s.connect();
  const inner = s.env.dialer.last.connect();
  assert.equal(s.connect().events, ["failure overflow [] no host"]);
  assert.equal([s.env.dialer.dials.length, s.stat("upstream_cx_overflow")], [1, 1]);
  inner.finish(PeerType.Remote);
  s.connect();
  assert.is(s.env.dialer.dials.length, 2);
});

test("circuit breaker: who waits gets a connection when another one of the host ends", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxPendingRequests: 1 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: 1,
    },
  });
  const first = s.connect();
  const inner = s.env.dialer.last.connect();
  const second = s.connect();
  assert.is(s.env.dialer.dials.length, 1);
  assert.equal(s.connect().events, ["failure overflow [] no host"]);
  assert.equal([s.stat("upstream_cx_overflow"), s.stat("upstream_rq_pending_overflow")], [1, 1]);
  inner.finish(PeerType.Remote);
  assert.is(first.events.length, 2);
  s.env.dialer.last.connect();
  assert.equal(second.events, ["connected 10.0.0.1:80"]);
});

test("removing the cluster lets connections live to their end", () => {
  const s = setup();
  const user = s.connect();
  const inner = s.env.dialer.last.connect();
  s.manager.update([]);
  assert.is(s.manager.drainingCount, 1);
  inner.receive("still here");
  assert.is(user.events.at(-1), "still here");
  inner.finish(PeerType.Remote);
  assert.is(s.manager.drainingCount, 0);
});

test("close cuts connections and fails those who wait", () => {
  const s = setup();
  const active = s.connect();
  s.env.dialer.last.connect();
  const waiting = s.connect();
  s.manager.close();
  assert.is(active.events.at(-1), `close ${PeerType.Local}`);
  assert.equal(waiting.events, ["failure local [pool closed] 10.0.0.1:80"]);
});

const PRECONNECT = { perUpstreamRatio: 2, predictiveRatio: 1, enabledMetadata: null };

test("connections are made ahead of users; what the peer says first is theirs", async () => {
  const s = setup({ preconnect: PRECONNECT });
  const first = s.connect();
  const [used, ahead] = s.env.dialer.dials.map((dial) => dial.connect());
  assert.equal([first.events, s.env.dialer.dials.length], [["connected 10.0.0.1:80"], 2]);
  ahead!.receive("banner");
  assert.is(ahead!.readDisables, 1);
  const second = s.connect();
  assert.equal(second.events, ["connected 10.0.0.1:80"]);
  await Promise.resolve();
  assert.equal([second.events[1], ahead!.readDisables], ["banner", 0]);
  assert.is(s.env.dialer.dials.length, 4, "two are used, two are wanted besides");
  used!.finish(PeerType.Remote);
  ahead!.finish(PeerType.Remote);
  const idle = s.env.dialer.dials.slice(2).map((dial) => dial.connect());
  idle[0]!.finish(PeerType.Remote);
  s.env.clock.advance(600_000);
  assert.equal([idle[1]!.closed, s.stat("upstream_cx_idle_timeout")], [true, 1]);
  assertQuiet(s);
});

test("connections ahead go with their cluster", () => {
  const s = setup({ preconnect: PRECONNECT });
  const user = s.connect();
  const [used, ahead] = s.env.dialer.dials.map((dial) => dial.connect());
  const cluster = s.manager.get("a")!;
  s.manager.update([]);
  assert.equal([ahead!.closed, used!.closed], [true, false]);
  user.connection!.close(CloseType.NoFlush);
  const { connections } = cluster.resources[0];
  assert.equal([connections.count, s.env.clock.armedTimers], [0, 0]);
});

test("a user who leaves takes what was made for him with him", () => {
  const s = setup({ preconnect: PRECONNECT });
  const users = [s.connect(), s.connect()];
  assert.is(s.env.dialer.dials.length, 4);
  users[0]!.cancel();
  assert.is(s.env.dialer.dials.filter(({ cancelled }) => cancelled).length, 1);
});

test.run();
