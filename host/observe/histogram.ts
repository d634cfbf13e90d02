// host/observe/histogram.ts: log-linear bins, quantiles and buckets, as Envoy computes them.
// pure: no I/O, no clock, no runtime globals
/**
 * A sample goes to the bin of its first two decimal digits: 0 has a bin of its own, 1 to 9 one each, then
 * every decade has ninety, from 10·10ⁿ to 99·10ⁿ. Values are whole numbers, so that is all there is.
 *
 * @see Envoy: source/common/stats/histogram_impl.cc, and libcircllhist that it rests on
 * @module
 */

/** Bins of the first decade: 0 to 9. */
export const FIRST_DECADE_BINS = 10;
/** Bins of every later decade. */
export const DECADE_BINS = 90;
/** Decades that whole numbers up to 2⁵³ need. */
export const DECADES = 16;

/** The quantiles that `/stats` prints. */
export const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];
/** Upper bounds of the buckets of `/stats/prometheus`, Envoy's defaults. */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.5,
  1,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1000,
  2500,
  5000,
  10_000,
  30_000,
  60_000,
  300_000,
  600_000,
  1_800_000,
  3_600_000,
];

/** The lowest value of a bin. */
export function binLower(bin: number): number {
  if (bin < FIRST_DECADE_BINS) return bin;
  const above = bin - FIRST_DECADE_BINS;
  return (10 + above % DECADE_BINS) * 10 ** Math.floor(above / DECADE_BINS);
}

/** How far a bin reaches. */
export function binWidth(bin: number): number {
  if (bin === 0) return 0;
  return bin < FIRST_DECADE_BINS ? 0.1 : 10 ** Math.floor((bin - FIRST_DECADE_BINS) / DECADE_BINS);
}

/** Bins that hold samples, in ascending order, with their counts: what was recorded over some time. */
export class HistogramSamples {
  readonly bins: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;

  constructor(bins: readonly number[], counts: readonly number[]) {
    this.bins = bins;
    this.counts = counts;
    let count = 0, sum = 0;
    for (let i = 0; i < bins.length; i++) {
      count += counts[i]!;
      sum += counts[i]! * midpoint(bins[i]!);
    }
    this.count = count;
    this.sum = sum;
  }

  /** What came on top of `older`, earlier samples of the same histogram. */
  since(older: HistogramSamples): HistogramSamples {
    const bins: number[] = [], counts: number[] = [];
    for (let i = 0, k = 0; i < this.bins.length; i++) {
      const bin = this.bins[i]!;
      while (k < older.bins.length && older.bins[k]! < bin) k++;
      const left = this.counts[i]! - (older.bins[k] === bin ? older.counts[k]! : 0);
      if (left <= 0) continue;
      bins.push(bin);
      counts.push(left);
    }
    return new HistogramSamples(bins, counts);
  }

  /** The value below which the fraction `q` of the samples lies; NaN without samples. */
  quantile(q: number): number {
    if (this.count === 0) return NaN;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let before = 0;
    for (let i = 0; i < this.bins.length; i++) {
      const count = this.counts[i]!;
      if (before + count >= rank) {
        return binLower(this.bins[i]!) + (rank - before) / (count + 1) * binWidth(this.bins[i]!);
      }
      before += count;
    }
    return NaN;
  }

  /** How many samples are in bins that begin at or below `upperBound`. */
  countUpTo(upperBound: number): number {
    let count = 0;
    for (let i = 0; i < this.bins.length && binLower(this.bins[i]!) <= upperBound; i++) count += this.counts[i]!;
    return count;
  }
}

export const NO_SAMPLES: HistogramSamples = new HistogramSamples([], []);

/** What stands for all samples of a bin in a sum: the harmonic mean of its ends. */
function midpoint(bin: number): number {
  const low = binLower(bin);
  const high = low + binWidth(bin);
  return bin === 0 ? 0 : 2 * low * high / (low + high);
}
