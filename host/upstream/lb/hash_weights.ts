// host/upstream/lb/hash_weights.ts: what hosts are called and how much they weigh where requests are hashed.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc normalizeWeights
 * @module
 */
import type { Host } from "../host.ts";
import type { LocalityHosts } from "../host_set.ts";

/** A host with its share: all shares are 1 together. */
export interface HostShare {
  readonly host: Host;
  readonly share: number;
}

/** Shares by the hosts' weights alone. */
export function hostShares(hosts: readonly Host[], total = 1): HostShare[] {
  const sum = hosts.reduce((weight, host) => weight + host.weight, 0);
  return hosts.map((host) => ({ host, share: host.weight * total / sum }));
}

/** Shares by the weights of localities, then of their hosts; a locality without weight gets nothing. */
export function localityShares(localities: readonly LocalityHosts[], usable: ReadonlySet<Host>): HostShare[] {
  const sum = localities.reduce((weight, locality) => weight + locality.weight, 0);
  return localities
    .filter(({ weight }) => weight > 0)
    .flatMap(({ weight, hosts }) => hostShares(hosts.filter((host) => usable.has(host)), weight / sum));
}

/** What a host is known by: `hash_key` of its `envoy.lb` metadata, its name, or its address. */
export function hashKeyOf(host: Host, useHostname: boolean): string {
  const key = host.lbMetadata["hash_key"];
  if (typeof key === "string" && key !== "") return key;
  return useHostname ? host.hostname : host.address.text;
}
