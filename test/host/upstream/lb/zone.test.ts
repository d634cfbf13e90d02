// test/host/upstream/lb/zone.test.ts: load that stays in the proxy's own zone.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Runtime } from "../../../../host/base/runtime.ts";
import { setRuntime } from "../../base/runtime_fixture.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import type { LocalityHosts } from "../../../../host/upstream/host_set.ts";
import { createBalancer } from "../../../../host/upstream/lb/create_balancer.ts";
import type { ClusterBalancer } from "../../../../host/upstream/lb/picker.ts";
import { LocalCluster } from "../../../../host/upstream/local_cluster.ts";
import {
  DEFAULT_ZONE_AWARE_PLAN,
  type LocalityBalancingPlan,
  type ZoneAwarePlan,
} from "../../../../host/upstream/lb/plan.ts";
import type { EndpointHealth, LocalityPlan } from "../../../../host/upstream/plan.ts";
import { PrioritySet } from "../../../../host/upstream/priority.ts";
import { environmentOf, newHost, type TestEnvironment } from "./setup.ts";

const zone = (name: string): LocalityPlan => ({ region: "r", zone: name, subZone: "" });

interface ZoneHosts {
  readonly count: number;
  readonly health?: EndpointHealth;
  readonly weight?: number;
}

/** Hosts of zones a, b, c and so on; a number is so many healthy ones. */
function localities(zones: readonly (number | ZoneHosts)[]): LocalityHosts[] {
  return zones.map((given, index) => {
    const { count, health = "HEALTHY", weight = 1 } = typeof given === "number" ? { count: given } : given;
    const locality = zone(String.fromCharCode(97 + index));
    const hosts = Array.from({ length: count }, () => newHost({ locality, health, weight }));
    return { locality, weight: 0, hosts };
  });
}

function fill(priorities: PrioritySet, zones: readonly (number | ZoneHosts)[], hasLocalLocality = true): void {
  const list = localities(zones).filter(({ hosts }) => hosts.length > 0);
  priorities.updateHosts(0, list.flatMap(({ hosts }) => hosts), list, { hasLocalLocality });
}

interface Setup {
  readonly environment: TestEnvironment;
  readonly proxies: PrioritySet;
  readonly lb: ClusterBalancer;
}

/** The proxy is in zone a. */
function setup(
  hosts: readonly (number | ZoneHosts)[],
  proxies: readonly (number | ZoneHosts)[],
  changes: Partial<ZoneAwarePlan> = {},
  plan: Partial<LocalityBalancingPlan> = {},
): Setup {
  const local = new LocalCluster("proxies");
  const siblings = new PrioritySet(140, { current: 50 });
  fill(siblings, proxies, proxies[0] !== 0);
  local.use(siblings);
  const environment = { ...environmentOf(), local, runtime: new Runtime() };
  const lb = createBalancer({
    policy: "ROUND_ROBIN",
    localityWeighted: false,
    failTrafficOnPanic: false,
    zoneAware: { ...DEFAULT_ZONE_AWARE_PLAN, ...changes },
    ...plan,
  }, environment);
  fill(environment.priorities, hosts, hosts[0] !== 0);
  return { environment, proxies: siblings, lb };
}

/** How many picks of 1,000 go to each zone, rounded to tens. */
function shares({ lb }: Setup): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1000; i++) {
    const name = lb.chooseHost(null)?.locality.zone ?? "none";
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const about = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? 0) - expected) < 50, `${actual} is not about ${expected}`);

const value = ({ environment }: Setup, name: string): number => environment.scope.counter(name).value;

test("as many hosts as proxies in the own zone: all load stays there", () => {
  const s = setup([3, 3, 3], [1, 1, 1]);
  assert.equal(shares(s), { a: 1000 });
  assert.is(value(s, "lb_zone_routing_all_directly"), 1000);
  assert.is(value(s, "lb_recalculate_zone_structures"), 1);
});

test("fewer: what is fair stays, the rest goes where capacity is left", () => {
  // Proxies: 40, 40, 20 percent; hosts: 25, 50, 25.
  const s = setup([5, 10, 5], [2, 2, 1]);
  const { a, b, c } = shares(s);
  about(a, 625);
  about(b, 250);
  about(c, 125);
  assert.is(value(s, "lb_zone_routing_sampled"), a);
  assert.is(value(s, "lb_zone_routing_cross_zone"), b! + c!);
});

test("no hosts in the own zone: all go where capacity is left", () => {
  const { b, c } = shares(setup([0, 4, 4], [1, 1, 0]));
  // Of the hosts b has half, of the proxies too: nothing is left there.
  assert.equal([b, c], [undefined, 1000]);
});

test("weights instead of numbers", () => {
  const zones = [{ count: 2, weight: 30 }, { count: 6, weight: 10 }];
  // By number the own zone has a quarter of the hosts, by weight the half.
  about(shares(setup(zones, [1, 1]))["a"], 500);
  assert.equal(shares(setup(zones, [1, 1], { localityBasis: "HEALTHY_HOSTS_WEIGHT" })), { a: 1000 });
});

test("too few hosts: zones do not count", () => {
  const s = setup([2, 3], [1, 1]);
  assert.is(shares(s)["a"], 400);
  assert.is(value(s, "lb_zone_cluster_too_small"), 1);
  assert.equal(shares(setup([3, 3], [1, 1], { minClusterSize: 5 })), { a: 1000 });
});

test("a proxy that its own cluster does not know: zones do not count", () => {
  const s = setup([3, 3], [0, 1, 1]);
  about(shares(s)["a"], 500);
  assert.is(value(s, "lb_local_cluster_not_ok"), 1);
});

test("all proxies in one zone: zones do not count, unless the own one is forced", () => {
  about(shares(setup([3, 3], [1]))["a"], 500);
  assert.equal(shares(setup([3, 9], [1], { forceLocalZoneMinSize: 3 })), { a: 1000 });
  about(shares(setup([3, 9], [1], { forceLocalZoneMinSize: 4 }))["a"], 250);
});

test("routing_enabled: zones count for a part of the requests", () => {
  about(shares(setup([3, 9], [1, 9], { routingEnabledPercent: 0 }))["a"], 250);
  // 40 percent stay, and a quarter of the others.
  about(shares(setup([3, 9], [1, 9], { routingEnabledPercent: 40 }))["a"], 400 + 150);
});

test("a local cluster in panic: zones do not count, or nobody is chosen", () => {
  const sick = { count: 3, health: "UNHEALTHY" } as const;
  const proxies = [1, sick];
  const s = setup([9, 3], proxies);
  about(shares(s)["a"], 750);
  assert.ok(value(s, "lb_local_cluster_not_ok") >= 1000);
  assert.equal(shares(setup([9, 3], proxies, {}, { failTrafficOnPanic: true })), { none: 1000 });
});

test("locality weights come first", () => {
  const s = setup([3, 3], [1, 1], {}, { localityWeighted: true });
  const list = localities([3, 3]).map((each, index) => ({ ...each, weight: 1 + index }));
  s.environment.priorities.updateHosts(0, list.flatMap(({ hosts }) => hosts), list, { hasLocalLocality: true });
  about(shares(s)["a"], 333);
});

test("what changes in the local cluster counts at once, until the balancer is closed", () => {
  const s = setup([3, 3], [1, 1]);
  assert.equal(shares(s), { a: 1000 });
  fill(s.proxies, [3, 1]);
  about(shares(s)["a"], 667);
  assert.is(value(s, "lb_recalculate_zone_structures"), 2);
  s.lb.close!();
  fill(s.proxies, [1, 1]);
  assert.is(value(s, "lb_recalculate_zone_structures"), 2);
});

test("a host of the own zone that becomes unhealthy", () => {
  const s = setup([3, 3, 3], [1, 1, 1]);
  const own: Host = s.environment.priorities.hostSets[0]!.localities[0]!.hosts[0]!;
  own.setConfiguredHealth("UNHEALTHY");
  s.environment.priorities.refreshHealth(new Set([0]));
  // 2 of 8 hosts, a third of the proxies.
  about(shares(s)["a"], 750);
});

test("runtime keys: how much zones count for at once, their sizes with the next change of hosts", () => {
  const s = setup([3, 3, 3], [1, 1, 1]);
  const { runtime } = s.environment;
  setRuntime(runtime!, { "upstream.zone_routing.enabled": 0 });
  about(shares(s)["a"], 333);
  setRuntime(runtime!, { "upstream.zone_routing.min_cluster_size": 10 });
  assert.equal(shares(s), { a: 1000 });
  fill(s.environment.priorities, [3, 3, 3], true);
  about(shares(s)["a"], 333);
  const forced = setup([2, 10, 10], [9, 1, 1]);
  setRuntime(forced.environment.runtime!, { "upstream.zone_routing.force_local_zone.min_size": 2 });
  fill(forced.environment.priorities, [2, 10, 10], true);
  assert.equal(shares(forced), { a: 1000 });
});

test.run();
