// host/upstream/circuit_breaker.ts: how much of each resource a cluster may use at once.
// hot: requests are counted in and out; see bench/micro/pool.bench.ts
/**
 * Each priority of a cluster has a limit of connections, pending requests, requests and retries. A resource
 * counts what is in use, says whether there is room, and shows in `circuit_breakers.<priority>.*_open`
 * whether there is none. The count is a port: workers that share a cluster share its counts.
 *
 * @see Envoy: source/common/upstream/resource_manager_impl.h
 * @module
 */
import type { Gauge } from "../observe/stats.ts";

export const ResourcePriority = { Default: 0, High: 1 } as const;
export type ResourcePriority = (typeof ResourcePriority)[keyof typeof ResourcePriority];

/** A number that several workers may share. */
export interface SharedCount {
  /** Adds and gives the new value. */
  add(delta: number): number;
  value(): number;
}

/** Makes or finds the count of a resource, for example `default.rq` of cluster `web`. */
export type SharedCountFactory = (clusterName: string, resource: string) => SharedCount;

/** A count of one worker's own. */
export class LocalCount implements SharedCount {
  #value = 0;

  add(delta: number): number {
    return this.#value += delta;
  }

  value(): number {
    return this.#value;
  }
}

/**
 * A count that all workers share, kept in a gauge: each adds to its own column, the value is the sum. What a
 * worker that died held goes with its column.
 */
export class GaugeCount implements SharedCount {
  readonly #gauge: Gauge;

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
  }

  add(delta: number): number {
    this.#gauge.add(delta);
    return this.#gauge.value;
  }

  value(): number {
    return this.#gauge.value;
  }
}

/** What is shown to remain of what has no limit. */
const UNLIMITED = 2 ** 64;

/** Sees to it that the limits of its resources are those of now. */
export interface LimitSource {
  refresh(): void;
}

/** One limited resource. */
export class Resource {
  #max: number;
  /** Null for a limit that stays. */
  readonly #source: LimitSource | null;
  readonly #count: SharedCount;
  readonly #open: Gauge;
  readonly #remaining: Gauge | null;
  /** What this worker put into the gauges, so that they can be moved by differences. */
  #shownOpen = false;
  #held = 0;

  constructor(
    max: number,
    count: SharedCount,
    open: Gauge,
    remaining: Gauge | null,
    source: LimitSource | null = null,
  ) {
    this.#max = max;
    this.#source = source;
    this.#count = count;
    this.#open = open;
    this.#remaining = remaining;
    remaining?.set(Math.min(max, UNLIMITED));
  }

  get max(): number {
    this.#source?.refresh();
    return this.#max;
  }

  /** How many there may be now. */
  get limit(): number {
    return this.max;
  }

  /** Said by the source of limits. */
  limitTo(max: number): void {
    this.#max = max;
  }

  /** In use now, by all who share the count. */
  get count(): number {
    return this.#count.value();
  }

  /** In use by this worker. */
  get held(): number {
    return this.#held;
  }

  canCreate(): boolean {
    return this.#count.value() < this.max;
  }

  inc(): void {
    this.#held++;
    this.#update(this.#count.add(1));
  }

  dec(): void {
    if (this.#held === 0) return;
    this.#held--;
    this.#update(this.#count.add(-1));
  }

  /** Gives back what this worker still holds. */
  release(): void {
    if (this.#held === 0) return;
    const held = this.#held;
    this.#held = 0;
    this.#update(this.#count.add(-held));
  }

  #update(count: number): void {
    const open = count >= this.#max;
    if (open !== this.#shownOpen) {
      this.#shownOpen = open;
      this.#open.set(open ? 1 : 0);
    }
    if (this.#remaining !== null && this.#max < UNLIMITED) this.#remaining.set(Math.max(0, this.#max - count));
  }
}
