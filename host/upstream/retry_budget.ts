// host/upstream/retry_budget.ts: how many retries a cluster may have at once, by how many requests it has.
// pure: no I/O, no clock, no runtime globals
/**
 * The gauges are those of `max_retries`, as in Envoy: the budget moves with every request, and shows nowhere.
 *
 * @see Envoy: source/common/upstream/resource_manager_impl.h RetryBudgetImpl
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Gauge } from "../observe/stats.ts";
import { Resource, type SharedCount } from "./circuit_breaker.ts";
import type { RetryBudgetPlan } from "./plan.ts";

/** What counts as a request for a budget. */
export interface BudgetBase {
  /** Requests that are under way, on all workers; or of the latest time, on this one. */
  readonly count: number;
  /** The latter. */
  readonly isOwn: boolean;
}

/** Requests that are under way or wait for a connection. */
export class ActiveRequests implements BudgetBase {
  readonly #requests: Resource;
  readonly #pending: Resource;
  readonly isOwn = false;

  constructor(requests: Resource, pending: Resource) {
    this.#requests = requests;
    this.#pending = pending;
  }

  get count(): number {
    return this.#requests.count + this.#pending.count;
  }
}

const BUCKETS = 10;

/** Counts the requests of the latest time, in steps of a tenth of it. */
export class RecentRequests implements BudgetBase {
  readonly #clock: Clock;
  readonly #bucketMs: number;
  readonly #buckets: number[] = new Array(BUCKETS).fill(0);
  /** Which step the latest request was in. */
  #step = 0;
  #count = 0;
  readonly isOwn = true;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#bucketMs = intervalMs / BUCKETS;
  }

  add(): void {
    this.#advance();
    this.#buckets[this.#step % BUCKETS]!++;
    this.#count++;
  }

  get count(): number {
    this.#advance();
    return this.#count;
  }

  #advance(): void {
    const step = Math.floor(this.#clock.nowMs() / this.#bucketMs);
    for (let passed = Math.min(step - this.#step, BUCKETS); passed > 0; passed--) {
      const index = (step - passed + 1) % BUCKETS;
      this.#count -= this.#buckets[index]!;
      this.#buckets[index] = 0;
    }
    this.#step = step;
  }
}

/** Requests that are counted as they come. */
export class CountedRequests extends Resource {
  readonly #recent: RecentRequests;

  constructor(max: number, count: SharedCount, open: Gauge, remaining: Gauge | null, recent: RecentRequests) {
    super(max, count, open, remaining);
    this.#recent = recent;
  }

  override inc(): void {
    super.inc();
    this.#recent.add();
  }
}

/** Retries within a budget. */
export class BudgetedRetries extends Resource {
  readonly #plan: RetryBudgetPlan;
  readonly #base: BudgetBase;
  readonly #remaining: Gauge | null;

  constructor(
    plan: RetryBudgetPlan,
    base: BudgetBase,
    max: number,
    count: SharedCount,
    open: Gauge,
    remaining: Gauge | null,
  ) {
    super(max, count, open, remaining);
    this.#plan = plan;
    this.#base = base;
    this.#remaining = remaining;
  }

  override get limit(): number {
    return Math.max(this.#share, this.#plan.minRetryConcurrency);
  }

  override canCreate(): boolean {
    this.#remaining?.set(0);
    const { count } = this;
    if (count < this.#plan.minRetryConcurrency) return true;
    return (this.#base.isOwn ? this.held : count) < this.#share;
  }

  override inc(): void {
    super.inc();
    this.#remaining?.set(0);
  }

  override dec(): void {
    super.dec();
    this.#remaining?.set(0);
  }

  /** What is allowed by the number of requests. */
  get #share(): number {
    return Math.floor(this.#plan.budgetPercent / 100 * this.#base.count);
  }
}
