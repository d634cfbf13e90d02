// test/host/upstream/cluster_manager.test.ts: generations of clusters: kept, warmed, replaced, removed.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ResourcePriority } from "../../../host/upstream/circuit_breaker.ts";
import { ClusterManager } from "../../../host/upstream/cluster_manager.ts";
import { type ClusterPlan, createClusterPlan } from "../../../host/upstream/plan.ts";
import { planKey } from "../../../host/upstream/plan_key.ts";
import { clusterStatus, mergeClusterStatus } from "../../../host/upstream/view.ts";
import { createFakeEnvironment, endpoint, FakeRequest, planWith } from "./fakes.ts";

const named = (name: string, changes: Partial<ClusterPlan> = {}): ClusterPlan => ({
  ...planWith(["10.0.0.1:80"]),
  name,
  statName: name,
  ...changes,
});
const dns = (name: string, changes: Partial<ClusterPlan> = {}): ClusterPlan =>
  named(name, { type: "STRICT_DNS", ...changes });

test("a generation of static clusters is warm at once", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  let warm = 0;
  const update = manager.update([named("a"), named("b")], () => warm++);
  assert.is(warm, 1);
  assert.equal(update, { added: ["a", "b"], changed: [], removed: [], kept: [] });
  assert.equal([...manager.clusters()].map((cluster) => cluster.name), ["a", "b"]);
  assert.is(manager.get("c"), null);
  assert.is(env.store.valueOf("cluster_manager.active_clusters"), 2);
  assert.is(env.store.valueOf("cluster_manager.cluster_added"), 2);
});

test("an empty generation is warm at once", () => {
  let warm = 0;
  new ClusterManager(createFakeEnvironment()).update([], () => warm++);
  assert.is(warm, 1);
});

test("what did not change keeps its cluster and its connections", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([named("a"), named("b")]);
  const cluster = manager.get("a")!;
  const request = new FakeRequest();
  cluster.httpPool(cluster.chooseHost(null)!, ResourcePriority.Default).newStream(request, request);
  const connection = env.dialer.last.connect();
  connection.receive("r");
  // The same plan, made anew and with its fields in another order.
  const again = Object.fromEntries(Object.entries(named("a")).reverse()) as unknown as ClusterPlan;
  const update = manager.update([again, named("b", { connectTimeoutMs: 1 })]);
  assert.equal(update, { added: [], changed: ["b"], removed: [], kept: ["a"] });
  assert.is(manager.get("a"), cluster);
  assert.not(connection.closed);
});

test("a changed cluster warms while the old one serves, then the old one drains", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([named("a")]);
  const old = manager.get("a")!;
  const request = new FakeRequest();
  old.httpPool(old.chooseHost(null)!, ResourcePriority.Default).newStream(request, request);
  const connection = env.dialer.last.connect();

  let warm = 0;
  manager.update([dns("a")], () => warm++);
  assert.is(manager.get("a"), old);
  assert.is(manager.warmingCount, 1);
  assert.is(env.store.valueOf("cluster_manager.warming_clusters"), 1);
  assert.is(warm, 0);
  env.dns.answer("10.0.0.7");
  assert.is(warm, 1);
  assert.is.not(manager.get("a"), old);
  assert.is(manager.get("a")!.chooseHost(null)!.address.text, "10.0.0.7:80");

  assert.is(manager.drainingCount, 1);
  connection.receive("r");
  assert.equal(request.events, ["ready 1", "response"]);
  assert.ok(connection.closed);
  assert.is(manager.drainingCount, 0);
});

test("a new cluster is not there before it is ready", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([dns("a")]);
  assert.is(manager.get("a"), null);
  env.dns.last.answer({ status: "failed", details: "" });
  assert.is.not(manager.get("a"), null);
});

test("clusters that a generation does not name go when it is warm, and finish their streams", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([named("a"), named("b")]);
  const removed = manager.get("a")!;
  const request = new FakeRequest();
  removed.httpPool(removed.chooseHost(null)!, ResourcePriority.Default).newStream(request, request);
  const connection = env.dialer.last.connect();
  const update = manager.update([named("b"), dns("c")]);
  assert.equal(update, { added: ["c"], changed: [], removed: ["a"], kept: ["b"] });
  assert.is(manager.get("a"), removed);
  env.dns.answer("10.0.0.7");
  assert.is(manager.get("a"), null);
  assert.is(env.store.valueOf("cluster_manager.cluster_removed"), 1);
  connection.receive("r");
  assert.equal(request.events, ["ready 1", "response"]);
  assert.is(manager.drainingCount, 0);
});

test("a newer plan replaces one that still warms", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  const warm: number[] = [];
  manager.update([dns("a")], () => warm.push(1));
  const first = env.dns.last;
  manager.update([dns("a", { connectTimeoutMs: 1 })], () => warm.push(2));
  assert.ok(first.cancelled);
  assert.equal(warm, []);
  env.dns.answer("10.0.0.7");
  assert.equal(warm, [1, 2]);
  assert.is(manager.get("a")!.plan.connectTimeoutMs, 1);
});

test("back to the plan that serves ends the warming", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([named("a")]);
  const cluster = manager.get("a");
  manager.update([dns("a")]);
  let warm = 0;
  const update = manager.update([named("a")], () => warm++);
  assert.equal(update.kept, ["a"]);
  assert.ok(env.dns.last.cancelled);
  assert.is(manager.get("a"), cluster);
  assert.is(warm, 1);
});

test("set and remove change one cluster", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  let warm = 0;
  assert.is(manager.set(named("a")), "added");
  assert.is(manager.set(named("a"), () => warm++), "kept");
  assert.is(manager.set(dns("b"), () => warm++), "added");
  assert.is(warm, 1);
  assert.ok(manager.remove("b"));
  assert.is(warm, 2, "nothing warms any more");
  assert.ok(manager.remove("a"));
  assert.not(manager.remove("a"));
  assert.equal([...manager.clusters()], []);
});

test("close ends everything: connections, timers, queries", () => {
  const env = createFakeEnvironment();
  const manager = new ClusterManager(env);
  manager.update([named("a"), dns("b")]);
  env.dns.answer("10.0.0.7");
  manager.set(dns("b", { connectTimeoutMs: 1 }));
  const cluster = manager.get("a")!;
  const request = new FakeRequest();
  cluster.httpPool(cluster.chooseHost(null)!, ResourcePriority.Default).newStream(request, request);
  const connection = env.dialer.last.connect();
  manager.close();
  assert.ok(connection.closed);
  assert.equal(request.events, ["ready 1", "reset connection_termination"]);
  assert.ok(env.dns.last.cancelled);
  assert.is(env.clock.armedTimers, 0);
  assert.is(env.store.valueOf("cluster_manager.active_clusters"), 0);
});

test("plans are plain data: they survive a structured clone and equal ones have one key", () => {
  const plan = createClusterPlan("a", { localities: planWith([endpoint("10.0.0.1", 80)]).localities });
  assert.is(planKey(structuredClone(plan)), planKey(plan));
  assert.is.not(planKey({ ...plan, connectTimeoutMs: 1 }), planKey(plan));
});

test("status: what /clusters shows, added up over workers", () => {
  const one = new ClusterManager(createFakeEnvironment());
  const two = new ClusterManager(createFakeEnvironment());
  for (const manager of [one, two]) manager.update([named("a", { observabilityName: "obs" })]);
  [...one.get("a")!.priorities.hosts()][0]!.rqTotal = 2;
  [...two.get("a")!.priorities.hosts()][0]!.rqTotal = 3;
  const workers = [one, two].map((manager) => [...manager.clusters()].map(clusterStatus));
  assert.equal(structuredClone(workers), workers);
  const [status, ...rest] = mergeClusterStatus(workers);
  assert.is(rest.length, 0);
  assert.equal(status!.defaultPriority, {
    maxConnections: 1024,
    maxPendingRequests: 1024,
    maxRequests: 1024,
    maxRetries: 3,
  });
  assert.is(status!.observabilityName, "obs");
  assert.is(status!.hosts.length, 1);
  const [host] = status!.hosts;
  assert.equal([host!.address, host!.healthFlags, host!.weight, host!.successRate], ["10.0.0.1:80", "healthy", 1, -1]);
  assert.is(host!.stats.rqTotal, 5);
});

test.run();
