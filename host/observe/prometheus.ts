// host/observe/prometheus.ts: stats in the text format that Prometheus scrapes.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/server/admin/prometheus_stats.cc
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @module
 */
import { quantileText } from "../base/number_text.ts";
import { DEFAULT_BUCKETS, QUANTILES } from "./histogram.ts";
import type { HistogramValue } from "./stats.ts";
import type { Tag, TagExtractor, TaggedName } from "./tags.ts";
import type { SelectedStats } from "./text.ts";

/** Stats that filters define: their names are their own, without `envoy_`. */
const CUSTOM_NAMESPACE = "wasmcustom.";

export interface PrometheusOptions {
  /** Texts as gauges of value 0, with the text as a label. */
  readonly textReadouts?: boolean;
  /** `summary` gives quantiles of the last interval instead of buckets. */
  readonly histograms?: "cumulative" | "summary";
}

/** One metric of one kind: its samples, written. */
type Families = Map<string, string[]>;

/** The whole page: counters, gauges, then histograms, by name. */
export function renderPrometheus(stats: SelectedStats, tags: TagExtractor, options: PrometheusOptions = {}): string {
  const counters: Families = new Map(), gauges: Families = new Map();
  const histograms: Families = new Map();
  for (const { name, kind, value, tagged } of stats.values) {
    const all = tagged === undefined ? tags.extract(name) : tags.complete(tagged);
    add(kind === "counter" ? counters : gauges, all, (metric, labels) => `${metric}{${labels}} ${value}\n`);
  }
  if (options.textReadouts === true) {
    for (const { name, value } of stats.texts) {
      add(
        gauges,
        tags.extract(name),
        (metric, labels) => `${metric}{${joined(labels, label("text_value", value))}} 0\n`,
      );
    }
  }
  const summary = options.histograms === "summary";
  for (const histogram of stats.histograms) {
    add(histograms, tags.extract(histogram.name), summary ? summaryLines(histogram) : bucketLines(histogram));
  }
  return families(counters, "counter") + families(gauges, "gauge") +
    families(histograms, summary ? "summary" : "histogram");
}

function families(all: Families, type: string): string {
  let text = "";
  for (const metric of [...all.keys()].sort()) text += `# TYPE ${metric} ${type}\n${all.get(metric)!.join("")}`;
  return text;
}

function add(to: Families, tagged: TaggedName, write: (metric: string, labels: string) => string): void {
  const metric = metricName(tagged.name);
  if (metric === null) return;
  let lines = to.get(metric);
  if (lines === undefined) to.set(metric, lines = []);
  lines.push(write(metric, labelText(tagged.tags)));
}

/** `cluster.upstream_rq` becomes `envoy_cluster_upstream_rq`. Null when a custom name is no metric name. */
function metricName(name: string): string | null {
  if (!name.startsWith(CUSTOM_NAMESPACE)) return "envoy_" + name.replace(/[^a-zA-Z0-9_]/g, "_");
  const custom = name.slice(CUSTOM_NAMESPACE.length).replace(/[^a-zA-Z0-9_:]/g, "_");
  return /^[a-zA-Z_:]/.test(custom) ? custom : null;
}

function labelText(tags: readonly Tag[]): string {
  return tags.map(({ name, value }) => label(name.replace(/[^a-zA-Z0-9_]/g, "_"), value)).join(",");
}

function label(name: string, value: string): string {
  return `${name}="${value.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/"/g, '\\"')}"`;
}

function joined(labels: string, more: string): string {
  return labels === "" ? more : `${labels},${more}`;
}

function bucketLines({ cumulative }: HistogramValue): (metric: string, labels: string) => string {
  return (metric, labels) => {
    let text = "";
    for (const bound of DEFAULT_BUCKETS) {
      text += `${metric}_bucket{${joined(labels, `le="${bound}"`)}} ${cumulative.countUpTo(bound)}\n`;
    }
    text += `${metric}_bucket{${joined(labels, 'le="+Inf"')}} ${cumulative.count}\n`;
    return text + totals(metric, labels, cumulative);
  };
}

function summaryLines({ interval, cumulative }: HistogramValue): (metric: string, labels: string) => string {
  return (metric, labels) => {
    let text = "";
    for (const q of QUANTILES) {
      const value = quantileText(interval.quantile(q)).replace("nan", "NaN");
      text += `${metric}{${joined(labels, `quantile="${q}"`)}} ${value}\n`;
    }
    return text + totals(metric, labels, cumulative);
  };
}

function totals(metric: string, labels: string, samples: { readonly sum: number; readonly count: number }): string {
  return `${metric}_sum{${labels}} ${samples.sum}\n${metric}_count{${labels}} ${samples.count}\n`;
}
