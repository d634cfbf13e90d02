// host/observe/json.ts: stats as `/stats?format=json` gives them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/server/admin/stats_render.cc StatsJsonRender
 * @module
 */
import { binLower, binWidth, DEFAULT_BUCKETS, type HistogramSamples, QUANTILES } from "./histogram.ts";
import type { HistogramValue } from "./stats.ts";
import { type BucketMode, disjointBuckets, quantileName, type SelectedStats } from "./text.ts";

/** One JSON object with the list `stats`; histograms are its last entry. */
export function renderStatsJson(stats: SelectedStats, buckets: BucketMode = "summary"): string {
  const entries: unknown[] = [
    ...stats.texts.map(({ name, value }) => ({ name, value })),
    ...stats.values.map(({ name, value }) => ({ name, value })),
  ];
  if (stats.histograms.length > 0) entries.push({ histograms: histogramsJson(stats.histograms, buckets) });
  return JSON.stringify({ stats: entries });
}

function histogramsJson(histograms: readonly HistogramValue[], buckets: BucketMode): unknown {
  switch (buckets) {
    case "summary":
      return {
        supported_quantiles: QUANTILES.map(quantileName),
        computed_quantiles: histograms.map((histogram) => ({ name: histogram.name, values: quantiles(histogram) })),
      };
    case "detailed":
      return {
        supported_percentiles: QUANTILES.map(quantileName),
        details: histograms.map((histogram) => ({
          name: histogram.name,
          totals: bins(histogram.cumulative),
          intervals: bins(histogram.interval),
          percentiles: quantiles(histogram),
        })),
      };
    case "cumulative":
      return histograms.map(({ name, interval, cumulative }) => ({
        name,
        buckets: DEFAULT_BUCKETS.map((le) => ({
          upper_bound: le,
          interval: interval.countUpTo(le),
          cumulative: cumulative.countUpTo(le),
        })),
      }));
    case "disjoint":
      return histograms.map((histogram) => ({
        name: histogram.name,
        buckets: disjointBuckets(histogram).map(([le, interval, cumulative]) => ({
          upper_bound: le,
          interval,
          cumulative,
        })),
      }));
  }
}

/** NaN becomes null in JSON, as it does in Envoy's. */
function quantiles({ interval, cumulative }: HistogramValue): { cumulative: number; interval: number }[] {
  return QUANTILES.map((q) => ({ cumulative: cumulative.quantile(q), interval: interval.quantile(q) }));
}

function bins(samples: HistogramSamples): { lower_bound: number; width: number; count: number }[] {
  return samples.bins.map((bin, i) => ({
    lower_bound: binLower(bin),
    width: binWidth(bin),
    count: samples.counts[i]!,
  }));
}
