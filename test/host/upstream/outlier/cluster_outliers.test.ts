// test/host/upstream/outlier/cluster_outliers.test.ts: outliers of a cluster that several workers have.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { xxHashReady } from "../../../../host/base/xxhash.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { Cluster } from "../../../../host/upstream/cluster.ts";
import { type HostHealthChange, HostHealthExchange } from "../../../../host/upstream/health/exchange.ts";
import { DEFAULT_OUTLIER_DETECTION } from "../../../../host/upstream/outlier/plan.ts";
import { putResponseHeaders } from "../../../../host/upstream/outlier/response.ts";
import type { ClusterPlan } from "../../../../host/upstream/plan.ts";
import { clusterStatus, mergeClusterStatus } from "../../../../host/upstream/view.ts";
import { createFakeEnvironment, planWith } from "../fakes.ts";

await xxHashReady;

function plan(changes: Partial<ClusterPlan> = {}): ClusterPlan {
  return planWith(["10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"], {
    outlierDetection: { ...DEFAULT_OUTLIER_DETECTION, consecutive5xx: 3, maxEjectionPercent: 50 },
    ...changes,
  });
}

/** Workers whose messages arrive when `deliver` is called. */
function workers(count: number, clusterPlan: ClusterPlan) {
  const clock = new ManualClock();
  const store = StatsStore.create(count);
  const mail: { readonly from: number; readonly changes: readonly HostHealthChange[] }[] = [];
  const made = Array.from({ length: count }, (_, index) => {
    const stats = index === 0 ? store : StatsStore.attach(store.handle(index));
    const exchange = new HostHealthExchange(clock, (changes) => mail.push({ from: index, changes }));
    const environment = {
      ...createFakeEnvironment(),
      clock,
      stats,
      hostHealth: exchange,
      primary: index === 0,
      createCells: (name: string, cells: number) => stats.cells(name, cells),
    };
    const cluster = new Cluster(clusterPlan, environment);
    cluster.start(() => {});
    return { cluster, exchange };
  });
  return {
    clock,
    store,
    clusters: made.map((each) => each.cluster),
    /** Ends the turn of every worker, and brings their messages, until there is none. */
    deliver() {
      clock.advance(1);
      for (let next = mail.shift(); next !== undefined; next = mail.shift()) {
        const { from, changes } = next;
        made.forEach(({ exchange }, index) => index !== from && exchange.receive(changes));
        clock.advance(1);
      }
    },
  };
}

function hostsOf(cluster: Cluster) {
  return [...cluster.priorities.hosts()];
}

function flags(cluster: Cluster): string[] {
  return hostsOf(cluster).map((host) => host.healthFlagsText);
}

test("errors in a row add up over workers, and all of them lose the host", () => {
  const { clusters, deliver, store } = workers(3, plan());
  const [a, b, c] = clusters as [Cluster, Cluster, Cluster];
  hostsOf(a)[1]!.outlierMonitor!.putResponse(500);
  hostsOf(b)[1]!.outlierMonitor!.putResponse(500);
  deliver();
  assert.equal(flags(a), ["healthy", "healthy", "healthy"]);
  hostsOf(c)[1]!.outlierMonitor!.putResponse(500);
  deliver();
  for (const cluster of clusters) assert.equal(flags(cluster), ["healthy", "/failed_outlier_check", "healthy"]);
  for (const cluster of clusters) assert.is(cluster.priorities.hostSets[0]!.healthyHosts.length, 2);
  assert.is(store.valueOf("cluster.a.outlier_detection.ejections_active"), 1);
  assert.is(store.valueOf("cluster.a.outlier_detection.ejections_enforced_total"), 1);
});

test("a success that one worker sees ends the row for all", () => {
  const { clusters, deliver } = workers(2, plan());
  const [a, b] = clusters as [Cluster, Cluster];
  hostsOf(a)[0]!.outlierMonitor!.putResponse(500);
  hostsOf(a)[0]!.outlierMonitor!.putResponse(500);
  hostsOf(b)[0]!.outlierMonitor!.putResponse(200);
  hostsOf(b)[0]!.outlierMonitor!.putResponse(500);
  deliver();
  assert.equal(flags(a), ["healthy", "healthy", "healthy"]);
});

test("the share of hosts that may be out holds over all workers", () => {
  const { clusters, deliver, store } = workers(2, plan());
  const [a, b] = clusters as [Cluster, Cluster];
  for (let i = 0; i < 3; i++) hostsOf(a)[0]!.outlierMonitor!.putResponse(500);
  for (let i = 0; i < 3; i++) hostsOf(b)[1]!.outlierMonitor!.putResponse(500);
  deliver();
  assert.equal(flags(b), ["/failed_outlier_check", "healthy", "healthy"]);
  assert.is(store.valueOf("cluster.a.outlier_detection.ejections_overflow"), 1);
});

test("success rates are those of all workers, and /clusters has them once", () => {
  const successRate = { minimumHosts: 3, requestVolume: 10, stdevFactor: 1000 };
  const outlierDetection = { ...DEFAULT_OUTLIER_DETECTION, successRate, consecutive5xx: 100, maxEjectionPercent: 50 };
  const { clusters, deliver, clock } = workers(2, plan({ outlierDetection }));
  for (const cluster of clusters) {
    hostsOf(cluster).forEach((host, index) => {
      for (let i = 0; i < 5; i++) host.outlierMonitor!.putResponse(index === 2 ? 500 : 200);
    });
  }
  clock.advance(10_000);
  deliver();
  for (const cluster of clusters) assert.equal(flags(cluster), ["healthy", "healthy", "/failed_outlier_check"]);
  const [status] = mergeClusterStatus(clusters.map((cluster) => [clusterStatus(cluster)]));
  assert.equal(status!.hosts.map((host) => host.successRate), [100, 100, 0]);
  assert.is(status!.outlier!.successRateAverage.toFixed(2), "66.67");
  const [reversed] = mergeClusterStatus(clusters.toReversed().map((cluster) => [clusterStatus(cluster)]));
  assert.equal(reversed!.outlier, status!.outlier);
  assert.equal(reversed!.hosts.map((host) => host.successRate), [100, 100, 0]);
});

test("what responses say: status, gRPC status, a matcher, x-envoy-degraded", () => {
  const clock = new ManualClock();
  const outlierDetection = {
    ...DEFAULT_OUTLIER_DETECTION,
    consecutive5xx: 2,
    maxEjectionPercent: 100,
    detectsDegraded: true,
  };
  const run = (headers: Record<string, string>, isGrpc: boolean, matches: boolean | null): string => {
    const cluster = new Cluster(plan({ outlierDetection }), { ...createFakeEnvironment(), clock });
    cluster.start(() => {});
    const [host] = hostsOf(cluster);
    const isError = matches === null ? null : () => matches;
    for (let i = 0; i < 2; i++) putResponseHeaders(host!.outlierMonitor!, HeaderMap.of(headers), isGrpc, isError);
    cluster.close();
    return host!.healthFlagsText;
  };
  const OUT = "/failed_outlier_check";
  assert.is(run({ ":status": "500" }, false, null), OUT);
  assert.is(run({ ":status": "404" }, false, null), "healthy");
  assert.is(run({ ":status": "200", "grpc-status": "14" }, true, null), OUT);
  assert.is(run({ ":status": "200", "grpc-status": "14" }, false, null), "healthy");
  assert.is(run({ ":status": "503", "grpc-status": "5" }, true, null), "healthy");
  assert.is(run({ ":status": "500" }, true, null), OUT);
  assert.is(run({ ":status": "200" }, false, true), OUT);
  assert.is(run({ ":status": "503" }, false, false), "healthy");
  assert.is(run({ ":status": "200", "x-envoy-degraded": "" }, false, null), "/degraded_outlier_detection");
  assert.is(run({ ":status": "500", "x-envoy-degraded": "" }, false, null), OUT);
});

test("nothing runs for a cluster that does not watch its hosts, and nothing stays of one that is gone", () => {
  const clock = new ManualClock();
  const still = new Cluster(plan({ outlierDetection: null }), { ...createFakeEnvironment(), clock });
  still.start(() => {});
  assert.is(hostsOf(still)[0]!.outlierMonitor, null);
  assert.is(clock.armedTimers, 0);
  const watched = new Cluster(plan(), { ...createFakeEnvironment(), clock });
  watched.start(() => {});
  clock.advance(1);
  assert.is(clock.armedTimers, 1);
  watched.close();
  clock.advance(1);
  assert.is(clock.armedTimers, 0);
});

test.run();
