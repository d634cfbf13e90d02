// host/extensions/filters/http/router/planner.ts: the Router message as plain data.
/** @module */
import type { ConfigNode } from "../../../../config/node.ts";
import type { ExtensionPlan } from "../../../../net/plan.ts";
import type { UpstreamLog } from "../../../../router/router_config.ts";
import type { RouterPlan } from "../../../../router/router_plan.ts";
import { planUpstreamFilters } from "../../../common/upstream_filters.ts";
import type { HttpFilterPlanner, HttpFilterUse, PlanContext } from "../../../define.ts";

export interface RouterFilterPlan extends RouterPlan {
  /** Of attempts at clusters that have no filters themselves; empty for none. */
  readonly upstreamFilters: readonly HttpFilterUse[];
  /** The access log of attempts; null for none. */
  readonly upstreamLog: UpstreamLogPlan | null;
}

export interface UpstreamLogPlan extends Omit<UpstreamLog, "loggers"> {
  readonly loggers: readonly ExtensionPlan[];
}

export const planner: HttpFilterPlanner = {
  terminal: true,
  place: "downstream",
  plan(config: ConfigNode, context: PlanContext): RouterFilterPlan {
    config.accept("dynamic_stats", "response codes are always counted");
    config.accept("start_child_span", "there is no tracing yet, so no span to start");
    return {
      suppressEnvoyHeaders: config.bool("suppress_envoy_headers"),
      respectExpectedRqTimeout: config.bool("respect_expected_rq_timeout"),
      strictCheckHeaders: config.strings("strict_check_headers"),
      suppressGrpcRequestFailureCodeStats: config.bool("suppress_grpc_request_failure_code_stats"),
      rejectConnectRequestEarlyData: config.bool("reject_connect_request_early_data"),
      upstreamLog: planUpstreamLog(config, context),
      upstreamFilters: planUpstreamFilters(config.messages("upstream_http_filters"), context),
    };
  },
};

function planUpstreamLog(config: ConfigNode, context: PlanContext): UpstreamLogPlan | null {
  const loggers = config.messages("upstream_log").flatMap((log) => context.planAccessLog(log) ?? []);
  const options = config.message("upstream_log_options");
  const plan = {
    loggers,
    flushOnUpstreamStream: options?.bool("flush_upstream_log_on_upstream_stream") ?? false,
    flushIntervalMs: options?.durationMs("upstream_log_flush_interval", 0) ?? 0,
  };
  return loggers.length === 0 ? null : plan;
}
