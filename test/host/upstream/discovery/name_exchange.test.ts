// test/host/upstream/discovery/name_exchange.test.ts: one worker looks names up, and all have the same hosts.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import { nameRelay, type Relay } from "../../../../host/server/relay.ts";
import type { CallName, WorkerLink } from "../../../../host/server/worker_protocol.ts";
import { ClusterManager } from "../../../../host/upstream/cluster_manager.ts";
import { type NameChange, NameExchange } from "../../../../host/upstream/discovery/name_exchange.ts";
import { DEFAULT_DNS_PLAN } from "../../../../host/upstream/dns_plan.ts";
import type { ClusterPlan } from "../../../../host/upstream/plan.ts";
import { createFakeEnvironment, type FakeEnvironment, planWith } from "../fakes.ts";

await xxHashReady;

const plan = (changes: Partial<ClusterPlan> = {}, names = ["one.example:80"]): ClusterPlan =>
  planWith(names, { type: "STRICT_DNS", dns: DEFAULT_DNS_PLAN, ...changes });

/** A worker with clusters, as far as names are concerned. */
class FakeWorker implements WorkerLink {
  readonly index: number;
  readonly env: FakeEnvironment;
  readonly clusters: ClusterManager;
  readonly #exchange: NameExchange;
  /** Generations that became warm. */
  warm = 0;
  sent: NameChange[] = [];

  constructor(index: number, relay: Relay<NameChange>, ...plans: ClusterPlan[]) {
    this.index = index;
    this.env = createFakeEnvironment();
    const primary = index === 0;
    this.#exchange = new NameExchange(primary, (changes) => {
      this.sent.push(...changes);
      relay.forward(index, changes);
    });
    this.clusters = new ClusterManager({ ...this.env, primary, names: this.#exchange });
    relay.welcome(this);
    this.update(...plans);
  }

  call(_name: CallName, changes: unknown): Promise<never> {
    this.#exchange.receive(changes as readonly NameChange[]);
    return Promise.resolve() as Promise<never>;
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }

  update(...plans: ClusterPlan[]): void {
    this.clusters.update(plans, () => this.warm++);
  }

  hosts(name = "a"): string[] | null {
    const cluster = this.clusters.get(name);
    return cluster === null ? null : [...cluster.priorities.hosts()].map((host) => host.address.text);
  }

  get asked(): string[] {
    return this.env.dns.queries.map((query) => query.name);
  }

  stat(name: string): number | null {
    return this.env.store.valueOf(`cluster.a.${name}`);
  }
}

test("one worker asks, all have the hosts and are warm", () => {
  const relay = nameRelay();
  const [a, b, c] = [0, 1, 2].map((index) =>
    new FakeWorker(index, relay, plan({}, ["one.example:80", "two.example:81"]))
  );
  assert.equal([a!.asked, b!.asked, c!.asked], [["one.example", "two.example"], [], []]);
  assert.equal([a!.warm, b!.warm, c!.warm], [0, 0, 0]);
  a!.env.dns.queries[1]!.answer({ status: "completed", addresses: [{ address: "10.0.0.2", ttlSeconds: 9 }] });
  assert.equal([a!.warm, b!.warm, c!.warm], [1, 1, 1]);
  a!.env.dns.queries[0]!.answer({ status: "completed", addresses: [{ address: "10.0.0.1", ttlSeconds: 9 }] });
  for (const worker of [a!, b!, c!]) assert.equal(worker.hosts(), ["10.0.0.1:80", "10.0.0.2:81"]);
  assert.is(a!.stat("update_success"), 2);
  assert.equal([b!.stat("update_attempt"), b!.stat("update_success"), b!.stat("membership_total")], [null, null, 2]);
});

test("an answer that is the same is not told again; a failure takes nothing away", () => {
  const relay = nameRelay();
  const [a, b] = [new FakeWorker(0, relay, plan()), new FakeWorker(1, relay, plan())];
  a.env.dns.answer("10.0.0.1", "10.0.0.2");
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.1", "10.0.0.2");
  assert.is(a.sent.length, 1);
  a.env.clock.advance(5000);
  a.env.dns.last.answer({ status: "failed", details: "timeout" });
  assert.is(a.sent.length, 1);
  assert.equal(b.hosts(), ["10.0.0.1:80", "10.0.0.2:80"]);
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.3");
  assert.equal(b.hosts(), ["10.0.0.3:80"]);
  a.env.clock.advance(5000);
  a.env.dns.answer();
  assert.equal(b.hosts(), []);
});

test("where the first look-up fails, all are ready without hosts, and take the answer that comes later", () => {
  const relay = nameRelay();
  const [a, b] = [new FakeWorker(0, relay, plan()), new FakeWorker(1, relay, plan())];
  a.env.dns.last.answer({ status: "failed", details: "timeout" });
  assert.equal([a.warm, b.warm, b.hosts()], [1, 1, []]);
  const late = new FakeWorker(2, relay, plan());
  assert.equal([late.warm, late.hosts()], [1, []]);
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.1");
  assert.equal([b.hosts(), late.hosts()], [["10.0.0.1:80"], ["10.0.0.1:80"]]);
});

test("a worker in the place of one that died has the hosts at once; the primary one asks anew", () => {
  const relay = nameRelay();
  const [a, b] = [new FakeWorker(0, relay, plan()), new FakeWorker(1, relay, plan())];
  a.env.dns.answer("10.0.0.1");
  relay.dismiss(1);
  const second = new FakeWorker(1, relay, plan());
  assert.equal([second.warm, second.hosts()], [1, ["10.0.0.1:80"]]);
  relay.dismiss(0);
  const first = new FakeWorker(0, relay, plan());
  assert.equal([first.warm, first.asked], [0, ["one.example"]]);
  assert.equal(second.hosts(), ["10.0.0.1:80"], "meanwhile nothing is lost");
  first.env.dns.answer("10.0.0.2");
  assert.equal([first.hosts(), second.hosts()], [["10.0.0.2:80"], ["10.0.0.2:80"]]);
  assert.equal(b.hosts(), ["10.0.0.1:80"], "who was dismissed hears nothing");
});

test("a cluster with another plan is another one, whichever worker takes it first", () => {
  const relay = nameRelay();
  const [a, b] = [new FakeWorker(0, relay, plan()), new FakeWorker(1, relay, plan())];
  a.env.dns.answer("10.0.0.1");
  const other = plan({ connectTimeoutMs: 77 });
  b.update(other);
  assert.equal(
    [b.warm, b.hosts()],
    [1, ["10.0.0.1:80"]],
    "the old one serves while nobody has looked up the new one's",
  );
  a.update(other);
  a.env.dns.answer("10.0.0.2");
  assert.equal([b.warm, b.hosts()], [2, ["10.0.0.2:80"]]);
  assert.equal(a.sent.at(-1), { kind: "closed", cluster: (a.sent[0] as { cluster: string }).cluster });

  // Back again, before the other worker knows.
  a.update(plan());
  a.env.dns.answer("10.0.0.3");
  assert.equal(b.hosts(), ["10.0.0.2:80"]);
  b.update(plan());
  assert.equal([b.warm, b.hosts()], [3, ["10.0.0.3:80"]]);
});

test("a cluster that is removed is forgotten", () => {
  const relay = nameRelay();
  const [a, b] = [new FakeWorker(0, relay, plan()), new FakeWorker(1, relay, plan())];
  a.env.dns.answer("10.0.0.1");
  a.update();
  b.update();
  assert.equal([a.hosts(), b.hosts()], [null, null]);
  b.update(plan());
  assert.is(b.warm, 2, "it waits to be told");
  a.update(plan());
  a.env.dns.answer("10.0.0.4");
  assert.equal([b.warm, b.hosts()], [3, ["10.0.0.4:80"]]);
});

test("LOGICAL_DNS: the one host has the first address everywhere", () => {
  const relay = nameRelay();
  const logical = plan({ type: "LOGICAL_DNS" });
  const [a, b] = [new FakeWorker(0, relay, logical), new FakeWorker(1, relay, logical)];
  a.env.dns.answer("10.0.0.1", "10.0.0.2");
  a.env.clock.advance(5000);
  a.env.dns.answer("10.0.0.2", "10.0.0.1");
  assert.equal([a.hosts(), b.hosts()], [["10.0.0.2:80"], ["10.0.0.2:80"]]);
  assert.equal(b.asked, []);
});

test("a cluster whose hosts are each worker's own looks its names up itself", () => {
  const relay = nameRelay();
  const own = plan({ hostsPerWorker: true });
  const [a, b] = [new FakeWorker(0, relay, own), new FakeWorker(1, relay, own)];
  assert.equal([a.asked, b.asked], [["one.example"], ["one.example"]]);
  b.env.dns.answer("10.0.0.1");
  assert.equal([a.hosts(), b.hosts()], [null, ["10.0.0.1:80"]]);
});

test.run();
