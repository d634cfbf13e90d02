// host/upstream/discovery/static.ts: hosts as the configuration lists them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/clusters/static/static_cluster.cc
 * @module
 */
import { ipAddress, pipeAddress } from "../../net/address.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { EndpointPlan, LocalityEndpointsPlan } from "../plan.ts";
import type { Discovery, DiscoveryContext, FoundLocality } from "./discovery.ts";

export class StaticDiscovery implements Discovery {
  readonly #context: DiscoveryContext;

  constructor(context: DiscoveryContext) {
    this.#context = context;
  }

  start(onReady: () => void): void {
    const { members, plan } = this.#context;
    members.update(staticLocalities(plan.localities));
    onReady();
  }

  close(): void {}
}

/** Endpoints whose addresses are known. */
export function staticLocalities(localities: readonly LocalityEndpointsPlan[]): FoundLocality[] {
  return localities.map((plan) => ({
    plan,
    endpoints: plan.endpoints.map((endpoint) => ({
      address: endpointAddress(endpoint),
      additionalAddresses: (endpoint.additionalAddresses ?? []).map(endpointAddress),
      hostname: endpoint.hostname,
      endpoint,
    })),
  }));
}

/** The address of an endpoint that is no DNS name. */
function endpointAddress(endpoint: Pick<EndpointPlan, "address" | "port">): SocketAddress {
  return endpoint.port === 0 ? pipeAddress(endpoint.address) : ipAddress(endpoint.address, endpoint.port);
}
