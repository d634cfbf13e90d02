// host/upstream/health/health_checker.ts: one kind of check of all hosts of a cluster.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/health_checkers/common/health_checker_base_impl.cc HealthCheckerImplBase
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { CompileFormat } from "../../http/header_ops.ts";
import type { Host } from "../host.ts";
import { HealthEventLog, type OpenEventFile } from "./event_log.ts";
import { GrpcProbe } from "./grpc_probe.ts";
import { HttpProbe } from "./http_probe.ts";
import type { HealthCheckPlan } from "./plan.ts";
import type { HealthProbe, ProbeCallbacks, ProbeEnvironment, ProbeTarget } from "./probe.ts";
import { HealthCheckSession, type HealthTransition, type SessionFlags, type SessionOwner } from "./session.ts";
import { HealthCheckStats } from "./stats.ts";
import { TcpProbe } from "./tcp_probe.ts";

/** What a worker that checks has for it. */
export interface HealthCheckTools {
  readonly compileFormat: CompileFormat;
  readonly openEventFile: OpenEventFile;
}

export interface HealthCheckerEnvironment extends ProbeEnvironment, HealthCheckTools {}

/** A result of this check. */
export type HostResultListener = (host: Host, transition: HealthTransition) => void;

export class HealthChecker implements SessionOwner {
  readonly plan: HealthCheckPlan;
  readonly stats: HealthCheckStats;
  readonly log: HealthEventLog | null;
  readonly clock: Clock;
  readonly onResult: HostResultListener;
  readonly #environment: HealthCheckerEnvironment;
  readonly #random: Random;
  readonly #sessions = new Map<Host, HealthCheckSession>();
  /** The cluster had traffic: it does not lose that, whoever resets counters. */
  #hadTraffic = false;

  constructor(plan: HealthCheckPlan, environment: HealthCheckerEnvironment, onResult: HostResultListener) {
    const { cluster, openEventFile } = environment;
    this.plan = plan;
    this.stats = new HealthCheckStats(cluster.stats.scope, plan.name);
    this.clock = cluster.clock;
    this.log = plan.eventLogPaths.length === 0
      ? null
      : new HealthEventLog(cluster.plan.name, plan.checker.kind, cluster.clock, plan.eventLogPaths.map(openEventFile));
    this.onResult = onResult;
    this.#environment = environment;
    this.#random = cluster.random;
  }

  onPassed(host: Host): void {
    this.#environment.cluster.onHealthCheckPassed(host);
  }

  add(host: Host, flags: SessionFlags): void {
    const { timeoutMs, reuseConnection } = this.plan;
    const target: ProbeTarget = { host, timeoutMs, reuseConnection, stats: this.stats };
    const session = new HealthCheckSession(this, host, flags, (callbacks) => this.#createProbe(target, callbacks));
    this.#sessions.set(host, session);
    session.start();
  }

  remove(host: Host): void {
    const session = this.#sessions.get(host);
    this.#sessions.delete(host);
    session?.close();
  }

  /** A response to a request says that the host is not to be used. */
  onPassiveFailure(host: Host): void {
    this.#sessions.get(host)?.onPassiveFailure();
  }

  close(): void {
    for (const host of [...this.#sessions.keys()]) this.remove(host);
    this.log?.close();
  }

  // SessionOwner

  initialDelayMs(): number {
    const { initialJitterMs } = this.plan;
    return initialJitterMs === 0 ? 0 : this.#jittered(0, initialJitterMs);
  }

  intervalMs(healthy: boolean, transition: HealthTransition): number {
    return this.#jittered(this.#baseMs(healthy, transition === "pending"), this.plan.intervalJitterMs);
  }

  #baseMs(healthy: boolean, pending: boolean): number {
    const { plan } = this;
    this.#hadTraffic ||= this.#environment.cluster.stats.upstreamCxTotal.value > 0;
    if (!this.#hadTraffic) {
      return healthy && !pending ? plan.noTrafficHealthyIntervalMs : plan.noTrafficIntervalMs;
    }
    if (healthy) return pending ? plan.healthyEdgeIntervalMs : plan.intervalMs;
    return pending ? plan.unhealthyEdgeIntervalMs : plan.unhealthyIntervalMs;
  }

  /** A millisecond at least, else checks of a host could follow each other for ever. */
  #jittered(baseMs: number, jitterMs: number): number {
    let delayMs = baseMs;
    const percentMs = Math.floor(this.plan.intervalJitterPercent * baseMs / 100);
    if (percentMs > 0) delayMs += this.#random.uint32() % percentMs;
    if (jitterMs >= 1) delayMs += this.#random.uint32() % Math.floor(jitterMs);
    const { runtime } = this.#environment.cluster;
    const leastMs = runtime.integer("health_check.min_interval", 0);
    return Math.max(1, leastMs, Math.min(delayMs, runtime.integer("health_check.max_interval", Infinity)));
  }

  #createProbe(target: ProbeTarget, callbacks: ProbeCallbacks): HealthProbe {
    const { checker } = this.plan;
    switch (checker.kind) {
      case "http":
        return new HttpProbe(checker, this.#environment, target, callbacks);
      case "tcp":
        return new TcpProbe(checker, this.#environment, target, callbacks);
      case "grpc":
        return new GrpcProbe(checker, this.#environment, target, callbacks);
    }
  }
}
