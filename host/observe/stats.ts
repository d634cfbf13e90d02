// host/observe/stats.ts: counters, gauges and histograms with Envoy's names.
/**
 * A store is made on the main thread and attached on every worker from its handle. A stat that any thread
 * defines exists once; `value` is the total over all threads, read from any of them. In one thread the
 * same code runs.
 *
 * Counters of a worker that died stay, as its column is handed on. What it had added to gauges is
 * dropped: its connections and requests are gone.
 *
 * @see Envoy: envoy/stats/stats.h, envoy/stats/store.h
 * @module
 */
import { DECADE_BINS, DECADES, FIRST_DECADE_BINS, HistogramSamples, NO_SAMPLES } from "./histogram.ts";
import {
  type Counter,
  type Gauge,
  type Histogram,
  HistogramUnit,
  SlotCounter,
  SlotGauge,
  SlotHistogram,
  type TextReadout,
} from "./stat.ts";
import type { TaggedName } from "./tags.ts";
import { SEGMENT_SLOTS, SharedStats, type StatEntry, StatKind, type StatsHandle } from "./stats_shared.ts";

export { type Counter, type Gauge, type Histogram, HistogramUnit, type TextReadout } from "./stat.ts";
export type { StatsHandle } from "./stats_shared.ts";

/** Where stats are made: names are relative to the scope's prefix. */
export interface StatsScope {
  /** What all names here begin with, the last dot included; empty at the root. */
  readonly prefix: string;
  /** A scope inside this one. `:` becomes `_`, as in Envoy; dots at the ends do not matter. */
  scope(name: string): StatsScope;
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  histogram(name: string, unit?: HistogramUnit): Histogram;
}

/** A counter or gauge as listings show it. */
export interface StatValue {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly value: number;
  /** False when nobody ever touched it. */
  readonly used: boolean;
  /** Name and tags, where the name as a whole does not tell them. */
  readonly tagged?: TaggedName;
}

/** A histogram as of the last flush. */
export interface HistogramValue {
  readonly name: string;
  readonly unit: HistogramUnit;
  /** Samples between the last two flushes. */
  readonly interval: HistogramSamples;
  readonly cumulative: HistogramSamples;
  readonly used: boolean;
}

/** What every scope does; the prefix makes the difference. */
class Scope implements StatsScope {
  readonly prefix: string;
  readonly #store: StatsStore;

  constructor(store: StatsStore, prefix: string) {
    this.#store = store;
    this.prefix = prefix;
  }

  scope(name: string): StatsScope {
    return new Scope(this.#store, this.prefix + scopePrefix(name));
  }

  counter(name: string): Counter {
    return this.#store.counter(this.prefix + name);
  }

  gauge(name: string): Gauge {
    return this.#store.gauge(this.prefix + name);
  }

  histogram(name: string, unit: HistogramUnit = HistogramUnit.Unspecified): Histogram {
    return this.#store.histogram(this.prefix + name, unit);
  }
}

/** `:` and NUL become `_`, and one dot ends the prefix. */
function scopePrefix(name: string): string {
  const clean = name.replace(/:\/\/|:\/|[:\0]/g, "_").replace(/^\.|\.$/g, "");
  return clean === "" ? "" : clean + ".";
}

/**
 * All stats of the process, as one thread sees them.
 *
 * @example
 * ```ts
 * import { StatsStore } from "./stats.ts";
 * const main = StatsStore.create(2);
 * const worker = StatsStore.attach(main.handle(1)); // in reality on another thread
 * worker.scope("cluster.a").counter("upstream_rq_total").inc();
 * main.counter("cluster.a.upstream_rq_total").add(2);
 * console.assert(main.counter("cluster.a.upstream_rq_total").value === 3);
 * ```
 */
export class StatsStore implements StatsScope {
  readonly prefix = "";
  readonly #shared: SharedStats;
  readonly #counters = new Map<number, SlotCounter>();
  readonly #gauges = new Map<number, SlotGauge>();
  readonly #histograms = new Map<number, SlotHistogram>();
  readonly #texts = new Map<string, TextReadout>();
  readonly #flushed = new Map<number, { interval: HistogramSamples; cumulative: HistogramSamples }>();

  private constructor(shared: SharedStats) {
    this.#shared = shared;
  }

  /** A new store for `columns` threads, this one included; this thread writes column 0. */
  static create(columns = 1): StatsStore {
    return new StatsStore(SharedStats.create(columns));
  }

  /** The store of a handle that came from another thread. */
  static attach(handle: StatsHandle): StatsStore {
    return new StatsStore(SharedStats.attach(handle));
  }

  /** What the thread that is to write `column` attaches with. One thread a column, at any one time. */
  handle(column: number): StatsHandle {
    return this.#shared.handle(column);
  }

  scope(name: string): StatsScope {
    return new Scope(this, scopePrefix(name));
  }

  counter(name: string): Counter {
    const entry = this.#shared.define(StatKind.Counter, name, 0);
    let counter = this.#counters.get(entry.slot);
    if (counter === undefined) this.#counters.set(entry.slot, counter = new SlotCounter(this.#shared, entry));
    return counter;
  }

  gauge(name: string): Gauge {
    const entry = this.#shared.define(StatKind.Gauge, name, 0);
    let gauge = this.#gauges.get(entry.slot);
    if (gauge === undefined) this.#gauges.set(entry.slot, gauge = new SlotGauge(this.#shared, entry));
    return gauge;
  }

  histogram(name: string, unit: HistogramUnit = HistogramUnit.Unspecified): Histogram {
    const entry = this.#shared.define(StatKind.Histogram, name, unit);
    let histogram = this.#histograms.get(entry.slot);
    if (histogram === undefined) {
      this.#histograms.set(entry.slot, histogram = new SlotHistogram(this.#shared, entry));
    }
    return histogram;
  }

  /**
   * Whole numbers that all threads share under a name, in no listing: to be read and written by `Atomics`. Without
   * memory for more they are this thread's own.
   */
  cells(name: string, count: number): Int32Array {
    return this.#shared.cells(this.#shared.define(StatKind.Cells, name, 0), count) ?? new Int32Array(count);
  }

  /** A text of this thread; made when absent. */
  text(name: string): TextReadout {
    let text = this.#texts.get(name);
    if (text === undefined) this.#texts.set(name, text = { name, value: "" });
    return text;
  }

  /** The total of a counter, or else of a gauge, that some thread defined; null when none did. */
  valueOf(name: string): number | null {
    const entry = this.#shared.find(StatKind.Counter, name) ?? this.#shared.find(StatKind.Gauge, name);
    return entry === null ? null : this.#shared.total(entry.slot);
  }

  /** Counters and gauges, by name. */
  values(): StatValue[] {
    const values: StatValue[] = [];
    for (const entry of this.#shared.entries()) {
      if (entry.kind > StatKind.Gauge || this.#shared.isHidden(entry)) continue;
      const counter = entry.kind === StatKind.Counter;
      values.push({
        name: entry.name,
        kind: counter ? "counter" : "gauge",
        value: this.#shared.total(entry.slot),
        used: counter ? this.#touched(entry) : this.#shared.isUsed(entry),
      });
    }
    return values.sort(byName);
  }

  /** Histograms as of the last flush, by name. */
  histograms(): HistogramValue[] {
    const values: HistogramValue[] = [];
    for (const entry of this.#shared.entries()) {
      if (entry.kind !== StatKind.Histogram || this.#shared.isHidden(entry)) continue;
      const flushed = this.#flushed.get(entry.slot) ?? { interval: NO_SAMPLES, cumulative: NO_SAMPLES };
      const { interval, cumulative } = flushed;
      values.push({
        name: entry.name,
        unit: entry.unit as HistogramUnit,
        interval,
        cumulative,
        used: cumulative.count > 0,
      });
    }
    return values.sort(byName);
  }

  texts(): TextReadout[] {
    return [...this.#texts.values()].sort(byName);
  }

  /** Takes in what all threads recorded since the last flush. Called by main, every 5 seconds in Envoy. */
  flush(): void {
    for (const entry of this.#shared.entries()) {
      if (entry.kind !== StatKind.Histogram) continue;
      const cumulative = this.#collect(entry.slot);
      if (cumulative.count === 0) continue;
      const before = this.#flushed.get(entry.slot)?.cumulative ?? NO_SAMPLES;
      this.#flushed.set(entry.slot, { cumulative, interval: cumulative.since(before) });
    }
  }

  /** Makes every counter 0. Main only: its own column takes the others' totals back. */
  resetCounters(): void {
    for (const entry of this.#shared.entries()) {
      if (entry.kind !== StatKind.Counter) continue;
      const total = this.#shared.total(entry.slot);
      if (total !== 0) this.#shared.ownSegment(entry.slot)[entry.slot % SEGMENT_SLOTS]! -= total;
    }
  }

  /** Forgets what a thread that is gone had added to gauges. Before its column is handed on. */
  dropGauges(column: number): void {
    for (const entry of this.#shared.entries()) {
      if (entry.kind === StatKind.Gauge) this.#shared.clearSlot(column, entry.slot);
    }
  }

  /** Leaves all stats under a prefix out of listings: what they told of was removed from the configuration. */
  hide(prefix: string): void {
    for (const entry of this.#shared.entries()) if (entry.name.startsWith(prefix)) this.#shared.hide(entry);
    for (const name of this.#texts.keys()) if (name.startsWith(prefix)) this.#texts.delete(name);
  }

  #touched(entry: StatEntry): boolean {
    for (let column = 0; column < this.#shared.columns; column++) {
      if (this.#shared.read(column, entry.slot) !== 0) return true;
    }
    return false;
  }

  /** The samples of a histogram in all columns. */
  #collect(slot: number): HistogramSamples {
    const bins: number[] = [], counts: number[] = [];
    const tables: Float64Array[] = [];
    for (let column = 0; column < this.#shared.columns; column++) {
      const offset = this.#shared.read(column, slot);
      if (offset !== 0) tables.push(this.#shared.view(offset, DECADES));
    }
    for (let decade = 0; decade < DECADES; decade++) {
      const first = decade === 0 ? 0 : FIRST_DECADE_BINS + (decade - 1) * DECADE_BINS;
      const size = decade === 0 ? FIRST_DECADE_BINS : DECADE_BINS;
      const views = tables.filter((table) => table[decade] !== 0).map((table) =>
        this.#shared.view(table[decade]!, size)
      );
      if (views.length === 0) continue;
      for (let i = 0; i < size; i++) {
        let count = 0;
        for (const view of views) count += view[i]!;
        if (count === 0) continue;
        bins.push(first + i);
        counts.push(count);
      }
    }
    return new HistogramSamples(bins, counts);
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
