// test/host/upstream/health/active_checks.test.ts: a cluster whose hosts are checked, from its first round on.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { ResourcePriority } from "../../../../host/upstream/circuit_breaker.ts";
import { createClientCodec } from "../../../../host/upstream/conn_pool/client_codec.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { type HealthCheckPlan, type HealthPlan, NO_HEALTH_PLAN } from "../../../../host/upstream/health/plan.ts";
import {
  type ClusterPlan,
  type EndpointPlan,
  type EndpointsPlan,
  NO_LOCALITY,
} from "../../../../host/upstream/plan.ts";
import { NO_ENDPOINTS } from "../../../../host/upstream/plan/endpoints.ts";
import {
  createFakeEnvironment,
  endpoint,
  type FakeConnection,
  type FakeDial,
  type FakeEnvironment,
  FakeRequest,
  PeerType,
  planWith,
} from "../fakes.ts";
import { DEFAULT_OUTLIER_DETECTION } from "../../../../host/upstream/outlier/plan.ts";
import { checkPlan, HTTP_CHECK } from "./checks.ts";
import { setRuntime } from "../../base/runtime_fixture.ts";

interface Setup {
  readonly checks?: readonly HealthCheckPlan[];
  readonly health?: Partial<HealthPlan>;
  readonly endpoints?: readonly (string | EndpointPlan)[];
  readonly plan?: Partial<ClusterPlan>;
}

/** A cluster, the connections that it dials, and what its event log has while that is open. */
class CheckedCluster {
  readonly env: FakeEnvironment = createFakeEnvironment();
  readonly cluster: Cluster;
  readonly files = new Map<string, string>();
  ready = false;

  constructor(setup: Setup = {}) {
    const plan = planWith(setup.endpoints ?? ["10.0.0.1:80"], {
      health: { ...NO_HEALTH_PLAN, checks: setup.checks ?? [checkPlan()], ...setup.health },
      ...setup.plan,
    });
    this.cluster = new Cluster(plan, {
      ...this.env,
      createClientCodec,
      healthChecks: {
        compileFormat: (text) => ({ format: () => text }),
        openEventFile: (path) => ({
          write: (line) => this.files.set(path, (this.files.get(path) ?? "") + line),
          close: () => this.files.delete(path),
        }),
      },
    });
    this.cluster.start(() => this.ready = true);
  }

  /** The dial to an address that was made last. */
  dial(address = "10.0.0.1:80"): FakeDial {
    return this.env.dialer.dials.findLast(({ target }) => target.address.text === address)!;
  }

  connect(address?: string): FakeConnection {
    return this.dial(address).connect();
  }

  get flags(): string {
    return [...this.cluster.priorities.hosts()].map((host) => host.healthFlagsText).join(" ");
  }

  get healthy(): number {
    return this.cluster.priorities.hostSets[0]!.healthyHosts.length;
  }

  advance(ms: number): void {
    this.env.clock.advance(ms);
  }

  stat(name: string): number | null {
    return this.env.store.valueOf(`cluster.a.${name}`);
  }
}

const answer = (status: number, headers = ""): string => `HTTP/1.1 ${status} S\r\n${headers}content-length: 0\r\n\r\n`;
const OK = answer(200), BAD = answer(500);

test("a cluster is ready when each of its hosts was checked once", () => {
  const it = new CheckedCluster({ endpoints: ["10.0.0.1:80", "10.0.0.2:80"] });
  assert.is(it.flags, "/failed_active_hc /failed_active_hc");
  assert.is(it.stat("membership_healthy"), 0);
  it.connect("10.0.0.1:80").receive(OK);
  assert.not(it.ready);
  it.dial("10.0.0.2:80").fail("remote");
  assert.ok(it.ready);
  assert.is(it.flags, "healthy /failed_active_hc");
  // Without another turn: who learns that the cluster is ready may use it.
  assert.is(it.healthy, 1);
  assert.is(it.stat("membership_healthy"), 1);
  assert.is(it.cluster.chooseHost(null)!.address.text, "10.0.0.1:80");
});

test("a cluster without hosts to check is ready at once", () => {
  const disabled = { address: "", port: 0, hostname: "", disabled: true };
  const it = new CheckedCluster({ endpoints: [endpoint("10.0.0.1", 80, { healthCheck: disabled })] });
  assert.ok(it.ready);
  assert.is(it.flags, "healthy");
  assert.is(it.env.dialer.dials.length, 0);
});

test("a connection serves one check after the other, and counts as no traffic", () => {
  const it = new CheckedCluster();
  const connection = it.connect();
  const request = "GET /healthz HTTP/1.1\r\nhost: a\r\nuser-agent: Envoy/HC\r\n\r\n";
  assert.is(connection.written, request);
  connection.receive(OK);
  it.advance(1000);
  assert.is(connection.written, request + request);
  assert.is(it.env.dialer.dials.length, 1);
  assert.equal(["upstream_cx_total", "upstream_rq_total", "upstream_cx_active"].map((name) => it.stat(name)), [
    0,
    0,
    0,
  ]);
});

test("a connection is not used again when it cannot be, or shall not", () => {
  const closing = new CheckedCluster();
  const first = closing.connect();
  first.receive(answer(200, "connection: close\r\n"));
  assert.ok(first.closed);
  closing.advance(1000);
  assert.is(closing.env.dialer.dials.length, 2);

  const single = new CheckedCluster({ checks: [checkPlan({ reuseConnection: false })] });
  const connection = single.connect();
  connection.receive(OK);
  assert.ok(connection.closed);
  assert.is(single.flags, "healthy");
});

test("a check ends after its time, whether or not there is a connection", () => {
  const it = new CheckedCluster();
  it.advance(200);
  assert.ok(it.dial().cancelled);
  assert.is(it.flags, "/failed_active_hc/active_hc_timeout");
  assert.ok(it.ready);
  it.advance(1000);
  const connection = it.connect();
  it.advance(200);
  assert.ok(connection.closed);
  assert.equal([it.stat("health_check.attempt"), it.stat("health_check.network_failure")], [2, 2]);
});

test("intervals: with traffic and without, on the edge and far from it", () => {
  const plan = checkPlan({
    intervalMs: 1000,
    unhealthyIntervalMs: 2000,
    unhealthyEdgeIntervalMs: 100,
    healthyEdgeIntervalMs: 20,
    noTrafficIntervalMs: 5000,
    noTrafficHealthyIntervalMs: 7000,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
  });
  const it = new CheckedCluster({ checks: [plan] });
  let connection = it.connect();
  /** How long after this answer the next check comes. */
  const next = (text: string): number => {
    const before = it.stat("health_check.attempt")!;
    if (text === "close") connection.finish(PeerType.Remote);
    else connection.receive(text);
    for (let ms = 0;; ms += 10) {
      if (it.stat("health_check.attempt")! > before) {
        if (connection.closed) connection = it.connect();
        return ms;
      }
      it.advance(10);
    }
  };
  assert.equal([OK, BAD, OK].map(next), [7000, 5000, 5000]);
  const request = new FakeRequest();
  it.cluster.httpPool([...it.cluster.priorities.hosts()][0]!, ResourcePriority.Default).newStream(request, request);
  assert.equal([OK, "close", OK, "close", "close", OK, OK].map(next), [1000, 100, 1000, 100, 2000, 20, 1000]);
});

test("hosts whose checks fall due within a few milliseconds are checked together", () => {
  const it = new CheckedCluster({ endpoints: ["10.0.0.1:80", "10.0.0.2:80"] });
  const connections = ["10.0.0.1:80", "10.0.0.2:80"].map((address) => it.connect(address));
  connections[0]!.receive(OK);
  it.advance(4);
  connections[1]!.receive(OK);
  it.advance(995);
  assert.is(it.stat("health_check.attempt"), 2);
  it.advance(1);
  assert.is(it.stat("health_check.attempt"), 4);
});

test("jitter makes intervals longer, by time and by percent", () => {
  const gaps = (changes: Partial<HealthCheckPlan>): number[] => {
    const it = new CheckedCluster({ checks: [checkPlan(changes)] });
    const connection = it.connect();
    return Array.from({ length: 40 }, () => {
      const before = it.stat("health_check.attempt")!;
      connection.receive(OK);
      for (let ms = 0;; ms++, it.advance(1)) if (it.stat("health_check.attempt")! > before) return ms;
    });
  };
  for (
    const [changes, least, most] of [
      [{ intervalJitterMs: 50 }, 1000, 1061],
      [{ intervalJitterPercent: 10 }, 1000, 1101],
      [{ intervalJitterPercent: 10, intervalJitterMs: 50 }, 1000, 1161],
    ] as const
  ) {
    const seen = gaps(changes);
    assert.ok(Math.min(...seen) >= least && Math.max(...seen) < most, String(seen));
    assert.is(new Set(seen).size > 2, most > least + 1, String(seen));
  }
});

test("runtime keys bound the intervals of checks, from the next check on", () => {
  const it = new CheckedCluster({ checks: [checkPlan()] });
  const connection = it.connect();
  const gap = () => {
    const before = it.stat("health_check.attempt")!;
    connection.receive(OK);
    for (let ms = 0;; ms++, it.advance(1)) if (it.stat("health_check.attempt")! > before) return ms;
  };
  assert.is(gap(), 1000);
  setRuntime(it.env.runtime, { "health_check.max_interval": 400 });
  assert.is(gap(), 400);
  setRuntime(it.env.runtime, { "health_check.min_interval": 2000, "health_check.max_interval": 400 });
  assert.is(gap(), 2000);
  setRuntime(it.env.runtime, {});
  assert.is(gap(), 1000);
});

test("a runtime key keeps checks from looking at the name of the service", () => {
  const serviceName = { kind: "exact", value: "web", ignoreCase: false } as const;
  const healthyWith = (values: Record<string, unknown>): number => {
    const it = new CheckedCluster({ checks: [checkPlan({ checker: { ...HTTP_CHECK, serviceName } })] });
    setRuntime(it.env.runtime, values);
    it.connect().receive(OK);
    return it.healthy;
  };
  assert.is(healthyWith({}), 0);
  assert.is(healthyWith({ "health_check.verify_cluster": 0 }), 1);
});

test("the first check may wait", () => {
  const it = new CheckedCluster({ checks: [checkPlan({ initialJitterMs: 1000 })] });
  assert.is(it.env.dialer.dials.length, 0);
  it.advance(1000);
  assert.is(it.env.dialer.dials.length, 1);
});

test("where and by which name a host is checked", () => {
  const healthCheck = { address: "", port: 81, hostname: "own.example", disabled: false };
  const it = new CheckedCluster({
    endpoints: [
      endpoint("10.0.0.1", 80, { healthCheck }),
      endpoint("10.0.0.2", 80, { healthCheck: { ...healthCheck, address: "10.0.0.3", hostname: "" } }),
      endpoint("10.0.0.4", 80, { healthCheck: { ...healthCheck, address: "/run/check", port: 0 } }),
    ],
    checks: [checkPlan({ checker: { ...HTTP_CHECK, host: "checks.example" } })],
  });
  assert.equal(it.env.dialer.dials.map(({ target }) => target.address.text), [
    "10.0.0.1:81",
    "10.0.0.3:81",
    "/run/check",
  ]);
  assert.match(it.connect("10.0.0.1:81").written, "host: own.example\r\n");
  assert.match(it.connect("10.0.0.3:81").written, "host: checks.example\r\n");
});

test("a host that fails keeps no free connection, and raw ones only if they may stay", () => {
  for (const closeConnectionsOnFailure of [false, true]) {
    const it = new CheckedCluster({ health: { closeConnectionsOnFailure } });
    const checking = it.connect();
    checking.receive(OK);
    const host = it.cluster.chooseHost(null)!;
    const request = new FakeRequest();
    it.cluster.httpPool(host, ResourcePriority.Default).newStream(request, request);
    const free = it.connect();
    free.receive(OK);
    let raw: { readonly closed: boolean } | null = null;
    it.cluster.tcpPool(host, ResourcePriority.Default).newConnection({
      onPoolReady(connection) {
        connection.setHandler(free.handler!);
        raw = connection;
      },
      onPoolFailure() {},
    });
    it.connect();
    it.advance(1000);
    checking.receive(BAD);
    assert.ok(free.closed);
    assert.is(raw!.closed, closeConnectionsOnFailure);
    it.advance(0);
    assert.is(it.cluster.chooseHost(null), it.cluster.priorities.load.panic[0] ? host : null);
  }
});

test("a host says in a response that it is not to be asked", () => {
  const it = new CheckedCluster();
  const connection = it.connect();
  connection.receive(OK);
  const host = it.cluster.chooseHost(null)!;
  host.healthMonitor!.setUnhealthy(host);
  it.advance(0);
  assert.is(it.flags, "/failed_active_hc/excluded_via_immediate_hc_fail");
  assert.is(it.stat("membership_excluded"), 1);
  assert.is(it.stat("health_check.passive_failure"), 1);
  it.advance(1000);
  connection.receive(OK);
  assert.is(it.flags, "healthy");
});

test("hosts that DNS does not name any more stay while they pass", () => {
  const plan: Partial<ClusterPlan> = { type: "STRICT_DNS" };
  const endpoints = ["hosts.example:80"];
  const checks = [
    checkPlan({
      intervalMs: 60_000,
      noTrafficIntervalMs: 60_000,
      noTrafficHealthyIntervalMs: 60_000,
      unhealthyIntervalMs: 60_000,
    }),
  ];
  const it = new CheckedCluster({ plan, endpoints, checks });
  it.env.dns.answer("10.0.0.1", "10.0.0.2");
  it.connect("10.0.0.1:80").receive(OK);
  it.connect("10.0.0.2:80").receive(BAD);
  assert.is(it.flags, "healthy /failed_active_hc");
  const resolve = (...addresses: string[]): void => {
    it.advance(5000);
    it.env.dns.answer(...addresses);
  };
  const draining = new FakeRequest();
  const failed = [...it.cluster.priorities.hosts()][1]!;
  it.cluster.httpPool(failed, ResourcePriority.Default).newStream(draining, draining);
  const busy = it.dial("10.0.0.2:80").connect();
  draining.encoder!.encodeHeaders(
    HeaderMap.of({ ":method": "GET", ":authority": "a", ":path": "/", ":scheme": "http" }),
    true,
  );
  resolve();
  assert.is(it.flags, "/pending_dynamic_removal", "the one that fails is gone");
  assert.is(it.healthy, 1);
  assert.not(busy.closed, "its request goes on");
  busy.receive(OK);
  assert.equal(draining.events, ["ready 1", "response"]);
  assert.ok(busy.closed);
  // It may come back.
  resolve("10.0.0.1");
  assert.not(it.flags.includes("pending"), it.flags);

  const leaving = new CheckedCluster({ plan, endpoints, checks, health: { ignoreOnRemoval: true } });
  leaving.env.dns.answer("10.0.0.1");
  leaving.connect().receive(OK);
  leaving.advance(5000);
  leaving.env.dns.answer();
  assert.is(leaving.flags, "");
});

test("a host that is kept goes with the next answer after it failed", () => {
  const it = new CheckedCluster({ plan: { type: "STRICT_DNS" }, endpoints: ["hosts.example:80"] });
  it.env.dns.answer("10.0.0.1");
  const connection = it.connect();
  connection.receive(OK);
  for (let i = 0; i < 4; i++) {
    it.advance(1000);
    connection.receive(OK);
  }
  it.advance(1000);
  it.env.dns.answer();
  assert.is(it.flags, "/pending_dynamic_removal");
  connection.receive(BAD);
  assert.is(it.flags, "/failed_active_hc/pending_dynamic_removal");
  it.advance(5000);
  it.env.dns.answer();
  assert.is(it.flags, "");
  assert.is(it.stat("membership_total"), 0);
});

test("a host that a list does not name any more goes when it fails", () => {
  const list = (...addresses: string[]): EndpointsPlan => ({
    ...NO_ENDPOINTS,
    localities: [{
      priority: 0,
      locality: NO_LOCALITY,
      weight: 0,
      endpoints: addresses.map((address) => endpoint(address, 80)),
    }],
  });
  const it = new CheckedCluster({
    plan: {
      type: "EDS",
      eds: { serviceName: "a", path: "/x", initial: list("10.0.0.1", "10.0.0.2"), initialFetchTimeoutMs: 0 },
    },
  });
  const connections = ["10.0.0.1:80", "10.0.0.2:80"].map((address) => it.connect(address));
  for (const connection of connections) connection.receive(OK);
  it.cluster.updateEndpoints(list("10.0.0.2"));
  assert.is(it.flags, "healthy /pending_dynamic_removal");
  it.advance(1000);
  for (const connection of connections) connection.receive(BAD);
  assert.is(it.flags, "/failed_active_hc");
  assert.ok(connections[0]!.closed);
  it.advance(0);
  assert.equal([it.stat("membership_total"), it.stat("health_check.failure"), it.stat("health_check.healthy")], [
    1,
    2,
    0,
  ]);
});

test("new hosts do not count before their first check, if the cluster says so", () => {
  const it = new CheckedCluster({
    plan: { type: "STRICT_DNS" },
    endpoints: ["hosts.example:80"],
    health: { excludeUntilChecked: true },
  });
  it.env.dns.answer("10.0.0.1", "10.0.0.2");
  assert.is(it.flags, "/failed_active_hc/pending_active_hc /failed_active_hc/pending_active_hc");
  assert.is(it.stat("membership_excluded"), 2);
  it.connect("10.0.0.1:80").receive(BAD);
  it.connect("10.0.0.2:80").receive(OK);
  assert.is(it.flags, "/failed_active_hc healthy");
  assert.is(it.stat("membership_excluded"), 0);
});

test("several checks: a host is what all of them say", () => {
  const check = (name: string, path: string): HealthCheckPlan =>
    checkPlan({ name, unhealthyThreshold: 1, checker: { ...HTTP_CHECK, path } });
  const it = new CheckedCluster({ checks: [check("one", "/1"), check("two", "/2")] });
  const [one, two] = it.env.dialer.dials.map((dial) => dial.connect()) as [FakeConnection, FakeConnection];
  assert.match(two.written, "GET /2 ");
  one.receive(OK);
  assert.is(it.flags, "/failed_active_hc");
  two.receive(answer(200, "x-envoy-degraded: 1\r\n"));
  assert.is(it.flags, "/degraded_active_hc");
  const gauges = () => [it.stat("health_check.healthy"), it.stat("health_check.degraded")];
  assert.equal(gauges(), [1, 1]);
  assert.equal([it.stat("health_check.name.one.success"), it.stat("health_check.name.two.degraded")], [1, 1]);
  it.advance(1000);
  one.receive(BAD);
  two.receive(OK);
  assert.is(it.flags, "/failed_active_hc");
  assert.equal(gauges(), [0, 0]);
  it.advance(1000);
  one.receive(OK);
  two.receive(OK);
  assert.is(it.flags, "healthy");
});

test("a check that passes takes back a host that was ejected, unless it is not to", () => {
  for (const [healthCheckUnejects, flags] of [[true, "healthy"], [false, "/failed_outlier_check"]] as const) {
    const outlierDetection = {
      ...DEFAULT_OUTLIER_DETECTION,
      consecutive5xx: 1,
      maxEjectionPercent: 100,
      healthCheckUnejects,
    };
    const it = new CheckedCluster({ plan: { outlierDetection } });
    const connection = it.connect();
    connection.receive(OK);
    [...it.cluster.priorities.hosts()][0]!.outlierMonitor!.putResponse(500);
    assert.is(it.flags, "/failed_outlier_check");
    it.advance(1000);
    connection.receive(OK);
    assert.is(it.flags, flags);
    it.cluster.close();
  }
});

test("events go to their file", () => {
  const it = new CheckedCluster({ checks: [checkPlan({ eventLogPaths: ["/log"] })] });
  it.connect().receive(OK);
  assert.match(
    it.files.get("/log")!,
    /^\{"health_checker_type":"HTTP",.*"add_healthy_event":\{"first_check":true\}.*\}\n$/,
  );
  it.cluster.close();
  assert.equal([...it.files.keys()], []);
});

test("nothing is left of a cluster that ends", () => {
  for (const end of ["close", "drain"] as const) {
    const it = new CheckedCluster({ endpoints: ["10.0.0.1:80", "10.0.0.2:80"] });
    const connection = it.connect("10.0.0.1:80");
    connection.receive(OK);
    it.advance(1000);
    it.cluster[end](() => {});
    assert.ok(connection.closed);
    assert.ok(it.dial("10.0.0.2:80").cancelled);
    it.advance(10_000);
    assert.is(it.env.clock.armedTimers, 0);
    assert.is(it.stat("health_check.healthy"), 0);
  }
});

test.run();
