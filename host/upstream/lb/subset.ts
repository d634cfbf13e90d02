// host/upstream/lb/subset.ts: the hosts of a cluster that have certain metadata, as a cluster of their own.
// pure: no I/O, no clock, no runtime globals
/**
 * While the hosts of a priority are sorted, every host is put into its subsets, and then each subset takes over
 * what it was given.
 *
 * @see Envoy: source/extensions/load_balancing_policies/subset/subset_lb.h LbSubset
 * @module
 */
import type { Host } from "../host.ts";
import type { LocalityHosts } from "../host_set.ts";
import { PrioritySet } from "../priority.ts";
import type { LoadBalancerContext } from "./context.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";

/** Where the localities of hosts are in their set. */
export type LocalityIndexes = ReadonlyMap<Host, number>;

export interface Subset {
  chooseHost(context: LoadBalancerContext | null): Host | null;
  /** Gives it a host of the priority that `finish` follows for; once or several times on end. */
  put(host: Host): void;
  /** It has of this priority what it was given since the last time, and nothing else. */
  finish(priority: number, localityOf: LocalityIndexes): void;
  /** It has hosts, healthy or not. */
  readonly isActive: boolean;
  /** Of several hosts only one counts. */
  readonly isSingle: boolean;
  close(): void;
}

export interface PrioritySubsetOptions {
  /** Those of the cluster. */
  readonly environment: BalancerEnvironment;
  readonly createBalancer: (environment: BalancerEnvironment) => ClusterBalancer;
  /** The weights of localities count in the subset. */
  readonly localityWeightAware: boolean;
  /** They are made smaller by the hosts that are not in the subset. */
  readonly scaleLocalityWeight: boolean;
}

/** Any number of hosts, chosen among by the policy below. */
export class PrioritySubset implements Subset {
  readonly #options: PrioritySubsetOptions;
  readonly #priorities: PrioritySet;
  readonly #balancer: ClusterBalancer;
  #given: Host[] = [];
  readonly isSingle = false;
  isActive = false;

  constructor(options: PrioritySubsetOptions) {
    const { priorities } = options.environment;
    this.#options = options;
    this.#priorities = priorities.emptyCopy();
    this.#balancer = options.createBalancer({ ...options.environment, priorities: this.#priorities });
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    return this.#balancer.chooseHost(context);
  }

  put(host: Host): void {
    if (this.#given.at(-1) !== host) this.#given.push(host);
  }

  finish(priority: number, localityOf: LocalityIndexes): void {
    const { environment, localityWeightAware } = this.#options;
    const set = environment.priorities.hostSets[priority]!;
    const given = this.#given;
    this.#given = [];
    this.#priorities.setPolicy(set.overprovisioningFactor, set.weightedHealth);
    const parts = set.localities.map((): Host[] => []);
    for (const host of given) parts[localityOf.get(host) ?? -1]?.push(host);
    const localities = set.localities.map((locality, index) => this.#part(locality, parts[index]!));
    this.#priorities.updateHosts(priority, given, localities, {
      hasLocalLocality: set.hasLocalLocality,
      hasLocalityWeights: localityWeightAware && set.hasLocalityWeights,
    });
    this.isActive = this.#priorities.hostSets.some(({ hosts }) => hosts.length > 0);
  }

  close(): void {
    this.#balancer.close?.();
  }

  #part(locality: LocalityHosts, hosts: readonly Host[]): LocalityHosts {
    const { localityWeightAware, scaleLocalityWeight } = this.#options;
    if (!localityWeightAware) return { ...locality, weight: 0, hosts };
    if (!scaleLocalityWeight) return { ...locality, hosts };
    const count = locality.hosts.length;
    return { ...locality, weight: count === 0 ? 0 : Math.round(locality.weight * hosts.length / count), hosts };
  }
}

/** One host, that of the first priority that has one; its health does not matter. */
export class SingleHostSubset implements Subset {
  readonly #hosts: (Host | undefined)[] = [];
  #given: Host | undefined = undefined;
  readonly isSingle = true;

  chooseHost(): Host | null {
    return this.#hosts.find((host) => host !== undefined) ?? null;
  }

  put(host: Host): void {
    this.#given = host;
  }

  finish(priority: number): void {
    this.#hosts[priority] = this.#given;
    this.#given = undefined;
  }

  get isActive(): boolean {
    return this.#hosts.some((host) => host !== undefined);
  }

  close(): void {}
}
