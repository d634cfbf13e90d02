// test/host/upstream/lb/client_side_weighted.test.ts: hosts get as much as their reports say, in time.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { createBalancer } from "../../../../host/upstream/lb/create_balancer.ts";
import type { ClusterBalancer } from "../../../../host/upstream/lb/picker.ts";
import type { BalancerPlan, ClientSideWeightedPlan } from "../../../../host/upstream/lb/plan.ts";
import { NO_LOCALITY } from "../../../../host/upstream/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { contextOf, environmentOf, newHost, type TestEnvironment } from "./setup.ts";

const PLAN: ClientSideWeightedPlan = {
  policy: "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN",
  metricNames: [],
  errorPenalty: 0,
  blackoutMs: 10_000,
  expirationMs: 180_000,
  updatePeriodMs: 1000,
  reportStream: null,
};

interface Setup {
  readonly env: TestEnvironment;
  readonly hosts: readonly Host[];
  readonly balancer: ClusterBalancer;
  readonly weights: () => number[];
  set(hosts: readonly Host[]): void;
}

function setup(count: number, changes: Partial<ClientSideWeightedPlan> = {}): Setup {
  const priorities = new PrioritySet(140, { current: 50 });
  const env = environmentOf(priorities);
  const plan = { ...PLAN, ...changes, localityWeighted: false, failTrafficOnPanic: false } as BalancerPlan;
  const hosts = Array.from({ length: count }, () => newHost());
  const set = (list: readonly Host[]) =>
    priorities.updateHosts(0, list, [{ locality: NO_LOCALITY, weight: 1, hosts: list }]);
  set(hosts);
  return { env, hosts, set, balancer: createBalancer(plan, env), weights: () => hosts.map((host) => host.weight) };
}

/** Responses of each host that tell this weight; null says nothing. */
function report(hosts: readonly Host[], weights: readonly (number | null)[]): void {
  weights.forEach((weight, index) => {
    if (weight === null) return;
    const value = `TEXT rps_fractional:${weight},cpu_utilization:1`;
    assert.ok(hosts[index]!.policyData!.onResponseHeaders(HeaderMap.of({ "endpoint-load-metrics": value }), 1));
  });
}

function picks({ balancer, hosts }: Setup, times: number): number[] {
  const counts = new Map(hosts.map((host) => [host, 0]));
  for (let i = 0; i < times; i++) {
    const host = balancer.chooseHost(contextOf({}))!;
    counts.set(host, counts.get(host)! + 1);
  }
  return [...counts.values()];
}

test("weights count after the blackout period, at the next update", () => {
  const s = setup(3);
  assert.equal(picks(s, 300), [100, 100, 100]);
  for (let second = 0; second < 9; second++) {
    report(s.hosts, [10, 20, 30]);
    s.env.clock.advance(1000);
    assert.equal(s.weights(), [1, 1, 1]);
  }
  s.env.clock.advance(1000);
  assert.equal(s.weights(), [10, 20, 30]);
  assert.equal(picks(s, 600), [100, 200, 300]);
});

test("hosts without a weight get the median of the others", () => {
  const s = setup(5, { blackoutMs: 0 });
  report(s.hosts, [10, 20, 60, null, null]);
  s.env.clock.advance(1000);
  assert.equal(s.weights(), [10, 20, 60, 20, 20]);
  report(s.hosts, [10, 20, 60, 31, null]);
  s.env.clock.advance(1000);
  assert.equal(s.weights(), [10, 20, 60, 31, 25], "of an even number: between the two in the middle");
});

test("a weight that is too old does not count, and has to last again before it does", () => {
  const s = setup(2, { blackoutMs: 5000, expirationMs: 20_000 });
  report(s.hosts, [10, 40]);
  s.env.clock.advance(5000);
  assert.equal(s.weights(), [10, 40]);
  for (let second = 0; second < 16; second++) {
    report(s.hosts, [10, null]);
    s.env.clock.advance(1000);
  }
  assert.equal(s.weights(), [10, 10]);
  report(s.hosts, [10, 40]);
  s.env.clock.advance(4000);
  assert.equal(s.weights(), [10, 10]);
  s.env.clock.advance(1000);
  assert.equal(s.weights(), [10, 40]);
});

test("a host weighs 1 at least; reports without requests say nothing", () => {
  const s = setup(2, { blackoutMs: 0 });
  const says = (value: string) => HeaderMap.of({ "endpoint-load-metrics": value });
  const [first, second] = s.hosts as [Host, Host];
  first.policyData!.onResponseTrailers(says("TEXT rps_fractional:1,cpu_utilization:5"));
  assert.ok(second.policyData!.onResponseHeaders(says("TEXT cpu_utilization:5"), 1), "trailers are not looked at");
  assert.not.ok(second.policyData!.onResponseHeaders(says("TEXT nonsense"), 1));
  s.env.clock.advance(1000);
  assert.equal(s.weights(), [1, 1]);
});

test("hosts that come are weighed at once", () => {
  const s = setup(2, { blackoutMs: 0 });
  report(s.hosts, [10, 20]);
  s.env.clock.advance(1000);
  const third = newHost();
  s.set([...s.hosts, third]);
  assert.is(third.weight, 15);
  assert.equal(s.weights(), [10, 20]);
});

test("nothing goes on after the cluster is gone", () => {
  const s = setup(1, { blackoutMs: 0 });
  s.balancer.close!();
  report(s.hosts, [10]);
  s.env.clock.advance(5000);
  assert.equal(s.weights(), [1]);
});

test.run();
