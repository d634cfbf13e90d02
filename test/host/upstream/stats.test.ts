// test/host/upstream/stats.test.ts: how response codes are counted.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StatsStore } from "../../../host/observe/stats.ts";
import { ClusterStats } from "../../../host/upstream/stats.ts";

function setup(): { stats: ClusterStats; used: () => Record<string, number> } {
  const store = StatsStore.create();
  const stats = new ClusterStats(store.scope("cluster").scope("a"), true);
  const used = () =>
    Object.fromEntries(
      store.values().filter((value) => value.value !== 0).map((
        value,
      ) => [value.name.slice("cluster.a.".length), value.value]),
    );
  return { stats, used };
}

test("a response is counted three ways, and again by where its request came from", () => {
  const { stats, used } = setup();
  stats.codes.chargeResponse(503, "external");
  stats.codes.chargeResponse(503, "internal", true);
  assert.equal(used(), {
    "canary.upstream_rq_503": 1,
    "canary.upstream_rq_5xx": 1,
    "canary.upstream_rq_completed": 1,
    "external.upstream_rq_503": 1,
    "external.upstream_rq_5xx": 1,
    "external.upstream_rq_completed": 1,
    "internal.upstream_rq_503": 1,
    "internal.upstream_rq_5xx": 1,
    "internal.upstream_rq_completed": 1,
    "upstream_rq_503": 2,
    "upstream_rq_5xx": 2,
    "upstream_rq_completed": 2,
  });
});

test("a response that is tried again is counted as such only", () => {
  const { stats, used } = setup();
  stats.codes.chargeRetry(500);
  assert.equal(used(), { "retry.upstream_rq_500": 1, "retry.upstream_rq_5xx": 1, "retry.upstream_rq_completed": 1 });
});

test("a status beyond 599 has no group", () => {
  const { stats, used } = setup();
  stats.codes.chargeResponse(700, "external");
  assert.equal(Object.keys(used()), [
    "external.upstream_rq_700",
    "external.upstream_rq_completed",
    "upstream_rq_700",
    "upstream_rq_completed",
  ]);
});

test("stat names of a cluster: a colon becomes an underscore", () => {
  const store = StatsStore.create();
  new ClusterStats(store.scope("cluster").scope("a:b.c"), true);
  assert.is(store.valueOf("cluster.a_b.c.upstream_cx_total"), 0);
});

test("responses are counted by the zones of proxy and host, where both are known", () => {
  const store = StatsStore.create();
  const { codes, upstreamRqTime } = new ClusterStats(store, true, "here");
  codes.chargeResponse(200, "external", false, "there");
  codes.chargeResponse(503, "external");
  codes.recordTime(7, upstreamRqTime, "external", false, "there");
  assert.is(store.counter("zone.here.there.upstream_rq_200").value, 1);
  assert.is(store.counter("zone.here.there.upstream_rq_2xx").value, 1);
  assert.is(store.counter("zone.here.there.upstream_rq_completed").value, 1);
  assert.is(store.counter("upstream_rq_completed").value, 2);
  new ClusterStats(store, true).codes.chargeResponse(200, "external", false, "there");
  assert.is(store.counter("zone.here.there.upstream_rq_200").value, 1);
});

test.run();
