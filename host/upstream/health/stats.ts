// host/upstream/health/stats.ts: the statistics of active health checks, with Envoy's names.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/health_checkers/common/health_checker_base_impl.h ALL_HEALTH_CHECKER_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";

export class HealthCheckStats {
  readonly attempt: Counter;
  readonly failure: Counter;
  readonly networkFailure: Counter;
  readonly passiveFailure: Counter;
  readonly success: Counter;
  readonly verifyCluster: Counter;
  readonly healthy: Gauge;
  readonly degraded: Gauge;

  /** `scope` is that of the cluster; `name` tells one check from the others of a cluster with several. */
  constructor(scope: StatsScope, name: string) {
    const own = scope.scope(name === "" ? "health_check" : `health_check.name.${name}`);
    this.attempt = own.counter("attempt");
    this.failure = own.counter("failure");
    this.networkFailure = own.counter("network_failure");
    this.passiveFailure = own.counter("passive_failure");
    this.success = own.counter("success");
    this.verifyCluster = own.counter("verify_cluster");
    this.healthy = own.gauge("healthy");
    this.degraded = own.gauge("degraded");
    this.healthy.add(0);
    this.degraded.add(0);
  }
}
