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
import type { DiscoveryContext, DnsAddress, FoundEndpoint } from "./discovery.ts";
import { DnsDiscovery, type DnsName, hostnameOf } from "./dns_discovery.ts";

export class StrictDnsDiscovery extends DnsDiscovery {
  /** What was found, by locality and endpoint of the plan. */
  readonly #found: FoundEndpoint[][][];

  constructor(context: DiscoveryContext) {
    super(context);
    this.#found = context.plan.localities.map((locality) => locality.endpoints.map(() => []));
  }

  protected names(): DnsName[] {
    return this.context.plan.localities.flatMap((locality, i) =>
      locality.endpoints.map(({ address }, j) => ({
        name: address,
        onAnswer: (addresses) => this.#onAnswer(i, j, addresses),
      }))
    );
  }

  #onAnswer(locality: number, index: number, addresses: readonly DnsAddress[]): void {
    const { plan, members, stats } = this.context;
    const endpoint = plan.localities[locality]!.endpoints[index]!;
    this.#found[locality]![index] = addresses.map(({ address }) => ({
      address: ipAddress(address, endpoint.port),
      hostname: hostnameOf(endpoint),
      endpoint,
    }));
    const changed = members.update(plan.localities.map((plan, i) => ({ plan, endpoints: this.#found[i]!.flat() })));
    if (!changed) stats.updateNoRebuild.inc();
  }
}
