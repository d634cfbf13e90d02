// test/host/upstream/conn_pool/http_pools.test.ts: which pool a request gets, of all or of its client's own.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PeerType } from "../../../../host/net/filter.ts";
import { ResourcePriority } from "../../../../host/upstream/circuit_breaker.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { type ClusterPlan, DEFAULT_HTTP_PLAN, DEFAULT_THRESHOLDS } from "../../../../host/upstream/plan.ts";
import { createFakeEnvironment, type FakeEnvironment, FakeRequest, planWith } from "../fakes.ts";

const { Default, High } = ResourcePriority;

interface Setup {
  readonly env: FakeEnvironment;
  readonly cluster: Cluster;
  readonly host: Host;
  /** Sends a request that came on a connection; -1 for one of the proxy itself. */
  send(connectionId: number): FakeRequest;
}

function setup(changes: Partial<ClusterPlan> = {}): Setup {
  const env = createFakeEnvironment();
  const cluster = new Cluster(planWith(["10.0.0.1:80"], { poolPerDownstreamConnection: true, ...changes }), env);
  cluster.start(() => {});
  const host = cluster.chooseHost(null)!;
  return {
    env,
    cluster,
    host,
    send(connectionId) {
      const request = new FakeRequest();
      cluster.httpPool(host, Default, "HTTP/1.1", connectionId).newStream(request, request);
      return request;
    },
  };
}

/** A request that is answered on the connection that is made for it. */
function complete(s: Setup, connectionId: number): FakeRequest {
  const request = s.send(connectionId);
  if (request.events.length === 0) s.env.dialer.last.connect();
  s.env.dialer.last.connection!.receive("r");
  return request;
}

test("requests of one client's connection share upstream connections with each other alone", () => {
  const s = setup();
  const first = complete(s, 0);
  const other = complete(s, 7);
  assert.equal([first.events, other.events], [["ready 1", "response"], ["ready 1", "response"]]);
  assert.is(s.send(0).connectionId, first.connectionId);
  assert.is(s.send(7).connectionId, other.connectionId);
  assert.is(s.env.dialer.dials.length, 2);
  assert.is(s.host.cxActive, 2);
});

test("requests of the proxy itself share theirs", () => {
  const s = setup();
  const first = complete(s, -1);
  assert.is(s.send(-1).connectionId, first.connectionId);
});

test("where it is not asked for, all share", () => {
  const s = setup({ poolPerDownstreamConnection: false });
  const first = complete(s, 0);
  assert.is(s.send(7).connectionId, first.connectionId);
});

test("a pool is gone with its last connection, and another one comes", () => {
  const s = setup();
  complete(s, 3);
  const pool = s.cluster.httpPool(s.host, Default, "HTTP/1.1", 3);
  assert.is(s.host.downstreamPools!.size, 1);
  s.env.dialer.last.connection!.finish(PeerType.Remote);
  assert.is(s.host.downstreamPools!.size, 0);
  assert.is.not(s.cluster.httpPool(s.host, Default, "HTTP/1.1", 3), pool);
});

test("one that takes nothing leaves nothing behind", () => {
  const thresholds = { ...DEFAULT_THRESHOLDS, maxPendingRequests: 0 };
  const s = setup({
    circuitBreakers: { default: thresholds, high: thresholds, maxConnectionsPerHost: Infinity },
  });
  assert.equal(s.send(3).events, ["failure overflow [] no host"]);
  assert.is(s.host.downstreamPools, null);
});

test("each priority and each protocol has a pool", () => {
  const s = setup({ http: { ...DEFAULT_HTTP_PLAN, followsDownstream: true } });
  const pools = new Set(
    [Default, High].flatMap((priority) =>
      ["HTTP/1.1", "HTTP/2"].map((protocol) => {
        const pool = s.cluster.httpPool(s.host, priority, protocol, 1);
        const request = new FakeRequest();
        pool.newStream(request, request);
        return s.cluster.httpPool(s.host, priority, protocol, 1);
      })
    ),
  );
  assert.is(pools.size, 4);
  assert.equal([...pools].map((pool) => pool.http.protocol), ["HTTP/1.1", "HTTP/2", "HTTP/1.1", "HTTP/2"]);
});

test("when there may be no more, one that nobody needs now is given up", () => {
  const thresholds = { ...DEFAULT_THRESHOLDS, maxConnectionPools: 1 };
  const s = setup({
    circuitBreakers: { default: thresholds, high: DEFAULT_THRESHOLDS, maxConnectionsPerHost: Infinity },
  });
  const may = (connectionId: number) => s.cluster.canUseHttpPool(s.host, Default, "HTTP/1.1", connectionId);
  const overflows = () => s.env.store.valueOf("cluster.a.upstream_cx_pool_overflow");
  assert.ok(may(1));
  const request = s.send(1);
  assert.ok(may(1), "its own");
  assert.equal([may(2), overflows()], [false, 1], "somebody waits");
  const connection = s.env.dialer.last.connect();
  assert.equal([may(2), overflows()], [false, 2], "there is a stream");
  connection.receive("r");
  assert.equal([may(2), overflows(), connection.closed], [true, 2, true]);
  assert.equal(request.events, ["ready 1", "response"]);
  assert.is(s.host.downstreamPools!.size, 0);
});

test("the host's end is the end of all of them", () => {
  const s = setup();
  complete(s, 1);
  s.send(2);
  const drained: string[] = [];
  s.cluster.drain(() => void drained.push("drained"));
  assert.equal([s.host.cxActive, drained], [1, []]);
  s.env.dialer.last.connect().receive("r");
  assert.equal([s.host.cxActive, drained], [0, ["drained"]]);
});

test("other pools after a change of hosts", () => {
  const s = setup({ closeConnectionsOnHostSetChange: true });
  complete(s, 1);
  const pool = s.cluster.httpPool(s.host, Default, "HTTP/1.1", 1);
  s.host.forgetPools();
  complete(s, 1);
  assert.is.not(s.cluster.httpPool(s.host, Default, "HTTP/1.1", 1), pool);
  pool.close();
  assert.is(s.host.downstreamPools!.size, 1, "the end of the old one is not that of the new one");
});

test("a cluster keeps the statistics that it is to keep", () => {
  const starts = (value: string) => ({ kind: "prefix", value, ignoreCase: false }) as const;
  const names = (statsMatcher: ClusterPlan["statsMatcher"]) => {
    const s = setup({ statsMatcher });
    complete(s, 1);
    return s.env.store.values().filter(({ name, value }) => name.startsWith("cluster.a.") && value > 0)
      .map(({ name }) => name.slice("cluster.a.".length));
  };
  assert.equal(names({ keepsMatching: true, patterns: [] }), []);
  assert.equal(names({ keepsMatching: true, patterns: [starts("cluster.a.upstream_rq_t")] }), ["upstream_rq_total"]);
  const rest = names({ keepsMatching: false, patterns: [starts("cluster.a.upstream_")] });
  assert.equal(rest.filter((name) => name.startsWith("upstream_")), []);
  assert.ok(rest.includes("membership_total"));
});

test.run();
