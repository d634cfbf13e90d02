// host/upstream/discovery/aggregate.ts: several clusters as one, the first of them preferred.
// pure: no I/O, no clock, no runtime globals
// hot: chooseHost runs per request
/**
 * The priorities of the members that have hosts, one member after the other, are the priorities of the
 * aggregate; health decides between them as it does within one cluster. Then the member that owns the
 * priority chooses, with its own policy. Pools, limits and numbers are those of the chosen host's cluster.
 *
 * An aggregate has no hosts of its own, so none can be a member of another.
 *
 * @see Envoy: source/extensions/clusters/aggregate/cluster.cc
 * @module
 */
import type { Host } from "../host.ts";
import type { HostSet } from "../host_set.ts";
import { type LoadBalancerContext, LoadBalancerContextWrapper } from "../lb/context.ts";
import type { AggregatePlan } from "../plan.ts";
import {
  choosePriority,
  computePriorityLoad,
  type PriorityLoad,
  type PriorityPercentages,
  type PrioritySet,
} from "../priority.ts";
import type { DiscoveryContext, MemberCluster, ProvidingDiscovery } from "./discovery.ts";

/** A member as it was when the priorities were put in a row. */
interface Member {
  readonly cluster: MemberCluster;
  readonly version: number;
}

export class AggregateCluster implements ProvidingDiscovery {
  /** A member may ask for it. */
  readonly asksContext = true;
  readonly #context: DiscoveryContext;
  readonly #plan: AggregatePlan;
  #generation = -1;
  #members: readonly Member[] = [];
  #row: readonly LinearPriority[] = [];
  #load: PriorityLoad = { healthy: [], degraded: [], panic: [] };

  constructor(context: DiscoveryContext, plan: AggregatePlan) {
    this.#context = context;
    this.#plan = plan;
  }

  start(onReady: () => void): void {
    onReady();
  }

  close(): void {}

  chooseHost(context: LoadBalancerContext | null): Host | null {
    if (this.#stale()) this.#refresh();
    if (this.#row.length === 0) return null;
    const { priority, degraded } = choosePriority(this.#load, this.#context.random.uint32() % 100);
    const linear = this.#row[priority]!;
    return (degraded ? linear.degraded : linear.healthy).choose(context);
  }

  #stale(): boolean {
    if (this.#generation !== this.#context.clusters.generation) return true;
    for (const member of this.#members) if (member.version !== member.cluster.priorities.version) return true;
    return false;
  }

  #refresh(): void {
    const { clusters, priorities } = this.#context;
    const members: Member[] = [];
    const row: LinearPriority[] = [];
    const sets: HostSet[] = [];
    for (const name of this.#plan.clusters) {
      const cluster = clusters.get(name);
      if (cluster === null) continue;
      members.push({ cluster, version: cluster.priorities.version });
      for (const set of cluster.priorities.hostSets) {
        if (set.hosts.length === 0) continue;
        sets.push(set);
        row.push({
          healthy: new MemberChoice(cluster, set.priority, false),
          degraded: new MemberChoice(cluster, set.priority, true),
        });
      }
    }
    this.#generation = clusters.generation;
    this.#members = members;
    this.#row = row;
    if (sets.length > 0) this.#load = computePriorityLoad(sets, priorities.panicThresholdPercent);
  }
}

/** One priority of the aggregate. */
interface LinearPriority {
  readonly healthy: MemberChoice;
  readonly degraded: MemberChoice;
}

/** Has a member choose from one of its priorities; stands between it and the request. */
class MemberChoice extends LoadBalancerContextWrapper {
  readonly #cluster: MemberCluster;
  readonly #priority: number;
  readonly #degraded: boolean;
  #load: PriorityPercentages | null = null;

  constructor(cluster: MemberCluster, priority: number, degraded: boolean) {
    super(null);
    this.#cluster = cluster;
    this.#priority = priority;
    this.#degraded = degraded;
  }

  choose(context: LoadBalancerContext | null): Host | null {
    this.inner = context;
    const host = this.#cluster.balancer.chooseHost(this);
    this.inner = null;
    return host;
  }

  /** Everything goes to the one priority. */
  override priorityLoad({ hostSets }: PrioritySet): PriorityPercentages {
    return this.#load ??= this.#onlyThis(hostSets.length);
  }

  #onlyThis(priorities: number): PriorityPercentages {
    const all = Array.from({ length: priorities }, (_, priority) => priority === this.#priority ? 100 : 0);
    const none = all.map(() => 0);
    return this.#degraded ? { healthy: none, degraded: all } : { healthy: all, degraded: none };
  }
}
