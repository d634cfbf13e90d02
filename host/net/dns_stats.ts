// host/net/dns_stats.ts: the statistics of look-ups, with the names of Envoy's c-ares resolver.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/network/dns_resolver/cares/dns_impl.h ALL_CARES_DNS_RESOLVER_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../observe/stats.ts";

export class DnsStats {
  readonly resolveTotal: Counter;
  readonly pendingResolutions: Gauge;
  readonly notFound: Counter;
  readonly getAddrFailure: Counter;
  readonly timeouts: Counter;

  /** `scope` is the root. */
  constructor(scope: StatsScope) {
    const cares = scope.scope("dns").scope("cares");
    this.resolveTotal = cares.counter("resolve_total");
    this.pendingResolutions = cares.gauge("pending_resolutions");
    this.notFound = cares.counter("not_found");
    this.getAddrFailure = cares.counter("get_addr_failure");
    this.timeouts = cares.counter("timeouts");
    // Each query has a socket of its own: there is no channel to make anew.
    cares.counter("reinits");
  }

  onFailure(timeouts: number): void {
    this.getAddrFailure.inc();
    this.timeouts.add(timeouts);
  }
}
