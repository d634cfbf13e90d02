// bench/micro/stats.bench.ts: what counting costs.
import { bench, do_not_optimize, run, summary } from "mitata";
import { StatsStore } from "../../host/observe/stats.ts";

const store = StatsStore.create(3);
const counters = ["a", "b", "c", "d"].map((name) => store.counter(name));
const gauge = store.gauge("g");
const histogram = store.histogram("h");
let i = 0;

summary(() => {
  bench("counter.inc()", () => counters[i++ & 3]!.inc());
  bench("gauge.inc() and dec()", () => {
    gauge.inc();
    gauge.dec();
  });
  bench("histogram.record()", () => histogram.record(i++ & 4095));
  bench("gauge.set()", () => gauge.set(i++ & 3));
  bench("counter.value of three columns", () => do_not_optimize(counters[0]!.value));
});

await run();
