// test/host/upstream/health/exchange.test.ts: what one worker finds, all others know, at once or when they come.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import { hostHealthRelay, type Relay } from "../../../../host/server/relay.ts";
import type { CallName, WorkerLink } from "../../../../host/server/worker_protocol.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { type HostHealthChange, HostHealthExchange } from "../../../../host/upstream/health/exchange.ts";
import { HealthFlag, type Host } from "../../../../host/upstream/host.ts";
import type { ClusterPlan } from "../../../../host/upstream/plan.ts";
import { NO_HEALTH_PLAN } from "../../../../host/upstream/health/plan.ts";
import { checkPlan } from "./checks.ts";
import { createFakeEnvironment, type FakeEnvironment, planWith } from "../fakes.ts";

await xxHashReady;

/** A worker with one cluster, as far as health is concerned. */
class FakeWorker implements WorkerLink {
  readonly index: number;
  readonly env: FakeEnvironment;
  readonly exchange: HostHealthExchange;
  readonly cluster: Cluster;
  /** Messages that left, and that came. */
  sent = 0;
  received = 0;

  constructor(index: number, relay: Relay<HostHealthChange>, plan: ClusterPlan = STATIC) {
    this.index = index;
    this.env = createFakeEnvironment();
    this.exchange = new HostHealthExchange(this.env.clock, (changes) => {
      this.sent++;
      relay.forward(index, changes);
    });
    relay.welcome(this);
    this.cluster = new Cluster(plan, { ...this.env, hostHealth: this.exchange, primary: index === 0 });
    // A cluster with checks asks for it before it has hosts.
    void this.cluster.health;
    this.cluster.start(() => {});
  }

  call(_name: CallName, changes: unknown): Promise<never> {
    this.received++;
    this.exchange.receive(changes as readonly HostHealthChange[]);
    this.env.clock.advance(0);
    return Promise.resolve() as Promise<never>;
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }

  host(index = 0): Host {
    return this.cluster.priorities.hostSets[0]!.hosts[index]!;
  }

  set(index: number, flag: HealthFlag, on: boolean): void {
    this.cluster.health.set(this.host(index), flag, on);
  }

  get flags(): string[] {
    return [...this.cluster.priorities.hosts()].map((host) => host.healthFlagsText);
  }

  gauge(name: string): number | null {
    return this.env.store.valueOf(`cluster.a.${name}`);
  }
}

const STATIC = planWith(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]);

test("a flag reaches the other workers, their load balancing and their gauges", () => {
  const relay = hostHealthRelay();
  const [a, b] = [new FakeWorker(0, relay), new FakeWorker(1, relay)];
  const heard: string[] = [];
  b.cluster.health.onRemoteFlag((host, flag, on) => heard.push(`${host.address.text} ${flag} ${on}`));
  a.set(1, HealthFlag.FailedActiveHc, true);
  assert.is(a.host(1).coarseHealth, "unhealthy", "at once where it is found");
  assert.is(a.sent, 0);
  a.env.clock.advance(0);
  assert.equal(b.flags, ["healthy", "/failed_active_hc", "healthy"]);
  assert.equal(heard, ["10.0.0.2:80 1 true"]);
  for (const worker of [a, b]) {
    assert.is(worker.cluster.priorities.hostSets[0]!.healthyHosts.length, 2);
    assert.is(worker.gauge("membership_healthy"), 2);
    assert.is(worker.gauge("membership_total"), 3);
  }
  assert.is(a.received, 0, "who says it is not told");
  // Any worker may say something.
  b.set(1, HealthFlag.FailedActiveHc, false);
  b.env.clock.advance(0);
  assert.equal(a.flags, ["healthy", "healthy", "healthy"]);
});

test("what changes in one turn is one message and one sorting", () => {
  const relay = hostHealthRelay();
  const [a, b] = [new FakeWorker(0, relay), new FakeWorker(1, relay)];
  const versions = [a, b].map((worker) => worker.cluster.priorities.hostSets[0]!.version);
  for (const index of [0, 1, 2]) a.set(index, HealthFlag.FailedActiveHc, true);
  a.set(2, HealthFlag.FailedActiveHc, true);
  a.env.clock.advance(0);
  assert.is(a.sent, 1);
  assert.is(b.received, 1);
  assert.equal(
    [a, b].map((worker) => worker.cluster.priorities.hostSets[0]!.version),
    versions.map((each) => each + 1),
  );
  assert.is(b.gauge("membership_healthy"), 0);
  a.set(2, HealthFlag.FailedActiveHc, true);
  a.env.clock.advance(0);
  assert.is(a.sent, 1, "nothing changed");
});

test("degraded and excluded hosts are counted as such", () => {
  const worker = new FakeWorker(0, hostHealthRelay());
  worker.set(0, HealthFlag.DegradedActiveHc, true);
  worker.set(1, HealthFlag.PendingActiveHc, true);
  worker.env.clock.advance(0);
  assert.is(worker.gauge("membership_healthy"), 1);
  assert.is(worker.gauge("membership_degraded"), 1);
  assert.is(worker.gauge("membership_excluded"), 1);
});

test("a worker that comes later begins with what is known", () => {
  const relay = hostHealthRelay();
  const a = new FakeWorker(0, relay);
  a.set(0, HealthFlag.FailedActiveHc, true);
  a.set(0, HealthFlag.ActiveHcTimeout, true);
  a.set(1, HealthFlag.FailedActiveHc, true);
  a.set(1, HealthFlag.FailedActiveHc, false);
  a.cluster.health.markChecked();
  const late = new FakeWorker(1, relay);
  assert.equal(late.flags, ["/failed_active_hc/active_hc_timeout", "healthy", "healthy"]);
  assert.ok(late.cluster.health.checked);
  // The worker that checks is replaced: its successor goes on where it was.
  relay.dismiss(0);
  const successor = new FakeWorker(0, relay);
  assert.equal(successor.flags, late.flags);
  assert.ok(successor.cluster.health.checked);
  successor.set(0, HealthFlag.FailedActiveHc, false);
  successor.env.clock.advance(0);
  assert.equal(late.flags[0], "/active_hc_timeout");
});

test("the end of the first round is told after its results", () => {
  const relay = hostHealthRelay();
  const [a, b] = [new FakeWorker(0, relay), new FakeWorker(1, relay)];
  let healthy = -1;
  b.cluster.health.whenChecked(() => healthy = b.cluster.priorities.hostSets[0]!.healthyHosts.length);
  assert.not(b.cluster.health.checked);
  a.set(0, HealthFlag.FailedActiveHc, true);
  a.cluster.health.markChecked();
  assert.is(healthy, 2);
});

test("what is said of a host that a worker does not have yet, holds when it has it", () => {
  const relay = hostHealthRelay();
  const plan = planWith(["a.example:80"], { type: "STRICT_DNS" });
  const [a, b] = [new FakeWorker(0, relay, plan), new FakeWorker(1, relay, plan)];
  a.env.dns.answer("10.0.0.1", "10.0.0.2");
  a.set(1, HealthFlag.FailedActiveHc, true);
  a.env.clock.advance(0);
  b.env.dns.answer("10.0.0.2", "10.0.0.1");
  assert.equal(b.flags, ["/failed_active_hc", "healthy"]);
  assert.is(b.gauge("membership_healthy"), 1);
  // A host that went and came back is a new one.
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.1");
  a.env.clock.advance(0);
  b.env.clock.advance(5000);
  b.env.dns.answer("10.0.0.1");
  b.env.clock.advance(5000);
  b.env.dns.answer("10.0.0.1", "10.0.0.2");
  assert.equal(b.flags, ["healthy", "healthy"]);
});

test("a host that comes back fails on all workers until it was checked, also where it had stayed", () => {
  const relay = hostHealthRelay();
  const checks = { ...NO_HEALTH_PLAN, checks: [checkPlan()], ignoreOnRemoval: true };
  const plan = planWith(["a.example:80"], { type: "STRICT_DNS", health: checks });
  const [a, b] = [new FakeWorker(0, relay, plan), new FakeWorker(1, relay, plan)];
  for (const worker of [a, b]) worker.env.dns.answer("10.0.0.1", "10.0.0.2");
  a.set(0, HealthFlag.FailedActiveHc, false);
  a.env.clock.advance(0);
  assert.equal(b.flags, ["healthy", "/failed_active_hc"]);
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.2");
  a.env.clock.advance(0);
  assert.equal(b.flags, ["healthy", "/failed_active_hc"]);
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.1", "10.0.0.2");
  a.env.clock.advance(0);
  assert.equal(b.flags, ["/failed_active_hc", "/failed_active_hc"]);
});

test("nothing is known of a cluster with another plan, nor of one that was closed", () => {
  const relay = hostHealthRelay();
  const a = new FakeWorker(0, relay);
  a.set(0, HealthFlag.FailedActiveHc, true);
  a.env.clock.advance(0);
  assert.equal(new FakeWorker(1, relay, { ...STATIC, connectTimeoutMs: 1 }).flags[0], "healthy");
  assert.equal(new FakeWorker(1, relay).flags[0], "/failed_active_hc");
  a.cluster.close();
  a.env.clock.advance(0);
  assert.equal(new FakeWorker(1, relay).flags[0], "healthy");
});

test("a worker that is alone sends nothing and keeps nothing", () => {
  const env = createFakeEnvironment();
  const exchange = new HostHealthExchange(env.clock, null);
  const cluster = new Cluster(STATIC, { ...env, hostHealth: exchange });
  cluster.start(() => {});
  assert.is(env.clock.armedTimers, 0);
  const host = cluster.priorities.hostSets[0]!.hosts[0]!;
  cluster.health.set(host, HealthFlag.FailedOutlierCheck, true);
  env.clock.advance(0);
  assert.is(cluster.priorities.hostSets[0]!.healthyHosts.length, 2);
  assert.equal(exchange.flags(cluster.health.id, host.key), { known: 0, flags: 0 });
});

test("changes that follow each other in a large cluster reach load balancing together", () => {
  const many = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}:80`);
  const start = (updateMergeWindowMs: number): FakeWorker =>
    new FakeWorker(0, hostHealthRelay(), planWith(many, { health: { ...NO_HEALTH_PLAN, updateMergeWindowMs } }));
  const fail = (worker: FakeWorker, index: number): number | null => {
    worker.set(index, HealthFlag.FailedActiveHc, true);
    worker.env.clock.advance(0);
    return worker.gauge("membership_healthy");
  };
  const worker = start(1000);
  assert.is(fail(worker, 0), 499, "the first at once");
  assert.is(fail(worker, 1), 499);
  assert.is(worker.host(1).coarseHealth, "unhealthy");
  worker.env.clock.advance(5);
  assert.is(fail(worker, 2), 499);
  worker.env.clock.advance(5);
  assert.is(worker.gauge("membership_healthy"), 497);
  assert.is(fail(worker, 3), 497);
  worker.cluster.health.settle();
  assert.is(worker.gauge("membership_healthy"), 496, "at once where somebody waits for it");
  assert.is(fail(worker, 4), 496);
  worker.cluster.close();
  worker.env.clock.advance(0);
  assert.is(worker.env.clock.armedTimers, 0);
  const eager = start(0);
  assert.equal([fail(eager, 0), fail(eager, 1)], [499, 498]);
});

test.run();
