// host/observe/text.ts: stats as `/stats` prints them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/server/admin/stats_render.cc StatsTextRender
 * @module
 */
import { countText, generalText, quantileText } from "../base/number_text.ts";
import { binLower, binWidth, DEFAULT_BUCKETS, type HistogramSamples, QUANTILES } from "./histogram.ts";
import type { HistogramValue, StatsStore, StatValue } from "./stats.ts";

/** Which stats are shown. */
export interface StatsFilter {
  /** Only stats that were ever touched. */
  readonly usedOnly: boolean;
  matches(name: string): boolean;
  readonly type: "All" | "Counters" | "Gauges" | "Histograms" | "TextReadouts";
}

export const BUCKET_MODES = ["summary", "cumulative", "disjoint", "detailed"] as const;
/** How histograms are shown. */
export type BucketMode = (typeof BUCKET_MODES)[number];

export const ALL_STATS: StatsFilter = { usedOnly: false, matches: () => true, type: "All" };

/** What a filter lets through, in Envoy's order: texts, then counters and gauges, then histograms. */
export interface SelectedStats {
  readonly texts: readonly { readonly name: string; readonly value: string }[];
  readonly values: readonly StatValue[];
  readonly histograms: readonly HistogramValue[];
}

/** `more` are counters and gauges that no store has; they come after the others. */
export function selectStats(store: StatsStore, filter: StatsFilter, more: readonly StatValue[] = []): SelectedStats {
  const { type } = filter;
  const shown = (stat: { readonly name: string; readonly used: boolean }): boolean =>
    (!filter.usedOnly || stat.used) && filter.matches(stat.name);
  return {
    texts: type === "All" || type === "TextReadouts"
      ? store.texts().filter(({ name, value }) => shown({ name, used: value !== "" }))
      : [],
    values: type === "Histograms" || type === "TextReadouts"
      ? []
      : [...store.values(), ...more].filter((stat) =>
        (type === "All" || (type === "Counters") === (stat.kind === "counter")) && shown(stat)
      ),
    histograms: type === "All" || type === "Histograms" ? store.histograms().filter(shown) : [],
  };
}

/** One `name: value` a line. */
export function renderStatsText(stats: SelectedStats, buckets: BucketMode = "summary"): string {
  let text = "";
  for (const { name, value } of stats.texts) text += `${name}: ${JSON.stringify(value)}\n`;
  for (const { name, value } of stats.values) text += `${name}: ${countText(value)}\n`;
  for (const histogram of stats.histograms) text += histogramText(histogram, buckets);
  return text;
}

function histogramText(histogram: HistogramValue, buckets: BucketMode): string {
  const { name, interval, cumulative } = histogram;
  if (!histogram.used) return `${name}: No recorded values\n`;
  switch (buckets) {
    case "summary":
      return `${name}: ${summary(histogram)}\n`;
    case "cumulative":
      return `${name}: ${
        bucketText(DEFAULT_BUCKETS.map((le) => [le, interval.countUpTo(le), cumulative.countUpTo(le)]))
      }\n`;
    case "disjoint":
      return `${name}: ${bucketText(disjointBuckets(histogram))}\n`;
    case "detailed":
      return `${name}:\n  totals=${binText(cumulative)}\n  intervals=${binText(interval)}\n  summary=${
        summary(histogram)
      }\n`;
  }
}

/** Bucket bounds, with what fell between each and the one before: in the interval, and ever. */
export function disjointBuckets({ interval, cumulative }: HistogramValue): [number, number, number][] {
  let lowInterval = 0, lowCumulative = 0;
  return DEFAULT_BUCKETS.map((le) => {
    const upInterval = interval.countUpTo(le), upCumulative = cumulative.countUpTo(le);
    const row: [number, number, number] = [le, upInterval - lowInterval, upCumulative - lowCumulative];
    [lowInterval, lowCumulative] = [upInterval, upCumulative];
    return row;
  });
}

/** `P0(nan,1)`: interval, then cumulative. */
function summary({ interval, cumulative }: HistogramValue): string {
  return QUANTILES.map((q) =>
    `P${quantileName(q)}(${quantileText(interval.quantile(q))},${quantileText(cumulative.quantile(q))})`
  ).join(" ");
}

/** A quantile as a percentage, without the rounding of the multiplication. */
export function quantileName(q: number): number {
  return Number((q * 100).toFixed(6));
}

function bucketText(rows: readonly (readonly [number, number, number])[]): string {
  return rows.map(([le, interval, cumulative]) => `B${generalText(le)}(${interval},${cumulative})`).join(" ");
}

/** `lower,width:count` of every bin that holds something. */
function binText(samples: HistogramSamples): string {
  return samples.bins.map((bin, i) =>
    `${generalText(binLower(bin))},${generalText(binWidth(bin))}:${samples.counts[i]}`
  ).join(", ");
}
