// host/upstream/health/active_checks.ts: the checks of a cluster, and what follows from them.
// pure: no I/O, no clock, no runtime globals
/**
 * Lives on the worker that checks. With one check its sessions set the flags of the hosts themselves; with several
 * what they say is joined.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc ClusterImplBase::setHealthChecker, onInitDone
 * @module
 */
import { HealthFlag, type HealthMonitor, type Host } from "../host.ts";
import type { PrioritySet } from "../priority.ts";
import type { ClusterHealth } from "./cluster_health.ts";
import { HealthChecker, type HealthCheckerEnvironment } from "./health_checker.ts";
import { HostFlags } from "./host_flags.ts";
import { JoinedHosts } from "./joined_hosts.ts";
import type { CheckedCluster } from "./probe.ts";
import type { HealthTransition } from "./session.ts";

/** The cluster, as its checks know it. */
export interface ActivelyCheckedCluster extends CheckedCluster {
  readonly priorities: PrioritySet;
  readonly health: ClusterHealth;
  onHostHealthFailure(host: Host): void;
}

export interface ActiveChecksEnvironment extends HealthCheckerEnvironment {
  readonly cluster: ActivelyCheckedCluster;
}

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
    const joined = checks.length > 1 ? new JoinedHosts(checks.length, cluster.health, cluster.stats.scope) : null;
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
