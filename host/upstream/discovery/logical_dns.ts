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
import type { Discovery, DiscoveryContext, DnsAddress } from "./discovery.ts";
import { ResolveTarget } from "./resolve_target.ts";

export function createLogicalDnsDiscovery(context: DiscoveryContext): Discovery {
  return new LogicalDns(context);
}

class LogicalDns implements Discovery {
  readonly #context: DiscoveryContext;
  #target: ResolveTarget | null = null;
  #onReady: (() => void) | null = null;

  constructor(context: DiscoveryContext) {
    this.#context = context;
  }

  start(onReady: () => void): void {
    this.#onReady = onReady;
    const endpoint = this.#context.plan.localities[0]?.endpoints[0];
    if (endpoint === undefined) return this.#ready();
    this.#target = new ResolveTarget(
      this.#context,
      endpoint.address,
      (addresses) => this.#onAnswer(addresses),
      () => this.#ready(),
    );
    this.#target.resolve();
    if (!this.#context.plan.dns.waitsForWarm) this.#ready();
  }

  close(): void {
    this.#target?.close();
    this.#onReady = null;
  }

  #onAnswer(addresses: readonly DnsAddress[]): void {
    const { plan, members, stats } = this.#context;
    const [first, ...others] = addresses;
    if (first === undefined) return stats.updateEmpty.inc();
    const locality = plan.localities[0]!;
    const endpoint = locality.endpoints[0]!;
    const found = {
      address: ipAddress(first.address, endpoint.port),
      additionalAddresses: others.map(({ address }) => ipAddress(address, endpoint.port)),
      // The one host changes its address.
      key: "",
      hostname: endpoint.hostname === "" ? endpoint.address : endpoint.hostname,
      endpoint,
    };
    if (!members.update([{ plan: locality, endpoints: [found] }])) stats.updateNoRebuild.inc();
  }

  #ready(): void {
    const onReady = this.#onReady;
    this.#onReady = null;
    onReady?.();
  }
}
