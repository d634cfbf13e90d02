// host/net/dns.ts: names to IP addresses.
/**
 * The hosts file comes first, as with Envoy's c-ares; then name servers are asked for A and AAAA records. Without
 * servers of its own a resolver asks the machine's, and what they do not know (names of the local network, say) is
 * looked up the machine's way.
 *
 * @see Envoy: envoy/network/dns.h, source/extensions/network/dns_resolver/cares/dns_impl.cc
 * @module
 */
import { getServers, lookup } from "node:dns";
import { networkInterfaces } from "node:os";
import type { Clock } from "../base/clock.ts";
import { isLoopback, parseIp, withoutZone } from "../base/ip.ts";
import type { Random } from "../base/random.ts";
import { systemClock } from "../platform/system_clock.ts";
import { systemRandom } from "../platform/system_random.ts";
import { DnsClient, type DnsFound, FOUND_DETAILS, NO_DATA_DETAILS, NO_NAME_DETAILS } from "./dns_client.ts";
import type { DnsStats } from "./dns_stats.ts";
import { HostsFile } from "./hosts_file.ts";
import { readResolvConf, type ResolvConf } from "./resolv_conf.ts";

/** @see Envoy: api/envoy/config/cluster/v3/cluster.proto DnsLookupFamily */
export type DnsLookupFamily = "AUTO" | "V4_ONLY" | "V6_ONLY" | "V4_PREFERRED" | "ALL";

export interface DnsAddress {
  /** An IP address without brackets. */
  readonly address: string;
  /** 0 when nobody said. */
  readonly ttlSeconds: number;
}

/** An answer; an empty list says that the name has no address. Details are as Envoy has them from c-ares. */
export type DnsAnswer =
  | { readonly status: "completed"; readonly addresses: readonly DnsAddress[]; readonly details?: string }
  | { readonly status: "failed"; readonly details: string };

export interface DnsQuery {
  /** The callback does not come any more. */
  cancel(): void;
}

/** Looks names up; the callback comes once, never before `resolve` returned. IP addresses answer themselves. */
export interface DnsResolver {
  resolve(name: string, family: DnsLookupFamily, callback: (answer: DnsAnswer) => void): DnsQuery;
}

/** Which servers are asked, and how. Plain data. */
export interface DnsResolverPlan {
  /** `ip:port`; the machine's when empty. */
  readonly servers: readonly string[];
  /** They are asked only where the machine has none. */
  readonly serversAsFallback: boolean;
  readonly useTcp: boolean;
  /** Short names are looked up in the domains of the machine, too. */
  readonly useSearchDomains: boolean;
  /** Addresses of a family that no network interface has are left out. */
  readonly filterUnroutableFamilies: boolean;
  readonly timeoutMs: number;
  readonly tries: number;
  readonly rotate: boolean;
}

/** Envoy's, which are not those of c-ares. */
export const DEFAULT_RESOLVER_PLAN: DnsResolverPlan = {
  servers: [],
  serversAsFallback: false,
  useTcp: false,
  useSearchDomains: true,
  filterUnroutableFamilies: false,
  timeoutMs: 5000,
  tries: 4,
  rotate: false,
};

export interface DnsResolverEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: DnsStats | null;
}

const SYSTEM: DnsResolverEnvironment = { clock: systemClock, random: systemRandom, stats: null };
const MISFORMATTED = "cares_failure:Misformatted domain name";

export function createDnsResolver(
  changes: Partial<DnsResolverPlan> = {},
  environment: DnsResolverEnvironment = SYSTEM,
): DnsResolver {
  const plan = { ...DEFAULT_RESOLVER_PLAN, ...changes };
  const machine = machineConfig();
  const own = plan.servers.length > 0 && !(plan.serversAsFallback && machine.servers.length > 0);
  const config = {
    ...machine,
    ...(own && { servers: plan.servers }),
    ...(!plan.useSearchDomains && { searchDomains: [] }),
  };
  const { useTcp, timeoutMs, tries, rotate } = plan;
  const client = new DnsClient({ ...environment, config, useTcp, timeoutMs, tries, rotate });
  const resolver = { client, machine: !own, filter: plan.filterUnroutableFamilies, stats: environment.stats };
  return { resolve: (name, family, callback) => new Query(resolver, name, family, callback) };
}

const hostsFile = new HostsFile("/etc/hosts");

function machineConfig(): ResolvConf {
  const config = readResolvConf();
  if (config.servers.length > 0) return config;
  // Where there is no such file, the runtime knows.
  const servers = getServers().map((server) => parseIp(server)?.version === 6 ? `[${server}]:53` : server)
    .map((server) => /\d\.\d+$/.test(server) ? `${server}:53` : server);
  return { ...config, servers };
}

/** What a query asks. */
interface Resolver {
  readonly client: DnsClient;
  readonly machine: boolean;
  readonly filter: boolean;
  readonly stats: DnsStats | null;
}

class Query implements DnsQuery {
  readonly #resolver: Resolver;
  readonly #name: string;
  readonly #lookups: { cancel(): void }[] = [];
  #callback: ((answer: DnsAnswer) => void) | null;

  constructor(resolver: Resolver, name: string, family: DnsLookupFamily, callback: (answer: DnsAnswer) => void) {
    this.#resolver = resolver;
    this.#name = name;
    this.#callback = callback;
    resolver.stats?.pendingResolutions.inc();
    // Not before `resolve` has returned, whatever answers.
    queueMicrotask(() => {
      if (this.#callback !== null) this.#start(family);
    });
  }

  cancel(): void {
    if (this.#callback === null) return;
    this.#callback = null;
    this.#resolver.stats?.pendingResolutions.dec();
    for (const lookup of this.#lookups) lookup.cancel();
  }

  #answer(answer: DnsAnswer): void {
    const callback = this.#callback;
    if (callback === null) return;
    this.#callback = null;
    this.#resolver.stats?.pendingResolutions.dec();
    callback(answer);
  }

  #start(family: DnsLookupFamily): void {
    switch (family) {
      case "V4_ONLY":
        return this.#ask(4, (found) => this.#finish(found));
      case "V6_ONLY":
        return this.#ask(6, (found) => this.#finish(found));
      case "AUTO":
        return this.#prefer(6, 4);
      case "V4_PREFERRED":
        return this.#prefer(4, 6);
      case "ALL":
        return this.#askBoth();
    }
  }

  /** The second family is asked only when the first has nothing. */
  #prefer(first: 4 | 6, second: 4 | 6): void {
    this.#ask(first, (found) => {
      if ("records" in found && found.records.length > 0) return this.#finish(found);
      this.#ask(second, (other) => this.#finish("records" in other || "failure" in found ? other : found));
    });
  }

  #askBoth(): void {
    let other: DnsFound | null = null;
    const collect = (found: DnsFound): void => {
      if (other === null) {
        other = found;
      } else if ("records" in found && "records" in other) {
        const { details } = found.records.length > 0 ? found : other;
        this.#finish({ records: [...found.records, ...other.records], details });
      } else {
        this.#finish("records" in found ? found : other);
      }
    };
    this.#ask(6, collect);
    this.#ask(4, collect);
  }

  #ask(version: 4 | 6, callback: (found: DnsFound) => void): void {
    const { client, machine, stats } = this.#resolver;
    const name = this.#name;
    stats?.resolveTotal.inc();
    const literal = parseIp(name);
    if (literal !== null) {
      return callback(
        literal.version === version ? fixed([name]) : { failure: MISFORMATTED, timeouts: 0 },
      );
    }
    const known = hostsFile.addresses(name, version);
    if (known.length > 0) return callback(fixed(known));
    if (isLocalhost(name)) return callback(fixed([version === 4 ? "127.0.0.1" : "::1"]));
    if (isOnion(name)) {
      stats?.notFound.inc();
      return callback({ records: [], details: NO_NAME_DETAILS });
    }
    this.#lookups.push(client.lookup(name, version, (found) => {
      if (this.#callback === null) return;
      const none = "failure" in found || found.records.length === 0;
      if (none && machine) return this.#askMachine(version, found, callback);
      if ("failure" in found) stats?.onFailure(found.timeouts);
      else if (none) stats?.notFound.inc();
      callback(found);
    }));
  }

  /** Only what the servers and the machine agree on is known not to be there. */
  #askMachine(version: 4 | 6, first: DnsFound, callback: (found: DnsFound) => void): void {
    const { stats } = this.#resolver;
    lookup(this.#name, { family: version, all: true }, (error, addresses) => {
      if (this.#callback === null) return;
      if (error === null && addresses.length > 0) return callback(fixed(addresses.map(({ address }) => address)));
      if ("failure" in first) stats?.onFailure(first.timeouts);
      else stats?.notFound.inc();
      callback(first);
    });
  }

  #finish(found: DnsFound): void {
    if ("failure" in found) return this.#answer({ status: "failed", details: found.failure });
    const addresses = this.#resolver.filter ? routable(found.records) : found.records;
    const details = found.records.length > 0 && addresses.length === 0 ? NO_DATA_DETAILS : found.details;
    this.#answer({ status: "completed", addresses, details });
  }
}

/** What nobody had to be asked for. */
function fixed(addresses: readonly string[]): DnsFound {
  return { records: addresses.map((address) => ({ address, ttlSeconds: 0 })), details: FOUND_DETAILS };
}

/** @see RFC 6761, 6.3 */
function isLocalhost(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === "localhost" || lower.endsWith(".localhost");
}

/** @see RFC 7686, 2 */
function isOnion(name: string): boolean {
  return /(^|\.)onion\.?$/i.test(name);
}

/** Addresses that an interface other than the loopback's has the family of. */
function routable(addresses: readonly DnsAddress[]): readonly DnsAddress[] {
  const versions = new Set<number>();
  for (const list of Object.values(networkInterfaces())) {
    for (const { address } of list ?? []) {
      const ip = parseIp(withoutZone(address));
      if (ip !== null && !isLoopback(ip)) versions.add(ip.version);
    }
  }
  return addresses.filter(({ address }) => versions.has(parseIp(address)!.version));
}
