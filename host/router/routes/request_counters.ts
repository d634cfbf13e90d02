// host/router/routes/request_counters.ts: statistics of routes and virtual clusters.
// pure: no I/O, no clock, no runtime globals
/**
 * A virtual host may name kinds of requests, which are counted below `vhost.<name>.vcluster.<name>.` whatever
 * cluster they go to; a request of no kind is one of `other`. A route may have statistics of its own below
 * `vhost.<name>.route.<stat_prefix>.`.
 *
 * @see Envoy: envoy/router/router.h ALL_VIRTUAL_CLUSTER_STATS, ALL_ROUTE_STATS
 * @see Envoy: source/common/router/config_impl.cc VirtualHostImpl::virtualClusterFromEntries
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";
import { HeaderMatcher, matchesAll } from "../../matching/header_matcher.ts";
import type { Counter, StatsScope } from "../../observe/stats.ts";
import { CodeGroup } from "../../upstream/stats.ts";
import type { VirtualClusterPlan } from "../plan.ts";

/** What is counted of requests in one place. */
export class RequestCounters {
  readonly codes: CodeGroup;
  readonly upstreamRqTotal: Counter;
  readonly upstreamRqTimeout: Counter;
  readonly upstreamRqRetry: Counter;
  readonly upstreamRqRetryLimitExceeded: Counter;
  readonly upstreamRqRetryOverflow: Counter;
  readonly upstreamRqRetrySuccess: Counter;

  constructor(scope: StatsScope) {
    this.codes = new CodeGroup(scope, "");
    this.upstreamRqTotal = scope.counter("upstream_rq_total");
    this.upstreamRqTimeout = scope.counter("upstream_rq_timeout");
    this.upstreamRqRetry = scope.counter("upstream_rq_retry");
    this.upstreamRqRetryLimitExceeded = scope.counter("upstream_rq_retry_limit_exceeded");
    this.upstreamRqRetryOverflow = scope.counter("upstream_rq_retry_overflow");
    this.upstreamRqRetrySuccess = scope.counter("upstream_rq_retry_success");
  }
}

export const NO_COUNTERS: readonly RequestCounters[] = [];

/** The virtual clusters of a virtual host. */
export class VirtualClusters {
  readonly #clusters: readonly { readonly headers: readonly HeaderMatcher[]; readonly found: VirtualCluster }[];
  readonly #other: VirtualCluster;

  /** `scope` is `vhost.<name>.`. */
  constructor(plans: readonly VirtualClusterPlan[], scope: StatsScope) {
    const found = (name: string): VirtualCluster => ({
      name,
      counters: new RequestCounters(scope.scope("vcluster").scope(name)),
    });
    this.#clusters = plans.map(({ name, headers }) => ({
      headers: headers.map((matcher) => new HeaderMatcher(matcher)),
      found: found(name),
    }));
    // What is in none of them is counted, and has no name elsewhere.
    this.#other = { ...found("other"), name: "" };
  }

  find(headers: HeaderMap): VirtualCluster {
    for (const cluster of this.#clusters) {
      if (matchesAll(cluster.headers, headers)) return cluster.found;
    }
    return this.#other;
  }
}

export interface VirtualCluster {
  readonly name: string;
  readonly counters: RequestCounters;
}
