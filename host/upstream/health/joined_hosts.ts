// host/upstream/health/joined_hosts.ts: the hosts of a cluster with several checks.
// pure: no I/O, no clock, no runtime globals
/**
 * Each check has flags of its own for a host; the host is what all of them say: failed if one of them says failed,
 * degraded if one says degraded.
 *
 * @see Envoy: source/extensions/health_checkers/multi/multi.cc
 * @module
 */
import type { Gauge, StatsScope } from "../../observe/stats.ts";
import { HealthFlag, type Host } from "../host.ts";
import type { ClusterHealth } from "./cluster_health.ts";
import { HostFlags } from "./host_flags.ts";
import type { HealthTransition, SessionFlags } from "./session.ts";

/** What one of several checks says of a host. */
const OWN_FLAGS: readonly HealthFlag[] = [
  HealthFlag.FailedActiveHc,
  HealthFlag.DegradedActiveHc,
  HealthFlag.PendingActiveHc,
];

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

export class JoinedHosts {
  readonly #count: number;
  readonly #health: ClusterHealth;
  readonly #hosts = new Map<Host, { readonly own: readonly OwnFlags[]; readonly host: HostFlags }>();
  readonly #healthy: Gauge;
  readonly #degraded: Gauge;

  /** `scope` is that of the cluster. */
  constructor(count: number, health: ClusterHealth, scope: StatsScope) {
    this.#count = count;
    this.#health = health;
    this.#healthy = scope.gauge("health_check.healthy");
    this.#degraded = scope.gauge("health_check.degraded");
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
