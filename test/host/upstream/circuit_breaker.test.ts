// test/host/upstream/circuit_breaker.test.ts: resources, their gauges, and counts that workers share.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StatsStore } from "../../../host/observe/stats.ts";
import { GaugeCount, LocalCount, Resource, type SharedCount } from "../../../host/upstream/circuit_breaker.ts";

function resource(store: StatsStore, max: number, count: SharedCount = new LocalCount()): Resource {
  return new Resource({ current: max }, { count, open: store.gauge("open"), remaining: store.gauge("remaining") });
}

test("open and remaining follow the count", () => {
  const store = StatsStore.create();
  const r = resource(store, 2);
  const shown = () => [r.count, r.canCreate(), store.valueOf("open"), store.valueOf("remaining")];
  assert.equal(shown(), [0, true, 0, 2]);
  r.inc();
  assert.equal(shown(), [1, true, 0, 1]);
  r.inc();
  assert.equal(shown(), [2, false, 1, 0]);
  r.inc();
  assert.equal(shown(), [3, false, 1, 0]);
  r.dec();
  r.dec();
  assert.equal(shown(), [1, true, 0, 1]);
});

test("a limit of 0 is open once it was asked for", () => {
  const r = resource(StatsStore.create(), 0);
  assert.not(r.canCreate());
});

test("more is never given back than was taken", () => {
  const r = resource(StatsStore.create(), 2);
  r.dec();
  assert.is(r.count, 0);
  r.inc();
  r.inc();
  r.release();
  r.release();
  assert.is(r.count, 0);
});

test("workers that share a count share the limit; what a dead one held is free again", () => {
  const main = StatsStore.create(3);
  const stores = [1, 2].map((column) => StatsStore.attach(main.handle(column)));
  const [one, two] = stores.map((store) => resource(store, 3, new GaugeCount(store.gauge("count"))));
  one!.inc();
  one!.inc();
  assert.ok(two!.canCreate());
  two!.inc();
  assert.not(one!.canCreate());
  assert.is(two!.count, 3);
  main.dropGauges(1);
  assert.is(two!.count, 1);
  assert.ok(two!.canCreate());
});

test.run();
