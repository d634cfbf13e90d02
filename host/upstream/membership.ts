// host/upstream/membership.ts: from what discovery found to hosts, keeping the hosts that stay.
// pure: no I/O, no clock, no runtime globals
/**
 * A host that stays keeps its connections and its numbers. STATIC clusters may list an address twice, which
 * gives two hosts; elsewhere an address is one host per priority. In a LOGICAL_DNS cluster the one host
 * changes its address instead of being replaced.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc BaseDynamicClusterImpl::updateDynamicHostList
 * @module
 */
import type { FoundEndpoint, FoundLocality, MembershipSink } from "./discovery/discovery.ts";
import { Host, type HostOwner } from "./host.ts";
import type { LocalityHosts } from "./host_set.ts";
import type { ClusterPlan, LocalityEndpointsPlan } from "./plan.ts";
import type { PrioritySet } from "./priority.ts";
import type { ClusterStats } from "./stats.ts";

/** The cluster whose hosts they are. */
export interface MembershipOwner extends HostOwner {
  readonly plan: ClusterPlan;
  readonly priorities: PrioritySet;
  readonly stats: ClusterStats;
}

export class Membership implements MembershipSink {
  readonly #owner: MembershipOwner;
  readonly #plan: ClusterPlan;
  readonly #priorities: PrioritySet;
  readonly #stats: ClusterStats;
  #hosts = new Map<string, Host>();

  constructor(owner: MembershipOwner) {
    this.#owner = owner;
    this.#plan = owner.plan;
    this.#priorities = owner.priorities;
    this.#stats = owner.stats;
  }

  update(localities: readonly FoundLocality[]): boolean {
    const before = this.#hosts;
    const after = new Map<string, Host>();
    const changed = new Set<number>();
    const byPriority = new Map<number, LocalityHosts[]>();

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
      addLocality(byPriority, plan, hosts);
    }
    for (const [key, host] of before) if (!after.has(key)) changed.add(host.priority);

    this.#hosts = after;
    for (const priority of changed) {
      const list = byPriority.get(priority) ?? [];
      const cameOrWent = this.#priorities.updateHosts(priority, list.flatMap((entry) => entry.hosts), list);
      if (cameOrWent) this.#stats.membershipChange.inc();
    }
    if (changed.size > 0) countMembers(this.#priorities, this.#stats);
    return changed.size > 0;
  }

  /** What tells a host from the others; null for one that is there already. */
  #key(plan: LocalityEndpointsPlan, found: FoundEndpoint, taken: ReadonlyMap<string, Host>): string | null {
    if (this.#plan.type === "LOGICAL_DNS") return "";
    const key = `${plan.priority} ${found.address.text}`;
    if (!taken.has(key)) return key;
    if (this.#plan.type !== "STATIC") return null;
    for (let copy = 2;; copy++) if (!taken.has(`${key} ${copy}`)) return `${key} ${copy}`;
  }

  #createHost(key: string, plan: LocalityEndpointsPlan, found: FoundEndpoint): Host {
    return new Host({
      key,
      owner: this.#owner,
      address: found.address,
      hostname: found.hostname,
      locality: plan.locality,
      weight: found.endpoint.weight,
      priority: plan.priority,
      health: found.endpoint.health,
      metadata: found.endpoint.metadata,
      ...(plan.metadata === undefined ? {} : { localityMetadata: plan.metadata }),
    });
  }

  /** True when something changed that load balancers have to know of. */
  #refreshHost(host: Host, found: FoundEndpoint): boolean {
    let changed = host.setConfiguredHealth(found.endpoint.health);
    if (host.weight !== found.endpoint.weight) {
      host.weight = found.endpoint.weight;
      changed = true;
    }
    host.metadata = found.endpoint.metadata;
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

/** Entries of one locality and priority are one locality; the last weight given counts, as in Envoy. */
function addLocality(byPriority: Map<number, LocalityHosts[]>, plan: LocalityEndpointsPlan, hosts: Host[]): void {
  let list = byPriority.get(plan.priority);
  if (list === undefined) byPriority.set(plan.priority, list = []);
  const { region, zone, subZone } = plan.locality;
  const index = list.findIndex(({ locality }) =>
    locality.region === region && locality.zone === zone && locality.subZone === subZone
  );
  if (index < 0) list.push({ locality: plan.locality, weight: plan.weight, hosts });
  else list[index] = { locality: plan.locality, weight: plan.weight, hosts: [...list[index]!.hosts, ...hosts] };
}
