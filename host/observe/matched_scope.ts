// host/observe/matched_scope.ts: a scope that keeps some stats, and forgets what the others are told.
// pure: no I/O, no clock, no runtime globals
/**
 * Who is asked for a stat decides once, when it is made.
 *
 * @see Envoy: envoy/stats/scope.h, and NullCounterImpl and the like in source/common/stats/null_counter.h
 * @module
 */
import { type Counter, type Gauge, type Histogram, HistogramUnit, type StatsScope } from "./stats.ts";

export class MatchedScope implements StatsScope {
  readonly #inner: StatsScope;
  readonly #keeps: (name: string) => boolean;

  /** `keeps` is asked with whole names. */
  constructor(inner: StatsScope, keeps: (name: string) => boolean) {
    this.#inner = inner;
    this.#keeps = keeps;
  }

  get prefix(): string {
    return this.#inner.prefix;
  }

  scope(name: string): StatsScope {
    return new MatchedScope(this.#inner.scope(name), this.#keeps);
  }

  counter(name: string): Counter {
    const whole = this.prefix + name;
    return this.#keeps(whole) ? this.#inner.counter(name) : new ForgottenCounter(whole);
  }

  gauge(name: string): Gauge {
    const whole = this.prefix + name;
    return this.#keeps(whole) ? this.#inner.gauge(name) : new ForgottenGauge(whole);
  }

  histogram(name: string, unit: HistogramUnit = HistogramUnit.Unspecified): Histogram {
    const whole = this.prefix + name;
    return this.#keeps(whole) ? this.#inner.histogram(name, unit) : new ForgottenHistogram(whole, unit);
  }
}

/** One that nobody keeps, or somebody else. */
export class ForgottenCounter implements Counter {
  readonly name: string;
  readonly value = 0;

  constructor(name: string) {
    this.name = name;
  }

  inc(): void {}
  add(): void {}
}

class ForgottenGauge implements Gauge {
  readonly name: string;
  readonly value = 0;

  constructor(name: string) {
    this.name = name;
  }

  inc(): void {}
  dec(): void {}
  add(): void {}
  sub(): void {}
  set(): void {}
}

class ForgottenHistogram implements Histogram {
  readonly name: string;
  readonly unit: HistogramUnit;

  constructor(name: string, unit: HistogramUnit) {
    this.name = name;
    this.unit = unit;
  }

  record(): void {}
}
