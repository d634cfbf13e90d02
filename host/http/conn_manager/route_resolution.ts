// host/http/conn_manager/route_resolution.ts: how often streams look for their route, and how long that takes.
// pure: no I/O, no clock, no runtime globals
/**
 * Nothing is measured unless the connection manager is told to (`record_route_resolution_stats`).
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ConnectionManagerImpl::ActiveStream::refreshCachedRoute
 * @module
 */
import { type Histogram, HistogramUnit, type StatsScope } from "../../observe/stats.ts";

export class RouteResolutionStats {
  readonly timeUs: Histogram;
  readonly resolutions: Histogram;

  /** `scope` is `http.<stat_prefix>.`. */
  constructor(scope: StatsScope) {
    this.timeUs = scope.histogram("downstream_rq_route_resolution_time_us", HistogramUnit.Microseconds);
    this.resolutions = scope.histogram("downstream_rq_route_resolutions");
  }

  record({ count, milliseconds }: RouteResolutions): void {
    this.timeUs.record(Math.round(milliseconds * 1000));
    this.resolutions.record(count);
  }
}

/** Those of one stream. */
export interface RouteResolutions {
  count: number;
  milliseconds: number;
}
