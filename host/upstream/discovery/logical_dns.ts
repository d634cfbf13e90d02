// host/upstream/discovery/logical_dns.ts: a name is one host; new connections go to its first address.
// pure: no I/O, no clock, no runtime globals
/**
 * For large services behind DNS that answers differently each time: connections that are open stay. The
 * configuration has exactly one endpoint. An empty answer keeps the address.
 *
 * @see Envoy: source/extensions/clusters/logical_dns/logical_dns_cluster.cc
 * @module
 */
import { ipAddress } from "../../net/address.ts";
import type { LocalityEndpointsPlan } from "../plan.ts";
import type { DnsAddress } from "./discovery.ts";
import { DnsDiscovery, type DnsName, hostnameOf } from "./dns_discovery.ts";

export class LogicalDnsDiscovery extends DnsDiscovery {
  protected names(): DnsName[] {
    const locality = this.context.plan.localities[0];
    const endpoint = locality?.endpoints[0];
    if (endpoint === undefined) return [];
    return [{ name: endpoint.address, onAnswer: (addresses) => this.#onAnswer(locality!, addresses) }];
  }

  #onAnswer(locality: LocalityEndpointsPlan, addresses: readonly DnsAddress[]): void {
    const { members, stats } = this.context;
    const [first, ...others] = addresses;
    if (first === undefined) return stats.updateEmpty.inc();
    const endpoint = locality.endpoints[0]!;
    const found = {
      address: ipAddress(first.address, endpoint.port),
      additionalAddresses: others.map(({ address }) => ipAddress(address, endpoint.port)),
      // The one host changes its address.
      key: "",
      hostname: hostnameOf(endpoint),
      endpoint,
    };
    if (!members.update([{ plan: locality, endpoints: [found] }])) stats.updateNoRebuild.inc();
  }
}
