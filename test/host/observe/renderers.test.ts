// test/host/observe/renderers.test.ts: the three forms of /stats, against what the real Envoy printed.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderStatsJson } from "../../../host/observe/json.ts";
import { renderPrometheus } from "../../../host/observe/prometheus.ts";
import { StatsStore } from "../../../host/observe/stats.ts";
import { TagExtractor } from "../../../host/observe/tags.ts";
import { ALL_STATS, renderStatsText, selectStats, type StatsFilter } from "../../../host/observe/text.ts";

function store(): StatsStore {
  const stats = StatsStore.create();
  stats.counter("cluster.a.upstream_rq_200").add(8);
  stats.counter("cluster.a.upstream_rq_2xx").add(8);
  stats.counter("cluster.a.bind_errors");
  stats.gauge("cluster.a.membership_total").set(1);
  stats.gauge("cluster.a.upstream_cx_active").inc();
  stats.gauge("cluster.a.upstream_cx_active").dec();
  stats.gauge("cluster.a.lb_subsets_active");
  stats.text("cluster.a.version_text").value = 'v"1';
  const time = stats.histogram("http.web.downstream_rq_time");
  for (const ms of [0, 0, 0, 0, 1, 1, 1, 1, 1, 28]) time.record(ms);
  stats.histogram("http.web.downstream_cx_length_ms");
  stats.flush();
  return stats;
}

const SUMMARY =
  "P0(0,0) P25(0,0) P50(1.0166666666666666,1.0166666666666666) P75(1.0666666666666667,1.0666666666666667) " +
  "P90(1.0833333333333333,1.0833333333333333) P95(28.5,28.5) P99(28.5,28.5) P99.5(28.5,28.5) P99.9(28.5,28.5) P100(28.5,28.5)";

test("text: texts, counters and gauges by name, histograms", () => {
  assert.is(
    renderStatsText(selectStats(store(), ALL_STATS)),
    `cluster.a.version_text: "v\\"1"
cluster.a.bind_errors: 0
cluster.a.lb_subsets_active: 0
cluster.a.membership_total: 1
cluster.a.upstream_cx_active: 0
cluster.a.upstream_rq_200: 8
cluster.a.upstream_rq_2xx: 8
http.web.downstream_cx_length_ms: No recorded values
http.web.downstream_rq_time: ${SUMMARY}
`,
  );
});

test("text: an interval without samples prints nan", () => {
  const stats = store();
  stats.flush();
  const text = renderStatsText(selectStats(stats, { ...ALL_STATS, type: "Histograms", usedOnly: true }));
  assert.ok(text.startsWith("http.web.downstream_rq_time: P0(nan,0) P25(nan,0) P50(nan,1.0166666666666666)"), text);
});

test("text: only used stats, by name and by type", () => {
  const names = (filter: Partial<StatsFilter>): string[] =>
    renderStatsText(selectStats(store(), { ...ALL_STATS, ...filter })).split("\n").slice(0, -1).map((line) =>
      line.split(":")[0]!
    );
  assert.equal(names({ usedOnly: true, type: "Gauges" }), [
    "cluster.a.membership_total",
    "cluster.a.upstream_cx_active",
  ]);
  assert.equal(names({ usedOnly: true, type: "Counters" }), ["cluster.a.upstream_rq_200", "cluster.a.upstream_rq_2xx"]);
  assert.equal(names({ usedOnly: true, type: "Histograms" }), ["http.web.downstream_rq_time"]);
  assert.equal(names({ type: "TextReadouts" }), ["cluster.a.version_text"]);
  assert.equal(names({ matches: (name) => name.includes("bind") }), ["cluster.a.bind_errors"]);
});

test("text: buckets of a histogram", () => {
  const stats = selectStats(store(), { ...ALL_STATS, usedOnly: true, type: "Histograms" });
  assert.is(
    renderStatsText(stats, "cumulative"),
    "http.web.downstream_rq_time: B0.5(4,4) B1(9,9) B5(9,9) B10(9,9) B25(9,9) B50(10,10) B100(10,10) B250(10,10) " +
      "B500(10,10) B1000(10,10) B2500(10,10) B5000(10,10) B10000(10,10) B30000(10,10) B60000(10,10) B300000(10,10) " +
      "B600000(10,10) B1.8e+06(10,10) B3.6e+06(10,10)\n",
  );
  assert.is(
    renderStatsText(stats, "disjoint"),
    "http.web.downstream_rq_time: B0.5(4,4) B1(5,5) B5(0,0) B10(0,0) B25(0,0) B50(1,1) B100(0,0) B250(0,0) B500(0,0) " +
      "B1000(0,0) B2500(0,0) B5000(0,0) B10000(0,0) B30000(0,0) B60000(0,0) B300000(0,0) B600000(0,0) B1.8e+06(0,0) " +
      "B3.6e+06(0,0)\n",
  );
  assert.is(
    renderStatsText(stats, "detailed"),
    `http.web.downstream_rq_time:
  totals=0,0:4, 1,0.1:5, 28,1:1
  intervals=0,0:4, 1,0.1:5, 28,1:1
  summary=${SUMMARY}
`,
  );
});

test("json: values, then histograms in one entry", () => {
  const value = (q: number | null): unknown => ({ cumulative: q, interval: q });
  const parsed = JSON.parse(renderStatsJson(selectStats(store(), ALL_STATS))) as { stats: unknown[] };
  assert.equal(parsed.stats.slice(0, 3), [
    { name: "cluster.a.version_text", value: 'v"1' },
    { name: "cluster.a.bind_errors", value: 0 },
    { name: "cluster.a.lb_subsets_active", value: 0 },
  ]);
  assert.equal(parsed.stats.at(-1), {
    histograms: {
      supported_quantiles: [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100],
      computed_quantiles: [
        { name: "http.web.downstream_cx_length_ms", values: new Array(10).fill(value(null)) },
        {
          name: "http.web.downstream_rq_time",
          values: [0, 0, 1.0166666666666666, 1.0666666666666667, 1.0833333333333333, 28.5, 28.5, 28.5, 28.5, 28.5].map(
            value,
          ),
        },
      ],
    },
  });
});

test("json: buckets and bins", () => {
  const stats = selectStats(store(), { ...ALL_STATS, usedOnly: true, type: "Histograms" });
  // deno-lint-ignore no-explicit-any
  const parse = (text: string): any => JSON.parse(text).stats[0].histograms;
  assert.equal(parse(renderStatsJson(stats, "cumulative"))[0].buckets[5], {
    upper_bound: 50,
    interval: 10,
    cumulative: 10,
  });
  assert.equal(parse(renderStatsJson(stats, "disjoint"))[0].buckets[5], {
    upper_bound: 50,
    interval: 1,
    cumulative: 1,
  });
  const detailed = parse(renderStatsJson(stats, "detailed"));
  assert.equal(detailed.details[0].totals, [
    { lower_bound: 0, width: 0, count: 4 },
    { lower_bound: 1, width: 0.1, count: 5 },
    { lower_bound: 28, width: 1, count: 1 },
  ]);
  assert.is(renderStatsJson(selectStats(StatsStore.create(), ALL_STATS)), '{"stats":[]}');
});

test("prometheus: names without tags, tags as labels, kinds in order", () => {
  const text = renderPrometheus(selectStats(store(), { ...ALL_STATS, usedOnly: true }), new TagExtractor());
  assert.is(
    text,
    `# TYPE envoy_cluster_upstream_rq counter
envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="a"} 8
# TYPE envoy_cluster_upstream_rq_xx counter
envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="a"} 8
# TYPE envoy_cluster_membership_total gauge
envoy_cluster_membership_total{envoy_cluster_name="a"} 1
# TYPE envoy_cluster_upstream_cx_active gauge
envoy_cluster_upstream_cx_active{envoy_cluster_name="a"} 0
# TYPE envoy_http_downstream_rq_time histogram
${
      [
        ["0.5", 4],
        ["1", 9],
        ["5", 9],
        ["10", 9],
        ["25", 9],
        ["50", 10],
        ["100", 10],
        ["250", 10],
        ["500", 10],
        ["1000", 10],
        ["2500", 10],
        ["5000", 10],
        ["10000", 10],
        ["30000", 10],
        ["60000", 10],
        ["300000", 10],
        ["600000", 10],
        ["1800000", 10],
        ["3600000", 10],
        ["+Inf", 10],
      ]
        .map(([le, n]) =>
          `envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="web",le="${le}"} ${n}\n`
        ).join("")
    }envoy_http_downstream_rq_time_sum{envoy_http_conn_manager_prefix="web"} 33.72932330827068
envoy_http_downstream_rq_time_count{envoy_http_conn_manager_prefix="web"} 10
`,
  );
});

test("prometheus: one TYPE line for stats of one name, custom names without prefix, texts and summaries when asked", () => {
  const stats = StatsStore.create();
  stats.counter("cluster.b.upstream_rq_total").inc();
  stats.counter("cluster.a.upstream_rq_total").inc();
  stats.counter("wasmcustom.my-hits.total").inc();
  stats.counter("wasmcustom.1bad").inc();
  stats.text("control_plane.identifier").value = 'a"b\\\n';
  stats.histogram("h").record(3);
  stats.flush();
  const text = renderPrometheus(selectStats(stats, ALL_STATS), new TagExtractor([{ name: "zone-id", value: "z" }]), {
    textReadouts: true,
    histograms: "summary",
  });
  assert.is(
    text,
    `# TYPE envoy_cluster_upstream_rq_total counter
envoy_cluster_upstream_rq_total{envoy_cluster_name="a",zone_id="z"} 1
envoy_cluster_upstream_rq_total{envoy_cluster_name="b",zone_id="z"} 1
# TYPE my_hits_total counter
my_hits_total{zone_id="z"} 1
# TYPE envoy_control_plane_identifier gauge
envoy_control_plane_identifier{zone_id="z",text_value="a\\"b\\\\\\n"} 0
# TYPE envoy_h summary
${
      [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1].map((q) => `envoy_h{zone_id="z",quantile="${q}"} 3.05\n`)
        .join("")
    }` +
      `envoy_h_sum{zone_id="z"} 3.0491803278688527\nenvoy_h_count{zone_id="z"} 1\n`,
  );
});

test.run();
