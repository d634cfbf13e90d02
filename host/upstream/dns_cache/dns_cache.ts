// host/upstream/dns_cache/dns_cache.ts: names that clients asked for, and the addresses that they have.
// pure: no I/O, no clock, no runtime globals
/**
 * A name is looked up when the first request asks for it, and again and again until nobody asked for a while.
 * Once it has an address it keeps one: a failure or an empty answer takes nothing away. Names without an
 * address are remembered, too, so that they are not looked up for every request.
 *
 * Each worker has a cache of its own.
 *
 * @see Envoy: source/extensions/common/dynamic_forward_proxy/dns_cache_impl.cc
 * @module
 */
import { BackOff } from "../../base/back_off.ts";
import { inCidrBlock } from "../../base/cidr.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { parseIp } from "../../base/ip.ts";
import type { Random } from "../../base/random.ts";
import { ipAddress } from "../../net/address.ts";
import type { DnsAddress, DnsAnswer, DnsQuery, DnsResolver } from "../../net/dns.ts";
import type { StatsScope } from "../../observe/stats.ts";
import type { SocketAddress } from "../../observe/stream_info.ts";
import { Resource, type SharedCount } from "../circuit_breaker.ts";
import type { DnsCachePlan } from "../dns_plan.ts";
import { DnsCacheStats } from "./dns_cache_stats.ts";
import { type DynamicHost, parseDynamicHost } from "./dynamic_host.ts";

/** What is known of a name. */
export interface CachedHost {
  /** Name and port. */
  readonly key: string;
  /** The first look-up ended. */
  readonly resolved: boolean;
  /** Null while there was none. */
  readonly address: SocketAddress | null;
  /** All addresses that the name has. */
  readonly addresses: readonly SocketAddress[];
  /** How the last look-up ended. */
  readonly details: string;
  /** Somebody uses it now. */
  touch(): void;
}

/** Told of names that have addresses. */
export interface DnsCacheListener {
  /** A name got its first address, or other ones. */
  onHostChanged(host: CachedHost): void;
  /** Comes for names that had an address. */
  onHostRemoved(key: string): void;
}

export type DnsCacheLoad =
  | { readonly status: "in_cache"; readonly host: CachedHost }
  /** The callback comes later, unless it is cancelled. */
  | { readonly status: "loading"; cancel(): void }
  | { readonly status: "overflow" };

export interface DnsCacheEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  /** The root: `dns_cache.<name>.` is put in front. */
  readonly stats: StatsScope;
  readonly dns: DnsResolver;
  /** Of requests that wait. */
  readonly pendingCount: SharedCount;
}

export class DnsCache {
  readonly plan: DnsCachePlan;
  readonly stats: DnsCacheStats;
  readonly environment: DnsCacheEnvironment;
  /** Requests that wait for a look-up. */
  readonly pendingRequests: Resource;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<DnsCacheListener>();

  constructor(plan: DnsCachePlan, environment: DnsCacheEnvironment) {
    const scope = environment.stats.scope("dns_cache").scope(plan.name);
    this.plan = plan;
    this.environment = environment;
    this.stats = new DnsCacheStats(scope);
    this.pendingRequests = new Resource({ current: plan.maxPendingRequests }, {
      count: environment.pendingCount,
      open: scope.gauge("circuit_breakers.rq_pending_open"),
      remaining: scope.gauge("circuit_breakers.rq_pending_remaining"),
    });
    for (const { address, port } of plan.preresolve) this.#begin(parseDynamicHost(address, port));
  }

  /** Looks a host up as a client calls it. */
  load(text: string, defaultPort: number, callback: (host: CachedHost) => void): DnsCacheLoad {
    const host = parseDynamicHost(text, defaultPort);
    let entry = this.#entries.get(host.key);
    if (entry?.resolved === true) {
      if (this.plan.refreshesOnFailure || !entry.failed) return { status: "in_cache", host: entry };
      this.#remove(entry);
      entry = undefined;
    }
    if (this.#entries.size >= this.plan.maxHosts) {
      this.stats.hostOverflow.inc();
      return { status: "overflow" };
    }
    const waiting = entry ?? this.#begin(host);
    waiting.waiters.add(callback);
    return { status: "loading", cancel: () => void waiting.waiters.delete(callback) };
  }

  /** The host of this key, if it has an address. */
  find(key: string): CachedHost | null {
    const entry = this.#entries.get(key);
    return entry === undefined || entry.address === null ? null : entry;
  }

  /** All names that have addresses. */
  *hosts(): Generator<CachedHost> {
    for (const entry of this.#entries.values()) if (entry.address !== null) yield entry;
  }

  addListener(listener: DnsCacheListener): void {
    this.#listeners.add(listener);
  }

  removeListener(listener: DnsCacheListener): void {
    this.#listeners.delete(listener);
  }

  /** A cluster has its hosts from here, or somebody waits for one. */
  get isUsed(): boolean {
    if (this.#listeners.size > 0) return true;
    for (const { waiters } of this.#entries.values()) if (waiters.size > 0) return true;
    return false;
  }

  close(): void {
    for (const entry of this.#entries.values()) this.#remove(entry);
  }

  onEntryChanged(entry: Entry): void {
    for (const listener of this.#listeners) listener.onHostChanged(entry);
  }

  /** Nobody asked for the name in a long time. */
  onEntryExpired(entry: Entry): void {
    this.#remove(entry);
  }

  #begin(host: DynamicHost): Entry {
    const entry = new Entry(this, host);
    this.#entries.set(host.key, entry);
    this.stats.hostAdded.inc();
    this.stats.numHosts.inc();
    entry.resolve();
    return entry;
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key);
    entry.close();
    this.stats.hostRemoved.inc();
    this.stats.numHosts.dec();
    if (entry.address !== null) { for (const listener of this.#listeners) listener.onHostRemoved(entry.key); }
  }
}

class Entry implements CachedHost {
  readonly key: string;
  readonly #cache: DnsCache;
  readonly #host: DynamicHost;
  readonly #refresh: Timer;
  readonly #timeout: Timer;
  #backOff: BackOff | null = null;
  #query: DnsQuery | null = null;
  #lastUsedMs: number;
  readonly waiters: Set<(host: CachedHost) => void> = new Set();
  resolved = false;
  failed = false;
  addresses: readonly SocketAddress[] = [];
  details = "not_resolved";

  constructor(cache: DnsCache, host: DynamicHost) {
    const { clock } = cache.environment;
    this.key = host.key;
    this.#cache = cache;
    this.#host = host;
    this.#refresh = clock.createTimer(() => this.#onRefresh());
    this.#timeout = clock.createTimer(() => this.#onTimeout());
    this.#lastUsedMs = clock.nowMs();
  }

  get address(): SocketAddress | null {
    return this.addresses[0] ?? null;
  }

  touch(): void {
    this.#lastUsedMs = this.#cache.environment.clock.nowMs();
  }

  resolve(): void {
    const { plan, stats, environment } = this.#cache;
    stats.queryAttempt.inc();
    if (plan.queryTimeoutMs > 0) this.#timeout.enable(plan.queryTimeoutMs);
    this.#query = environment.dns.resolve(this.#host.host, plan.lookupFamily, (answer) => this.#finish(answer));
  }

  close(): void {
    this.#query?.cancel();
    this.#query = null;
    this.#refresh.disable();
    this.#timeout.disable();
  }

  #onRefresh(): void {
    const { plan, environment } = this.#cache;
    if (environment.clock.nowMs() - this.#lastUsedMs > plan.hostTtlMs) this.#cache.onEntryExpired(this);
    else this.resolve();
  }

  #onTimeout(): void {
    this.#cache.stats.queryTimeout.inc();
    this.#query?.cancel();
    this.#finish({ status: "failed", details: "resolve_timeout" });
  }

  #finish(answer: DnsAnswer): void {
    const { plan, stats } = this.#cache;
    this.#query = null;
    this.#timeout.disable();
    const found = answer.status === "completed" ? this.#allowed(answer.addresses) : [];
    const denied = answer.status === "completed" && found.length === 0 && answer.addresses.length > 0;
    const details = denied ? "address_denied" : answer.details ?? "";
    this.failed = denied || answer.status === "failed";
    if (this.failed) stats.queryFailure.inc();
    else stats.querySuccess.inc();
    const addresses = found.map(({ address }) => ipAddress(address, this.#host.port));
    if (addresses.length > 0 && !sameAddresses(addresses, this.addresses)) {
      this.addresses = addresses;
      this.details = details;
      stats.hostAddressChanged.inc();
      this.#cache.onEntryChanged(this);
    } else if (this.addresses.length === 0) {
      this.details = details;
    }
    this.resolved = true;
    if (!this.failed) {
      this.#backOff = null;
      const ttlMs = found[0] === undefined ? plan.refreshRateMs : found[0].ttlSeconds * 1000;
      this.#refresh.enable(found.length === 0 ? ttlMs : Math.max(plan.minRefreshRateMs, ttlMs));
    } else if (plan.refreshesOnFailure) {
      this.#refresh.enable(this.#failureDelayMs());
    }
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter(this);
  }

  #allowed(found: readonly DnsAddress[]): readonly DnsAddress[] {
    const forbidden = this.#cache.plan.forbiddenAddresses;
    if (forbidden === null) return found;
    const allowed = found.filter(({ address }) => {
      const ip = parseIp(address);
      return ip !== null && forbidden.blocks.some((block) => inCidrBlock(block, ip)) === forbidden.invert;
    });
    this.#cache.stats.addressFilterOut.add(found.length - allowed.length);
    return allowed;
  }

  #failureDelayMs(): number {
    const { plan, environment } = this.#cache;
    const { failureRefresh } = plan;
    if (failureRefresh === null) return plan.refreshRateMs;
    this.#backOff ??= new BackOff(failureRefresh.baseMs, failureRefresh.maxMs, environment.random);
    return Math.max(1, this.#backOff.nextMs());
  }
}

/** The same ones, in whatever order. */
function sameAddresses(a: readonly SocketAddress[], b: readonly SocketAddress[]): boolean {
  return a.length === b.length && a.every((address) => b.some((other) => other.text === address.text));
}
