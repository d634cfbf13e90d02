// test/host/router/runtime.test.ts: routes follow the runtime while requests come.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Runtime } from "../../../host/base/runtime.ts";
import { xxHashReady } from "../../../host/base/xxhash.ts";
import { runtimeEntryOfJson } from "../../../host/config/runtime_entry.ts";
import { answer, ask, direct, tableOf } from "./support.ts";

function set(runtime: Runtime, values: Record<string, unknown>): void {
  runtime.replace(new Map(Object.entries(values).map(([key, value]) => [key, runtimeEntryOfJson(value)])));
}

function oneHost(routes: readonly object[], more: object = {}): object {
  return { virtual_hosts: [{ name: "v", domains: ["*"], routes, ...more }] };
}

test("a fraction of requests", () => {
  const runtime = new Runtime();
  const runtime_fraction = { default_value: { numerator: 0 }, runtime_key: "share" };
  const routes = [direct({ prefix: "/", runtime_fraction }, "new"), direct({ prefix: "/" }, "old")];
  const table = tableOf(oneHost(routes), undefined, runtime);
  const answers = () => [0, 29, 30, 99].map((random) => answer(table, { path: "/", random }));
  assert.equal(answers(), ["old", "old", "old", "old"]);
  set(runtime, { share: 30 });
  assert.equal(answers(), ["new", "new", "old", "old"]);
  set(runtime, { share: { numerator: 1, denominator: "MILLION" } });
  assert.equal(answers(), ["new", "old", "old", "old"]);
  set(runtime, {});
  assert.equal(answers(), ["old", "old", "old", "old"]);
});

test("weights of clusters, by the prefix and the cluster's name", () => {
  const runtime = new Runtime();
  const weighted_clusters = {
    runtime_key_prefix: "weights",
    clusters: [{ name: "c", weight: 100 }, { name: "d", weight: 0 }],
  };
  const table = tableOf(oneHost([{ match: { prefix: "/" }, route: { weighted_clusters } }]), undefined, runtime);
  const clusters = () => [0, 50, 150].map((random) => ask(table, { path: "/", random })?.clusterName ?? null);
  assert.equal(clusters(), ["c", "c", "c"]);
  set(runtime, { "weights.c": 100, "weights.d": 100 });
  assert.equal(clusters(), ["c", "c", "d"]);
  set(runtime, { "weights.c": 0, "weights.d": 7 });
  assert.equal(clusters(), ["d", "d", "d"]);
  set(runtime, { "weights.c": 0 });
  assert.equal(clusters(), [null, null, null], "nothing weighs anything: there is no route");
});

test("a fraction in a tree of matchers", async () => {
  await xxHashReady;
  const runtime = new Runtime();
  const input = {
    name: "i",
    typed_config: {
      "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
      header_name: "x-user",
    },
  };
  const custom_match = {
    name: "m",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.matching.input_matchers.runtime_fraction.v3.RuntimeFraction",
      runtime_fraction: { default_value: { numerator: 100 }, runtime_key: "share" },
    },
  };
  const route = { "@type": "type.googleapis.com/envoy.config.route.v3.Route", ...direct({ prefix: "/" }, "in") };
  const matcher = {
    matcher_list: {
      matchers: [{
        predicate: { single_predicate: { input, custom_match } },
        on_match: { action: { name: "a", typed_config: route } },
      }],
    },
  };
  const table = tableOf(oneHost([], { matcher }), undefined, runtime);
  const found = () => answer(table, { path: "/", headers: [["x-user", "anna"]] });
  assert.is(found(), "in");
  set(runtime, { share: 0 });
  assert.is(found(), null);
});

test("a share of copies", () => {
  const runtime = new Runtime();
  const runtime_fraction = { default_value: { numerator: 100 }, runtime_key: "copies" };
  const route = { cluster: "c", request_mirror_policies: [{ cluster: "m", runtime_fraction }] };
  const entry = ask(tableOf(oneHost([{ match: { prefix: "/" }, route }]), undefined, runtime), "/")!;
  const takes = () => entry.mirrorPolicies[0]!.takes(99);
  assert.ok(takes());
  set(runtime, { copies: 0 });
  assert.not(takes());
});

test.run();
