// test/host/upstream/plan/lb_policies.test.ts: policies that have others below them, or learn from responses.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../host/config/load.ts";
import { unreadFields } from "../../../../host/config/unread.ts";
import { planCluster } from "../../../../host/upstream/plan/cluster.ts";

const registry = loadRegistry();
const TYPE = "type.googleapis.com/envoy.extensions.load_balancing_policies";

/** The balancing plan of a cluster with this policy, and its problems. */
function plan(policy: string): { plan: unknown; problems: string[] } {
  const yaml = `name: a\nload_balancing_policy: { policies: [ ${policy} ] }`;
  const { root, diagnostics } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml });
  const result = root === null ? null : planCluster(root);
  const problems = [...diagnostics.all, ...(root === null ? [] : unreadFields(root))];
  return {
    plan: result?.loadBalancing,
    problems: problems.filter(({ severity }) => severity !== "note").map(({ message }) => message),
  };
}

function good(policy: string): unknown {
  const { plan: result, problems } = plan(policy);
  assert.equal(problems, []);
  return result;
}

function policy(type: string, fields = ""): string {
  return `{ typed_extension_config: { name: x, typed_config: { "@type": ${TYPE}.${type}${
    fields === "" ? "" : `, ${fields}`
  } } } }`;
}

const COMMON = { panicThresholdPercent: 50, localityWeighted: false, failTrafficOnPanic: false };
const RANDOM = policy("random.v3.Random");
const CLIENT_SIDE = "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin";
const EWMA = "peak_ewma.v3.PeakEwma";

test("peak EWMA", () => {
  const defaults = { ...COMMON, policy: "PEAK_EWMA", decayMs: 10_000, defaultRttMs: 10, penalty: 1_000_000 };
  assert.equal(good(policy(EWMA)), defaults);
  const set = "decay_time: 5s, default_rtt: 0.02s, penalty_value: 7, aggregation_interval: 1s, max_samples_per_host: 5";
  assert.equal(good(policy(EWMA, set)), { ...defaults, decayMs: 5000, defaultRttMs: 20, penalty: 7 });
});

test("client-side weights", () => {
  const defaults = {
    ...COMMON,
    policy: "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN",
    metricNames: [],
    errorPenalty: 0,
    blackoutMs: 10_000,
    expirationMs: 180_000,
    updatePeriodMs: 1000,
    reportStream: null,
  };
  assert.equal(good(policy(CLIENT_SIDE)), defaults);
  const set =
    "blackout_period: 0s, weight_expiration_period: 9s, weight_update_period: 0.05s, error_utilization_penalty: 1.5, " +
    "metric_names_for_computing_utilization: [ named_metrics.a ], slow_start_config: { slow_start_window: 3s }";
  assert.equal(good(policy(CLIENT_SIDE, set)), {
    ...defaults,
    metricNames: ["named_metrics.a"],
    errorPenalty: 1.5,
    blackoutMs: 0,
    expirationMs: 9000,
    updatePeriodMs: 100,
    slowStart: { windowMs: 3000, aggression: 1, minWeightPercent: 10 },
  });
  const of = (fields: string) => (good(policy(CLIENT_SIDE, fields)) as { reportStream: unknown }).reportStream;
  assert.equal(of("enable_oob_load_report: true"), { periodMs: 10_000, port: 0, authority: "" });
  const all = "oob_reporting_period: 3s, oob_reporting_config: { port_value: 81, authority: a.example }";
  assert.equal(of(`enable_oob_load_report: true, ${all}`), { periodMs: 3000, port: 81, authority: "a.example" });
  assert.equal(of(all), null);
});

test("localities above client-side weights, and above nothing else", () => {
  const above = (below: string) =>
    policy("wrr_locality.v3.WrrLocality", `endpoint_picking_policy: { policies: [ ${below} ] }`);
  const { localityWeighted, policy: name } = good(above(policy(CLIENT_SIDE))) as Record<string, unknown>;
  assert.equal([name, localityWeighted], ["CLIENT_SIDE_WEIGHTED_ROUND_ROBIN", true]);
  assert.equal(plan(above(RANDOM)).problems, [
    "the policy below wrr_locality has to be client_side_weighted_round_robin",
  ]);
});

test("hosts that requests name", () => {
  const of = (sources: string, below = RANDOM) =>
    policy(
      "override_host.v3.OverrideHost",
      `override_host_sources: [ ${sources} ], fallback_policy: { policies: [ ${below} ] }, selected_host_key: { key: a, path: [ { key: b } ] }`,
    );
  const metadata = "metadata: { key: ns, path: [ { key: p }, { key: q } ] }";
  const { localityWeighted, failTrafficOnPanic, panicThresholdPercent } = COMMON;
  assert.equal(good(of(`{ header: X-Host }, { ${metadata} }`)), {
    policy: "OVERRIDE_HOST",
    panicThresholdPercent,
    sources: [
      { kind: "header", name: "x-host" },
      { kind: "metadata", key: { namespace: "ns", path: ["p", "q"] } },
    ],
    selectedHostKey: { namespace: "a", path: ["b"] },
    fallback: { policy: "RANDOM", localityWeighted, failTrafficOnPanic },
  });
  for (const sources of ["{}", `{ header: a, ${metadata} }`]) {
    assert.equal(plan(of(sources)).problems, ["a source of hosts is either a header or metadata"]);
  }
  assert.equal(plan(of("{ header: a }", policy("pick_first.v3.PickFirst"))).problems, [
    "no support for envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst",
  ]);
});

test("every health that a filter may choose a host of", () => {
  const yaml = "name: a\ncommon_lb_config: { override_host_status: { statuses: [ UNHEALTHY, draining ] } }";
  const { root } = loadBootstrap({ registry, typeName: "envoy.config.cluster.v3.Cluster", yaml });
  assert.equal(planCluster(root!)!.overrideHostStatuses, ["UNHEALTHY", "DRAINING"]);
});

test.run();
