// host/router/router_stats.ts: the counters of the terminal filter.
/**
 * @see Envoy: source/common/router/router.h ALL_ROUTER_STATS
 * @module
 */
import type { Counter, StatsScope } from "../observe/stats.ts";

export class RouterStats {
  readonly rqTotal: Counter;
  readonly rqDirectResponse: Counter;
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  /** Redirects that were to be followed, and had to be passed on. */
  readonly passthroughInternalRedirectBadLocation: Counter;
  readonly passthroughInternalRedirectNoRoute: Counter;
  readonly passthroughInternalRedirectPredicate: Counter;
  readonly passthroughInternalRedirectTooManyRedirects: Counter;
  readonly passthroughInternalRedirectUnsafeScheme: Counter;
  readonly rqOverloadLocalReply: Counter;

  /** `scope` is `http.<stat_prefix>.`. */
  constructor(scope: StatsScope) {
    this.rqTotal = scope.counter("rq_total");
    this.rqDirectResponse = scope.counter("rq_direct_response");
    this.noRoute = scope.counter("no_route");
    this.noCluster = scope.counter("no_cluster");
    const passthrough = (reason: string) => scope.counter(`passthrough_internal_redirect_${reason}`);
    this.passthroughInternalRedirectBadLocation = passthrough("bad_location");
    this.passthroughInternalRedirectNoRoute = passthrough("no_route");
    this.passthroughInternalRedirectPredicate = passthrough("predicate");
    this.passthroughInternalRedirectTooManyRedirects = passthrough("too_many_redirects");
    this.passthroughInternalRedirectUnsafeScheme = passthrough("unsafe_scheme");
    this.rqOverloadLocalReply = scope.counter("rq_overload_local_reply");
  }
}
