// host/upstream/discovery/strict_dns.ts: every address that a name has is a host.
// pure: no I/O, no clock, no runtime globals
/**
 * Each endpoint's name is looked up by itself. The cluster is ready when the first of them was answered or
 * failed. An answer replaces what that name had before, an empty one too; a failure changes nothing.
 *
 * @see Envoy: source/extensions/clusters/strict_dns/strict_dns_cluster.cc
 * @module
 */
import { ipAddress } from "../../net/address.ts";
import type { Discovery, DiscoveryContext, DnsAddress, FoundEndpoint } from "./discovery.ts";
import { ResolveTarget } from "./resolve_target.ts";

export function createStrictDnsDiscovery(context: DiscoveryContext): Discovery {
  return new StrictDns(context);
}

class StrictDns implements Discovery {
  readonly #context: DiscoveryContext;
  readonly #targets: ResolveTarget[] = [];
  /** What was found, by locality and endpoint of the plan. */
  readonly #found: FoundEndpoint[][][];
  #onReady: (() => void) | null = null;

  constructor(context: DiscoveryContext) {
    this.#context = context;
    this.#found = context.plan.localities.map((locality) => locality.endpoints.map(() => []));
  }

  start(onReady: () => void): void {
    this.#onReady = onReady;
    this.#context.plan.localities.forEach((locality, i) =>
      locality.endpoints.forEach((endpoint, j) => {
        const onAnswer = (addresses: readonly DnsAddress[]) => this.#onAnswer(i, j, addresses);
        this.#targets.push(new ResolveTarget(this.#context, endpoint.address, onAnswer, () => this.#ready()));
      })
    );
    if (this.#targets.length === 0) return this.#ready();
    for (const target of this.#targets) target.resolve();
    if (!this.#context.plan.dns.waitsForWarm) this.#ready();
  }

  close(): void {
    for (const target of this.#targets) target.close();
    this.#onReady = null;
  }

  #onAnswer(locality: number, index: number, addresses: readonly DnsAddress[]): void {
    const { plan, members, stats } = this.#context;
    const endpoint = plan.localities[locality]!.endpoints[index]!;
    this.#found[locality]![index] = addresses.map(({ address }) => ({
      address: ipAddress(address, endpoint.port),
      hostname: endpoint.hostname === "" ? endpoint.address : endpoint.hostname,
      endpoint,
    }));
    const changed = members.update(plan.localities.map((plan, i) => ({ plan, endpoints: this.#found[i]!.flat() })));
    if (!changed) stats.updateNoRebuild.inc();
  }

  #ready(): void {
    const onReady = this.#onReady;
    this.#onReady = null;
    onReady?.();
  }
}
