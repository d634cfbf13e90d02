// host/upstream/lb/edf.ts: earliest deadline first: weighted round robin that spreads evenly.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with weights; see bench/micro/pool.bench.ts
/**
 * Every entry has a deadline, 1/weight after its last turn; the earliest one is next. In each round of
 * (sum of weights) turns every entry comes exactly `weight` times, and its turns lie as far apart as they
 * can. Entries of one deadline come in the order in which they got it.
 *
 * @see Envoy: source/common/upstream/edf_scheduler.h
 * @module
 */

interface Entry<T> {
  readonly item: T;
  deadline: number;
  order: number;
}

/** Doubles cannot tell 1/3 + 1/3 + 1/3 from 1: deadlines closer than this are the same. */
const SAME = 1e-9;

export class EdfScheduler<T> {
  /** A binary heap by deadline, then order. */
  readonly #heap: Entry<T>[] = [];
  #now = 0;
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Adds an entry that was never picked. */
  add(item: T, weight: number): void {
    const entry = { item, deadline: this.#now + 1 / weight, order: this.#order++ };
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
  }

  /** The next entry, put back at once with the weight that it has now. There must be one. */
  pickAndAdd(weightOf: (item: T) => number): T {
    const entry = this.#heap[0]!;
    if (entry.deadline > this.#now) this.#now = entry.deadline;
    entry.deadline = this.#now + 1 / weightOf(entry.item);
    entry.order = this.#order++;
    this.#down(0);
    return entry.item;
  }

  #before(a: Entry<T>, b: Entry<T>): boolean {
    const difference = a.deadline - b.deadline;
    if (Math.abs(difference) <= SAME * Math.max(1, this.#now)) return a.order < b.order;
    return difference < 0;
  }

  #up(start: number): void {
    const heap = this.#heap;
    const entry = heap[start]!;
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #down(start: number): void {
    const heap = this.#heap;
    const entry = heap[start]!;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
