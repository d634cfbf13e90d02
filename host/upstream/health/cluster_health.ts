// host/upstream/health/cluster_health.ts: the flags of a cluster's hosts, the same on all workers.
// pure: no I/O, no clock, no runtime globals
/**
 * Whoever decides about the health of a host (a checker, outlier detection) says it here. The host has its new
 * flag at once; load balancing and gauges follow at the end of the turn, once for all that changed in it. They cost
 * as much as a cluster is large: when many hosts of a large one change one after the other, they follow at intervals
 * that keep it to a percent of a core or so. Only clusters with something that decides have this object.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc ClusterImplBase::reloadHealthyHosts
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { HealthFlag, type HealthMonitor, type Host } from "../host.ts";
import type { EjectionType } from "../outlier/plan.ts";
import { countMembers } from "../membership.ts";
import type { ClusterPlan, DiscoveryType } from "../plan.ts";
import { sharedClusterId } from "../plan_key.ts";
import type { PrioritySet } from "../priority.ts";
import type { ClusterStats } from "../stats.ts";
import type { ExchangeMember, HostHealthChange, HostHealthExchange } from "./exchange.ts";

/** Where hosts are not healthy before their first check. In other clusters a request waits for the host that is new. */
const UNHEALTHY_AT_FIRST: readonly DiscoveryType[] = ["STATIC", "STRICT_DNS", "EDS"];

/** For so many hosts updates are a millisecond apart; to make their lists takes about a hundredth of it. */
const HOSTS_PER_MS = 50;

/** Called when another worker found that a host is an outlier. */
export type RemoteOutlierListener = (host: Host, type: EjectionType) => void;

/** Called after another worker changed a flag of a host of this one. */
export type RemoteFlagListener = (host: Host, flag: HealthFlag, on: boolean) => void;

export class ClusterHealth implements ExchangeMember, HealthMonitor {
  readonly id: string;
  readonly #plan: ClusterPlan;
  readonly #priorities: PrioritySet;
  readonly #stats: ClusterStats;
  readonly #exchange: HostHealthExchange;
  readonly #primary: boolean;
  readonly #clock: Clock;
  readonly #hosts = new Map<string, Host>();
  readonly #listeners: RemoteFlagListener[] = [];
  readonly #changed = new Set<number>();
  readonly #mergeTimer: Timer;
  #updatedMs = -Infinity;
  #onChecked: (() => void) | null = null;
  #onOutlier: RemoteOutlierListener | null = null;
  #onFailureAsked: ((host: Host) => void) | null = null;

  /** `primary`: this worker says which hosts are gone. */
  constructor(
    plan: ClusterPlan,
    priorities: PrioritySet,
    stats: ClusterStats,
    exchange: HostHealthExchange,
    primary: boolean,
    clock: Clock,
  ) {
    this.id = exchange.isShared ? sharedClusterId(plan) : plan.name;
    this.#plan = plan;
    this.#priorities = priorities;
    this.#stats = stats;
    this.#exchange = exchange;
    this.#primary = primary;
    this.#clock = clock;
    this.#mergeTimer = clock.createTimer(() => this.#update());
    priorities.onBeforeMemberUpdate((added) => added.forEach((host) => this.#admit(host)));
    priorities.onMemberUpdate((_added, removed) => removed.forEach((host) => this.#dismiss(host)));
    for (const host of priorities.hosts()) this.#admit(host);
    exchange.join(this);
  }

  /** Sets or clears a flag, on all workers; true when that changed something. */
  set(host: Host, flag: HealthFlag, on: boolean): boolean {
    if (!host.setHealthFlag(flag, on)) return false;
    this.#exchange.publish({ kind: "flag", cluster: this.id, host: host.key, flag, on });
    this.#onFlag(host, flag, on);
    return true;
  }

  /** Lets load balancing know now of what changed, and not at the end of the turn. */
  settle(): void {
    this.#update();
    this.#exchange.flush();
  }

  /** Calls `listener` for what other workers change. */
  onRemoteFlag(listener: RemoteFlagListener): void {
    this.#listeners.push(listener);
  }

  /** Tells the worker that decides that a host is an outlier. */
  reportOutlier(host: Host, type: EjectionType): void {
    this.#exchange.publish({ kind: "outlier", cluster: this.id, host: host.key, type });
  }

  /** Calls `listener` for what other workers report. */
  onRemoteOutlier(listener: RemoteOutlierListener): void {
    this.#onOutlier = listener;
  }

  /** Asks the worker that checks to have the host failed. */
  setUnhealthy(host: Host): void {
    this.#exchange.publish({ kind: "immediateFailure", cluster: this.id, host: host.key });
  }

  /** Calls `listener` when another worker asks to have a host failed. */
  onFailureAsked(listener: (host: Host) => void): void {
    this.#onFailureAsked = listener;
  }

  /** True once the worker that checks has said that its first round is over. */
  get checked(): boolean {
    return this.#exchange.isChecked(this.id);
  }

  /** Says that the first round of checks is over; load balancing knows of its results. */
  markChecked(): void {
    this.#update();
    this.#exchange.publish({ kind: "checked", cluster: this.id });
    this.#exchange.flush();
  }

  /** Calls back, once, when the worker that checks says so. */
  whenChecked(callback: () => void): void {
    this.#onChecked = callback;
  }

  close(): void {
    this.#mergeTimer.disable();
    this.#onChecked = null;
    if (this.#primary) this.#exchange.publish({ kind: "closed", cluster: this.id });
    this.#exchange.leave(this);
  }

  /** What other workers know of a host counts more than how hosts begin. */
  #admit(host: Host): void {
    const { checks, excludeUntilChecked } = this.#plan.health;
    const { type } = this.#plan;
    if (checks.length > 0 && UNHEALTHY_AT_FIRST.includes(type) && !host.activeHealthCheckDisabled) {
      host.setHealthFlag(HealthFlag.FailedActiveHc, true);
      if (excludeUntilChecked && type !== "STATIC") host.setHealthFlag(HealthFlag.PendingActiveHc, true);
    }
    const { known, flags } = this.#exchange.flags(this.id, host.key);
    // Another worker may still have a host of this address, from before.
    if (known === 0 && this.#primary && (host.healthFlags & HealthFlag.FailedActiveHc) !== 0) {
      this.#exchange.publish({
        kind: "flag",
        cluster: this.id,
        host: host.key,
        flag: HealthFlag.FailedActiveHc,
        on: true,
      });
    }
    for (let flag = 1; flag <= known; flag <<= 1) {
      if ((known & flag) !== 0) host.setHealthFlag(flag as HealthFlag, (flags & flag) !== 0);
    }
    this.#hosts.set(host.key, host);
  }

  #dismiss(host: Host): void {
    if (this.#hosts.get(host.key) !== host) return;
    this.#hosts.delete(host.key);
    if (this.#primary) this.#exchange.publish({ kind: "removed", cluster: this.id, host: host.key });
  }

  #onFlag(host: Host, flag: HealthFlag, on: boolean): void {
    if (flag === HealthFlag.FailedActiveHc && !on) host.healthySinceMs = this.#clock.nowMs();
    this.#changed.add(host.priority);
    this.#exchange.refreshLater(this);
  }

  // ExchangeMember

  onChange(change: HostHealthChange): void {
    if (change.kind === "checked") {
      const onChecked = this.#onChecked;
      this.#onChecked = null;
      this.#update();
      return onChecked?.();
    }
    if (change.kind === "removed" || change.kind === "closed") return;
    const host = this.#hosts.get(change.host);
    if (host === undefined) return;
    if (change.kind === "outlier") return this.#onOutlier?.(host, change.type);
    if (change.kind === "immediateFailure") return this.#onFailureAsked?.(host);
    if (!host.setHealthFlag(change.flag, change.on)) return;
    this.#onFlag(host, change.flag, change.on);
    for (const listener of this.#listeners) listener(host, change.flag, change.on);
  }

  refresh(): void {
    const windowMs = Math.min(this.#plan.health.updateMergeWindowMs, Math.floor(this.#hosts.size / HOSTS_PER_MS));
    const waitMs = this.#updatedMs + windowMs - this.#clock.nowMs();
    if (windowMs === 0 || waitMs <= 0) this.#update();
    else if (!this.#mergeTimer.enabled) this.#mergeTimer.enable(waitMs);
  }

  #update(): void {
    if (this.#changed.size === 0) return;
    this.#mergeTimer.disable();
    this.#updatedMs = this.#clock.nowMs();
    this.#priorities.refreshHealth(this.#changed);
    this.#changed.clear();
    countMembers(this.#priorities, this.#stats);
  }
}
