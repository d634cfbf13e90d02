// host/upstream/lb/plan.ts: load balancing policies as plain data that crosses threads.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/load_balancing_policies
 * @module
 */
import type { HashPolicyPlan } from "../../http/hash_policy.ts";
import type { ReportStreamPlan, UtilizationPlan } from "../orca/plan.ts";

/** A policy, and what holds for whichever it is. */
export type LoadBalancingPlan = PolicyPlan & {
  /** Percent of healthy hosts below which all hosts are used. */
  readonly panicThresholdPercent: number;
};

/** What a cluster may say; with `CLUSTER_PROVIDED` its way of finding hosts is one of choosing them, too. */
export type PolicyPlan = BalancerPlan | { readonly policy: "CLUSTER_PROVIDED" };

/** A policy with all that it needs; one that has others below it has their plans. */
export type BalancerPlan =
  | LocalityBalancingPlan & (ListPolicyPlan | ClientSideWeightedPlan | RingHashPlan | MaglevPlan)
  | SubsetPlan
  | OverrideHostPlan;

/** Requests go to hosts whose metadata are what the request asks for. */
export interface SubsetPlan {
  readonly policy: "SUBSET";
  /** How a host of a subset is chosen. */
  readonly below: BalancerPlan;
  /** For requests that no subset is for. */
  readonly fallbackPolicy: "NO_FALLBACK" | "ANY_ENDPOINT" | "DEFAULT_SUBSET";
  /** What hosts of the default subset have in `envoy.lb`. */
  readonly defaultSubset: Readonly<Record<string, unknown>>;
  readonly selectors: readonly SubsetSelectorPlan[];
  /** A request may ask for more than the selector's keys. */
  readonly allowRedundantKeys: boolean;
  readonly localityWeightAware: boolean;
  readonly scaleLocalityWeight: boolean;
  /** Any host will do when the subset that is fallen back to has none. */
  readonly panicModeAny: boolean;
  /** Lists in the metadata of hosts stand for any of their members. */
  readonly listAsAny: boolean;
  /** A request lists in `fallback_list` what to ask for when there is no host. */
  readonly metadataFallbackList: boolean;
}

export interface SubsetSelectorPlan {
  /** In order, each once. */
  readonly keys: readonly string[];
  readonly fallbackPolicy: "NOT_DEFINED" | "NO_FALLBACK" | "ANY_ENDPOINT" | "DEFAULT_SUBSET" | "KEYS_SUBSET";
  /** With `KEYS_SUBSET`: some of the keys, by which a subset is looked for instead. */
  readonly fallbackKeysSubset: readonly string[];
  readonly singleHostPerSubset: boolean;
}

/** How localities count. */
export interface LocalityBalancingPlan {
  /** In panic, fail instead of using all hosts. */
  readonly failTrafficOnPanic: boolean;
  /** Load goes to localities by their weights first. */
  readonly localityWeighted: boolean;
  /** Where a local cluster is known, load goes to hosts of the proxy's own zone; absent: as by default. */
  readonly zoneAware?: ZoneAwarePlan;
}

/** @see Envoy: api/envoy/extensions/load_balancing_policies/common/v3/common.proto ZoneAwareLbConfig */
export interface ZoneAwarePlan {
  /** Of the requests that zones count for: a whole number of percent. */
  readonly routingEnabledPercent: number;
  /** Healthy hosts below which zones do not count. */
  readonly minClusterSize: number;
  /** With so many healthy hosts in the own zone all load stays there; null: as much as is fair. */
  readonly forceLocalZoneMinSize: number | null;
  /** What the shares of zones are computed of. */
  readonly localityBasis: "HEALTHY_HOSTS_NUM" | "HEALTHY_HOSTS_WEIGHT";
}

export const DEFAULT_ZONE_AWARE_PLAN: ZoneAwarePlan = {
  routingEnabledPercent: 100,
  minClusterSize: 6,
  forceLocalZoneMinSize: null,
  localityBasis: "HEALTHY_HOSTS_NUM",
};

/** Policies that pick from a list of hosts, whatever the request. */
export type ListPolicyPlan =
  | RoundRobinPlan
  | { readonly policy: "RANDOM" }
  | LeastRequestPlan
  | PeakEwmaPlan;

export interface RoundRobinPlan {
  readonly policy: "ROUND_ROBIN";
  readonly slowStart?: SlowStartPlan;
}

/** Hosts that have just become healthy get less, for a while. */
export interface SlowStartPlan {
  readonly windowMs: number;
  /** With 1 their weight grows evenly; with more it grows fast at first. */
  readonly aggression: number;
  /** Of the runtime; absent for none. */
  readonly aggressionKey?: string;
  /** What they begin with. */
  readonly minWeightPercent: number;
}

export interface LeastRequestPlan {
  readonly policy: "LEAST_REQUEST";
  /** Hosts that are compared when all weights are equal. */
  readonly choiceCount: number;
  readonly selectionMethod: "N_CHOICES" | "FULL_SCAN";
  /** With unequal weights: weight / (active requests + 1) ^ bias. */
  readonly activeRequestBias: number;
  /** Of the runtime; absent for none. */
  readonly activeRequestBiasKey?: string;
  readonly slowStart?: SlowStartPlan;
}

/** The fastest host, by what its last responses took. */
export interface PeakEwmaPlan {
  readonly policy: "PEAK_EWMA";
  /** In which a response time falls to 37 % of what it was. */
  readonly decayMs: number;
  /** Of a host that nothing is known of. */
  readonly defaultRttMs: number;
  /** What a host costs, in milliseconds, that has requests and never answered one. */
  readonly penalty: number;
}

/** Round robin by weights that hosts report themselves. */
export interface ClientSideWeightedPlan extends UtilizationPlan {
  readonly policy: "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN";
  /** A host has to report for so long before its weight counts. */
  readonly blackoutMs: number;
  /** A weight that old does not count any more. */
  readonly expirationMs: number;
  readonly updatePeriodMs: number;
  /** Hosts are asked to report by themselves; null: reports are those in responses. */
  readonly reportStream: ReportStreamPlan | null;
  readonly slowStart?: SlowStartPlan;
}

/** Hosts that the request names come before those of another policy. */
export interface OverrideHostPlan {
  readonly policy: "OVERRIDE_HOST";
  readonly sources: readonly OverrideHostSourcePlan[];
  /** Where dynamic metadata is to say which host was chosen. */
  readonly selectedHostKey: MetadataKeyPlan | null;
  readonly fallback: BalancerPlan;
}

/** Where addresses are. */
export type OverrideHostSourcePlan =
  /** Lower case. */
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "metadata"; readonly key: MetadataKeyPlan };

/** A place in dynamic metadata. */
export interface MetadataKeyPlan {
  readonly namespace: string;
  readonly path: readonly string[];
}

/** What policies that hash requests have in common. */
export interface ConsistentHashPlan {
  /** Hosts are known by their names, not by their addresses. */
  readonly useHostnameForHashing: boolean;
  /** Percent of its share of the requests in flight that a host may have, 100 at least; 0 for no bound. */
  readonly hashBalanceFactor: number;
  /** What of requests is hashed, in place of what their routes say; absent: as routes say. */
  readonly hashPolicies?: readonly HashPolicyPlan[];
}

export interface RingHashPlan extends ConsistentHashPlan {
  readonly policy: "RING_HASH";
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
  readonly hashFunction: "XX_HASH" | "MURMUR_HASH_2";
}

export interface MaglevPlan extends ConsistentHashPlan {
  readonly policy: "MAGLEV";
  /** A prime. */
  readonly tableSize: number;
}
