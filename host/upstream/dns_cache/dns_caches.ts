// host/upstream/dns_cache/dns_caches.ts: the DNS caches of a worker, shared by name.
// pure: no I/O, no clock, no runtime globals
/**
 * Clusters and filters that name the same cache share it. The planner sees to it that one name has one
 * configuration. It is there as long as a cluster uses it.
 *
 * @see Envoy: source/extensions/common/dynamic_forward_proxy/dns_cache_manager_impl.cc
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { DnsResolverSource } from "../../net/dns_resolvers.ts";
import type { StatsScope } from "../../observe/stats.ts";
import { LocalCount, type SharedCountFactory } from "../circuit_breaker.ts";
import type { DnsCachePlan } from "../dns_plan.ts";
import { DnsCache } from "./dns_cache.ts";

export interface DnsCachesEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: StatsScope;
  readonly dns: DnsResolverSource;
  readonly createCount?: SharedCountFactory;
}

export class DnsCaches {
  readonly #environment: DnsCachesEnvironment;
  /** By their plans: another generation may have another configuration for the name. */
  readonly #caches = new Map<string, DnsCache>();
  /** The same, for who asks again and again. */
  #known = new WeakMap<DnsCachePlan, DnsCache>();

  constructor(environment: DnsCachesEnvironment) {
    this.#environment = environment;
  }

  /** The cache of this plan; made when it is first asked for. */
  get(plan: DnsCachePlan): DnsCache {
    let cache = this.#known.get(plan);
    if (cache === undefined) this.#known.set(plan, cache = this.#find(plan));
    return cache;
  }

  /** Ends the caches that nobody uses any more. */
  sweep(): void {
    for (const [key, cache] of this.#caches) {
      if (cache.isUsed) continue;
      this.#caches.delete(key);
      cache.close();
    }
    this.#known = new WeakMap();
  }

  close(): void {
    for (const cache of this.#caches.values()) cache.close();
    this.#caches.clear();
    this.#known = new WeakMap();
  }

  #find(plan: DnsCachePlan): DnsCache {
    const key = JSON.stringify(plan);
    let cache = this.#caches.get(key);
    if (cache === undefined) this.#caches.set(key, cache = this.#create(plan));
    return cache;
  }

  #create(plan: DnsCachePlan): DnsCache {
    const { clock, random, stats, dns, createCount } = this.#environment;
    const pendingCount = createCount?.(`dns_cache.${plan.name}`, "rq_pending") ?? new LocalCount();
    return new DnsCache(plan, { clock, random, stats, dns: dns.get(plan.resolver), pendingCount });
  }
}
