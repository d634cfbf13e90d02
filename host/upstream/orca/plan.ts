// host/upstream/orca/plan.ts: how load reports are asked for and used, as plain data.
// pure: no I/O, no clock, no runtime globals
/** @module */

/** How a report becomes a weight. */
export interface UtilizationPlan {
  /** `named_metrics.x`, `utilization.*` and the like: the greatest one counts, when it is above 0. */
  readonly metricNames: readonly string[];
  /** What errors add to the utilization: as many times as they are a part of the requests. */
  readonly errorPenalty: number;
}

/** Hosts are asked to report by themselves. */
export interface ReportStreamPlan {
  readonly periodMs: number;
  /** In place of the host's; 0 for that. */
  readonly port: number;
  /** Empty: the host's name, or its address. */
  readonly authority: string;
}
