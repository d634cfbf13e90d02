// test/host/upstream/retry_budget.test.ts: budgets by requests that are under way, and by those of late.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { NO_RUNTIME, Runtime } from "../../../host/base/runtime.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { LocalCount } from "../../../host/upstream/circuit_breaker.ts";
import { DEFAULT_THRESHOLDS, type RetryBudgetPlan } from "../../../host/upstream/plan.ts";
import { createResourceManagers } from "../../../host/upstream/resource_manager.ts";
import { setRuntime } from "../base/runtime_fixture.ts";

function budgeted(retryBudget: RetryBudgetPlan | null, runtime = NO_RUNTIME) {
  const clock = new ManualClock();
  const store = StatsStore.create();
  const thresholds = { ...DEFAULT_THRESHOLDS, trackRemaining: true, retryBudget };
  const plan = { default: thresholds, high: DEFAULT_THRESHOLDS, maxConnectionsPerHost: Infinity };
  const [resources] = createResourceManagers(plan, "web", store, {
    clock,
    runtime,
    createCount: () => new LocalCount(),
  });
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

test("keys of the runtime make a budget, and take the place of what it says", () => {
  const runtime = new Runtime();
  const { requests, retries } = budgeted(null, runtime);
  assert.is(retries.limit, 3);
  setRuntime(runtime, { "circuit_breakers.web.default.max_retries": 5 });
  assert.is(retries.limit, 5);
  for (let i = 0; i < 10; i++) requests.inc();
  setRuntime(runtime, { "circuit_breakers.web.default.retry_budget.budget_percent": 50 });
  assert.is(retries.limit, 5);
  setRuntime(runtime, { "circuit_breakers.web.default.retry_budget.min_retry_concurrency": 4 });
  assert.is(retries.limit, 4, "20 percent of 10 are fewer");
  for (let i = 0; i < 4; i++) retries.inc();
  assert.not(retries.canCreate());
  setRuntime(runtime, {});
  assert.is(retries.limit, 3);
  assert.not(retries.canCreate());
});

test("keys of the runtime take the place of limits, also while requests are under way", () => {
  const runtime = new Runtime();
  const { connections, pendingRequests, requests, connectionPools } = budgeted(null, runtime);
  const maxima = () => [connections, pendingRequests, requests, connectionPools].map(({ max }) => max);
  assert.equal(maxima(), [1024, 1024, 1024, Infinity]);
  for (let i = 0; i < 3; i++) requests.inc();
  const key = "circuit_breakers.web.default";
  setRuntime(runtime, {
    [`${key}.max_connections`]: 1,
    [`${key}.max_pending_requests`]: 2,
    [`${key}.max_requests`]: 3,
    [`${key}.max_connection_pools`]: 4,
    "circuit_breakers.web.high.max_requests": 5,
    "circuit_breakers.other.default.max_requests": 6,
  });
  assert.equal(maxima(), [1, 2, 3, 4]);
  assert.not(requests.canCreate());
  requests.dec();
  assert.ok(requests.canCreate());
  setRuntime(runtime, { [`${key}.max_requests`]: -1, [`${key}.max_connections`]: "many" });
  assert.equal(maxima(), [1024, 1024, 1024, Infinity]);
});

test.run();
