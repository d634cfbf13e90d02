// test/host/upstream/discovery/aggregate.test.ts: several clusters as one, the first of them preferred.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { LoadBalancerContextBase } from "../../../../host/upstream/lb/context.ts";
import { HealthFlag } from "../../../../host/upstream/host.ts";
import { type ClusterPlan, createClusterPlan } from "../../../../host/upstream/plan.ts";
import {
  CLUSTER_PROVIDED,
  createFakeEnvironment,
  endpoint,
  type FakeEnvironment,
  FakeRequest,
  planWith,
} from "../fakes.ts";

const member = (name: string, address: string, changes: Partial<ClusterPlan> = {}): ClusterPlan => ({
  ...planWith([address]),
  name,
  statName: name,
  ...changes,
});
const aggregate = (...clusters: string[]): ClusterPlan =>
  createClusterPlan("all", {
    type: "AGGREGATE",
    provided: { type: "AGGREGATE", clusters },
    loadBalancing: CLUSTER_PROVIDED,
  });

function setup(...plans: ClusterPlan[]): { env: FakeEnvironment; manager: ClusterManager; pick(): string } {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update(plans);
  return { env, manager, pick: () => manager.get("all")!.chooseHost(null)?.address.text ?? "none" };
}

test("the first member with hosts takes everything; then its health decides", () => {
  const s = setup(aggregate("gone", "a", "b"), member("a", "10.0.0.1:80"), member("b", "10.0.0.2:80"));
  assert.is(s.pick(), "10.0.0.1:80");
  const a = s.manager.get("a")!;
  const [host] = [...a.priorities.hosts()];
  host!.setHealthFlag(HealthFlag.FailedActiveHc, true);
  a.priorities.refreshHealth(new Set([0]));
  for (let i = 0; i < 20; i++) assert.is(s.pick(), "10.0.0.2:80");
  host!.setHealthFlag(HealthFlag.FailedActiveHc, false);
  a.priorities.refreshHealth(new Set([0]));
  assert.is(s.pick(), "10.0.0.1:80");
});

test("priorities of members stand in a row; load spills over as in one cluster", () => {
  const plan = member("a", "10.0.0.1:80", {
    localities: [
      planWith([endpoint("10.0.0.1", 80, { health: "UNHEALTHY" }), endpoint("10.0.0.2", 80)]).localities[0]!,
      { ...planWith(["10.0.0.3:80"]).localities[0]!, priority: 1 },
    ],
  });
  const s = setup(aggregate("a", "b"), plan, member("b", "10.0.0.4:80"));
  const seen = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const address = s.pick();
    seen.set(address, (seen.get(address) ?? 0) + 1);
  }
  // Half of the hosts are healthy: 70 % stay, the next priority takes all the rest.
  assert.equal([...seen.keys()].sort(), ["10.0.0.2:80", "10.0.0.3:80"]);
  const share = seen.get("10.0.0.2:80")! / 2000;
  assert.ok(share > 0.66 && share < 0.74, String(share));
});

test("pools, limits and numbers are those of the member; the aggregate counts that there is no host", () => {
  const s = setup(aggregate("a"), member("a", "10.0.0.1:80"));
  const all = s.manager.get("all")!;
  const host = all.chooseHost(null)!;
  const pool = all.httpPool(host, 0);
  assert.is(pool, s.manager.get("a")!.httpPool(host, 0));
  const request = new FakeRequest();
  pool.newStream(request, request);
  assert.is(s.env.store.valueOf("cluster.a.upstream_rq_pending_total"), 1);
  assert.is(s.env.store.valueOf("cluster.all.upstream_rq_pending_total"), 0);
  assert.is(all.tcpPool(host, 0), s.manager.get("a")!.tcpPool(host, 0));
  s.manager.remove("a");
  assert.is(s.pick(), "none");
  assert.is(s.env.store.valueOf("cluster.all.upstream_cx_none_healthy"), 1);
});

test("a member that comes, and one that is replaced, are noticed; an aggregate is no member", () => {
  const nested = createClusterPlan("outer", {
    type: "AGGREGATE",
    provided: { type: "AGGREGATE", clusters: ["all"] },
    loadBalancing: CLUSTER_PROVIDED,
  });
  const s = setup(aggregate("a"), nested);
  assert.is(s.pick(), "none");
  s.manager.set(member("a", "10.0.0.1:80"));
  assert.is(s.pick(), "10.0.0.1:80");
  s.manager.set(member("a", "10.0.0.9:80"));
  assert.is(s.pick(), "10.0.0.9:80");
  assert.is(s.manager.get("outer")!.chooseHost(null), null);
});

test("the member's own policy chooses, with what the request says", async () => {
  await xxHashReady;
  const s = setup(
    aggregate("a"),
    member("a", "", {
      ...planWith(Array.from({ length: 20 }, (_, i) => `10.0.0.${i + 1}:80`)),
      name: "a",
      loadBalancing: {
        policy: "MAGLEV",
        tableSize: 101,
        useHostnameForHashing: false,
        hashBalanceFactor: 0,
        panicThresholdPercent: 50,
        failTrafficOnPanic: false,
        localityWeighted: false,
      },
    }),
  );
  class Hashed extends LoadBalancerContextBase {
    override hash(): bigint {
      return 7n;
    }
  }
  const context = new Hashed();
  const chosen = new Set(Array.from({ length: 10 }, () => s.manager.get("all")!.chooseHost(context)));
  assert.equal([...chosen], [s.manager.get("a")!.chooseHost(context)]);
});

test.run();
