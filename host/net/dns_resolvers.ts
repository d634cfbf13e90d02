// host/net/dns_resolvers.ts: the resolvers of a worker, each made once.
/** @module */
import { createDnsResolver, type DnsResolver, type DnsResolverEnvironment, type DnsResolverPlan } from "./dns.ts";

/** Gives resolvers by their plans. */
export interface DnsResolverSource {
  /** Null: the machine's. */
  get(plan: DnsResolverPlan | null): DnsResolver;
}

export class DnsResolvers implements DnsResolverSource {
  readonly #environment: DnsResolverEnvironment;
  readonly #resolvers = new Map<string, DnsResolver>();

  constructor(environment: DnsResolverEnvironment) {
    this.#environment = environment;
  }

  get(plan: DnsResolverPlan | null): DnsResolver {
    const key = JSON.stringify(plan);
    let resolver = this.#resolvers.get(key);
    if (resolver === undefined) {
      this.#resolvers.set(key, resolver = createDnsResolver(plan ?? {}, this.#environment));
    }
    return resolver;
  }
}
