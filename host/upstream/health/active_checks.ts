// host/upstream/health/active_checks.ts: the checks of a cluster, and what follows from them.
// pure: no I/O, no clock, no runtime globals
/**
 * Lives on the one worker that checks. With one check its sessions set the flags of the hosts themselves; with
 * several each has flags of its own, and a host is what all of them say: failed if one of them says failed,
 * degraded if one says degraded.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc ClusterImplBase::setHealthChecker, onInitDone
 * @see Envoy: source/extensions/health_checkers/multi/multi.cc
 * @module
 */
import type { Gauge } from "../../observe/stats.ts";
import { HealthFlag, type HealthMonitor, type Host } from "../host.ts";
import type { PrioritySet } from "../priority.ts";
import type { ClusterHealth } from "./cluster_health.ts";
import { HealthChecker, type HealthCheckerEnvironment } from "./health_checker.ts";
import type { CheckedCluster } from "./probe.ts";
import type { HealthTransition, SessionFlags } from "./session.ts";

/** The cluster, as its checks know it. */
export interface ActivelyCheckedCluster extends CheckedCluster {
  readonly priorities: PrioritySet;
  readonly health: ClusterHealth;
  onHostHealthFailure(host: Host): void;
}

export interface ActiveChecksEnvironment extends HealthCheckerEnvironment {
  readonly cluster: ActivelyCheckedCluster;
}

/** What one of several checks says of a host. */
const OWN_FLAGS: readonly HealthFlag[] = [
  HealthFlag.FailedActiveHc,
  HealthFlag.DegradedActiveHc,
  HealthFlag.PendingActiveHc,
];

export class ActiveChecks implements HealthMonitor {
  readonly #cluster: ActivelyCheckedCluster;
  readonly #health: ClusterHealth;
  readonly #checkers: readonly HealthChecker[];
  readonly #joined: JoinedHosts | null;
  /** Results that are missing until the first round is over; null before it is known how many, -1 afterwards. */
  #missing: number | null = null;
  #onFirstRound: (() => void) | null = null;

  constructor(environment: ActiveChecksEnvironment) {
    const { cluster } = environment;
    const { checks } = cluster.plan.health;
    this.#cluster = cluster;
    this.#health = cluster.health;
    const joined = checks.length > 1 ? new JoinedHosts(checks.length, cluster) : null;
    this.#joined = joined;
    this.#checkers = checks.map((plan) =>
      new HealthChecker(plan, environment, (host, transition) => {
        this.#onResult(host, joined === null ? transition : joined.onResult(host));
      })
    );
    cluster.priorities.onMemberUpdate((added, removed) => {
      for (const host of removed) this.#remove(host);
      for (const host of added) this.#add(host);
    });
  }

  /** Discovery is over; `onFirstRound` comes when all hosts that are there by now were checked, maybe at once. */
  whenChecked(onFirstRound: () => void): void {
    this.#onFirstRound = onFirstRound;
    this.#missing = 0;
    for (const host of this.#cluster.priorities.hosts()) if (!host.activeHealthCheckDisabled) this.#missing++;
    if (this.#missing === 0) this.#endFirstRound();
  }

  /** A response to a request says that the host is not to be used. */
  setUnhealthy(host: Host): void {
    for (const checker of this.#checkers) checker.onPassiveFailure(host);
  }

  close(): void {
    this.#missing = -1;
    for (const checker of this.#checkers) checker.close();
    this.#joined?.close();
  }

  #add(host: Host): void {
    if (host.activeHealthCheckDisabled) return;
    const flags = this.#joined?.add(host) ?? null;
    this.#checkers.forEach((checker, index) => {
      checker.add(host, flags === null ? new HostFlags(host, this.#health) : flags[index]!);
    });
  }

  #remove(host: Host): void {
    if (host.activeHealthCheckDisabled) return;
    for (const checker of this.#checkers) checker.remove(host);
    this.#joined?.remove(host);
  }

  #onResult(host: Host, transition: HealthTransition | null): void {
    if (transition === null) return;
    if (transition === "changed" && (host.healthFlags & HealthFlag.FailedActiveHc) !== 0) {
      this.#cluster.onHostHealthFailure(host);
    }
    if (this.#missing !== null && this.#missing > 0 && --this.#missing === 0) this.#endFirstRound();
  }

  #endFirstRound(): void {
    this.#missing = -1;
    const onFirstRound = this.#onFirstRound;
    this.#onFirstRound = null;
    this.#health.markChecked();
    onFirstRound?.();
  }
}

/** The flags that the host really has. */
class HostFlags implements SessionFlags {
  readonly #host: Host;
  readonly #health: ClusterHealth;

  constructor(host: Host, health: ClusterHealth) {
    this.#host = host;
    this.#health = health;
  }

  has(flag: HealthFlag): boolean {
    return (this.#host.healthFlags & flag) !== 0;
  }

  set(flag: HealthFlag, on: boolean): void {
    this.#health.set(this.#host, flag, on);
  }
}

/** What one of several checks holds of a host. */
class OwnFlags implements SessionFlags {
  readonly #host: HostFlags;
  bits: number;

  constructor(host: HostFlags, bits: number) {
    this.#host = host;
    this.bits = bits;
  }

  has(flag: HealthFlag): boolean {
    return (this.bits & flag) !== 0;
  }

  set(flag: HealthFlag, on: boolean): void {
    this.bits = on ? this.bits | flag : this.bits & ~flag;
    // Which of the checks says this does not matter.
    if (flag === HealthFlag.ExcludedViaImmediateHcFail) this.#host.set(flag, on);
  }
}

/** The hosts of a cluster with several checks. */
class JoinedHosts {
  readonly #count: number;
  readonly #health: ClusterHealth;
  readonly #hosts = new Map<Host, { readonly own: readonly OwnFlags[]; readonly host: HostFlags }>();
  readonly #healthy: Gauge;
  readonly #degraded: Gauge;

  constructor(count: number, cluster: ActivelyCheckedCluster) {
    this.#count = count;
    this.#health = cluster.health;
    this.#healthy = cluster.stats.scope.gauge("health_check.healthy");
    this.#degraded = cluster.stats.scope.gauge("health_check.degraded");
    this.#healthy.add(0);
    this.#degraded.add(0);
  }

  add(host: Host): readonly OwnFlags[] {
    const flags = new HostFlags(host, this.#health);
    const own = Array.from({ length: this.#count }, () => new OwnFlags(flags, host.healthFlags));
    this.#hosts.set(host, { own, host: flags });
    this.#charge(flags, 1);
    return own;
  }

  remove(host: Host): void {
    const entry = this.#hosts.get(host);
    if (entry === undefined) return;
    this.#charge(entry.host, -1);
    this.#hosts.delete(host);
  }

  close(): void {
    for (const host of [...this.#hosts.keys()]) this.remove(host);
  }

  /** Takes in what one check says; null while all of them still have to say something. */
  onResult(host: Host): HealthTransition | null {
    const entry = this.#hosts.get(host);
    if (entry === undefined) return "unchanged";
    const { own, host: flags } = entry;
    const wasPending = flags.has(HealthFlag.PendingActiveHc);
    let transition: HealthTransition = "unchanged";
    this.#charge(flags, -1);
    for (const flag of OWN_FLAGS) {
      const on = own.some((each) => each.has(flag));
      if (on !== flags.has(flag)) transition = "changed";
      flags.set(flag, on);
    }
    this.#charge(flags, 1);
    return wasPending && flags.has(HealthFlag.PendingActiveHc) ? null : transition;
  }

  #charge(flags: HostFlags, amount: number): void {
    if (!flags.has(HealthFlag.FailedActiveHc)) this.#healthy.add(amount);
    if (flags.has(HealthFlag.DegradedActiveHc)) this.#degraded.add(amount);
  }
}
