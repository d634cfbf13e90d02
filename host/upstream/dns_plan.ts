// host/upstream/dns_plan.ts: how names are looked up, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/clusters/dns/v3/dns_cluster.proto
 * @see Envoy: api/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.proto
 * @module
 */
import type { CidrBlock } from "../base/cidr.ts";
import type { DnsLookupFamily, DnsResolverPlan } from "../net/dns.ts";

export type { DnsLookupFamily } from "../net/dns.ts";

/** Of a cluster whose hosts have names. */
export interface DnsPlan {
  readonly refreshRateMs: number;
  /** Refreshes come up to this much later, at random. */
  readonly jitterMs: number;
  /** Null: at the refresh rate. */
  readonly failureRefresh: FailureRefreshPlan | null;
  readonly respectTtl: boolean;
  /** A time to live counts as this much at least. */
  readonly minRefreshRateMs: number;
  readonly lookupFamily: DnsLookupFamily;
  /** The cluster serves no requests before the first look-up ended. */
  readonly waitsForWarm: boolean;
  readonly resolver: ResolverPlan;
}

/** Null: the machine's. */
export type ResolverPlan = DnsResolverPlan | null;

/** Back-off after failed look-ups. */
export interface FailureRefreshPlan {
  readonly baseMs: number;
  readonly maxMs: number;
}

export const DEFAULT_DNS_PLAN: DnsPlan = {
  refreshRateMs: 5000,
  jitterMs: 0,
  failureRefresh: null,
  respectTtl: false,
  minRefreshRateMs: 0,
  lookupFamily: "AUTO",
  waitsForWarm: true,
  resolver: null,
};

/** What is known of names that clients asked for. */
export interface DnsCachePlan {
  readonly name: string;
  readonly resolver: ResolverPlan;
  readonly lookupFamily: DnsLookupFamily;
  /** For names without an address. */
  readonly refreshRateMs: number;
  /** Names with an address are looked up again when their time to live ends, but not sooner. */
  readonly minRefreshRateMs: number;
  readonly failureRefresh: FailureRefreshPlan | null;
  /** A name whose look-up failed is looked up again by itself; else when somebody asks, not before. */
  readonly refreshesOnFailure: boolean;
  /** Names that nobody asked for in this time go. */
  readonly hostTtlMs: number;
  readonly maxHosts: number;
  /** Requests that wait for a look-up. */
  readonly maxPendingRequests: number;
  /** 0: as long as the resolver takes. */
  readonly queryTimeoutMs: number;
  /** Names that are looked up before anybody asks. */
  readonly preresolve: readonly { readonly address: string; readonly port: number }[];
  /** Addresses that no name may have; null when all may be. */
  readonly forbiddenAddresses: { readonly blocks: readonly CidrBlock[]; readonly invert: boolean } | null;
}

export const DEFAULT_DNS_CACHE_PLAN: DnsCachePlan = {
  name: "",
  resolver: null,
  lookupFamily: "AUTO",
  refreshRateMs: 60_000,
  minRefreshRateMs: 5000,
  failureRefresh: null,
  refreshesOnFailure: true,
  hostTtlMs: 300_000,
  maxHosts: 1024,
  maxPendingRequests: 1024,
  queryTimeoutMs: 5000,
  preresolve: [],
  forbiddenAddresses: null,
};
