// host/upstream/health/session.ts: the state of the checks of one host.
// pure: no I/O, no clock, no runtime globals
/**
 * Results and time come in; flags, statistics, events and the next check go out. The first result counts by
 * itself; later ones have to come as often in a row as the thresholds say, but for a failure that the host states
 * itself, which counts at once.
 *
 * @see Envoy: source/extensions/health_checkers/common/health_checker_base_impl.cc ActiveHealthCheckSession
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { HealthFlag, type Host } from "../host.ts";
import type { HealthEventLog } from "./event_log.ts";
import type { HealthCheckPlan } from "./plan.ts";
import type { HealthCheckFailure, HealthProbe, ProbeCallbacks } from "./probe.ts";
import type { HealthCheckStats } from "./stats.ts";

export type HealthTransition = "unchanged" | "changed" | "pending";

/** The flags of the host, as this session sees and sets them. */
export interface SessionFlags {
  has(flag: HealthFlag): boolean;
  set(flag: HealthFlag, on: boolean): void;
}

/** The check that the session belongs to. */
export interface SessionOwner {
  readonly plan: HealthCheckPlan;
  readonly clock: Clock;
  readonly stats: HealthCheckStats;
  readonly log: HealthEventLog | null;
  /** Before the first check; 0 for at once. */
  initialDelayMs(): number;
  intervalMs(healthy: boolean, transition: HealthTransition): number;
  /** A result is there, or the session ended without any. */
  onResult(host: Host, transition: HealthTransition): void;
  /** A check succeeded. */
  onPassed(host: Host): void;
}

export class HealthCheckSession implements ProbeCallbacks {
  readonly host: Host;
  readonly #owner: SessionOwner;
  readonly #flags: SessionFlags;
  readonly #probe: HealthProbe;
  readonly #intervalTimer: Timer;
  readonly #timeoutTimer: Timer;
  #successes = 0;
  #failures = 0;
  #first = true;
  #closed = false;

  constructor(
    owner: SessionOwner,
    host: Host,
    flags: SessionFlags,
    createProbe: (callbacks: ProbeCallbacks) => HealthProbe,
  ) {
    this.host = host;
    this.#owner = owner;
    this.#flags = flags;
    this.#probe = createProbe(this);
    this.#intervalTimer = owner.clock.createTickTimer(() => this.#check());
    this.#timeoutTimer = owner.clock.createTimer(() => this.#onTimeout());
    if (!flags.has(HealthFlag.FailedActiveHc)) owner.stats.healthy.inc();
    if (flags.has(HealthFlag.DegradedActiveHc)) owner.stats.degraded.inc();
  }

  start(): void {
    const delayMs = this.#owner.initialDelayMs();
    if (delayMs === 0) this.#check();
    else this.#intervalTimer.enable(delayMs);
  }

  close(): void {
    this.#closed = true;
    this.#intervalTimer.disable();
    this.#timeoutTimer.disable();
    if (!this.#flags.has(HealthFlag.FailedActiveHc)) this.#owner.stats.healthy.dec();
    if (this.#flags.has(HealthFlag.DegradedActiveHc)) this.#owner.stats.degraded.dec();
    this.#probe.close();
    // Somebody may wait for a result that does not come any more.
    if (this.#first) this.#owner.onResult(this.host, "unchanged");
  }

  /** A response to a request, not to a check, says that the host is not to be used. */
  onPassiveFailure(): void {
    this.onImmediateFailure();
    this.#setUnhealthy("PASSIVE", false, 0);
  }

  #check(): void {
    this.#timeoutTimer.enable(this.#owner.plan.timeoutMs);
    this.#owner.stats.attempt.inc();
    this.#probe.check();
  }

  #onTimeout(): void {
    this.#probe.onTimeout();
    this.onFailure("NETWORK_TIMEOUT", false, 0);
  }

  // ProbeCallbacks

  onSuccess(degraded: boolean): void {
    if (this.#closed) return;
    const flags = this.#flags;
    const { plan, stats, log } = this.#owner;
    this.#failures = 0;
    let transition: HealthTransition = "unchanged";
    if (flags.has(HealthFlag.FailedActiveHc)) {
      if (this.#first || ++this.#successes === plan.healthyThreshold) {
        flags.set(HealthFlag.ActiveHcTimeout, false);
        flags.set(HealthFlag.ExcludedViaImmediateHcFail, false);
        flags.set(HealthFlag.FailedActiveHc, false);
        stats.healthy.inc();
        transition = "changed";
        log?.addHealthy(this.host, this.#first);
      } else {
        transition = "pending";
      }
    }
    if (transition !== "changed" && plan.alwaysLogSuccess) log?.success(this.host);
    transition = this.#endPending(transition);
    if (degraded !== flags.has(HealthFlag.DegradedActiveHc)) {
      flags.set(HealthFlag.DegradedActiveHc, degraded);
      if (degraded) {
        stats.degraded.inc();
        log?.degraded(this.host);
      } else {
        stats.degraded.dec();
        log?.noLongerDegraded(this.host);
      }
      if (transition === "unchanged") transition = "changed";
    }
    stats.success.inc();
    this.#first = false;
    this.#owner.onResult(this.host, transition);
    this.#owner.onPassed(this.host);
    this.#await(true, transition);
  }

  onFailure(failure: HealthCheckFailure, retriable: boolean, httpStatus: number): void {
    if (this.#closed) return;
    this.#await(false, this.#setUnhealthy(failure, retriable, httpStatus));
  }

  onImmediateFailure(): void {
    this.#flags.set(HealthFlag.ExcludedViaImmediateHcFail, true);
  }

  #setUnhealthy(failure: HealthCheckFailure, retriable: boolean, httpStatus: number): HealthTransition {
    const flags = this.#flags;
    const { plan, stats, log } = this.#owner;
    const isNetwork = failure === "NETWORK" || failure === "NETWORK_TIMEOUT";
    this.#successes = 0;
    let transition: HealthTransition = "unchanged";
    if (!flags.has(HealthFlag.FailedActiveHc)) {
      if ((!isNetwork && !retriable) || ++this.#failures === plan.unhealthyThreshold) {
        flags.set(HealthFlag.FailedActiveHc, true);
        stats.healthy.dec();
        transition = "changed";
        log?.ejectUnhealthy(this.host, failure, httpStatus);
      } else {
        transition = "pending";
      }
    }
    const timedOut = failure === "NETWORK_TIMEOUT" && flags.has(HealthFlag.FailedActiveHc);
    flags.set(HealthFlag.ActiveHcTimeout, timedOut);
    transition = this.#endPending(transition);
    if (this.#first || plan.alwaysLogFailures) log?.failure(this.host, failure, this.#first, httpStatus);
    stats.failure.inc();
    if (isNetwork) stats.networkFailure.inc();
    else if (failure === "PASSIVE") stats.passiveFailure.inc();
    this.#first = false;
    this.#owner.onResult(this.host, transition);
    return transition;
  }

  /** The host counts from now on, be it healthy or not. */
  #endPending(transition: HealthTransition): HealthTransition {
    if (!this.#flags.has(HealthFlag.PendingActiveHc)) return transition;
    this.#flags.set(HealthFlag.PendingActiveHc, false);
    return "changed";
  }

  #await(healthy: boolean, transition: HealthTransition): void {
    // Whoever was told of the result may have removed the host.
    if (this.#closed) return;
    this.#timeoutTimer.disable();
    this.#intervalTimer.enable(this.#owner.intervalMs(healthy, transition));
  }
}
