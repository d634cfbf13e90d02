// host/upstream/local_cluster.ts: the cluster that the proxy itself is in, and where in it.
// pure: no I/O, no clock, no runtime globals
/**
 * Load balancers compare the zones of their hosts with the zones of the proxy and its siblings.
 *
 * @see Envoy: api/envoy/config/bootstrap/v3/bootstrap.proto ClusterManager.local_cluster_name
 * @module
 */
import type { HostSet } from "./host_set.ts";
import type { PrioritySet } from "./priority.ts";

export class LocalCluster {
  readonly name: string;
  readonly #listeners = new Set<() => void>();
  #priorities: PrioritySet | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** Its hosts; null before the cluster is there. It has one priority alone. */
  get hostSet(): HostSet | null {
    return this.#priorities?.hostSets[0] ?? null;
  }

  /** The cluster of this name has these hosts from now on. */
  use(priorities: PrioritySet): void {
    this.#priorities = priorities;
    priorities.onPriorityUpdate(() => {
      if (priorities === this.#priorities) this.#notify();
    });
    this.#notify();
  }

  /** Calls `listener` after every change of its hosts, until what this returns is called. */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
