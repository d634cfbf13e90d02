// test/host/upstream/retry_budget.test.ts: budgets by requests that are under way, and by those of late.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { LocalCount } from "../../../host/upstream/circuit_breaker.ts";
import { DEFAULT_THRESHOLDS, type RetryBudgetPlan } from "../../../host/upstream/plan.ts";
import { createResourceManagers } from "../../../host/upstream/resource_manager.ts";

function budgeted(retryBudget: RetryBudgetPlan) {
  const clock = new ManualClock();
  const store = StatsStore.create();
  const thresholds = { ...DEFAULT_THRESHOLDS, trackRemaining: true, retryBudget };
  const plan = { default: thresholds, high: DEFAULT_THRESHOLDS, maxConnectionsPerHost: Infinity };
  const [resources] = createResourceManagers(plan, store, clock, () => new LocalCount());
  return { clock, store, ...resources };
}

test("a share of the requests that are under way or wait, and never less than the least", () => {
  const { requests, pendingRequests, retries, store } = budgeted({
    budgetPercent: 40,
    minRetryConcurrency: 1,
    intervalMs: 0,
  });
  assert.equal([retries.limit, retries.canCreate()], [1, true]);
  for (let i = 0; i < 4; i++) requests.inc();
  assert.is(retries.limit, 1);
  pendingRequests.inc();
  assert.is(retries.limit, 2);
  retries.inc();
  assert.ok(retries.canCreate());
  retries.inc();
  assert.not(retries.canCreate());
  // The gauges are those of max_retries, and there is none for what remains.
  assert.equal(
    ["rq_retry_open", "remaining_retries"].map((name) => store.valueOf(`circuit_breakers.default.${name}`)),
    [
      0,
      0,
    ],
  );
  retries.inc();
  assert.is(store.valueOf("circuit_breakers.default.rq_retry_open"), 1);
  for (let i = 0; i < 3; i++) retries.dec();
  assert.is(store.valueOf("circuit_breakers.default.remaining_retries"), 0);
});

test("a share of the requests of late, whether they are over or not", () => {
  const { clock, requests, retries } = budgeted({ budgetPercent: 50, minRetryConcurrency: 0, intervalMs: 1000 });
  assert.not(retries.canCreate());
  for (let i = 0; i < 4; i++) {
    requests.inc();
    requests.dec();
    clock.advance(100);
  }
  assert.is(retries.limit, 2);
  retries.inc();
  retries.inc();
  assert.not(retries.canCreate());
  retries.dec();
  assert.ok(retries.canCreate());
  clock.advance(500);
  assert.is(retries.limit, 2);
  // In steps of a tenth.
  clock.advance(200);
  assert.is(retries.limit, 1);
  requests.inc();
  clock.advance(60_000);
  assert.is(retries.limit, 0);
  requests.inc();
  requests.inc();
  assert.is(retries.limit, 1);
});

test.run();
