// host/admin/handlers/stats.ts: /stats in its forms, /stats/prometheus and /reset_counters.
/**
 * @see Envoy: source/server/admin/stats_handler.cc
 * @module
 */
import { renderStatsJson } from "../../observe/json.ts";
import { renderPrometheus } from "../../observe/prometheus.ts";
import { BUCKET_MODES, type BucketMode, renderStatsText, selectStats, type StatsFilter } from "../../observe/text.ts";
import {
  type AdminCommand,
  type AdminParameter,
  type AdminQuery,
  type AdminResponse,
  HTML,
  JSON_TYPE,
  text,
} from "../command.ts";
import { escapeHtml } from "../html.ts";
import { nameFilter } from "../query.ts";
import type { AdminView } from "../view.ts";

const FORMATS = ["html", "active-html", "json", "prometheus", "text"];
const TYPES = ["All", "Counters", "Gauges", "Histograms", "TextReadouts"] as const;

const usedOnly: AdminParameter = {
  name: "usedonly",
  help: "Only include stats that have been written by system since restart",
  kind: "flag",
};
const filter: AdminParameter = {
  name: "filter",
  help: "Regular expression (Google re2) for filtering stats",
  kind: "text",
};
const invertFilter: AdminParameter = { name: "invert_filter", help: "Invert the filter regex", kind: "flag" };

export const stats: AdminCommand = {
  path: "/stats",
  help: "print server stats",
  mutates: false,
  parameters: [
    usedOnly,
    filter,
    invertFilter,
    { name: "format", help: "Format to use", kind: ["html", "text", "json", "prometheus"] },
    { name: "type", help: "Stat types to include.", kind: TYPES },
    { name: "histogram_buckets", help: "Histogram bucket display mode", kind: BUCKET_MODES },
  ],
  async handle({ query }, view) {
    const format = query.get("format") ?? "text";
    if (!FORMATS.includes(format)) return text(`usage: /stats?format=(${FORMATS.join("|")})\n\n`, 400);
    await view.refreshStats();
    if (format === "prometheus") return await prometheus(query, view);
    const selected = statsFilter(query);
    if ("status" in selected) return selected;
    const buckets = query.get("histogram_buckets") || "summary";
    if (!(BUCKET_MODES as readonly string[]).includes(buckets)) {
      return text("usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n", 400);
    }
    const found = selectStats(view.stats, selected, await view.endpointStats());
    if (format === "json") {
      return { status: 200, contentType: JSON_TYPE, body: renderStatsJson(found, buckets as BucketMode) };
    }
    const body = renderStatsText(found, buckets as BucketMode);
    if (format === "text") return text(body);
    const page = `<!DOCTYPE html>\n<html lang='en'>\n<head><title>Stats</title></head>\n<body><pre>\n${
      escapeHtml(body)
    }</pre></body>\n</html>\n`;
    return { status: 200, contentType: HTML, body: page };
  },
};

export const statsPrometheus: AdminCommand = {
  path: "/stats/prometheus",
  help: "print server stats in prometheus format",
  mutates: false,
  parameters: [
    usedOnly,
    {
      name: "text_readouts",
      help: "Render text_readouts as new gauges with value 0 (increases Prometheus data size)",
      kind: "flag",
    },
    filter,
    invertFilter,
    { name: "histogram_buckets", help: "Histogram bucket display mode", kind: ["cumulative", "summary"] },
  ],
  async handle({ query }, view) {
    await view.refreshStats();
    return await prometheus(query, view);
  },
};

export const resetCounters: AdminCommand = {
  path: "/reset_counters",
  help: "reset all counters to zero",
  mutates: true,
  parameters: [],
  async handle(_request, view) {
    // What has been counted so far is not to appear afterwards.
    await view.refreshStats();
    view.stats.resetCounters();
    return text("OK\n");
  },
};

async function prometheus(query: AdminQuery, view: AdminView): Promise<AdminResponse> {
  const selected = statsFilter(query);
  if ("status" in selected) return selected;
  const histograms = query.get("histogram_buckets") || "cumulative";
  if (histograms !== "cumulative" && histograms !== "summary") {
    return text("usage: /stats/prometheus?histogram_buckets=(cumulative|summary)\n", 400);
  }
  const textReadouts = query.has("text_readouts");
  const found = selectStats(view.stats, selected, await view.endpointStats());
  return text(renderPrometheus(found, view.tags, { textReadouts, histograms }));
}

function statsFilter(query: AdminQuery): StatsFilter | AdminResponse {
  const matches = nameFilter(query, "filter");
  if (typeof matches !== "function") return matches;
  const type = query.get("type") || "All";
  if (!(TYPES as readonly string[]).includes(type)) return text("invalid &type= param", 400);
  const invert = query.has("invert_filter");
  return {
    usedOnly: query.has("usedonly"),
    type: type as StatsFilter["type"],
    matches: invert ? (name) => !matches(name) : matches,
  };
}
