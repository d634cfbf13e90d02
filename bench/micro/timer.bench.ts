// bench/micro/timer.bench.ts: what asking for the time and arming a timeout cost.
/** `node bench/micro/timer.bench.ts` · `deno run -A bench/micro/timer.bench.ts` */
import { bench, do_not_optimize, run, summary } from "mitata";
import { beginTurn, endTurn } from "../../host/base/turn.ts";
import { systemClock } from "../../host/platform/system_clock.ts";

const armed = Array.from({ length: 1000 }, () => systemClock.createTimer(() => {}));
for (const timer of armed) timer.enable(300_000);
const timer = systemClock.createTimer(() => {});
const stepped = systemClock.createTickTimer(() => {});

summary(() => {
  bench("nowMs, outside an event", () => do_not_optimize(systemClock.nowMs()));
  bench("nowMs, ten times in an event", () => {
    beginTurn();
    for (let i = 0; i < 10; i++) do_not_optimize(systemClock.nowMs());
    endTurn();
  });
  bench("wallMs, ten times in an event", () => {
    beginTurn();
    for (let i = 0; i < 10; i++) do_not_optimize(systemClock.wallMs());
    endTurn();
  });
});

summary(() => {
  bench("arm and disarm beside 1000 others", () => {
    timer.enable(300_000);
    timer.disable();
  });
  bench("arm again what is armed", () => timer.enable(300_000));
  bench("arm and disarm with a tick of others", () => {
    stepped.enable(300_000);
    stepped.disable();
  });
  bench("setTimeout and clearTimeout", () => clearTimeout(setTimeout(() => {}, 300_000)));
});

await run();
for (const each of [...armed, timer]) each.disable();
