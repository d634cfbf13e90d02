// test/host/upstream/conn_pool/http_pool_limits.test.ts: circuit breakers, drain and close of an HTTP pool.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ResourcePriority } from "../../../../host/upstream/circuit_breaker.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { ALL_STATS, renderStatsText, selectStats } from "../../../../host/observe/text.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { DEFAULT_THRESHOLDS } from "../../../../host/upstream/plan.ts";
import { newHost } from "../lb/setup.ts";
import { createFakeEnvironment, type FakeConnection, FakeRequest, PeerType, planWith } from "../fakes.ts";
import { assertQuiet, setup } from "./pool_setup.ts";

test("circuit breaker: connections. Who waits gets a connection when one becomes free", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxConnections: 1, maxPendingRequests: 1, trackRemaining: true },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  const first = s.request();
  const connection = s.env.dialer.last.connect();
  assert.is(s.stat("circuit_breakers.default.cx_open"), 1);
  assert.is(s.stat("circuit_breakers.default.remaining_cx"), 0);
  const second = s.request();
  assert.is(s.stat("upstream_cx_overflow"), 1);
  assert.is(s.stat("circuit_breakers.default.rq_pending_open"), 1);
  const third = s.request();
  assert.equal(third.events, ["failure overflow [] no host"]);
  assert.is(s.stat("upstream_rq_pending_overflow"), 1);
  assert.is(s.stat("upstream_cx_overflow"), 1);
  connection.receive("r");
  assert.equal(first.events, ["ready 1", "response"]);
  assert.equal(second.events, ["ready 2"]);
  assert.is(s.stat("circuit_breakers.default.rq_pending_open"), 0);
  connection.receive("r");
  connection.finish(PeerType.Remote);
  assert.is(s.stat("circuit_breakers.default.remaining_cx"), 1);
  assertQuiet(s);
});

test("circuit breaker: a host without connections gets one although others hold all", () => {
  const env = createFakeEnvironment();
  const thresholds = { ...DEFAULT_THRESHOLDS, maxConnections: 1 };
  const plan = planWith(["10.0.0.1:80", "10.0.0.2:80"], {
    circuitBreakers: { default: thresholds, high: thresholds, maxConnectionsPerHost: Infinity },
  });
  const cluster = new Cluster(plan, env);
  cluster.start(() => {});
  const requests = [cluster.chooseHost(null)!, cluster.chooseHost(null)!].map((host) => {
    const request = new FakeRequest();
    cluster.httpPool(host, ResourcePriority.Default).newStream(request, request);
    return request;
  });
  env.dialer.dials.forEach((dial) => dial.connect());
  assert.equal(requests.map((request) => request.events), [["ready 1"], ["ready 1"]]);
  assert.is(env.store.valueOf("cluster.a.upstream_cx_overflow"), 1);
});

test("overload: who needs a new connection fails, who finds one does not, and nobody waits for nothing", () => {
  const s = setup();
  let sheds = true;
  const cluster = new Cluster(s.cluster.plan, { ...s.env, shedsConnections: () => sheds });
  cluster.start(() => {});
  const pool = cluster.httpPool(cluster.chooseHost(null)!, ResourcePriority.Default);
  const ask = () => {
    const request = new FakeRequest();
    pool.newStream(request, request);
    return request;
  };
  assert.equal(ask().events, ["failure overflow [] no host"]);
  assert.equal([s.stat("upstream_rq_cancelled"), s.stat("upstream_rq_pending_overflow")], [1, 0]);
  sheds = false;
  const first = ask();
  const connection = s.env.dialer.last.connect();
  const waits = ask();
  sheds = true;
  assert.equal(ask().events, ["failure overflow [] no host"]);
  s.env.dialer.last.fail("remote");
  assert.match(waits.events.join(), /^failure remote_connection_failure .* 10\.0\.0\.1:80$/);
  connection.receive("r");
  assert.equal(first.events, ["ready 1", "response"]);
  assert.equal(ask().events, ["ready 2"]);
  connection.finish(PeerType.Remote);
  assert.is(pool.pendingCount, 0);
  assert.equal(s.env.dialer.dials.length, 2);
});

test("circuit breaker: pools. One counts while it has a connection or somebody waits for one", () => {
  const env = createFakeEnvironment();
  const thresholds = { ...DEFAULT_THRESHOLDS, maxConnectionPools: 1, trackRemaining: true };
  const plan = planWith(["10.0.0.1:80", "10.0.0.2:80"], {
    circuitBreakers: { default: thresholds, high: DEFAULT_THRESHOLDS, maxConnectionsPerHost: Infinity },
  });
  const cluster = new Cluster(plan, env);
  cluster.start(() => {});
  const [one, two] = [...cluster.priorities.hosts()] as [Host, Host];
  const stat = (name: string) => env.store.valueOf(`cluster.a.${name}`);
  const may = (host: Host, priority: ResourcePriority = ResourcePriority.Default) =>
    cluster.canUseHttpPool(host, priority, "", -1);
  assert.ok(may(one));
  const request = new FakeRequest();
  const waiting = cluster.httpPool(one, ResourcePriority.Default).newStream(request, request);
  assert.ok(may(one), "it is in use already");
  assert.not(may(two));
  assert.ok(may(two, ResourcePriority.High), "the other priority has no limit");
  assert.equal(
    ["cx_pool_open", "remaining_cx_pools"].map((name) => stat(`circuit_breakers.default.${name}`)),
    [1, 0],
  );
  assert.is(stat("upstream_cx_pool_overflow"), 1);
  waiting!.cancel();
  assert.not(may(two), "there is a connection under way");
  env.dialer.last.connect().finish(PeerType.Remote);
  assert.ok(may(two));
  assert.is(stat("circuit_breakers.default.cx_pool_open"), 0);
});

test("circuit breaker: what has no limit, and is tracked", () => {
  const thresholds = { ...DEFAULT_THRESHOLDS, trackRemaining: true };
  const s = setup({
    circuitBreakers: { default: thresholds, high: thresholds, maxConnectionsPerHost: Infinity },
  });
  s.request();
  assert.is(s.stat("circuit_breakers.default.remaining_cx_pools"), 2 ** 64);
  assert.match(renderStatsText(selectStats(s.env.store, ALL_STATS)), "remaining_cx_pools: 18446744073709551615\n");
});

test("circuit breaker: requests", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxRequests: 1 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  const first = s.request();
  const second = s.request();
  const [connection] = s.env.dialer.dials.map((dial) => dial.connect()) as [FakeConnection];
  assert.is(s.stat("circuit_breakers.default.rq_open"), 1);
  assert.equal(first.events, ["ready 1"]);
  assert.equal(second.events, ["failure overflow [] 10.0.0.1:80"]);
  assert.equal([s.stat("upstream_rq_active_overflow"), s.stat("upstream_rq_pending_overflow")], [1, 0]);
  connection.receive("r");
  assert.is(s.stat("circuit_breakers.default.rq_open"), 0);
  assert.is(s.request().events.length, 1);
});

test("circuit breaker: connections per host", () => {
  const s = setup({
    circuitBreakers: { default: DEFAULT_THRESHOLDS, high: DEFAULT_THRESHOLDS, maxConnectionsPerHost: 1 },
  });
  s.request();
  s.request();
  assert.is(s.env.dialer.dials.length, 1);
  assert.is(s.stat("upstream_cx_overflow"), 1);
});

test("priorities have circuit breakers of their own", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxPendingRequests: 0 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  assert.equal(s.request().events, ["failure overflow [] no host"]);
  const high = new FakeRequest();
  const host = s.cluster.chooseHost(null)!;
  s.cluster.httpPool(host, ResourcePriority.High).newStream(high, high);
  s.env.dialer.last.connect();
  assert.equal(high.events, ["ready 1"]);
});

test("drain: idle connections close at once, busy ones after their stream, who waits is served", () => {
  const s = setup();
  const busy = s.request();
  s.request();
  const [busyConnection, idleConnection] = s.env.dialer.dials.map((dial) => dial.connect()) as FakeConnection[];
  idleConnection!.receive("r");
  let drained = 0;
  s.pool.drain(() => drained++);
  assert.ok(idleConnection!.closed);
  assert.not(busyConnection!.closed);
  const waiting = s.request();
  const connection = s.env.dialer.last.connect();
  assert.equal(waiting.events, ["ready 1"]);
  busyConnection!.receive("r");
  assert.equal(busy.events, ["ready 1", "response"]);
  assert.ok(busyConnection!.closed);
  assert.is(drained, 0);
  connection.receive("r");
  assert.ok(connection.closed);
  assert.is(drained, 1);
  assertQuiet(s);
});

test("drain: a connection on its way that nobody waits for is given up", () => {
  const s = setup();
  const request = new FakeRequest();
  const handle = s.pool.newStream(request, request)!;
  let drained = 0;
  s.pool.drain(() => drained++);
  assert.is(drained, 0);
  handle.cancel();
  assert.ok(s.env.dialer.last.cancelled);
  assert.is(drained, 1);
  assertQuiet(s);
});

test("while somebody waits for lack of connections, bytes on others count no overflow", () => {
  const s = setup({
    circuitBreakers: {
      default: { ...DEFAULT_THRESHOLDS, maxConnections: 1 },
      high: DEFAULT_THRESHOLDS,
      maxConnectionsPerHost: Infinity,
    },
  });
  s.request();
  const connection = s.env.dialer.last.connect();
  s.request();
  connection.receive("h");
  connection.receive("e");
  assert.is(s.stat("upstream_cx_overflow"), 1);
});

test("a pool that was drained keeps no connection that is made later", () => {
  const s = setup();
  s.pool.drain(() => {});
  s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("r");
  assert.ok(connection.closed);
  assertQuiet(s);
});

test("drainConnections: new connections are made afterwards", () => {
  const s = setup();
  s.request();
  const connection = s.env.dialer.last.connect();
  connection.receive("r");
  s.pool.drainConnections();
  assert.ok(connection.closed);
  s.request();
  const next = s.env.dialer.last.connect();
  next.receive("r");
  assert.not(next.closed);
});

test("close: who waits fails and connections are cut", () => {
  const s = setup();
  const active = s.request();
  s.env.dialer.last.connect();
  const waiting = s.request();
  s.pool.close();
  assert.equal(active.events, ["ready 1", "reset connection_termination"]);
  assert.equal(waiting.events, ["failure local_connection_failure [pool closed] 10.0.0.1:80"]);
  assert.ok(s.env.dialer.last.cancelled);
  assertQuiet(s);
});

for (const closes of [true, false]) {
  test(`a host that comes ${closes ? "ends" : "leaves"} the connections to others`, () => {
    const s = setup({ closeConnectionsOnHostSetChange: closes });
    const [host] = [...s.cluster.priorities.hosts()] as [Host];
    const busy = s.request();
    const working = s.env.dialer.last.connect();
    s.request();
    const free = s.env.dialer.last.connect();
    free.receive("r");
    s.cluster.priorities.updateHosts(0, [host, newHost()], []);
    assert.is(free.closed, closes);
    assert.is(working.closed, false);
    working.receive("r");
    assert.equal(busy.events, ["ready 1", "response"]);
    assert.is(working.closed, closes);
    const next = new FakeRequest();
    s.cluster.httpPool(host, ResourcePriority.Default).newStream(next, next);
    assert.is(s.env.dialer.dials.length, closes ? 3 : 2);
    // Another state of health is no change of hosts.
    const connection = closes ? s.env.dialer.last.connect() : free;
    s.cluster.priorities.refreshHealth(new Set([0]));
    assert.is(connection.closed, false);
  });
}

test.run();
