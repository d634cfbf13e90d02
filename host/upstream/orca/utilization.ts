// host/upstream/orca/utilization.ts: how much of a host is used, and so how much it should get.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/load_balancing_policies/common/orca_weight_manager.cc, source/common/orca/orca_load_metrics.cc
 * @module
 */
import type { LoadReport } from "./load_report.ts";
import type { UtilizationPlan } from "./plan.ts";

const MAX_WEIGHT = 0xffff_ffff;

/** Requests per second by utilization, a whole number; null when the report does not say enough. */
export function weightOf(report: LoadReport, plan: UtilizationPlan): number | null {
  const requests = report.get("rps_fractional") ?? 0;
  if (!(requests > 0)) return null;
  const used = utilizationOf(report, plan.metricNames) + plan.errorPenalty * (report.get("eps") ?? 0) / requests;
  return used > 0 ? Math.min(MAX_WEIGHT, Math.trunc(requests / used)) : null;
}

function utilizationOf(report: LoadReport, metricNames: readonly string[]): number {
  let most = 0;
  for (const name of metricNames) most = Math.max(most, metricOf(report, name));
  if (most > 0) return most;
  const application = report.get("application_utilization") ?? 0;
  return application > 0 ? application : report.get("cpu_utilization") ?? 0;
}

function metricOf(report: LoadReport, name: string): number {
  if (!name.endsWith(".*")) return report.get(name) ?? 0;
  let most = 0;
  for (const [each, value] of report) if (each.startsWith(name.slice(0, -1))) most = Math.max(most, value);
  return most;
}
