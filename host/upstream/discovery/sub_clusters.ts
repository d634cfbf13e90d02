// host/upstream/discovery/sub_clusters.ts: a cluster of its own for each host that requests are for.
// pure: no I/O, no clock, no runtime globals
/**
 * Made when the first request asks for the host, like the cluster that it belongs to but with one DNS name; gone
 * when nobody asked for a while.
 *
 * @see Envoy: source/extensions/clusters/dynamic_forward_proxy/cluster.cc createSubClusterConfig
 * @module
 */
import type { Timer } from "../../base/clock.ts";
import { parseDynamicHost } from "../dns_cache/dynamic_host.ts";
import { type ClusterPlan, NO_LOCALITY, type SubClustersPlan } from "../plan.ts";
import type { DiscoveryContext } from "./discovery.ts";

const NAME_PREFIX = "DFPCluster:";

export class SubClusters {
  readonly #context: DiscoveryContext;
  readonly #plan: SubClustersPlan;
  /** When each was asked for last, by name. */
  readonly #lastUsedMs = new Map<string, number>();
  /** Requests that wait for a cluster, by its name. */
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #idle: Timer;

  constructor(context: DiscoveryContext, plan: SubClustersPlan) {
    this.#context = context;
    this.#plan = plan;
    this.#idle = context.clock.createTimer(() => this.#removeIdle());
  }

  start(): void {
    this.#idle.enable(this.#plan.ttlMs);
    for (const { address, port } of this.#plan.preresolve) this.#add(address, port);
  }

  close(): void {
    this.#idle.disable();
    for (const name of this.#lastUsedMs.keys()) this.#context.clusters.removeDynamic(name);
    this.#lastUsedMs.clear();
  }

  /** The cluster of a host as clients write it, if it is there. */
  nameOf(text: string, defaultPort: number): string {
    const { host, port } = parseDynamicHost(text, defaultPort);
    return `${NAME_PREFIX}${host}:${port}`;
  }

  /**
   * Makes sure that a host's cluster is there. `onReady` comes later while it is not, unless the result is called;
   * "full" when there are as many as allowed.
   */
  ensure(text: string, defaultPort: number, onReady: () => void): "ready" | "full" | (() => void) {
    const { clusters, clock } = this.#context;
    const name = this.nameOf(text, defaultPort);
    if (!this.#lastUsedMs.has(name)) {
      if (this.#lastUsedMs.size >= this.#plan.maxSubClusters) return "full";
      const { host, port } = parseDynamicHost(text, defaultPort);
      this.#add(host, port);
    }
    this.#lastUsedMs.set(name, clock.nowMs());
    if (clusters.get(name) !== null) return "ready";
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) this.#waiting.set(name, waiting = new Set());
    waiting.add(onReady);
    return () => void waiting.delete(onReady);
  }

  #add(host: string, port: number): void {
    const { clusters, clock } = this.#context;
    const name = `${NAME_PREFIX}${host}:${port}`;
    this.#lastUsedMs.set(name, clock.nowMs());
    clusters.addDynamic(this.#planOf(name, host, port), () => {
      const waiting = this.#waiting.get(name) ?? [];
      this.#waiting.delete(name);
      for (const onReady of waiting) onReady();
    });
  }

  #planOf(name: string, host: string, port: number): ClusterPlan {
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
    const { clusters, clock } = this.#context;
    for (const [name, lastUsedMs] of this.#lastUsedMs) {
      if (clock.nowMs() - lastUsedMs <= this.#plan.ttlMs) continue;
      this.#lastUsedMs.delete(name);
      clusters.removeDynamic(name);
    }
    this.#idle.enable(this.#plan.ttlMs);
  }
}
