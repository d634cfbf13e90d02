// test/host/upstream/discovery/eds.test.ts: hosts as somebody else lists them, second by second.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import {
  type ClusterPlan,
  createClusterPlan,
  type EndpointsPlan,
  NO_LOCALITY,
} from "../../../../host/upstream/plan.ts";
import { NO_ENDPOINTS } from "../../../../host/upstream/plan/endpoints.ts";
import { createFakeEnvironment, endpoint, type FakeEnvironment } from "../fakes.ts";

const list = (addresses: readonly string[], changes: Partial<EndpointsPlan> = {}): EndpointsPlan => ({
  ...NO_ENDPOINTS,
  localities: [{
    priority: 0,
    locality: NO_LOCALITY,
    weight: 0,
    endpoints: addresses.map((address) => endpoint(address, 80)),
  }],
  ...changes,
});

const eds = (initial: EndpointsPlan | null, changes: Partial<ClusterPlan> = {}): ClusterPlan =>
  createClusterPlan("a", {
    type: "EDS",
    eds: { serviceName: "a", path: "/x", initial, initialFetchTimeoutMs: 15_000 },
    ...changes,
  });

interface Setup {
  readonly env: FakeEnvironment;
  readonly manager: ClusterManager;
  addresses(): string[];
  stat(name: string): number;
}

function setup(plan: ClusterPlan): Setup {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([plan]);
  return {
    env,
    manager,
    addresses: () => [...manager.get("a")!.priorities.hosts()].map((host) => host.address.text),
    stat: (name) => env.store.valueOf(`cluster.a.${name}`) ?? -1,
  };
}

test("hosts that stay keep what they have; a list that says the same is no change", () => {
  const s = setup(eds(list(["10.0.0.1", "10.0.0.2"])));
  const [, second] = [...s.manager.get("a")!.priorities.hosts()];
  s.manager.updateEndpoints("a", list(["10.0.0.2", "10.0.0.3"]));
  assert.equal(s.addresses(), ["10.0.0.2:80", "10.0.0.3:80"]);
  assert.is([...s.manager.get("a")!.priorities.hosts()][0], second);
  s.manager.updateEndpoints("a", list(["10.0.0.2", "10.0.0.3"]));
  assert.equal(["update_attempt", "update_success", "membership_change"].map(s.stat), [2, 2, 2]);
  s.manager.updateEndpoints("gone", list([]));
});

test("priorities, health and weights may change, and how priorities are counted", () => {
  const s = setup(eds(list(["10.0.0.1"])));
  const [first] = list(["10.0.0.1"]).localities;
  s.manager.updateEndpoints("a", {
    ...list([]),
    overprovisioningFactor: 100,
    localities: [
      {
        ...first!,
        endpoints: [endpoint("10.0.0.1", 80), endpoint("10.0.0.2", 80, { health: "UNHEALTHY", weight: 7 })],
      },
      { ...first!, priority: 1, endpoints: [endpoint("10.0.0.3", 80)] },
    ],
  });
  const { priorities } = s.manager.get("a")!;
  assert.equal(priorities.load.healthy, [50, 50]);
  assert.equal([...priorities.hosts()].map((host) => [host.coarseHealth, host.weight]), [
    ["healthy", 1],
    ["unhealthy", 7],
    ["healthy", 1],
  ]);
  s.manager.updateEndpoints("a", list(["10.0.0.1"]));
  assert.equal([priorities.load.healthy[0], s.addresses()], [100, ["10.0.0.1:80"]]);
});

test("without a list the cluster warms until the first one comes, or for a while", () => {
  const listed = setup(eds(null));
  assert.is(listed.manager.get("a"), null);
  listed.manager.updateEndpoints("a", list(["10.0.0.1"]));
  assert.equal(listed.addresses(), ["10.0.0.1:80"]);
  assert.is(listed.env.clock.armedTimers, 0);
  const late = setup(eds(null));
  late.env.clock.advance(15_000);
  assert.equal([late.addresses(), late.stat("init_fetch_timeout")], [[], 1]);
});

test("a list that nobody repeats holds no longer than it says", () => {
  const s = setup(eds(list(["10.0.0.1"], { staleAfterMs: 1000 })));
  s.env.clock.advance(900);
  s.manager.updateEndpoints("a", list(["10.0.0.1"], { staleAfterMs: 1000 }));
  s.env.clock.advance(900);
  assert.equal(s.addresses(), ["10.0.0.1:80"]);
  s.env.clock.advance(100);
  assert.equal([s.addresses(), s.stat("assignment_stale")], [[], 1]);
  s.manager.updateEndpoints("a", list(["10.0.0.1"]));
  assert.equal(s.addresses(), ["10.0.0.1:80"]);
});

test("another generation of the configuration keeps the cluster and brings its list", () => {
  const s = setup(eds(list(["10.0.0.1"])));
  const cluster = s.manager.get("a");
  assert.equal(s.manager.update([eds(list(["10.0.0.9"]))]).kept, ["a"]);
  assert.is(s.manager.get("a"), cluster);
  assert.equal(s.addresses(), ["10.0.0.9:80"]);
  assert.equal(s.manager.update([eds(list(["10.0.0.9"]), { connectTimeoutMs: 1 })]).changed, ["a"]);
});

test("a list may have some requests turned away, or all", () => {
  const s = setup(eds(list(["10.0.0.1"])));
  const cluster = s.manager.get("a")!;
  assert.is(cluster.dropsRequest(), "no");
  s.manager.updateEndpoints("a", list(["10.0.0.1"], { dropOverload: { category: "c", fraction: 1 } }));
  assert.is(cluster.dropsRequest(), "always");
  s.manager.updateEndpoints("a", list(["10.0.0.1"], { dropOverload: { category: "c", fraction: 0.3 } }));
  const dropped = Array.from({ length: 1000 }, () => cluster.dropsRequest()).filter((each) => each !== "no");
  assert.ok(dropped.every((each) => each === "by chance") && dropped.length > 250 && dropped.length < 350);
  s.manager.updateEndpoints("a", list(["10.0.0.1"]));
  assert.is(cluster.dropsRequest(), "no");
});

test.run();
