// test/host/upstream/discovery/discovery.test.ts: how clusters find their hosts, second by second.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { DEFAULT_DNS_PLAN } from "../../../../host/upstream/dns_plan.ts";
import { type ClusterPlan, NO_LOCALITY } from "../../../../host/upstream/plan.ts";
import { createFakeEnvironment, endpoint, type FakeEnvironment, FakeRequest, planWith } from "../fakes.ts";

interface Setup {
  readonly env: FakeEnvironment;
  readonly cluster: Cluster;
  readonly ready: () => number;
  /** Addresses of all hosts, in order. */
  addresses(): string[];
  stat(name: string): number;
}

function setup(plan: ClusterPlan): Setup {
  const env = createFakeEnvironment();
  const cluster = new Cluster(plan, env);
  let ready = 0;
  cluster.start(() => ready++);
  return {
    env,
    cluster,
    ready: () => ready,
    addresses: () => [...cluster.priorities.hosts()].map((host) => host.address.text),
    stat: (name) => env.store.valueOf(`cluster.a.${name}`) ?? -1,
  };
}

const strictDns = (names: string[], dns: Partial<ClusterPlan["dns"]> = {}): ClusterPlan =>
  planWith(names, { type: "STRICT_DNS", dns: { ...DEFAULT_DNS_PLAN, ...dns } });

const membership = (s: Setup): number[] =>
  ["membership_change", "membership_total", "membership_healthy", "membership_degraded"].map((name) => s.stat(name));

test("STATIC: hosts are there at once, an address listed twice is two hosts", () => {
  const s = setup(planWith(["10.0.0.1:80", "10.0.0.1:80", "::1:81", endpoint("/run/x.sock", 0)]));
  assert.equal(s.addresses(), ["10.0.0.1:80", "10.0.0.1:80", "[::1]:81", "/run/x.sock"]);
  assert.is(s.ready(), 1);
  assert.equal(membership(s), [1, 4, 4, 0]);
});

test("STATIC: priorities, localities, health and metadata of the plan", () => {
  const zone = { region: "r", zone: "z", subZone: "s" };
  const s = setup({
    ...planWith([]),
    localities: [
      {
        priority: 0,
        locality: zone,
        weight: 3,
        endpoints: [endpoint("10.0.0.1", 80, { health: "DRAINING", metadata: { "envoy.lb": { canary: true } } })],
      },
      { priority: 1, locality: NO_LOCALITY, weight: 0, endpoints: [endpoint("10.0.0.2", 80, { health: "DEGRADED" })] },
    ],
  });
  const [first, second] = [...s.cluster.priorities.hosts()];
  assert.equal([first!.locality, first!.canary, first!.coarseHealth], [zone, true, "unhealthy"]);
  assert.equal([second!.priority, second!.canary, second!.coarseHealth], [1, false, "degraded"]);
  assert.equal(s.cluster.priorities.hostSets.map((set) => set.localities.map((l) => l.weight)), [[3], [0]]);
  assert.equal(membership(s), [2, 2, 0, 1]);
});

test("entries of one locality are one locality, with the last weight", () => {
  const zone = { region: "r", zone: "z", subZone: "" };
  const entry = (weight: number, port: number) => ({
    priority: 0,
    locality: zone,
    weight,
    endpoints: [endpoint("10.0.0.1", port)],
  });
  const s = setup({ ...planWith([]), localities: [entry(1, 80), entry(5, 81)] });
  const { localities } = s.cluster.priorities.hostSets[0]!;
  assert.equal(localities.map((locality) => [locality.weight, locality.hosts.length]), [[5, 2]]);
});

test("STRICT_DNS: every address is a host; ready when the first look-up ended", () => {
  const s = setup(strictDns(["one.example:80", "two.example:81"]));
  assert.equal(s.env.dns.queries.map((query) => [query.name, query.family]), [["one.example", "AUTO"], [
    "two.example",
    "AUTO",
  ]]);
  assert.is(s.ready(), 0);
  s.env.dns.answer("10.0.0.2", "::1");
  assert.is(s.ready(), 1);
  s.env.dns.queries[0]!.answer({ status: "completed", addresses: [{ address: "10.0.0.1", ttlSeconds: 0 }] });
  assert.is(s.ready(), 1);
  assert.equal(s.addresses(), ["10.0.0.1:80", "10.0.0.2:81", "[::1]:81"]);
  assert.is([...s.cluster.priorities.hosts()][0]!.hostname, "one.example");
  assert.equal([s.stat("update_attempt"), s.stat("update_success"), s.stat("membership_change")], [2, 2, 2]);
});

test("STRICT_DNS: looked up again every 5 s; the same answer rebuilds nothing, hosts that stay are the same", () => {
  const s = setup(strictDns(["one.example:80"]));
  s.env.dns.answer("10.0.0.1", "10.0.0.2");
  const [first] = [...s.cluster.priorities.hosts()];
  s.env.clock.advance(4999);
  assert.is(s.env.dns.queries.length, 1);
  s.env.clock.advance(1);
  assert.is(s.env.dns.queries.length, 2);
  s.env.dns.answer("10.0.0.2", "10.0.0.1");
  assert.is(s.stat("update_no_rebuild"), 1);
  assert.is(s.stat("membership_change"), 1);
  s.env.clock.advance(5000);
  s.env.dns.answer("10.0.0.1", "10.0.0.3");
  assert.equal(s.addresses(), ["10.0.0.1:80", "10.0.0.3:80"]);
  assert.is([...s.cluster.priorities.hosts()][0], first);
  assert.is(s.stat("membership_change"), 2);
});

test("STRICT_DNS: a host that goes finishes its streams and is then closed", () => {
  const s = setup(strictDns(["one.example:80"]));
  s.env.dns.answer("10.0.0.1");
  const request = new FakeRequest();
  s.cluster.httpPool(s.cluster.chooseHost(null)!, 0).newStream(request, request);
  const connection = s.env.dialer.last.connect();
  s.env.clock.advance(5000);
  s.env.dns.answer("10.0.0.2");
  assert.not(connection.closed);
  connection.receive("r");
  assert.equal(request.events, ["ready 1", "response"]);
  assert.ok(connection.closed);
});

test("STRICT_DNS: a failure keeps the hosts, an empty answer does not", () => {
  const s = setup(strictDns(["one.example:80"]));
  s.env.dns.answer("10.0.0.1");
  s.env.clock.advance(5000);
  s.env.dns.last.answer({ status: "failed", details: "timeout" });
  assert.is(s.stat("update_failure"), 1);
  assert.equal(s.addresses(), ["10.0.0.1:80"]);
  s.env.clock.advance(5000);
  s.env.dns.answer();
  assert.equal(s.addresses(), []);
  assert.is(s.stat("membership_total"), 0);
});

test("STRICT_DNS: a first failure makes the cluster ready, without hosts", () => {
  const s = setup(strictDns(["one.example:80"]));
  s.env.dns.last.answer({ status: "failed", details: "timeout" });
  assert.is(s.ready(), 1);
  assert.is(s.cluster.chooseHost(null), null);
});

test("STRICT_DNS: an address that two names have is one host", () => {
  const s = setup(strictDns(["one.example:80", "two.example:80"]));
  s.env.dns.queries.forEach((query) =>
    query.answer({ status: "completed", addresses: [{ address: "10.0.0.1", ttlSeconds: 0 }] })
  );
  assert.equal(s.addresses(), ["10.0.0.1:80"]);
});

test("respect_dns_ttl: the shortest TTL decides", () => {
  const s = setup(strictDns(["one.example:80"], { respectTtl: true }));
  s.env.dns.answer("10.0.0.1/60", "10.0.0.2/30", "10.0.0.3/0");
  s.env.clock.advance(29_999);
  assert.is(s.env.dns.queries.length, 1);
  s.env.clock.advance(1);
  assert.is(s.env.dns.queries.length, 2);
  s.env.dns.answer("10.0.0.1");
  s.env.clock.advance(5000);
  assert.is(s.env.dns.queries.length, 3);
});

test("without respect_dns_ttl the TTL does not count", () => {
  const s = setup(strictDns(["one.example:80"]));
  s.env.dns.answer("10.0.0.1/60");
  s.env.clock.advance(5000);
  assert.is(s.env.dns.queries.length, 2);
});

test("dns_jitter delays by up to its length", () => {
  const s = setup(strictDns(["one.example:80"], { jitterMs: 1000 }));
  const delays: number[] = [];
  for (let i = 0; i < 20; i++) {
    s.env.dns.answer("10.0.0.1");
    const asked = s.env.dns.queries.length;
    let ms = 0;
    while (s.env.dns.queries.length === asked) {
      s.env.clock.advance(10);
      ms += 10;
    }
    delays.push(ms);
  }
  assert.ok(delays.every((ms) => ms >= 5000 && ms <= 6010), `${delays}`);
  assert.ok(Math.max(...delays) - Math.min(...delays) > 500, `${delays}`);
});

test("dns_failure_refresh_rate: exponential, at random, reset by an answer", () => {
  const s = setup(strictDns(["one.example:80"], { failureRefresh: { baseMs: 1000, maxMs: 8000 } }));
  const delays: number[] = [];
  const measure = (): void => {
    const asked = s.env.dns.queries.length;
    let ms = 0;
    while (s.env.dns.queries.length === asked) {
      s.env.clock.advance(1);
      ms++;
    }
    delays.push(ms);
  };
  for (let i = 0; i < 40; i++) {
    s.env.dns.last.answer({ status: "failed", details: "timeout" });
    measure();
  }
  assert.ok(delays[0]! <= 1000 && delays[1]! <= 2000 && delays[2]! <= 4000, `${delays}`);
  assert.ok(Math.max(...delays) <= 8000 && Math.max(...delays) > 4000, `${delays}`);
  s.env.dns.answer("10.0.0.1");
  s.env.clock.advance(5000);
  delays.length = 0;
  s.env.dns.last.answer({ status: "failed", details: "timeout" });
  measure();
  assert.ok(delays[0]! <= 1000, `${delays}`);
});

test("a time to live is no shorter than the cluster allows", () => {
  const s = setup(strictDns(["a.example:80"], { respectTtl: true, minRefreshRateMs: 3000 }));
  s.env.dns.answer("10.0.0.1/1");
  s.env.clock.advance(2999);
  assert.is(s.env.dns.queries.length, 1);
  s.env.clock.advance(1);
  assert.is(s.env.dns.queries.length, 2);
});

test("a cluster that does not wait for its first look-up is ready at once", () => {
  for (const type of ["STRICT_DNS", "LOGICAL_DNS"] as const) {
    const s = setup(planWith(["a.example:80"], { type, dns: { ...DEFAULT_DNS_PLAN, waitsForWarm: false } }));
    assert.is(s.ready(), 1);
    s.env.dns.answer("10.0.0.1");
    assert.equal([s.ready(), s.addresses()], [1, ["10.0.0.1:80"]]);
  }
});

test("LOGICAL_DNS: one host with the first address; connections that are open stay", () => {
  const s = setup(planWith(["big.example:80"], { type: "LOGICAL_DNS" }));
  s.env.dns.answer("10.0.0.1", "10.0.0.2");
  assert.equal(s.addresses(), ["10.0.0.1:80"]);
  const host = s.cluster.chooseHost(null)!;
  assert.equal(host.additionalAddresses.map((each) => each.text), ["10.0.0.2:80"]);
  const requests = [new FakeRequest(), new FakeRequest()];
  const pool = s.cluster.httpPool(host, 0);
  pool.newStream(requests[0]!, requests[0]!);
  const old = s.env.dialer.last.connect();
  s.env.clock.advance(5000);
  s.env.dns.answer("10.0.0.9");
  assert.is(s.cluster.chooseHost(null), host);
  assert.equal(s.addresses(), ["10.0.0.9:80"]);
  pool.newStream(requests[1]!, requests[1]!);
  assert.is(s.env.dialer.last.target.address.text, "10.0.0.9:80");
  assert.equal(s.env.dialer.last.target.alternatives, []);
  old.receive("r");
  assert.not(old.closed);
  assert.equal(requests[1]!.events, ["ready 2"], "the old connection takes who waits");
  s.env.clock.advance(5000);
  s.env.dns.answer();
  assert.equal(s.addresses(), ["10.0.0.9:80"]);
  assert.is(s.stat("update_empty"), 1);
});

test("drain stops looking up; a query on its way is cancelled", () => {
  for (const type of ["STRICT_DNS", "LOGICAL_DNS"] as const) {
    const s = setup(planWith(["one.example:80"], { type }));
    let drained = 0;
    s.cluster.drain(() => drained++);
    assert.ok(s.env.dns.last.cancelled);
    assert.is(drained, 1);
    assert.is(s.env.clock.armedTimers, 0);
  }
});

test("only the primary worker counts what all workers see", () => {
  const env = { ...createFakeEnvironment(), primary: false };
  const cluster = new Cluster(strictDns(["one.example:80"]), env);
  cluster.start(() => {});
  env.dns.answer("10.0.0.1");
  assert.is(env.store.valueOf("cluster.a.update_attempt"), null);
  assert.is(env.store.valueOf("cluster.a.membership_change"), null);
  assert.is(env.store.valueOf("cluster.a.membership_total"), 1);
});

test.run();
