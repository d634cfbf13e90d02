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

  /** `scope` is `http.<stat_prefix>.`. */
  constructor(scope: StatsScope) {
    this.rqTotal = scope.counter("rq_total");
    this.rqDirectResponse = scope.counter("rq_direct_response");
    this.noRoute = scope.counter("no_route");
    this.noCluster = scope.counter("no_cluster");
  }
}
