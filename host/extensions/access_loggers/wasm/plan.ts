// host/extensions/access_loggers/wasm/plan.ts: the WasmAccessLog message as plain data.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/wasm/v3/wasm.proto
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import { planWasmPlugin } from "../../common/wasm/plan.ts";
import type { AccessLogPlanner } from "../../define.ts";
import { type AccessLogFilterPlan, type AccessLogPlanContext, planAccessLogFilter } from "../common/filter_plan.ts";

export interface WasmLoggerPlan {
  /** The plugin's key in the snapshot. */
  readonly plugin: string;
  readonly filter: AccessLogFilterPlan | null;
}

export const planner: AccessLogPlanner = {
  plan(config: ConfigNode, context: AccessLogPlanContext): WasmLoggerPlan | null {
    // A logger belongs to no direction: listeners of both share its context.
    const listener = { ...context.listener, trafficDirection: "UNSPECIFIED" } as const;
    const plugin = planWasmPlugin(config, { ...context, listener });
    const filter = planAccessLogFilter(context.accessLog, context);
    return plugin === null ? null : { plugin, filter };
  },
};
