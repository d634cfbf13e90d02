// test/host/upstream/outlier/detector.test.ts: who is ejected, for how long, and who is not.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { type Random, SeededRandom } from "../../../../host/base/random.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { HealthFlag, Host } from "../../../../host/upstream/host.ts";
import { ejectionThreshold, OutlierDetector } from "../../../../host/upstream/outlier/detector.ts";
import { outlierEventLine } from "../../../../host/upstream/outlier/event_log.ts";
import { OUTLIER_CELLS, OutlierMonitor } from "../../../../host/upstream/outlier/monitor.ts";
import { DEFAULT_OUTLIER_DETECTION, type OutlierDetectionPlan } from "../../../../host/upstream/outlier/plan.ts";
import { OutlierStats } from "../../../../host/upstream/outlier/stats.ts";
import { NO_LOCALITY } from "../../../../host/upstream/plan.ts";

const WALL_MS = Date.UTC(2026, 0, 1);

function host(port: number): Host {
  return new Host({
    key: `0 10.0.0.1:${port}`,
    address: { address: "10.0.0.1", port, text: `10.0.0.1:${port}` },
    hostname: "",
    locality: NO_LOCALITY,
    weight: 1,
    priority: 0,
    health: "UNKNOWN",
    metadata: {},
  });
}

interface Setup {
  readonly clock: ManualClock;
  readonly detector: OutlierDetector;
  readonly hosts: readonly Host[];
  /** Answers from a host, by their statuses. */
  answers(index: number, ...statuses: number[]): void;
  /** Numbers of `ejections_<name>`. */
  stat(name: string): number | null;
  /** Ports of the hosts that are out. */
  readonly ejected: readonly number[];
  readonly log: readonly Record<string, unknown>[];
}

function setup(hostCount: number, changes: Partial<OutlierDetectionPlan> = {}, random?: Random): Setup {
  const plan = { ...DEFAULT_OUTLIER_DETECTION, maxEjectionPercent: 100, ...changes };
  const clock = new ManualClock(WALL_MS);
  const store = StatsStore.create();
  const log: Record<string, unknown>[] = [];
  const detector = new OutlierDetector({
    clusterName: "c",
    plan: { current: plan },
    clock,
    random: random ?? new SeededRandom(1),
    stats: new OutlierStats(store),
    setFlag: (each, flag, on) => void each.setHealthFlag(flag, on),
    onEvent: (event) => log.push(JSON.parse(outlierEventLine(event, clock.wallMs())) as Record<string, unknown>),
  });
  const hosts = Array.from({ length: hostCount }, (_, index) => host(index));
  for (const each of hosts) {
    each.outlierMonitor = new OutlierMonitor<Host>(each, { current: plan }, detector, new Int32Array(OUTLIER_CELLS));
    detector.addHost(each, each.outlierMonitor);
  }
  return {
    clock,
    detector,
    hosts,
    answers: (index, ...statuses) => statuses.forEach((status) => hosts[index]!.outlierMonitor!.putResponse(status)),
    stat: (name) => store.valueOf(`outlier_detection.ejections_${name}`),
    get ejected() {
      return hosts.filter((each) => (each.healthFlags & HealthFlag.FailedOutlierCheck) !== 0)
        .map((each) => each.address.port);
    },
    log,
  };
}

function times(count: number, status: number): number[] {
  return new Array<number>(count).fill(status);
}

test("five errors in a row eject a host; one success between them does not", () => {
  const run = setup(3);
  run.answers(0, 500, 500, 500, 500, 200, 500, 500, 500, 500);
  assert.equal(run.ejected, []);
  run.answers(0, 500);
  assert.equal(run.ejected, [0]);
  assert.equal(
    [run.stat("active"), run.stat("enforced_consecutive_5xx"), run.stat("detected_consecutive_5xx"), run.stat("total")],
    [1, 1, 1, 1],
  );
});

test("502, 503 and 504 in a row count apart, and do not eject by default", () => {
  const run = setup(2, { consecutive5xx: 100 });
  run.answers(0, 502, 503, 504, 500, 502, 503, 504, 503);
  assert.is(run.stat("detected_consecutive_gateway_failure"), 0);
  run.answers(0, 502);
  assert.is(run.stat("detected_consecutive_gateway_failure"), 1);
  assert.equal(run.ejected, []);
  const enforcing = { ...DEFAULT_OUTLIER_DETECTION.enforcing, CONSECUTIVE_GATEWAY_FAILURE: 100 };
  const strict = setup(2, { consecutive5xx: 100, enforcing });
  strict.answers(0, ...times(5, 503));
  assert.equal(strict.ejected, [0]);
});

test("no more hosts than the percentage says; one where that is asked for", () => {
  const run = setup(10, { maxEjectionPercent: 25, consecutive5xx: 1 });
  for (let index = 0; index < 4; index++) run.answers(index, 500);
  assert.equal(run.ejected, [0, 1]);
  assert.is(run.stat("overflow"), 2);
  const few = setup(2, { maxEjectionPercent: 10, consecutive5xx: 1 });
  few.answers(0, 500);
  assert.equal(few.ejected, []);
  const one = setup(2, { maxEjectionPercent: 10, consecutive5xx: 1, alwaysEjectOneHost: true });
  one.answers(0, 500);
  one.answers(1, 500);
  assert.equal(one.ejected, [0]);
});

test("a host comes back at the first interval after its time, and is out longer each time", () => {
  const run = setup(2, { consecutive5xx: 1, intervalMs: 1000, baseEjectionTimeMs: 2000, maxEjectionTimeMs: 5000 });
  const timeOut = (): number => {
    run.answers(0, 500);
    const start = run.clock.nowMs();
    while (run.ejected.length > 0) run.clock.advance(1000);
    return run.clock.nowMs() - start;
  };
  assert.equal([timeOut(), timeOut(), timeOut(), timeOut()], [2000, 4000, 5000, 5000]);
  // With every interval without an ejection it shrinks again.
  run.clock.advance(3000);
  assert.is(timeOut(), 4000);
  run.clock.advance(10_000);
  assert.is(timeOut(), 2000);
  assert.is(run.stat("active"), 0);
});

test("jitter makes it longer", () => {
  const random: Random = { uint32: () => 700, fraction: () => 0, uuid: () => "" };
  const run = setup(2, {
    consecutive5xx: 1,
    intervalMs: 100,
    baseEjectionTimeMs: 1000,
    maxEjectionTimeJitterMs: 500,
  }, random);
  run.answers(0, 500);
  run.clock.advance(1100);
  assert.equal(run.ejected, [0]);
  run.clock.advance(100); // 700 % 501 = 199
  assert.equal(run.ejected, []);
});

test("a percentage enforces some ejections and logs all", () => {
  let next = 49;
  const random: Random = { uint32: () => next, fraction: () => 0, uuid: () => "" };
  const enforcing = { ...DEFAULT_OUTLIER_DETECTION.enforcing, CONSECUTIVE_5XX: 50 };
  const run = setup(4, { consecutive5xx: 1, enforcing }, random);
  run.answers(0, 500);
  next = 50;
  run.answers(1, 500);
  assert.equal(run.ejected, [0]);
  assert.equal(run.log.map((event) => event["enforced"]), [true, false]);
});

test("a host whose success rate is far below the others' is ejected", () => {
  const run = setup(5, {
    successRate: { minimumHosts: 5, requestVolume: 10, stdevFactor: 1900 },
    consecutive5xx: 1000,
  });
  run.answers(0, ...times(5, 200), ...times(5, 500));
  for (let index = 1; index < 5; index++) run.answers(index, ...times(10, 200));
  run.clock.advance(10_000);
  assert.equal(run.ejected, [0]);
  assert.equal(run.detector.rates("external"), { average: 90, ejectionThreshold: 52 });
  assert.equal(run.hosts.map((each) => run.detector.successRate(each, "external")), [50, 100, 100, 100, 100]);
  assert.equal(run.log[0], {
    type: "SUCCESS_RATE",
    timestamp: "2026-01-01T00:00:10Z",
    cluster_name: "c",
    upstream_url: "10.0.0.1:0",
    action: "EJECT",
    num_ejections: 1,
    enforced: true,
    eject_success_rate_event: {
      host_success_rate: 50,
      cluster_average_success_rate: 90,
      cluster_success_rate_ejection_threshold: 52,
    },
  });
  // Of an interval without requests nothing is known.
  run.clock.advance(10_000);
  assert.equal(run.detector.rates("external"), { average: -1, ejectionThreshold: -1 });
  assert.is(run.detector.successRate(run.hosts[1]!, "external"), -1);
});

test("too few hosts with enough requests: nobody is judged by a rate", () => {
  const run = setup(5, {
    successRate: { minimumHosts: 5, requestVolume: 10, stdevFactor: 1900 },
    consecutive5xx: 1000,
  });
  run.answers(0, ...times(10, 500));
  for (let index = 1; index < 4; index++) run.answers(index, ...times(10, 200));
  run.answers(4, ...times(9, 200));
  run.clock.advance(10_000);
  assert.equal(run.ejected, []);
  assert.is(run.detector.rates("external").average, -1);
});

test("a host that fails too often is ejected by its percentage", () => {
  const failurePercentage = { minimumHosts: 2, requestVolume: 4, threshold: 50 };
  const enforcing = { ...DEFAULT_OUTLIER_DETECTION.enforcing, FAILURE_PERCENTAGE: 100 };
  const run = setup(3, { failurePercentage, enforcing });
  run.answers(0, 200, 500, 200, 500);
  run.answers(1, 200, 200, 200, 500);
  run.answers(2, 500, 500, 500);
  run.clock.advance(10_000);
  assert.equal(run.ejected, [0]);
  assert.equal(run.log[0]!["eject_failure_percentage_event"], { host_success_rate: 50 });
});

test("errors of the proxy's own count apart where they are to", () => {
  const run = setup(2, { splitsLocalOrigin: true, consecutiveLocalOriginFailure: 2, consecutive5xx: 2 });
  const monitor = run.hosts[0]!.outlierMonitor!;
  monitor.putResult("connect_failed");
  run.answers(0, 500);
  assert.equal(run.ejected, []);
  monitor.putResult("connected");
  monitor.putResult("timeout", 504);
  assert.equal(run.ejected, []);
  monitor.putResult("timeout", 504);
  assert.equal(run.ejected, [0]);
  assert.is(run.stat("enforced_consecutive_local_origin_failure"), 1);
});

test("local success rates are looked at, too", () => {
  const successRate = { minimumHosts: 5, requestVolume: 4, stdevFactor: 1000 };
  const run = setup(5, { splitsLocalOrigin: true, consecutiveLocalOriginFailure: 100, successRate });
  for (const each of run.hosts) for (let i = 0; i < 4; i++) each.outlierMonitor!.putResult("connected");
  for (let i = 0; i < 4; i++) run.hosts[2]!.outlierMonitor!.putResult("connect_failed");
  run.clock.advance(10_000);
  assert.equal(run.ejected, [2]);
  assert.is(run.stat("enforced_local_origin_success_rate"), 1);
  assert.is(run.detector.successRate(run.hosts[2]!, "local"), 50);
});

test("without that they are 503 and 504; a connection alone says nothing, but for TCP", () => {
  const run = setup(2, { consecutive5xx: 3 });
  const monitor = run.hosts[0]!.outlierMonitor!;
  monitor.putResult("connect_failed");
  monitor.putResult("connected");
  monitor.putResult("timeout");
  monitor.putResult("connected_finally");
  monitor.putResult("connect_failed");
  monitor.putResult("timeout", 204);
  monitor.putResult("connect_failed");
  monitor.putResult("request_failed");
  assert.equal(run.ejected, []);
  monitor.putResult("timeout", 504);
  assert.equal(run.ejected, [0]);
});

test("a host that says it is degraded is so for a while, longer each time", () => {
  const run = setup(1, {
    detectsDegraded: true,
    intervalMs: 200,
    baseEjectionTimeMs: 400,
    maxEjectionPercent: 0,
  });
  const timeOut = (): number => {
    run.hosts[0]!.outlierMonitor!.putDegraded();
    run.hosts[0]!.outlierMonitor!.putDegraded();
    assert.is(run.hosts[0]!.healthFlagsText, "/degraded_outlier_detection");
    assert.is(run.hosts[0]!.coarseHealth, "degraded");
    const start = run.clock.nowMs();
    while (run.hosts[0]!.healthFlags !== 0) run.clock.advance(200);
    return run.clock.nowMs() - start;
  };
  assert.equal([timeOut(), timeOut(), timeOut()], [400, 800, 1200]);
  assert.equal([run.stat("detected_degradation"), run.stat("active"), run.stat("enforced_total")], [3, 0, 0]);
  assert.equal(run.log.slice(0, 2).map((event) => [event["type"], event["action"], event["num_ejections"]]), [
    ["DEGRADED", "EJECT", 0],
    ["CONSECUTIVE_5XX", "UNEJECT", 0],
  ]);
  const deaf = setup(1);
  deaf.hosts[0]!.outlierMonitor!.putDegraded();
  assert.is(deaf.hosts[0]!.healthFlags, 0);
});

test("a check that succeeds takes a host back, unless it is not to", () => {
  for (const [healthCheckUnejects, left] of [[true, []], [false, [0]]] as const) {
    const run = setup(2, { consecutive5xx: 1, healthCheckUnejects });
    run.answers(0, 500);
    run.hosts[0]!.setHealthFlag(HealthFlag.FailedActiveHc, true);
    run.detector.onHealthCheckPassed(run.hosts[0]!);
    assert.equal(run.ejected, [0]);
    run.hosts[0]!.setHealthFlag(HealthFlag.FailedActiveHc, false);
    run.detector.onHealthCheckPassed(run.hosts[0]!);
    assert.equal(run.ejected, left);
  }
});

test("a host that is gone is not counted, and one that was ejected before comes back in its time", () => {
  const run = setup(2, { consecutive5xx: 1, maxEjectionPercent: 50 });
  run.answers(0, 500);
  run.detector.removeHost(run.hosts[0]!);
  assert.is(run.stat("active"), 0);
  run.answers(0, 500);
  run.detector.addHost(run.hosts[0]!, run.hosts[0]!.outlierMonitor!);
  assert.is(run.stat("active"), 1);
  run.clock.advance(30_000);
  assert.equal(run.ejected, []);
  run.answers(0, 500);
  run.detector.close();
  assert.is(run.stat("active"), 0);
  assert.is(run.clock.armedTimers, 0);
});

test("the event log says what happened, since when, and to whom", () => {
  const run = setup(2, { consecutive5xx: 1, intervalMs: 1500, baseEjectionTimeMs: 1500 });
  run.answers(0, 500);
  run.clock.advance(1500);
  run.clock.advance(2600);
  run.answers(0, 500);
  const common = { type: "CONSECUTIVE_5XX", cluster_name: "c", upstream_url: "10.0.0.1:0" };
  assert.equal(run.log, [
    {
      ...common,
      timestamp: "2026-01-01T00:00:00Z",
      action: "EJECT",
      num_ejections: 1,
      enforced: true,
      eject_consecutive_event: {},
    },
    {
      ...common,
      timestamp: "2026-01-01T00:00:01.500Z",
      secs_since_last_action: "1",
      action: "UNEJECT",
      num_ejections: 1,
      enforced: false,
    },
    {
      ...common,
      timestamp: "2026-01-01T00:00:04.100Z",
      secs_since_last_action: "2",
      action: "EJECT",
      num_ejections: 2,
      enforced: true,
      eject_consecutive_event: {},
    },
  ]);
});

test("the threshold of success rates", () => {
  assert.equal(ejectionThreshold([50, 100, 100, 100, 100], 1.9), { average: 90, ejectionThreshold: 52 });
  assert.equal(ejectionThreshold([100, 100], 1.9), { average: 100, ejectionThreshold: 100 });
});

test.run();
