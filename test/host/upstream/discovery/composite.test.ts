// test/host/upstream/discovery/composite.test.ts: several clusters as one, the next of them for each attempt.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StreamInfo } from "../../../../host/observe/stream_info.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { HealthFlag } from "../../../../host/upstream/host.ts";
import { LoadBalancerContextBase } from "../../../../host/upstream/lb/context.ts";
import { type ClusterPlan, createClusterPlan } from "../../../../host/upstream/plan.ts";
import { CLUSTER_PROVIDED, createFakeEnvironment, FakeConnection, type FakeEnvironment, planWith } from "../fakes.ts";

const member = (name: string, address: string): ClusterPlan => ({ ...planWith([address]), name, statName: name });
const composite = (name: string, ...clusters: string[]): ClusterPlan =>
  createClusterPlan(name, {
    type: "COMPOSITE",
    provided: { type: "COMPOSITE", clusters },
    loadBalancing: CLUSTER_PROVIDED,
  });

/** What the request's attempt of this number says. */
class Attempt extends LoadBalancerContextBase {
  readonly #info: StreamInfo;

  constructor(count: number) {
    super();
    const address = { address: "10.9.9.9", port: 1, text: "10.9.9.9:1" };
    this.#info = new StreamInfo(new FakeConnection(address).info, 0, 0);
    this.#info.attemptCount = count;
  }

  override get streamInfo(): StreamInfo {
    return this.#info;
  }
}

interface Setup {
  readonly env: FakeEnvironment;
  readonly manager: ClusterManager;
  pick(attempt: number): string;
}

function setup(...plans: ClusterPlan[]): Setup {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update(plans);
  return {
    env,
    manager,
    pick: (attempt) => manager.get("all")!.chooseHost(new Attempt(attempt))?.address.text ?? "none",
  };
}

test("each attempt has its cluster; past the last one there is none", () => {
  const s = setup(composite("all", "a", "b"), member("a", "10.0.0.1:80"), member("b", "10.0.0.2:80"));
  assert.equal([1, 2, 3, 0, 2].map((attempt) => s.pick(attempt)), [
    "10.0.0.1:80",
    "10.0.0.2:80",
    "none",
    "none",
    "10.0.0.2:80",
  ]);
  assert.is(s.env.store.valueOf("cluster.all.upstream_cx_none_healthy"), 2);
});

test("health does not move an attempt to another cluster", () => {
  const s = setup(composite("all", "a", "b"), member("a", "10.0.0.1:80"), member("b", "10.0.0.2:80"));
  const a = s.manager.get("a")!;
  [...a.priorities.hosts()][0]!.setHealthFlag(HealthFlag.FailedActiveHc, true);
  a.priorities.refreshHealth(new Set([0]));
  // All hosts of the cluster being bad, it panics.
  assert.is(s.pick(1), "10.0.0.1:80");
});

test("a cluster without a host is passed over; it keeps its place", () => {
  const s = setup(
    composite("all", "gone", "b", "empty"),
    member("b", "10.0.0.2:80"),
    createClusterPlan("empty"),
  );
  assert.equal([s.pick(1), s.pick(2), s.pick(3)], ["10.0.0.2:80", "10.0.0.2:80", "none"]);
  s.manager.set(member("gone", "10.0.0.3:80"));
  assert.is(s.pick(1), "10.0.0.3:80");
});

test("members may be made of clusters, too: all count the same attempts", () => {
  const s = setup(
    composite("all", "a", "inner"),
    composite("inner", "a", "b"),
    member("a", "10.0.0.1:80"),
    member("b", "10.0.0.2:80"),
  );
  assert.equal([s.pick(1), s.pick(2)], ["10.0.0.1:80", "10.0.0.2:80"]);
});

test("requests of the proxy itself go to the first one", () => {
  const s = setup(composite("all", "a"), member("a", "10.0.0.1:80"));
  assert.is(s.manager.get("all")!.chooseHost(null)!.address.text, "10.0.0.1:80");
  assert.is(s.manager.get("all")!.chooseHost(new LoadBalancerContextBase())!.address.text, "10.0.0.1:80");
});

test("pools and numbers are those of the member", () => {
  const s = setup(composite("all", "a"), member("a", "10.0.0.1:80"));
  const host = s.manager.get("all")!.chooseHost(new Attempt(1))!;
  assert.is(s.manager.get("all")!.httpPool(host, 0), s.manager.get("a")!.httpPool(host, 0));
});

test.run();
