// host/upstream/membership.ts: from what discovery found to hosts, keeping the hosts that stay.
// pure: no I/O, no clock, no runtime globals
/**
 * A host that stays keeps its connections and its numbers. STATIC clusters may list an address twice, which
 * gives two hosts; elsewhere an address is one host per priority. A host that discovery knows by a key of its own
 * changes its address instead of being replaced.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc BaseDynamicClusterImpl::updateDynamicHostList
 * @module
 */
import { metadataText } from "./lb/metadata_match.ts";
import type { FoundEndpoint, FoundLocality, MembershipSink } from "./discovery/discovery.ts";
import { HealthFlag, Host, type HostOwner } from "./host.ts";
import { localityKey, PriorityLocalities } from "./localities.ts";
import type { ClusterPlan, LocalityEndpointsPlan, LocalityPlan } from "./plan.ts";
import type { PrioritySet } from "./priority.ts";
import type { ClusterStats } from "./stats.ts";

/** The cluster whose hosts they are. */
export interface MembershipOwner extends HostOwner {
  readonly priorities: PrioritySet;
}

export class Membership implements MembershipSink {
  readonly #owner: MembershipOwner;
  readonly #plan: ClusterPlan;
  readonly #priorities: PrioritySet;
  readonly #stats: ClusterStats;
  readonly #ownLocality: LocalityPlan | null;
  #hosts = new Map<string, Host>();
  /** What was found last. */
  #found: readonly FoundLocality[] = [];
  /** Of the localities, by priority. */
  #weights = new Map<number, string>();

  /** `ownLocality` is where the proxy is. */
  constructor(owner: MembershipOwner, ownLocality: LocalityPlan | null = null) {
    this.#owner = owner;
    this.#plan = owner.plan;
    this.#priorities = owner.priorities;
    this.#stats = owner.stats;
    this.#ownLocality = ownLocality;
  }

  /** Lets go of hosts that stayed only because they passed their checks, and do not any more. */
  reviewRemovals(): void {
    this.update(this.#found);
  }

  update(localities: readonly FoundLocality[]): boolean {
    this.#found = localities;
    const before = this.#hosts;
    const after = new Map<string, Host>();
    const changed = new Set<number>();
    const byPriority = new Map<number, PriorityLocalities>();
    const localitiesOf = (priority: number): PriorityLocalities => {
      let found = byPriority.get(priority);
      if (found === undefined) byPriority.set(priority, found = new PriorityLocalities(this.#ownLocality));
      return found;
    };

    for (const { plan, endpoints } of localities) {
      const hosts: Host[] = [];
      for (const found of endpoints) {
        const key = this.#key(plan, found, after);
        if (key === null) continue;
        let host = before.get(key);
        if (host === undefined) {
          host = this.#createHost(key, plan, found);
          changed.add(plan.priority);
        } else if (this.#refreshHost(host, found)) {
          changed.add(plan.priority);
        }
        after.set(key, host);
        hosts.push(host);
      }
      localitiesOf(plan.priority).add(plan, hosts);
    }
    for (const [key, host] of before) {
      if (after.has(key)) continue;
      const stays = this.#staysForNow(host);
      if (!stays || host.setHealthFlag(HealthFlag.PendingDynamicRemoval, true)) changed.add(host.priority);
      if (!stays) continue;
      after.set(key, host);
      localitiesOf(host.priority).keep(host);
    }
    for (const [priority, found] of byPriority) if (this.#weightsChanged(priority, found)) changed.add(priority);

    this.#hosts = after;
    for (const priority of changed) {
      const found = localitiesOf(priority);
      const cameOrWent = this.#priorities.updateHosts(priority, found.hosts, found.sorted(), {
        hasLocalLocality: found.hasOwn,
      });
      if (cameOrWent) this.#stats.membershipChange.inc();
    }
    if (changed.size > 0) countMembers(this.#priorities, this.#stats);
    return changed.size > 0;
  }

  #weightsChanged(priority: number, found: PriorityLocalities): boolean {
    const weights = found.sorted().map(({ locality, weight }) => `${localityKey(locality)} ${weight}`).join();
    if (this.#weights.get(priority) === weights) return false;
    this.#weights.set(priority, weights);
    return weights !== "";
  }

  /** What tells a host from the others; null for one that is there already. */
  #key(plan: LocalityEndpointsPlan, found: FoundEndpoint, taken: ReadonlyMap<string, Host>): string | null {
    if (found.key !== undefined) return taken.has(found.key) ? null : found.key;
    const key = `${plan.priority} ${found.address.text}`;
    if (!taken.has(key)) return key;
    if (this.#plan.type !== "STATIC") return null;
    for (let copy = 2;; copy++) if (!taken.has(`${key} ${copy}`)) return `${key} ${copy}`;
  }

  /** A host that is not found any more, but passes its checks, stays until it fails them, unless requests find it. */
  #staysForNow(host: Host): boolean {
    const { health: { checks, ignoreOnRemoval }, provided } = this.#plan;
    const failed = HealthFlag.FailedActiveHc | HealthFlag.FailedEdsHealth;
    return checks.length > 0 && !ignoreOnRemoval && provided === null && (host.healthFlags & failed) === 0;
  }

  #createHost(key: string, plan: LocalityEndpointsPlan, found: FoundEndpoint): Host {
    return new Host({
      key,
      owner: this.#owner,
      address: found.address,
      additionalAddresses: found.additionalAddresses ?? [],
      hostname: found.hostname,
      locality: plan.locality,
      weight: found.endpoint.weight,
      priority: plan.priority,
      health: found.endpoint.health,
      metadata: found.endpoint.metadata,
      ...(found.endpoint.healthCheck !== undefined && { healthCheck: found.endpoint.healthCheck }),
      ...(plan.metadata === undefined ? {} : { localityMetadata: plan.metadata }),
    });
  }

  /** True when something changed that load balancers have to know of. */
  #refreshHost(host: Host, found: FoundEndpoint): boolean {
    let changed = host.setConfiguredHealth(found.endpoint.health);
    if (host.setHealthFlag(HealthFlag.PendingDynamicRemoval, false)) changed = true;
    if (host.weight !== found.endpoint.weight) {
      host.weight = found.endpoint.weight;
      changed = true;
    }
    if (metadataText(host.metadata) !== metadataText(found.endpoint.metadata)) {
      host.metadata = found.endpoint.metadata;
      changed = true;
    }
    host.additionalAddresses = found.additionalAddresses ?? [];
    if (host.address.text !== found.address.text) {
      host.address = found.address;
      changed = true;
    }
    return changed;
  }
}

/** Shows what the hosts are by now; after a change of health too. */
export function countMembers(priorities: PrioritySet, stats: ClusterStats): void {
  let healthy = 0, degraded = 0, excluded = 0, total = 0;
  for (const set of priorities.hostSets) {
    total += set.hosts.length;
    healthy += set.healthyHosts.length;
    degraded += set.degradedHosts.length;
    excluded += set.excludedHosts.length;
  }
  stats.membershipTotal.set(total);
  stats.membershipHealthy.set(healthy);
  stats.membershipDegraded.set(degraded);
  stats.membershipExcluded.set(excluded);
}
