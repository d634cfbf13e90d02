// test/host/router/runtime.test.ts: routes follow the runtime while requests come.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Runtime } from "../../../host/base/runtime.ts";
import { xxHashReady } from "../../../host/base/xxhash.ts";
import { setRuntime } from "../base/runtime_fixture.ts";
import { Stream } from "./router_stream.ts";
import { answer, ask, direct, tableOf } from "./support.ts";

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
  setRuntime(runtime, { share: 30 });
  assert.equal(answers(), ["new", "new", "old", "old"]);
  setRuntime(runtime, { share: { numerator: 1, denominator: "MILLION" } });
  assert.equal(answers(), ["new", "old", "old", "old"]);
  setRuntime(runtime, {});
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
  setRuntime(runtime, { "weights.c": 100, "weights.d": 100 });
  assert.equal(clusters(), ["c", "c", "d"]);
  setRuntime(runtime, { "weights.c": 0, "weights.d": 7 });
  assert.equal(clusters(), ["d", "d", "d"]);
  setRuntime(runtime, { "weights.c": 0 });
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
  setRuntime(runtime, { share: 0 });
  assert.is(found(), null);
});

test("a share of copies", () => {
  const runtime = new Runtime();
  const runtime_fraction = { default_value: { numerator: 100 }, runtime_key: "copies" };
  const route = { cluster: "c", request_mirror_policies: [{ cluster: "m", runtime_fraction }] };
  const entry = ask(tableOf(oneHost([{ match: { prefix: "/" }, route }]), undefined, runtime), "/")!;
  const takes = () => entry.mirrorPolicies[0]!.takes(99);
  assert.ok(takes());
  setRuntime(runtime, { copies: 0 });
  assert.not(takes());
});

test("a cluster in maintenance gets no request", () => {
  const stream = new Stream();
  setRuntime(stream.env.runtime, { "upstream.maintenance_mode.c": 100, "upstream.maintenance_mode.d": 0 });
  stream.request();
  assert.equal([stream.seen, stream.flags], [["reply 503 maintenance mode"], "UO"]);
  assert.is(stream.info.responseCodeDetails, "maintenance_mode");
  assert.is(stream.responseHeaders!.get("x-envoy-overloaded"), "true");
  assert.equal(["upstream_rq_maintenance_mode", "upstream_rq_503"].map((name) => stream.stat(name)), [1, 1]);
  const other = new Stream();
  setRuntime(other.env.runtime, { "upstream.maintenance_mode.d": 100 });
  other.request();
  assert.is(other.env.dialer.dials.length, 1);
});

test("retries may be turned off, and their first wait may be another one", () => {
  const bad = "HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n";
  const route = { match: { prefix: "/" }, route: { cluster: "c", retry_policy: { retry_on: "5xx" } } };
  const off = new Stream({ route });
  setRuntime(off.env.runtime, { "upstream.use_retry": 0 });
  off.request().answer(bad);
  assert.equal([off.seen, off.flags], [["headers 503 end"], ""]);
  const slow = new Stream({ route });
  setRuntime(slow.env.runtime, { "upstream.base_retry_backoff_ms": 100_000 });
  const connection = slow.request().answer(bad);
  connection.written = "";
  slow.clock.advance(25);
  assert.is(connection.written, "");
});

test.run();
