// host/upstream/discovery/composite.ts: several clusters as one, the next of them for each attempt.
// pure: no I/O, no clock, no runtime globals
// hot: chooseHost runs per request
/**
 * The first attempt at a request goes to the first member, the next one to the second, and on to the one after it
 * where that has no host to give; past the last member there is none. Pools, limits and numbers are those of the
 * chosen host's cluster, retries are those of the composite.
 *
 * @see Envoy: source/extensions/clusters/composite/cluster.cc
 * @module
 */
import type { Host } from "../host.ts";
import type { LoadBalancerContext } from "../lb/context.ts";
import type { CompositePlan } from "../plan.ts";
import type { ClusterFinder, DiscoveryContext, ProvidingDiscovery } from "./discovery.ts";

export class CompositeCluster implements ProvidingDiscovery {
  readonly asksContext = true;
  readonly #clusters: ClusterFinder;
  readonly #names: readonly string[];

  constructor({ clusters }: DiscoveryContext, plan: CompositePlan) {
    this.#clusters = clusters;
    this.#names = plan.clusters;
  }

  start(onReady: () => void): void {
    onReady();
  }

  close(): void {}

  chooseHost(context: LoadBalancerContext | null): Host | null {
    // The proxy itself tries once.
    const attempt = context?.streamInfo?.attemptCount ?? 1;
    const names = this.#names;
    if (attempt < 1) return null;
    for (let i = attempt - 1; i < names.length; i++) {
      const host = this.#clusters.get(names[i]!)?.balancer.chooseHost(context) ?? null;
      if (host !== null) return host;
    }
    return null;
  }
}
