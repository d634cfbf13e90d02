// host/upstream/cluster_manager.ts: the clusters of a worker, by name, through generations of configuration.
/**
 * A new generation keeps the clusters whose plan did not change, with all their connections. A changed or
 * new one warms first (until its first attempt to find hosts ended); meanwhile the old one serves. What is
 * replaced or removed finishes its streams and is then gone.
 *
 * @see Envoy: source/common/upstream/cluster_manager_impl.cc
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../observe/stats.ts";
import { Cluster } from "./cluster.ts";
import type { ClusterEnvironment } from "./cluster_environment.ts";
import { DnsCaches } from "./dns_cache/dns_caches.ts";
import { LocalCluster } from "./local_cluster.ts";
import type { ClusterPlan, EndpointsPlan, LocalityPlan } from "./plan.ts";
import { planKey } from "./plan_key.ts";

/** What came of a new generation. */
export interface ClusterUpdate {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly kept: readonly string[];
}

export class ClusterManager {
  #environment: ClusterEnvironment;
  /** Of clusters and filters that proxy to whatever host a request is for. */
  readonly dnsCaches: DnsCaches;
  readonly #active = new Map<string, Cluster>();
  readonly #warming = new Map<string, Cluster>();
  readonly #draining = new Set<Cluster>();
  /** Clusters that other clusters made, until they drain. */
  readonly #dynamic = new Set<Cluster>();
  readonly #added: Counter;
  readonly #modified: Counter;
  readonly #removed: Counter;
  readonly #activeCount: Gauge;
  readonly #warmingCount: Gauge;
  /** Called, and emptied, when nothing warms any more. */
  #onWarm: (() => void)[] = [];
  /** Above 0 while plans are taken in: a cluster that is ready at once must not end the warming. */
  #busy = 0;
  #generation = 0;

  constructor(environment: ClusterEnvironment) {
    this.#environment = environment;
    this.dnsCaches = new DnsCaches(environment);
    const scope = environment.stats.scope("cluster_manager");
    this.#added = scope.counter("cluster_added");
    this.#modified = scope.counter("cluster_modified");
    this.#removed = scope.counter("cluster_removed");
    this.#activeCount = scope.gauge("active_clusters");
    this.#warmingCount = scope.gauge("warming_clusters");
  }

  /** The root of all statistics. */
  get stats(): StatsScope {
    return this.#environment.stats;
  }

  /** Says where the proxy is: for clusters that come from now on. `clusterName` is "" when none is the proxy's own. */
  locate(locality: LocalityPlan, clusterName: string): void {
    const known = this.#environment.local?.name ?? "";
    const isNowhere = locality.region === "" && locality.zone === "" && locality.subZone === "";
    const local = clusterName === known
      ? this.#environment.local ?? null
      : clusterName === ""
      ? null
      : new LocalCluster(clusterName);
    this.#environment = { ...this.#environment, ownLocality: isNowhere ? null : locality, local };
  }

  /** The cluster that serves under this name; null when there is none (flag NC). */
  get(name: string): Cluster | null {
    return this.#active.get(name) ?? null;
  }

  /** All clusters that serve, in the order in which they came. */
  clusters(): Iterable<Cluster> {
    return this.#active.values();
  }

  /** Grows whenever a cluster begins or ends to serve. */
  get generation(): number {
    return this.#generation;
  }

  get warmingCount(): number {
    return this.#warming.size;
  }

  /** Clusters that were replaced or removed and still have something open. */
  get drainingCount(): number {
    return this.#draining.size;
  }

  /**
   * Takes a whole generation. `onWarm` comes once every cluster of it is ready, maybe before this returns;
   * only then are clusters removed that it does not name.
   */
  update(plans: readonly ClusterPlan[], onWarm: () => void = () => {}): ClusterUpdate {
    const names = new Set(plans.map((plan) => plan.name));
    const result = { added: [] as string[], changed: [] as string[], removed: [] as string[], kept: [] as string[] };
    // Those that a cluster made for itself are its own.
    for (const { name } of this.#dynamic) names.add(name);
    for (const name of this.#active.keys()) if (!names.has(name)) result.removed.push(name);
    for (const name of [...this.#warming.keys()]) if (!names.has(name)) this.#stopWarming(name);
    this.#onWarm.push(() => {
      for (const name of result.removed) this.#removeActive(name);
      onWarm();
    });
    this.#busy++;
    for (const plan of this.#localFirst(plans)) result[this.#set(plan)].push(plan.name);
    this.#busy--;
    this.#checkWarm();
    return result;
  }

  /** Adds a cluster, or replaces it when its plan changed. */
  set(plan: ClusterPlan, onWarm: () => void = () => {}): "added" | "changed" | "kept" {
    this.#busy++;
    const outcome = this.#set(plan);
    this.#busy--;
    this.#onWarm.push(onWarm);
    this.#checkWarm();
    return outcome;
  }

  /** Gives a cluster other endpoints, the one that serves and the one that warms. */
  updateEndpoints(name: string, endpoints: EndpointsPlan): void {
    this.#active.get(name)?.updateEndpoints(endpoints);
    this.#warming.get(name)?.updateEndpoints(endpoints);
  }

  /** Adds a cluster that belongs to another one; `onReady` comes when it serves. The result removes it. */
  addDynamic(plan: ClusterPlan, onReady: () => void): () => void {
    const cluster = new Cluster(plan, this.#environment, this);
    this.#dynamic.add(cluster);
    this.#added.inc();
    cluster.start(() => {
      // Removed meanwhile.
      if (!this.#dynamic.has(cluster)) return;
      this.#activate(cluster);
      onReady();
    });
    return () => {
      // Another one may have the name by now.
      if (this.get(plan.name) === cluster) this.#removeActive(plan.name);
      else if (this.#dynamic.delete(cluster)) cluster.close();
    };
  }

  /** Removes a cluster; false when there is none of this name. */
  remove(name: string): boolean {
    const warming = this.#stopWarming(name);
    const active = this.#removeActive(name);
    this.#checkWarm();
    return warming || active;
  }

  /** Ends everything at once. */
  close(): void {
    const named = [...this.#active.values(), ...this.#warming.values()];
    const clusters = new Set([...named, ...this.#draining, ...this.#dynamic]);
    // Who is told of an end finds no cluster any more.
    this.#active.clear();
    this.#warming.clear();
    this.#draining.clear();
    this.#dynamic.clear();
    this.#onWarm = [];
    for (const cluster of clusters) cluster.close();
    this.dnsCaches.close();
    this.#count();
  }

  #set(plan: ClusterPlan): "added" | "changed" | "kept" {
    const active = this.#active.get(plan.name);
    const warming = this.#warming.get(plan.name);
    if (warming !== undefined) {
      if (hasPlan(warming, plan)) return active === undefined ? "added" : "changed";
      this.#stopWarming(plan.name);
    }
    if (active !== undefined && hasPlan(active, plan)) {
      if (plan.eds !== null && plan.eds.initial !== null) active.updateEndpoints(plan.eds.initial);
      return "kept";
    }

    const cluster = new Cluster(plan, this.#environment, this);
    this.#warming.set(plan.name, cluster);
    if (active === undefined) this.#added.inc();
    else this.#modified.inc();
    this.#count();
    cluster.start(() => this.#onReady(cluster));
    return active === undefined ? "added" : "changed";
  }

  /** Other clusters look at the local one when they get their hosts. */
  #localFirst(plans: readonly ClusterPlan[]): readonly ClusterPlan[] {
    const local = plans.find(({ name }) => name === this.#environment.local?.name);
    return local === undefined ? plans : [local, ...plans.filter((plan) => plan !== local)];
  }

  #onReady(cluster: Cluster): void {
    const { name } = cluster;
    if (this.#warming.get(name) !== cluster) return;
    this.#warming.delete(name);
    const { local } = this.#environment;
    if (local?.name === name) local.use(cluster.priorities);
    this.#activate(cluster);
    this.#checkWarm();
  }

  /** The cluster serves from now on, in the place of another one of its name. */
  #activate(cluster: Cluster): void {
    const old = this.#active.get(cluster.name);
    this.#active.set(cluster.name, cluster);
    this.#generation++;
    this.#count();
    if (old !== undefined) this.#drain(old);
  }

  #stopWarming(name: string): boolean {
    const cluster = this.#warming.get(name);
    if (cluster === undefined) return false;
    this.#warming.delete(name);
    this.#count();
    cluster.close();
    return true;
  }

  #removeActive(name: string): boolean {
    const cluster = this.#active.get(name);
    if (cluster === undefined) return false;
    this.#active.delete(name);
    this.#generation++;
    this.#removed.inc();
    this.#count();
    this.#drain(cluster);
    return true;
  }

  #drain(cluster: Cluster): void {
    this.#dynamic.delete(cluster);
    this.#draining.add(cluster);
    cluster.drain(() => this.#draining.delete(cluster));
    this.dnsCaches.sweep();
  }

  #checkWarm(): void {
    if (this.#busy > 0 || this.#warming.size > 0) return;
    const callbacks = this.#onWarm;
    this.#onWarm = [];
    for (const callback of callbacks) callback();
  }

  #count(): void {
    this.#activeCount.set(this.#active.size);
    this.#warmingCount.set(this.#warming.size);
  }
}

function hasPlan(cluster: Cluster, plan: ClusterPlan): boolean {
  return planKey(cluster.plan) === planKey(plan);
}
