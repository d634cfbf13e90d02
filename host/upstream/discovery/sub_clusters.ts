// host/upstream/discovery/sub_clusters.ts: a cluster of its own for each host that requests are for.
// pure: no I/O, no clock, no runtime globals
/**
 * Made when the first request asks for the host, like the cluster that it belongs to but with one DNS name; gone
 * when nobody asked for a while, or with the cluster that it belongs to.
 *
 * @see Envoy: source/extensions/clusters/dynamic_forward_proxy/cluster.cc createSubClusterConfig
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import { type DynamicHost, parseDynamicHost } from "../dns_cache/dynamic_host.ts";
import { type ClusterPlan, NO_LOCALITY, type SubClustersPlan } from "../plan.ts";
import type { DiscoveryContext } from "./discovery.ts";

type HostAndPort = Pick<DynamicHost, "host" | "port">;

interface SubCluster {
  lastUsedMs: number;
  /** Requests that wait for it. */
  readonly waiting: Set<() => void>;
  readonly remove: () => void;
}

export class SubClusters {
  readonly #context: DiscoveryContext;
  readonly #plan: SubClustersPlan;
  /** By name. */
  readonly #clusters = new Map<string, SubCluster>();
  readonly #idle: Timer;

  constructor(context: DiscoveryContext, plan: SubClustersPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#idle = context.clock.createTimer(() => this.#removeIdle());
  }

  start(): void {
    this.#idle.enable(this.#plan.ttlMs);
    for (const { address: host, port } of this.#plan.preresolve) this.#clusterOf({ host, port });
  }

  close(): void {
    this.#idle.disable();
    const clusters = [...this.#clusters.values()];
    this.#clusters.clear();
    for (const { remove } of clusters) remove();
    for (const { waiting } of clusters) tell(waiting);
  }

  /** The cluster of a host as clients write it, if it is there. */
  nameOf(text: string, defaultPort: number): string {
    return clusterName(parseDynamicHost(text, defaultPort));
  }

  /**
   * Makes sure that a host's cluster is there. While it is not, `onSettled` comes when it is or never will be, unless
   * the result is called; "full" when there are as many as allowed.
   */
  ensure(text: string, defaultPort: number, onSettled: () => void): "ready" | "full" | (() => void) {
    const { clusters, clock } = this.#context;
    const host = parseDynamicHost(text, defaultPort);
    const name = clusterName(host);
    if (!this.#clusters.has(name) && this.#clusters.size >= this.#plan.maxSubClusters) return "full";
    const cluster = this.#clusterOf(host);
    cluster.lastUsedMs = clock.nowMs();
    if (clusters.get(name) !== null) return "ready";
    cluster.waiting.add(onSettled);
    return () => void cluster.waiting.delete(onSettled);
  }

  /** Made when it is not there. */
  #clusterOf(host: HostAndPort): SubCluster {
    const name = clusterName(host);
    const known = this.#clusters.get(name);
    if (known !== undefined) return known;
    const { clusters, clock } = this.#context;
    const waiting = new Set<() => void>();
    const remove = clusters.addDynamic(this.#planOf(name, host), () => tell(waiting));
    const cluster = { lastUsedMs: clock.nowMs(), waiting, remove };
    this.#clusters.set(name, cluster);
    return cluster;
  }

  #planOf(name: string, { host, port }: HostAndPort): ClusterPlan {
    const endpoint = { address: host, port, hostname: "", weight: 1, health: "UNKNOWN", metadata: {} } as const;
    return {
      ...this.#context.plan,
      name,
      statName: name.replaceAll(":", "_"),
      observabilityName: name,
      type: "STRICT_DNS",
      dns: this.#plan.dns,
      loadBalancing: this.#plan.loadBalancing,
      localities: [{ priority: 0, locality: NO_LOCALITY, weight: 0, endpoints: [endpoint] }],
      provided: null,
      addedViaApi: true,
    };
  }

  #removeIdle(): void {
    const nowMs = this.#context.clock.nowMs();
    for (const [name, { lastUsedMs, waiting, remove }] of this.#clusters) {
      if (waiting.size > 0 || nowMs - lastUsedMs <= this.#plan.ttlMs) continue;
      this.#clusters.delete(name);
      remove();
    }
    this.#idle.enable(this.#plan.ttlMs);
  }
}

function clusterName({ host, port }: HostAndPort): string {
  return `DFPCluster:${host}:${port}`;
}

function tell(waiting: Set<() => void>): void {
  for (const onSettled of waiting) {
    waiting.delete(onSettled);
    onSettled();
  }
}
