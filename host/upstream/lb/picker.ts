// host/upstream/lb/picker.ts: what a load balancing policy is: a way to pick from one list of hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: envoy/upstream/load_balancer.h
 * @module
 */
import type { Random } from "../../base/random.ts";
import type { Host } from "../host.ts";

/** What a request tells the load balancer. */
export interface LoadBalancerContext {
  /** For policies that hash, which ask once per choice; null when nothing of the request is hashed. */
  hash(): bigint | null;
  /** True to try another host than this one, for example on a retry. */
  shouldSelectAnotherHost(host: Host): boolean;
  /** How often `shouldSelectAnotherHost` may say so. */
  readonly hostSelectionRetryCount: number;
}

/** The load balancer of a cluster on one worker. */
export interface ClusterBalancer {
  /** A host for a request, or null when there is none. */
  chooseHost(context: LoadBalancerContext | null): Host | null;
}

/** Picks from one list; made again whenever the list changed. */
export interface HostPicker {
  /** `hosts` is never empty. */
  pick(context: LoadBalancerContext | null): Host;
}

/** Makes the picker of a list of one host at least. */
export type HostPickerFactory = (hosts: readonly Host[], random: Random) => HostPicker;

/** True when no host weighs more than another. */
export function haveEqualWeights(hosts: readonly Host[]): boolean {
  const first = hosts[0]?.weight;
  return hosts.every((host) => host.weight === first);
}
