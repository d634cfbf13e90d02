// host/net/dns.ts: names to IP addresses, by the system's resolvers.
/**
 * `/etc/hosts` comes first, as with Envoy's c-ares. Then A and AAAA records are asked for, with their time to
 * live. What DNS does not know (short names with search domains, say) is looked up the machine's way.
 *
 * @see Envoy: envoy/network/dns.h, source/extensions/network/dns_resolver/cares
 * @module
 */
import { lookup, Resolver } from "node:dns";
import { detectPlatform } from "../platform/detect.ts";
import { HostsFile } from "./hosts_file.ts";
import { parseIp } from "../base/ip.ts";
import { errorCode } from "./socket.ts";

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

/** What one look-up by one way found. */
type Found = readonly DnsAddress[] | { readonly failure: string };

/** Names that DNS says do not exist, or have no address of this family. */
const NO_SUCH_NAME: readonly string[] = ["ENOTFOUND", "ENODATA"];
/** Deno says ENOTFOUND whatever went wrong, so there it proves nothing: a failure removes no hosts. */
const codesTellTruth = detectPlatform().runtime !== "deno";

/** Which DNS servers are asked. */
export interface DnsResolverOptions {
  /** `ip:port`; the system's when absent. */
  readonly servers?: readonly string[];
}

export function createDnsResolver(options: DnsResolverOptions = {}): DnsResolver {
  const resolver = new Resolver();
  if (options.servers !== undefined) resolver.setServers(options.servers);
  // With servers of its own a resolver does not ask the machine.
  const machine = options.servers === undefined;
  return { resolve: (name, family, callback) => new Query(resolver, machine, name, family, callback) };
}

/** The machine's own resolver. */
export const systemDnsResolver: DnsResolver = {
  resolve: (name, family, callback) => (system ??= createDnsResolver()).resolve(name, family, callback),
};
let system: DnsResolver | null = null;
const hostsFile = new HostsFile("/etc/hosts");

class Query implements DnsQuery {
  readonly #resolver: Resolver;
  readonly #machine: boolean;
  readonly #name: string;
  #callback: ((answer: DnsAnswer) => void) | null;

  constructor(
    resolver: Resolver,
    machine: boolean,
    name: string,
    family: DnsLookupFamily,
    callback: (answer: DnsAnswer) => void,
  ) {
    this.#resolver = resolver;
    this.#machine = machine;
    this.#name = name;
    this.#callback = callback;
    if (parseIp(name) !== null) {
      queueMicrotask(() => this.#answer({ status: "completed", addresses: [{ address: name, ttlSeconds: 0 }] }));
    } else {
      // Not before `resolve` has returned, whatever answers.
      queueMicrotask(() => {
        if (this.#callback !== null) this.#start(family);
      });
    }
  }

  cancel(): void {
    this.#callback = null;
  }

  #answer(answer: DnsAnswer): void {
    const callback = this.#callback;
    this.#callback = null;
    callback?.(answer);
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
      if (isList(found) && found.length > 0) return this.#finish(found);
      this.#ask(second, (other) => this.#finish(isList(other) || !isList(found) ? other : found));
    });
  }

  #askBoth(): void {
    let other: Found | null = null;
    const collect = (found: Found): void => {
      if (other === null) {
        other = found;
        return;
      }
      if (isList(found) && isList(other)) this.#finish([...found, ...other]);
      else this.#finish(isList(found) ? found : other);
    };
    this.#ask(6, collect);
    this.#ask(4, collect);
  }

  #ask(version: 4 | 6, callback: (found: Found) => void): void {
    const fixed = this.#machine ? hostsFile.addresses(this.#name, version) : [];
    if (fixed.length > 0) return callback(fixed.map((address) => ({ address, ttlSeconds: 0 })));
    const onAnswer = (error: Error | null, records: readonly { address: string; ttl: number }[]): void => {
      if (this.#callback === null) return;
      if (error === null) {
        callback(records.map(({ address, ttl }) => ({ address, ttlSeconds: ttl })));
      } else if (this.#machine) {
        this.#askMachine(version, error, callback);
      } else {
        const known = codesTellTruth && NO_SUCH_NAME.includes(errorCode(error));
        callback(known ? [] : { failure: errorCode(error) || error.message });
      }
    };
    if (version === 4) this.#resolver.resolve4(this.#name, { ttl: true }, onAnswer);
    else this.#resolver.resolve6(this.#name, { ttl: true }, onAnswer);
  }

  #askMachine(version: 4 | 6, first: Error, callback: (found: Found) => void): void {
    lookup(this.#name, { family: version, all: true }, (error, addresses) => {
      if (this.#callback === null) return;
      if (error === null) return callback(addresses.map(({ address }) => ({ address, ttlSeconds: 0 })));
      // Only when both say so: a resolver that cannot be reached is no proof that a name is gone.
      const known = NO_SUCH_NAME.includes(errorCode(first)) && NO_SUCH_NAME.includes(errorCode(error));
      callback(known ? [] : { failure: errorCode(first) || first.message });
    });
  }

  #finish(found: Found): void {
    if (isList(found)) this.#answer({ status: "completed", addresses: found });
    else this.#answer({ status: "failed", details: found.failure });
  }
}

function isList(found: Found): found is readonly DnsAddress[] {
  return Array.isArray(found);
}
