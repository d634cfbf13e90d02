// host/observe/stat.ts: one counter, one gauge, one histogram.
// hot: inc() and record() run several times per request; see bench/micro/stats.bench.ts
/**
 * What code holds of a stat: made by a `StatsScope`, kept, and told what happened.
 *
 * @see Envoy: envoy/stats/stats.h
 * @module
 */
import { DECADE_BINS, DECADES, FIRST_DECADE_BINS } from "./histogram.ts";
import { SEGMENT_SLOTS, type SharedStats, type StatEntry } from "./stats_shared.ts";

export interface Counter {
  readonly name: string;
  inc(): void;
  add(amount: number): void;
  /** The total of all threads since the start or the last reset. */
  readonly value: number;
}

export interface Gauge {
  readonly name: string;
  inc(): void;
  dec(): void;
  add(amount: number): void;
  sub(amount: number): void;
  /** Makes the total of all threads `value`. Slower than the others: it takes a lock. */
  set(value: number): void;
  readonly value: number;
}

export interface Histogram {
  readonly name: string;
  readonly unit: HistogramUnit;
  /** Takes a sample; fractions are cut off, negative values count as 0. */
  record(value: number): void;
}

/** A short text among the stats, for example a version. Of the main thread only. */
export interface TextReadout {
  readonly name: string;
  value: string;
}

export const HistogramUnit = { Unspecified: 0, Bytes: 1, Microseconds: 2, Milliseconds: 3, Percent: 4 } as const;
export type HistogramUnit = (typeof HistogramUnit)[keyof typeof HistogramUnit];

/** A counter at a slot; writes this thread's column. */
export class SlotCounter implements Counter {
  readonly name: string;
  readonly #shared: SharedStats;
  readonly #slot: number;
  readonly #view: Float64Array;
  readonly #index: number;

  constructor(shared: SharedStats, entry: StatEntry) {
    this.name = entry.name;
    this.#shared = shared;
    this.#slot = entry.slot;
    this.#view = shared.ownSegment(entry.slot);
    this.#index = entry.slot % SEGMENT_SLOTS;
  }

  inc(): void {
    this.#view[this.#index]!++;
  }

  add(amount: number): void {
    this.#view[this.#index]! += amount;
  }

  get value(): number {
    return this.#shared.total(this.#slot);
  }
}

/** A gauge at a slot; writes this thread's column. */
export class SlotGauge implements Gauge {
  readonly name: string;
  readonly #shared: SharedStats;
  readonly #entry: StatEntry;
  readonly #view: Float64Array;
  readonly #index: number;
  #used = false;

  constructor(shared: SharedStats, entry: StatEntry) {
    this.name = entry.name;
    this.#shared = shared;
    this.#entry = entry;
    this.#view = shared.ownSegment(entry.slot);
    this.#index = entry.slot % SEGMENT_SLOTS;
  }

  inc(): void {
    if (!this.#used) this.#markUsed();
    this.#view[this.#index]!++;
  }

  dec(): void {
    if (!this.#used) this.#markUsed();
    this.#view[this.#index]!--;
  }

  add(amount: number): void {
    if (!this.#used) this.#markUsed();
    this.#view[this.#index]! += amount;
  }

  sub(amount: number): void {
    if (!this.#used) this.#markUsed();
    this.#view[this.#index]! -= amount;
  }

  set(value: number): void {
    if (!this.#used) this.#markUsed();
    this.#shared.setTotal(this.#entry, value);
  }

  get value(): number {
    return this.#shared.total(this.#entry.slot);
  }

  /** A gauge that is back at 0 was used all the same, so the numbers alone do not tell. */
  #markUsed(): void {
    this.#used = true;
    this.#shared.markUsed(this.#entry);
  }
}

/**
 * The slot of a histogram holds the offset of a table of decades, and that the offsets of their bins;
 * each is made when the first sample comes, for most histograms see only two or three decades.
 */
export class SlotHistogram implements Histogram {
  readonly name: string;
  readonly unit: HistogramUnit;
  readonly #shared: SharedStats;
  readonly #view: Float64Array;
  readonly #index: number;
  #table: Float64Array | null = null;
  readonly #decades: (Float64Array | null)[] = new Array(DECADES).fill(null);

  constructor(shared: SharedStats, entry: StatEntry) {
    this.name = entry.name;
    this.unit = entry.unit as HistogramUnit;
    this.#shared = shared;
    this.#view = shared.ownSegment(entry.slot);
    this.#index = entry.slot % SEGMENT_SLOTS;
  }

  record(value: number): void {
    let rest = Math.floor(value);
    if (!(rest >= 10)) {
      (this.#decades[0] ?? this.#decade(0))[rest > 0 ? rest : 0]!++;
      return;
    }
    let decade = 1;
    while (rest >= 100) {
      rest = Math.floor(rest / 10);
      decade++;
    }
    if (decade >= DECADES) {
      decade = DECADES - 1;
      rest = 99;
    }
    (this.#decades[decade] ?? this.#decade(decade))[rest - 10]!++;
  }

  #decade(decade: number): Float64Array {
    this.#table ??= this.#block(this.#view, this.#index, DECADES);
    const count = decade === 0 ? FIRST_DECADE_BINS : DECADE_BINS;
    return this.#decades[decade] = this.#block(this.#table, decade, count);
  }

  /** The block that `from[index]` points to; made when it points nowhere. */
  #block(from: Float64Array, index: number, count: number): Float64Array {
    // A worker that took over a column goes on where the one before it ended.
    if (from[index] === 0) from[index] = this.#shared.allocate(count);
    const offset = from[index]!;
    return offset === 0 ? new Float64Array(count) : this.#shared.view(offset, count);
  }
}
