// host/upstream/discovery/discovery.ts: the ports between a cluster and whatever finds its hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * A discovery is a state machine: it takes answers and timers and gives memberships. What it found last
 * stays valid until it finds something else; a failure removes nobody.
 *
 * @see Envoy: source/common/upstream/cluster_factory_impl.h
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { DnsResolver } from "../../net/dns.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import type { DnsCaches } from "../dns_cache/dns_caches.ts";
import type { ClusterBalancer } from "../lb/picker.ts";
import type { ClusterPlan, DropOverloadPlan, EndpointPlan, EndpointsPlan, LocalityEndpointsPlan } from "../plan.ts";
import type { PrioritySet } from "../priority.ts";
import type { ClusterStats } from "../stats.ts";
import type { NameExchange } from "./name_exchange.ts";

export type { DnsAddress, DnsAnswer, DnsQuery, DnsResolver } from "../../net/dns.ts";

/** One host as discovery found it. */
export interface FoundEndpoint {
  readonly address: SocketAddress;
  /** Where the host can be reached, too. */
  readonly additionalAddresses?: readonly SocketAddress[];
  /** The DNS name, or the endpoint's `hostname`. */
  readonly hostname: string;
  readonly endpoint: EndpointPlan;
  /** What tells the host from the others, when that is not its address. */
  readonly key?: string;
}

/** The hosts of one entry of the plan's localities. */
export interface FoundLocality {
  readonly plan: LocalityEndpointsPlan;
  readonly endpoints: readonly FoundEndpoint[];
}

/** Who takes memberships in. */
export interface MembershipSink {
  /** The whole membership; true when it differs from the one before. */
  update(localities: readonly FoundLocality[]): boolean;
}

/** A cluster, as another one sees it that sends requests to its hosts. */
export interface MemberCluster {
  readonly priorities: PrioritySet;
  readonly balancer: ClusterBalancer;
}

/** The worker's clusters, and what they share. */
export interface ClusterFinder {
  /** The cluster that serves under this name. */
  get(name: string): MemberCluster | null;
  /** Grows whenever a cluster begins or ends to serve. */
  readonly generation: number;
  readonly dnsCaches: DnsCaches;
  /** Adds a cluster that no configuration has; `onReady` comes when it serves. The result removes it. */
  addDynamic(plan: ClusterPlan, onReady: () => void): () => void;
}

export interface DiscoveryContext {
  readonly plan: ClusterPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: ClusterStats;
  readonly dns: DnsResolver;
  /** Where one worker looks up names for all; null where this one does so for itself. */
  readonly names: NameExchange | null;
  readonly members: MembershipSink;
  /** Where the members are then found. */
  readonly priorities: PrioritySet;
  readonly clusters: ClusterFinder;
  /** Requests that the cluster turns away from now on; null for none. */
  setDropOverload(drop: DropOverloadPlan | null): void;
}

export interface Discovery {
  /** Begins; `onReady` comes once, when the first attempt ended, whichever way; maybe before `start` returns. */
  start(onReady: () => void): void;
  /** Takes another list, where lists come from elsewhere. */
  updateEndpoints?(endpoints: EndpointsPlan): void;
  /** Ends for good. */
  close(): void;
}

/** A discovery whose cluster chooses hosts by itself, whatever policies there are (`CLUSTER_PROVIDED`). */
export interface ProvidingDiscovery extends ClusterBalancer, Discovery {
  close(): void;
}
