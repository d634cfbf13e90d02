// host/upstream/plan/lb/client_side_weighted.ts: ClientSideWeightedRoundRobin, and WrrLocality above it, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin.proto
 * @module
 */
import { toWireText } from "../../../base/wire_text.ts";
import type { ConfigNode } from "../../../config/node.ts";
import type { BalancerPlan, ClientSideWeightedPlan, LocalityBalancingPlan } from "../../lb/plan.ts";
import type { ReportStreamPlan } from "../../orca/plan.ts";
import type { PolicyPlanContext } from "./context.ts";
import { planSlowStart } from "./list_policies.ts";

const SHORTEST_UPDATE_PERIOD_MS = 100;
const DEFAULT_REPORT_PERIOD_MS = 10_000;
const NO_STREAMS = "reports are taken from responses: enable_oob_load_report is not set";

export function planClientSideWeighted(
  config: ConfigNode,
): ClientSideWeightedPlan & LocalityBalancingPlan {
  return {
    policy: "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN",
    metricNames: config.strings("metric_names_for_computing_utilization"),
    errorPenalty: config.number("error_utilization_penalty", 0),
    blackoutMs: config.durationMs("blackout_period", 10_000),
    expirationMs: config.durationMs("weight_expiration_period", 180_000),
    updatePeriodMs: Math.max(SHORTEST_UPDATE_PERIOD_MS, config.durationMs("weight_update_period", 1000)),
    reportStream: planReportStream(config),
    ...planSlowStart(config),
    localityWeighted: false,
    failTrafficOnPanic: false,
  };
}

function planReportStream(config: ConfigNode): ReportStreamPlan | null {
  if (!config.bool("enable_oob_load_report")) {
    config.accept("oob_reporting_period", NO_STREAMS);
    config.accept("oob_reporting_config", NO_STREAMS);
    return null;
  }
  const node = config.message("oob_reporting_config");
  return {
    periodMs: config.durationMs("oob_reporting_period", 0) || DEFAULT_REPORT_PERIOD_MS,
    port: node?.number("port_value") ?? 0,
    authority: toWireText(node?.string("authority") ?? ""),
  };
}

/** Load goes to localities by their weights, and there to hosts by theirs. */
export function planWrrLocality(
  config: ConfigNode,
  { planBelow }: PolicyPlanContext,
): BalancerPlan | null {
  const list = config.message("endpoint_picking_policy");
  const plan = list === null ? null : planBelow(list);
  if (plan === null) return null;
  if (plan.policy === "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN") return { ...plan, localityWeighted: true };
  list!.error("config/unsupported", "the policy below wrr_locality has to be client_side_weighted_round_robin", {
    field: "policies",
    help: "other policies have a locality_lb_config of their own",
  });
  return null;
}
