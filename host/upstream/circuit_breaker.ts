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
import type { Live } from "../base/runtime.ts";
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

/** What a resource counts with, and where it shows that. */
export interface ResourcePorts {
  readonly count: SharedCount;
  readonly open: Gauge;
  /** Null where nobody is to see it. */
  readonly remaining: Gauge | null;
}

/** One limited resource. */
export class Resource {
  readonly #configured: Live<number>;
  /** As of the latest look at it. */
  #max: number;
  readonly #count: SharedCount;
  readonly #open: Gauge;
  readonly #remaining: Gauge | null;
  /** What this worker showed last. */
  #shownOpen = false;
  /** What this worker uses. */
  #held = 0;

  constructor(max: Live<number>, { count, open, remaining }: ResourcePorts) {
    this.#configured = max;
    this.#max = max.current;
    this.#count = count;
    this.#open = open;
    this.#remaining = remaining;
    remaining?.set(Math.min(this.#max, UNLIMITED));
  }

  get max(): number {
    return this.#max = this.#configured.current;
  }

  /** How many there may be now. */
  get limit(): number {
    return this.max;
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
