// test/host/upstream/priority.test.ts: how load spills over, by the numbers of Envoy's documentation.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ipAddress } from "../../../host/net/address.ts";
import { HealthFlag, Host } from "../../../host/upstream/host.ts";
import type { EndpointHealth } from "../../../host/upstream/plan.ts";
import { NO_LOCALITY } from "../../../host/upstream/plan.ts";
import { choosePriority, PrioritySet } from "../../../host/upstream/priority.ts";

function hosts(priority: number, healthy: number, degraded: number, unhealthy: number): Host[] {
  const all: EndpointHealth[] = [
    ...new Array(healthy).fill("HEALTHY"),
    ...new Array(degraded).fill("DEGRADED"),
    ...new Array(unhealthy).fill("UNHEALTHY"),
  ];
  return all.map((health, i) =>
    new Host({
      address: ipAddress("10.0.0.1", 1000 * priority + i + 1),
      hostname: "",
      locality: NO_LOCALITY,
      weight: 1,
      priority,
      health,
      metadata: {},
    })
  );
}

/** Priorities of ten hosts each: healthy and degraded ones of each. */
function load(panicThreshold: number, ...counts: (number | [number, number])[]): PrioritySet["load"] {
  const set = new PrioritySet(140, { current: panicThreshold });
  counts.forEach((count, priority) => {
    const [healthy, degraded] = typeof count === "number" ? [count, 0] : count;
    set.updateHosts(priority, hosts(priority, healthy, degraded, 10 - healthy - degraded), []);
  });
  return set.load;
}

test("two priorities: P0 takes what 1.4 times its healthy share allows", () => {
  const expected: [number, number[]][] = [
    [10, [100, 0]],
    [8, [100, 0]],
    [7, [98, 2]],
    [5, [70, 30]],
    [2, [28, 72]],
    [0, [0, 100]],
  ];
  for (const [healthy, shares] of expected) {
    const { healthy: loads, panic } = load(50, healthy, 10);
    assert.equal(loads, shares, `${healthy} of 10 healthy`);
    assert.equal(panic, [false, false]);
  }
});

test("three priorities that cannot take all together are scaled up", () => {
  // 28 + 28 + 14 = 70: 40, 40, 20.
  assert.equal(load(0, 2, 2, 1).healthy, [40, 40, 20]);
});

test("degraded hosts take only what healthy ones leave", () => {
  // 70 healthy, 28 degraded: available 98.
  const { healthy, degraded } = load(0, [5, 2]);
  assert.equal(healthy, [72]);
  assert.equal(degraded, [28]);
});

test("a priority with too few usable hosts is in panic, unless all together suffice", () => {
  assert.equal(load(50, 4, 2).panic, [true, true]);
  assert.equal(load(50, 6, 1).panic, [false, true]);
  assert.equal(load(50, 4, 10).panic, [false, false]);
});

test("total panic: load goes by number of hosts", () => {
  const set = new PrioritySet(140, { current: 50 });
  set.updateHosts(0, hosts(0, 0, 0, 3), []);
  set.updateHosts(1, hosts(1, 0, 0, 1), []);
  assert.equal(set.load.healthy, [75, 25]);
  assert.equal(set.load.panic, [true, true]);
});

test("no hosts at all: panic at P0, as Envoy counts it", () => {
  const { healthy, panic } = new PrioritySet(140, { current: 50 }).load;
  assert.equal(healthy, [100]);
  assert.equal(panic, [true]);
});

test("excluded hosts count for nothing", () => {
  const set = new PrioritySet(140, { current: 50 });
  const list = hosts(0, 4, 0, 6);
  for (const host of list.slice(4)) host.setHealthFlag(HealthFlag.PendingActiveHc, true);
  set.updateHosts(0, list, []);
  assert.equal(set.load.panic, [false]);
  assert.is(set.hostSets[0]!.healthyHosts.length, 4);
});

test("choosePriority: a number from 0 to 99 picks by cumulated load, degraded after healthy", () => {
  const shares = { healthy: [40, 20], degraded: [30, 10], panic: [false, false] };
  const at = (n: number) => Object.values(choosePriority(shares, n));
  assert.equal(at(0), [0, false]);
  assert.equal(at(39), [0, false]);
  assert.equal(at(40), [1, false]);
  assert.equal(at(59), [1, false]);
  assert.equal(at(60), [0, true]);
  assert.equal(at(89), [0, true]);
  assert.equal(at(90), [1, true]);
  assert.equal(at(99), [1, true]);
});

test("health flags as /clusters prints them", () => {
  const [host] = hosts(0, 1, 0, 0) as [Host];
  assert.is(host.healthFlagsText, "healthy");
  host.setHealthFlag(HealthFlag.FailedActiveHc, true);
  host.setHealthFlag(HealthFlag.FailedEdsHealth, true);
  assert.is(host.healthFlagsText, "/failed_active_hc/failed_eds_health");
  assert.is(host.coarseHealth, "unhealthy");
});

test("another panic threshold counts from the next change of hosts on", () => {
  const threshold = { current: 50 };
  const set = new PrioritySet(140, threshold);
  const all = hosts(0, 1, 0, 2);
  set.updateHosts(0, all, []);
  assert.equal(set.load.panic, [true]);
  threshold.current = 20;
  assert.equal([set.load.panic, set.panicThresholdPercent], [[true], 20]);
  set.updateHosts(0, all, []);
  assert.equal(set.load.panic, [false]);
});

test.run();
