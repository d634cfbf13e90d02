// test/host/upstream/lb/slow_start.test.ts: hosts that are new get less at first.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NO_RUNTIME, Runtime } from "../../../../host/base/runtime.ts";
import { setRuntime } from "../../base/runtime_fixture.ts";
import { HealthFlag, type Host } from "../../../../host/upstream/host.ts";
import { createBalancer } from "../../../../host/upstream/lb/create_balancer.ts";
import type { ClusterBalancer } from "../../../../host/upstream/lb/picker.ts";
import type { BalancerPlan, SlowStartPlan } from "../../../../host/upstream/lb/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { environmentOf, newHost } from "./setup.ts";

const WINDOW: SlowStartPlan = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 };

function planOf(slowStart: SlowStartPlan, policy: "ROUND_ROBIN" | "LEAST_REQUEST" = "ROUND_ROBIN"): BalancerPlan {
  const common = { failTrafficOnPanic: false, localityWeighted: false, slowStart };
  return policy === "ROUND_ROBIN"
    ? { ...common, policy }
    : { ...common, policy, choiceCount: 2, selectionMethod: "N_CHOICES", activeRequestBias: 1 };
}

/** The share of the picks that a host gets, in percent. */
function share(lb: ClusterBalancer, host: Host, picks = 2000): number {
  let count = 0;
  for (let i = 0; i < picks; i++) if (lb.chooseHost(null) === host) count++;
  return Math.round(100 * count / picks);
}

/** Two hosts, of which the second comes when the first one's window is over. */
function setup(plan: BalancerPlan, runtime = NO_RUNTIME) {
  const environment = { ...environmentOf(), runtime };
  const { priorities, clock } = environment;
  const old = newHost(), fresh = newHost();
  priorities.updateHosts(0, [old], []);
  const lb = createBalancer(plan, environment);
  clock.advance(20_000);
  priorities.updateHosts(0, [old, fresh], []);
  return { ...environment, lb, old, fresh };
}

/** Its share against another host that has its whole weight. */
const against = (part: number): number => Math.round(100 * part / (1 + part));

for (const policy of ["ROUND_ROBIN", "LEAST_REQUEST"] as const) {
  test(`${policy}: the share of a new host grows until the window is over`, () => {
    const { lb, clock, fresh } = setup(planOf(WINDOW, policy));
    assert.is(share(lb, fresh), against(0.1));
    clock.advance(2000);
    assert.is(share(lb, fresh), against(0.2));
    clock.advance(3000);
    assert.is(share(lb, fresh), against(0.5));
    clock.advance(5000);
    assert.is(share(lb, fresh), 50);
  });
}

test("a host that comes when every window is over begins with little, too", () => {
  const { lb, priorities, clock, old, fresh } = setup(planOf(WINDOW));
  clock.advance(20_000);
  assert.is(share(lb, fresh), 50);
  const third = newHost();
  priorities.updateHosts(0, [old, fresh, third], []);
  assert.is(share(lb, third), Math.round(100 * 0.1 / 2.1));
});

test("with more aggression it grows fast at first", () => {
  const { lb, clock, fresh } = setup(planOf({ ...WINDOW, aggression: 2 }));
  clock.advance(2500);
  assert.is(share(lb, fresh), against(0.5));
});

test("it never gets less than the least", () => {
  const { lb, fresh } = setup(planOf({ ...WINDOW, minWeightPercent: 40 }));
  assert.is(share(lb, fresh), against(0.4));
});

test("hosts that are there from the beginning begin together", () => {
  const environment = environmentOf();
  const list = [newHost(), newHost()];
  environment.priorities.updateHosts(0, list, []);
  assert.is(share(createBalancer(planOf(WINDOW), environment), list[0]!), 50);
});

test("a host begins when its health check passes, not when it comes", () => {
  const environment = environmentOf(new PrioritySet(140, { current: 0 }));
  const { priorities, clock } = environment;
  const old = newHost(), fresh = newHost();
  fresh.setHealthFlag(HealthFlag.FailedActiveHc, true);
  priorities.updateHosts(0, [old, fresh], []);
  const lb = createBalancer(planOf(WINDOW), environment);
  clock.advance(50_000);
  assert.is(share(lb, fresh), 0);
  fresh.setHealthFlag(HealthFlag.FailedActiveHc, false);
  fresh.healthySinceMs = clock.nowMs();
  priorities.refreshHealth(new Set([0]));
  clock.advance(3000);
  assert.is(share(lb, fresh), against(0.3));
});

test("a runtime key changes how fast a share grows", () => {
  const runtime = new Runtime();
  const aggressive = setup(planOf({ ...WINDOW, aggressionKey: "k" }), runtime);
  aggressive.clock.advance(2500);
  assert.is(share(aggressive.lb, aggressive.fresh), against(0.25));
  setRuntime(runtime, { k: 2 });
  aggressive.priorities.updateHosts(0, [aggressive.old, aggressive.fresh], []);
  assert.is(share(aggressive.lb, aggressive.fresh), against(0.5));
  setRuntime(runtime, { k: -1 });
  aggressive.priorities.updateHosts(0, [aggressive.old, aggressive.fresh], []);
  assert.is(share(aggressive.lb, aggressive.fresh), against(0.25));
});

test.run();
