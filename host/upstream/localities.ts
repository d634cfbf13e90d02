// host/upstream/localities.ts: the hosts of a priority by locality, in the order that load balancers rely on.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/upstream_impl.cc PriorityStateManager::updateClusterPrioritySet
 * @module
 */
import type { Host } from "./host.ts";
import type { LocalityHosts } from "./host_set.ts";
import type { LocalityEndpointsPlan, LocalityPlan } from "./plan.ts";

/** One priority while its hosts are being found. */
export class PriorityLocalities {
  readonly hosts: Host[] = [];
  readonly #own: LocalityPlan | null;
  readonly #byLocality = new Map<string, { locality: LocalityPlan; weight: number; hosts: Host[] }>();

  /** `own` is where the proxy is. */
  constructor(own: LocalityPlan | null) {
    this.#own = own;
  }

  /** Entries of one locality are one; the last weight given counts. */
  add({ locality, weight }: Pick<LocalityEndpointsPlan, "locality" | "weight">, hosts: readonly Host[]): void {
    const key = localityKey(locality);
    const entry = this.#byLocality.get(key);
    this.hosts.push(...hosts);
    if (entry === undefined) this.#byLocality.set(key, { locality, weight, hosts: [...hosts] });
    else {
      entry.weight = weight;
      entry.hosts.push(...hosts);
    }
  }

  /** A host that discovery does not find any more, and that stays for now. */
  keep(host: Host): void {
    const weight = this.#byLocality.get(localityKey(host.locality))?.weight ?? 0;
    this.add({ locality: host.locality, weight }, [host]);
  }

  /** Those that have hosts: the proxy's own first, then by region, zone and sub-zone. */
  sorted(): LocalityHosts[] {
    return [...this.#byLocality.values()]
      .filter(({ hosts }) => hosts.length > 0)
      .sort((a, b) => Number(this.#isOwn(b)) - Number(this.#isOwn(a)) || compareLocality(a.locality, b.locality));
  }

  /** True when the proxy's own locality has hosts. */
  get hasOwn(): boolean {
    return this.#own !== null && (this.#byLocality.get(localityKey(this.#own))?.hosts.length ?? 0) > 0;
  }

  #isOwn({ locality }: LocalityHosts): boolean {
    return this.#own !== null && localityKey(locality) === localityKey(this.#own);
  }
}

/** A text that tells localities apart. */
export function localityKey({ region, zone, subZone }: LocalityPlan): string {
  return `${region}\0${zone}\0${subZone}`;
}

function compareLocality(a: LocalityPlan, b: LocalityPlan): number {
  return compareText(a.region, b.region) || compareText(a.zone, b.zone) || compareText(a.subZone, b.subZone);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
