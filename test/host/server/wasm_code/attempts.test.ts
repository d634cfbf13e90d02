// test/host/server/wasm_code/attempts.test.ts: attempts, waits and their end.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import type { Random } from "../../../../host/base/random.ts";
import { type Attempt, attempt } from "../../../../host/server/wasm_code/attempts.ts";

const PLAN = { retries: 5, baseMs: 100, maxMs: 500 };

/** Runs attempts that answer in order; says how it ended, the waits, and how many attempts there were. */
async function run(
  answers: readonly Attempt<string>[],
  options: { plan?: typeof PLAN; onRetry?: (clock: ManualClock) => void; ending?: AbortController } = {},
) {
  const clock = new ManualClock();
  const waits: number[] = [];
  let count = 0;
  const result = await attempt(options.plan ?? PLAN, {
    clock,
    // The whole of it, nearly.
    random: { fraction: () => 0.999 } as Random,
    signal: (options.ending ?? new AbortController()).signal,
    onRetry: (_message, delayMs) => {
      waits.push(delayMs);
      queueMicrotask(() => {
        clock.advance(delayMs - 1);
        assert.is(count, waits.length);
        if (options.onRetry === undefined) clock.advance(1);
        else options.onRetry(clock);
      });
    },
  }, (index) => {
    assert.is(index, count++);
    return Promise.resolve(answers[Math.min(index, answers.length - 1)]!);
  });
  return { result, waits, count, armed: clock.armedTimers };
}

const DOWN: Attempt<string> = { ok: false, message: "down", final: false };

test("waits double up to the most, and a success ends them", async () => {
  const { result, waits, count, armed } = await run([DOWN, DOWN, DOWN, DOWN, { ok: true, value: "here" }]);
  assert.equal(result, { ok: true, value: "here" });
  assert.equal(waits, [99, 199, 399, 499]);
  assert.is(count, 5);
  assert.is(armed, 0);
});

test("the last failure is the answer once there are no retries left", async () => {
  const { result, count } = await run([DOWN, { ok: false, message: "still down", final: false }], {
    plan: { ...PLAN, retries: 1 },
  });
  assert.equal(result, { ok: false, message: "still down", final: false });
  assert.is(count, 2);
  assert.is((await run([DOWN], { plan: { ...PLAN, retries: 0 } })).count, 1);
});

test("what is final is not tried again", async () => {
  const { waits, count } = await run([DOWN, { ok: false, message: "wrong", final: true }]);
  assert.equal([waits.length, count], [1, 2]);
});

test("waiting ends with the process", async () => {
  const ending = new AbortController();
  const { result, count, armed } = await run([DOWN], { ending, onRetry: () => ending.abort() });
  assert.equal(result, DOWN);
  assert.equal([count, armed], [1, 0]);
});

test.run();
