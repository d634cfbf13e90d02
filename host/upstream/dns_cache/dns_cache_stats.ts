// host/upstream/dns_cache/dns_cache_stats.ts: the statistics of a DNS cache, with Envoy's names.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/common/dynamic_forward_proxy/dns_cache_impl.h ALL_DNS_CACHE_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";

export class DnsCacheStats {
  readonly queryAttempt: Counter;
  readonly querySuccess: Counter;
  readonly queryFailure: Counter;
  readonly queryTimeout: Counter;
  readonly addressFilterOut: Counter;
  readonly hostAdded: Counter;
  readonly hostRemoved: Counter;
  readonly hostAddressChanged: Counter;
  readonly hostOverflow: Counter;
  readonly pendingOverflow: Counter;
  readonly numHosts: Gauge;

  constructor(scope: StatsScope) {
    this.queryAttempt = scope.counter("dns_query_attempt");
    this.querySuccess = scope.counter("dns_query_success");
    this.queryFailure = scope.counter("dns_query_failure");
    this.queryTimeout = scope.counter("dns_query_timeout");
    this.addressFilterOut = scope.counter("dns_address_filter_out");
    this.hostAdded = scope.counter("host_added");
    this.hostRemoved = scope.counter("host_removed");
    this.hostAddressChanged = scope.counter("host_address_changed");
    this.hostOverflow = scope.counter("host_overflow");
    this.pendingOverflow = scope.counter("dns_rq_pending_overflow");
    this.numHosts = scope.gauge("num_hosts");
    // There is no store that a cache could be loaded from.
    scope.counter("cache_load");
  }
}
