// test/host/upstream/lb/peak_ewma.test.ts: the average of response times, and what it makes of choices.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { SeededRandom } from "../../../../host/base/random.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import type { Host } from "../../../../host/upstream/host.ts";
import { createPickerFactory } from "../../../../host/upstream/lb/create_balancer.ts";
import { ResponseTime } from "../../../../host/upstream/lb/peak_ewma.ts";
import type { PeakEwmaPlan } from "../../../../host/upstream/lb/plan.ts";
import { environmentOf, newHost } from "./setup.ts";

const PLAN: PeakEwmaPlan = { policy: "PEAK_EWMA", decayMs: 10_000, defaultRttMs: 10, penalty: 1e6 };
const NO_HEADERS = HeaderMap.of({});

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6 * Math.max(1, expected), `${actual}, not ${expected}`);
}

test("a host that was never measured", () => {
  const clock = new ManualClock();
  const time = new ResponseTime(PLAN, clock);
  assert.is(time.cost(0), 10);
  assert.is(time.cost(3), 1e6 + 3);
});

test("slower is believed at once, faster by and by", () => {
  const clock = new ManualClock();
  const time = new ResponseTime(PLAN, clock);
  const cost = (active = 0) => time.cost(active);
  assert.is(time.onResponseHeaders(NO_HEADERS, 20), false);
  near(cost(), 20);
  near(cost(4), 100);
  clock.advance(1000);
  time.onResponseHeaders(NO_HEADERS, 200);
  near(cost(), 200);
  time.onResponseHeaders(NO_HEADERS, 20);
  near(cost(), 200);
  clock.advance(10_000);
  time.onResponseHeaders(NO_HEADERS, 20);
  near(cost(), 200 / Math.E + 20 * (1 - 1 / Math.E));
});

test("what nothing is heard of becomes cheap", () => {
  const clock = new ManualClock();
  const time = new ResponseTime(PLAN, clock);
  time.onResponseHeaders(NO_HEADERS, 1000);
  clock.advance(20_000);
  near(time.cost(0), 1000 / Math.E ** 2);
  // It counts as what it has become: this one is slower.
  time.onResponseHeaders(NO_HEADERS, 140);
  near(time.cost(0), 140);
});

test("a failed attempt takes a hundred times the default", () => {
  const clock = new ManualClock();
  const time = new ResponseTime(PLAN, clock);
  time.onFailure();
  near(time.cost(0), 1000);
});

function setup(count: number): { hosts: Host[]; env: ReturnType<typeof environmentOf>; pick(): Host } {
  const env = environmentOf();
  const hosts = Array.from({ length: count }, () => newHost());
  const picker = createPickerFactory(PLAN, env)(hosts, null);
  return { hosts, env, pick: () => picker.pick(null)! };
}

test("hosts that are alike get the same", () => {
  const { hosts, pick } = setup(4);
  const counts = new Map(hosts.map((host) => [host, 0]));
  for (let i = 0; i < 4000; i++) {
    const host = pick();
    counts.set(host, counts.get(host)! + 1);
  }
  for (const count of counts.values()) assert.ok(count > 850 && count < 1150, String(count));
});

test("of two hosts the cheaper one is picked, and the load counts", () => {
  const { hosts: [fast, slow], env, pick } = setup(2);
  fast!.policyData!.onResponseHeaders(NO_HEADERS, 10);
  slow!.policyData!.onResponseHeaders(NO_HEADERS, 35);
  for (let i = 0; i < 50; i++) assert.is(pick(), fast);
  fast!.rqActive = 3;
  for (let i = 0; i < 50; i++) assert.is(pick(), slow);
  fast!.rqActive = 0;
  slow!.policyData!.onFailure();
  env.clock.advance(1000);
  assert.is(pick(), fast);
});

test("the slowest of many gets nothing, the others share", () => {
  const { hosts, pick } = setup(10);
  hosts.forEach((host, index) => host.policyData!.onResponseHeaders(NO_HEADERS, index === 0 ? 500 : 10));
  const seen = new Set(Array.from({ length: 2000 }, pick));
  assert.is(seen.size, 9);
  assert.ok(!seen.has(hosts[0]!));
});

test("what is known of hosts outlives a change of the list", () => {
  const { hosts, env, pick } = setup(2);
  hosts[0]!.policyData!.onResponseHeaders(NO_HEADERS, 500);
  hosts[1]!.policyData!.onResponseHeaders(NO_HEADERS, 10);
  assert.is(pick(), hosts[1]);
  const more = [...hosts, newHost()];
  const picker = createPickerFactory(PLAN, env)(more, null);
  for (let i = 0; i < 100; i++) assert.is.not(picker.pick(null), hosts[0]);
});

test("the comparison is that of the costs, whenever they were measured", () => {
  const clock = new ManualClock();
  const random = new SeededRandom(3);
  const times = Array.from({ length: 20 }, () => new ResponseTime(PLAN, clock));
  for (let i = 0; i < 500; i++) {
    const a = random.uint32() % times.length, b = random.uint32() % times.length;
    const [first, second] = [random.uint32() % 5, random.uint32() % 5];
    const difference = times[a]!.cost(first) - times[b]!.cost(second);
    if (Math.abs(difference) > 1e-6) assert.is(times[a]!.isCheaper(first, times[b]!, second), difference < 0);
    clock.advance(random.uint32() % 3000);
    if (i % 3 === 0) times[a]!.onResponseHeaders(NO_HEADERS, random.uint32() % 1000);
  }
});

test("one host is all there is", () => {
  const { hosts, pick } = setup(1);
  assert.is(pick(), hosts[0]);
});

test.run();
