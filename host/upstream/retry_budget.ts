// host/upstream/retry_budget.ts: how many retries a cluster may have at once, by how many requests it has.
// pure: no I/O, no clock, no runtime globals
/**
 * The gauges are those of `max_retries`, as in Envoy: the budget moves with every request, and shows nowhere.
 *
 * @see Envoy: source/common/upstream/resource_manager_impl.h RetryBudgetImpl
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Live } from "../base/runtime.ts";
import type { Gauge } from "../observe/stats.ts";
import { Resource, type ResourcePorts } from "./circuit_breaker.ts";
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

  constructor(recent: RecentRequests, max: Live<number>, ports: ResourcePorts) {
    super(max, ports);
    this.#recent = recent;
  }

  override inc(): void {
    super.inc();
    this.#recent.add();
  }
}

/** Retries, within a budget where there is one. */
export class Retries extends Resource {
  readonly #base: BudgetBase;
  readonly #remaining: Gauge | null;
  /** Null for a plain limit. */
  readonly #budget: Live<RetryBudgetPlan | null>;

  constructor(base: BudgetBase, budget: Live<RetryBudgetPlan | null>, max: Live<number>, ports: ResourcePorts) {
    super(max, ports);
    this.#base = base;
    this.#budget = budget;
    this.#remaining = ports.remaining;
  }

  override get limit(): number {
    const budget = this.#budget.current;
    return budget === null ? this.max : Math.max(this.#shareOf(budget), budget.minRetryConcurrency);
  }

  override canCreate(): boolean {
    const budget = this.#budget.current;
    if (budget === null) return super.canCreate();
    const { count } = this;
    this.#remaining?.set(0);
    if (count < budget.minRetryConcurrency) return true;
    return (this.#base.isOwn ? this.held : count) < this.#shareOf(budget);
  }

  override inc(): void {
    super.inc();
    if (this.#budget.current !== null) this.#remaining?.set(0);
  }

  override dec(): void {
    super.dec();
    if (this.#budget.current !== null) this.#remaining?.set(0);
  }

  /** What is allowed by the number of requests. */
  #shareOf(budget: RetryBudgetPlan): number {
    return Math.floor(budget.budgetPercent / 100 * this.#base.count);
  }
}
