// test/host/observe/stats.test.ts: stats in one thread and in several.
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HistogramUnit, StatsStore } from "../../../host/observe/stats.ts";

test("a counter counts, and one name is one counter", () => {
  const store = StatsStore.create();
  const scope = store.scope("cluster.a");
  scope.counter("upstream_rq_total").inc();
  store.counter("cluster.a.upstream_rq_total").add(4);
  assert.is(scope.counter("upstream_rq_total").value, 5);
  assert.is(scope.counter("upstream_rq_total"), store.counter("cluster.a.upstream_rq_total"));
});

test("a counter and a gauge of one name are two stats", () => {
  const store = StatsStore.create();
  store.counter("a").add(3);
  store.gauge("a").set(7);
  assert.is(store.counter("a").value, 3);
  assert.is(store.gauge("a").value, 7);
});

test("scopes nest, and clean their names as Envoy does", () => {
  const store = StatsStore.create();
  assert.is(store.scope("listener.127.0.0.1:80").prefix, "listener.127.0.0.1_80.");
  assert.is(store.scope("listener.[::1]:80.").scope(".http").prefix, "listener.[__1]_80.http.");
  assert.is(store.scope("").prefix, "");
  assert.is(store.scope("http://a:/b").prefix, "http_a_b.");
});

test("values are the sum over all threads' columns", () => {
  const main = StatsStore.create(3);
  const one = StatsStore.attach(main.handle(1));
  const two = StatsStore.attach(main.handle(2));
  one.counter("a").add(2);
  two.counter("a").add(3);
  main.counter("a").inc();
  for (const store of [main, one, two]) assert.is(store.counter("a").value, 6);
  one.gauge("g").add(5);
  two.gauge("g").dec();
  assert.is(main.gauge("g").value, 4);
  assert.is(main.valueOf("g"), 4);
  assert.is(main.valueOf("nope"), null);
});

test("gauge.set() makes the total, whoever counted before", () => {
  const main = StatsStore.create(2);
  const worker = StatsStore.attach(main.handle(1));
  worker.gauge("g").add(5);
  main.gauge("g").set(3);
  assert.is(worker.gauge("g").value, 3);
  worker.gauge("g").set(3);
  worker.gauge("g").inc();
  assert.is(main.gauge("g").value, 4);
});

test("a handed-on column keeps counters and drops gauges", () => {
  const main = StatsStore.create(2);
  const first = StatsStore.attach(main.handle(1));
  first.counter("c").add(10);
  first.gauge("g").add(2);
  first.histogram("h").record(5);
  main.gauge("g").inc();
  main.dropGauges(1);
  const second = StatsStore.attach(main.handle(1));
  second.counter("c").inc();
  second.histogram("h").record(5);
  main.flush();
  assert.is(main.counter("c").value, 11);
  assert.is(main.gauge("g").value, 1);
  assert.is(main.histograms()[0]!.cumulative.count, 2);
});

test("usedness: a gauge back at 0 and a reset counter were used, an untouched stat was not", () => {
  const main = StatsStore.create(2);
  const worker = StatsStore.attach(main.handle(1));
  worker.gauge("g.used").inc();
  worker.gauge("g.used").dec();
  main.gauge("g.idle");
  worker.counter("c.used").inc();
  main.counter("c.idle");
  main.resetCounters();
  assert.equal(main.values(), [
    { name: "c.idle", kind: "counter", value: 0, used: false },
    { name: "c.used", kind: "counter", value: 0, used: true },
    { name: "g.idle", kind: "gauge", value: 0, used: false },
    { name: "g.used", kind: "gauge", value: 0, used: true },
  ]);
  worker.counter("c.used").inc();
  assert.is(main.counter("c.used").value, 1);
});

test("hidden stats leave the listings until someone defines them again, on any thread", () => {
  const main = StatsStore.create(2);
  const worker = StatsStore.attach(main.handle(1));
  worker.counter("cluster.a.x").inc();
  worker.counter("cluster.ab.x").inc();
  main.text("cluster.a.version").value = "1";
  main.hide("cluster.a.");
  assert.equal(main.values().map((stat) => stat.name), ["cluster.ab.x"]);
  assert.equal(main.texts(), []);
  assert.is(main.valueOf("cluster.a.x"), null);
  worker.counter("cluster.a.x");
  assert.equal(main.values().map((stat) => stat.name), ["cluster.a.x", "cluster.ab.x"]);
});

test("thousands of names with long and non-ASCII texts go through the directory", () => {
  const main = StatsStore.create(2);
  const worker = StatsStore.attach(main.handle(1));
  for (let i = 0; i < 5000; i++) main.counter(`cluster.größe_${"x".repeat(i % 90)}.${i}`).add(i);
  for (let i = 4999; i >= 0; i -= 7) worker.counter(`cluster.größe_${"x".repeat(i % 90)}.${i}`).inc();
  assert.is(worker.valueOf(`cluster.größe_${"x".repeat(4999 % 90)}.4999`), 5000);
  assert.is(main.values().length, 5000);
});

test("histograms: an interval is what came between two flushes", () => {
  const main = StatsStore.create(2);
  const worker = StatsStore.attach(main.handle(1));
  const time = worker.histogram("time", HistogramUnit.Milliseconds);
  assert.is(main.histograms()[0]!.used, false);
  for (const ms of [0, 0, 0, 0, 1, 1, 1, 1, 1, 28]) time.record(ms);
  assert.is(main.histograms()[0]!.cumulative.count, 0, "nothing before the flush");
  main.flush();
  main.flush();
  const [value] = main.histograms();
  assert.is(value!.unit, HistogramUnit.Milliseconds);
  assert.is(value!.interval.count, 0);
  assert.is(value!.cumulative.count, 10);
});

test("record() puts a value into the bin of its first two digits", () => {
  const store = StatsStore.create();
  const histogram = store.histogram("h");
  for (const value of [-3, 0.9, 9.99, 10, 99, 100, 109, 110, 4_294_967_296, 2 ** 53, 1e300, NaN]) {
    histogram.record(value);
  }
  store.flush();
  const { bins, counts } = store.histograms()[0]!.cumulative;
  const first = (decade: number): number => 10 + (decade - 1) * 90;
  assert.equal([...bins], [0, 9, 10, 99, 100, 101, first(9) + 32, first(15) + 80, first(15) + 89]);
  assert.equal([...counts], [3, 1, 1, 1, 2, 1, 1, 1, 1]);
});

const WORKER = `
import { workerData, parentPort } from "node:worker_threads";
const { StatsStore } = await import(workerData.module);
const store = StatsStore.attach(workerData.handle);
for (let i = 0; i < 300; i++) store.counter("c" + (i * workerData.step) % 300).inc();
const shared = store.counter("shared");
const gauge = store.gauge("active");
for (let i = 0; i < 100000; i++) shared.inc();
for (let i = 0; i < 200; i++) gauge.set(i);
gauge.inc();
store.histogram("h").record(workerData.step);
parentPort.postMessage(store.counter("shared").value >= 100000);
`;

test("real threads define the same names at once and lose no count", async () => {
  const main = StatsStore.create(4);
  const module = new URL("../../../host/observe/stats.ts", import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
  const answers = await Promise.all([1, 2, 3].map((column) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(url, {
        workerData: { module, handle: main.handle(column), step: [1, 7, 11][column - 1] },
      });
      worker.on("error", reject);
      worker.on("message", (answer) => worker.terminate().then(() => resolve(answer)));
    })
  ));
  assert.equal(answers, [true, true, true]);
  assert.is(main.counter("shared").value, 300_000);
  for (let i = 0; i < 300; i++) assert.is(main.counter(`c${i}`).value, 3, `c${i}`);
  assert.is(main.values().length, 302);
  main.gauge("active").set(9);
  assert.is(main.gauge("active").value, 9);
  main.flush();
  assert.is(main.histograms()[0]!.cumulative.count, 3);
});

test("a lock whose holder was terminated is taken over", () => {
  const main = StatsStore.create(2);
  const handle = main.handle(1);
  // Word 0 of the numbers is the lock: a thread in column 1 took it and is gone.
  new Int32Array(handle.numbers)[0] = 2;
  main.counter("after").inc();
  assert.is(main.counter("after").value, 1);
});

test.run();
