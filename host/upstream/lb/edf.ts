// host/upstream/lb/edf.ts: earliest deadline first: weighted round robin that spreads evenly.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with weights; see bench/micro/load_balancing.bench.ts
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

/** @see Envoy: source/common/upstream/edf_scheduler.h createWithPicks */
const MOST_PICKS = 429_496_729;

export class EdfScheduler<T> {
  /** A binary heap by deadline, then order. */
  readonly #heap: Entry<T>[] = [];
  #now = 0;
  #order = 0;

  /** A schedule as it is after so many picks of entries that all have their turn ahead. */
  static withPicks<T>(items: readonly T[], weightOf: (item: T) => number, picks: number): EdfScheduler<T> {
    const schedule = new EdfScheduler<T>();
    // More would only cost precision.
    const wanted = picks % MOST_PICKS;
    let sum = 0;
    for (const item of items) sum += weightOf(item);
    let made = 0;
    for (const item of items) {
      const weight = weightOf(item);
      const turns = Math.floor(wanted * (weight / sum));
      made += turns;
      schedule.#insert(item, (turns + 1) / weight);
      schedule.#now = Math.max(schedule.#now, turns / weight);
    }
    for (; made < wanted; made++) schedule.pickAndAdd(weightOf);
    return schedule;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Adds an entry that was never picked. */
  add(item: T, weight: number): void {
    this.#insert(item, this.#now + 1 / weight);
  }

  #insert(item: T, deadline: number): void {
    this.#heap.push({ item, deadline, order: this.#order++ });
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
