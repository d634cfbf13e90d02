// test/host/upstream/health/session.test.ts: results and time in, flags, transitions, counts and next checks out.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../../host/base/clock.ts";
import { StatsStore } from "../../../../host/observe/stats.ts";
import { HealthEventLog } from "../../../../host/upstream/health/event_log.ts";
import type { HealthCheckPlan } from "../../../../host/upstream/health/plan.ts";
import type { HealthProbe } from "../../../../host/upstream/health/probe.ts";
import { HealthCheckSession } from "../../../../host/upstream/health/session.ts";
import { HealthCheckStats } from "../../../../host/upstream/health/stats.ts";
import { HealthFlag, Host } from "../../../../host/upstream/host.ts";
import { NO_LOCALITY } from "../../../../host/upstream/plan.ts";
import { checkPlan } from "./checks.ts";

const ADDRESS = { address: "10.0.0.1", port: 80, text: "10.0.0.1:80" };

/** A host that is checked by hand. */
class Checked implements HealthProbe {
  readonly clock = new ManualClock();
  readonly store = StatsStore.create();
  readonly host: Host;
  readonly session: HealthCheckSession;
  /** `check`, `timeout`, `close`; and what came of each result. */
  readonly events: string[] = [];
  readonly lines: string[] = [];

  constructor(changes: Partial<HealthCheckPlan> = {}, flags: readonly HealthFlag[] = [HealthFlag.FailedActiveHc]) {
    this.host = new Host({
      address: ADDRESS,
      hostname: "",
      locality: NO_LOCALITY,
      weight: 1,
      priority: 0,
      health: "UNKNOWN",
      metadata: {},
    });
    for (const flag of flags) this.host.setHealthFlag(flag, true);
    const { clock, host } = this;
    this.session = new HealthCheckSession(
      {
        plan: checkPlan(changes),
        clock,
        stats: new HealthCheckStats(this.store.scope("c"), ""),
        log: new HealthEventLog("a", "http", clock, [
          { write: (line) => this.lines.push(line), close() {} },
        ]),
        initialDelayMs: () => 0,
        intervalMs: (healthy, transition) => {
          this.events.push(`${healthy ? "healthy" : "unhealthy"} ${transition}`);
          return 1000;
        },
        onResult: (_host, transition) => this.events.push(transition),
        onPassed: () => {},
      },
      host,
      { has: (flag) => (host.healthFlags & flag) !== 0, set: (flag, on) => void host.setHealthFlag(flag, on) },
      () => this,
    );
    this.session.start();
  }

  check(): void {
    this.events.push("check");
  }

  onTimeout(): void {
    this.events.push("timeout");
  }

  close(): void {
    this.events.push("close");
  }

  /** One check after the other, each with a letter: Success, Degraded, Active failure, Retriable, Network, Timeout. */
  play(results: string): string[] {
    return [...results].map((result) => {
      if (result === "S" || result === "D") this.session.onSuccess(result === "D");
      else if (result === "A" || result === "R") this.session.onFailure("ACTIVE", result === "R", 503);
      else if (result === "N") this.session.onFailure("NETWORK", false, 0);
      else this.clock.advance(200);
      const flags = this.host.healthFlagsText;
      this.clock.advance(1000);
      return flags;
    });
  }

  stat(name: string): number | null {
    return this.store.valueOf(`c.health_check.${name}`);
  }

  get happened(): string[] {
    return this.lines.map((line) => Object.entries(JSON.parse(line) as object))
      .map((fields) => fields.find(([name]) => /event$|host$/.test(name) && name !== "host")!)
      .map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  }
}

const H = "healthy", F = "/failed_active_hc", T = "/failed_active_hc/active_hc_timeout", D = "/degraded_active_hc";

const SEQUENCES:
  readonly (readonly [name: string, results: string, flags: readonly string[], Partial<HealthCheckPlan>?])[] = [
    ["the first success is enough", "S", [H]],
    ["the first failure changes nothing", "A", [F]],
    ["after a failure the threshold counts", "ASSS", [F, F, F, H], { healthyThreshold: 3 }],
    ["a failure starts the count anew", "ASSASSS", [F, F, F, F, F, F, H], { healthyThreshold: 3 }],
    ["what the host says counts at once", "SA", [H, F], { unhealthyThreshold: 3 }],
    ["the network has to fail as often as the threshold says", "SNNN", [H, H, H, F], { unhealthyThreshold: 3 }],
    ["so do retriable answers", "SRRR", [H, H, H, F], { unhealthyThreshold: 3 }],
    ["and both together", "SRNR", [H, H, H, F], { unhealthyThreshold: 3 }],
    ["a success starts that count anew", "SNNSNNN", [H, H, H, H, H, H, F], { unhealthyThreshold: 3 }],
    ["a time-out is shown while the host is failed", "STT", [H, H, T], { unhealthyThreshold: 2 }],
    ["and not after another failure", "STTN", [H, H, T, F], { unhealthyThreshold: 2 }],
    ["nor after a success", "STTSS", [H, H, T, T, H], { unhealthyThreshold: 2, healthyThreshold: 2 }],
    ["a first time-out is shown", "T", [T]],
    ["degraded and back", "DDSD", [D, D, H, D]],
    ["degraded while failed", "ADD", [F, F + D, D], { healthyThreshold: 2 }],
    ["a failure leaves degraded", "DA", [D, F + D]],
  ];

for (const [name, results, flags, changes] of SEQUENCES) {
  test(name, () => assert.equal(new Checked(changes).play(results), flags));
}

test("checks follow each other after the interval, and end after the time limit", () => {
  const checked = new Checked();
  assert.equal(checked.events, ["check"]);
  checked.session.onSuccess(false);
  assert.equal(checked.events, ["check", "changed", "healthy changed"]);
  checked.clock.advance(999);
  assert.is(checked.events.length, 3);
  checked.clock.advance(1);
  assert.is(checked.events[3], "check");
  checked.clock.advance(200);
  assert.equal(checked.events.slice(4), ["timeout", "pending", "unhealthy pending"]);
  checked.clock.advance(200);
  assert.is(checked.events.length, 7, "an answer was there: no second time-out");
  assert.is(checked.stat("attempt"), 2);
});

test("transitions say which interval is next", () => {
  const checked = new Checked({ healthyThreshold: 2, unhealthyThreshold: 2 });
  checked.play("ASSNN");
  assert.equal(checked.events.filter((event) => event.includes(" ")), [
    "unhealthy unchanged",
    "healthy pending",
    "healthy changed",
    "unhealthy pending",
    "unhealthy changed",
  ]);
});

test("statistics", () => {
  const checked = new Checked({ unhealthyThreshold: 2 });
  assert.is(checked.stat("healthy"), 0);
  checked.play("SDNTA");
  assert.equal(
    ["attempt", "success", "failure", "network_failure", "passive_failure", "healthy", "degraded"].map((name) =>
      checked.stat(name)
    ),
    [6, 2, 3, 2, 0, 0, 1],
  );
  checked.session.onPassiveFailure();
  assert.equal([checked.stat("passive_failure"), checked.stat("failure")], [1, 4]);
  checked.play("SS");
  assert.is(checked.stat("healthy"), 1);
  checked.session.close();
  assert.equal([checked.stat("healthy"), checked.stat("degraded")], [0, 0]);
  assert.is(checked.clock.armedTimers, 0);
});

test("a host that says it is not to be asked is left out until it passes again", () => {
  const checked = new Checked({ healthyThreshold: 2 });
  checked.play("S");
  checked.session.onPassiveFailure();
  assert.is(checked.host.healthFlagsText, "/failed_active_hc/excluded_via_immediate_hc_fail");
  assert.ok(checked.host.excluded);
  const excluded = "/failed_active_hc/excluded_via_immediate_hc_fail";
  assert.equal(checked.play("SS"), [excluded, H]);
});

test("a host that is left out before its first check counts after it, whatever came of it", () => {
  const flags = [HealthFlag.FailedActiveHc, HealthFlag.PendingActiveHc];
  const failed = new Checked({}, flags);
  assert.equal(failed.play("N"), [F]);
  assert.ok(failed.events.includes("changed"), "load balancing has to know");
  assert.equal(new Checked({}, flags).play("S"), [H]);
});

test("a session that ends before its first result says so", () => {
  const checked = new Checked();
  checked.session.close();
  assert.equal(checked.events, ["check", "close", "unchanged"]);
  checked.session.onSuccess(false);
  assert.is(checked.events.length, 3, "and nothing afterwards");
});

test("events", () => {
  const quiet = new Checked({ unhealthyThreshold: 2 });
  quiet.play("SSNNNS");
  assert.equal(quiet.happened, [
    'add_healthy_event {"first_check":true}',
    'eject_unhealthy_event {"failure_type":"NETWORK","http_status_code":0}',
    'add_healthy_event {"first_check":false}',
  ]);
  const loud = new Checked({ alwaysLogFailures: true, alwaysLogSuccess: true });
  loud.play("ASDSA");
  assert.equal(loud.happened, [
    'health_check_failure_event {"failure_type":"ACTIVE","first_check":true,"http_status_code":503}',
    'add_healthy_event {"first_check":false}',
    "successful_health_check_event {}",
    "degraded_healthy_host {}",
    "successful_health_check_event {}",
    "no_longer_degraded_host {}",
    'eject_unhealthy_event {"failure_type":"ACTIVE","http_status_code":503}',
    'health_check_failure_event {"failure_type":"ACTIVE","first_check":false,"http_status_code":503}',
  ]);
});

test("a line of the event log", () => {
  const checked = new Checked();
  checked.session.onSuccess(false);
  assert.is(
    checked.lines[0],
    '{"health_checker_type":"HTTP","host":{"socket_address":{"protocol":"TCP","address":"10.0.0.1","port_value":80,' +
      '"resolver_name":"","ipv4_compat":false,"network_namespace_filepath":""}},"cluster_name":"a",' +
      '"add_healthy_event":{"first_check":true},"timestamp":"2026-01-01T00:00:00Z",' +
      '"locality":{"region":"","zone":"","sub_zone":""}}\n',
  );
});

test.run();
