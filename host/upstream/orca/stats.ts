// host/upstream/orca/stats.ts: what came of load reports that hosts stream.
/**
 * @see Envoy: source/extensions/load_balancing_policies/common/orca_oob_manager.h ALL_ORCA_OOB_STATS
 * @module
 */
import type { Counter, Gauge, StatsScope } from "../../observe/stats.ts";

export class ReportStreamStats {
  readonly reportsReceived: Counter;
  /** Reports that give no weight. */
  readonly reportErrors: Counter;
  /** Streams that ended, and are tried again. */
  readonly streamFailures: Counter;
  /** Hosts that have no such service. */
  readonly streamTerminated: Counter;
  readonly activeSessions: Gauge;

  /** `scope` is the cluster's. */
  constructor(scope: StatsScope) {
    const own = scope.scope("lb_orca_oob");
    this.reportsReceived = own.counter("reports_received");
    this.reportErrors = own.counter("report_errors");
    this.streamFailures = own.counter("stream_failures");
    this.streamTerminated = own.counter("stream_terminated");
    this.activeSessions = own.gauge("active_sessions");
  }
}
