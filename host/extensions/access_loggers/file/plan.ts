// host/extensions/access_loggers/file/plan.ts: the FileAccessLog message as plain data.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/file/v3/file.proto
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { AccessLogPlanner, PlanContext } from "../../define.ts";
import { type AccessLogPlanContext, planAccessLogFilter } from "../common/filter_plan.ts";
import { planJson, planLineFormat, planText } from "../../../http/plan/format.ts";
import { DEFAULT_FORMAT_PLAN, type FormatPlan } from "../../../observe/format_plan.ts";
import type { LineLoggerPlan } from "../common/line_logger.ts";
import { whyNotWritable } from "../common/writable_path.ts";

export interface FileLoggerPlan extends LineLoggerPlan {
  readonly path: string;
}

export const planner: AccessLogPlanner = {
  plan(config: ConfigNode, context: AccessLogPlanContext): FileLoggerPlan | null {
    const path = config.string("path");
    const reason = whyNotWritable(path);
    if (reason !== null) {
      config.error("access_log/cannot-open", `cannot open "${path}" for writing: ${reason}`, { field: "path" });
    }
    const format = planLogFormat(config, context);
    const filter = planAccessLogFilter(context.accessLog, context);
    return format === null ? null : { path, format, filter };
  },
};

function planLogFormat(config: ConfigNode, context: PlanContext): FormatPlan | null {
  switch (config.oneof("access_log_format")) {
    case "log_format": {
      const node = config.message("log_format");
      return node === null ? null : planLineFormat(node, context);
    }
    case "format":
      return planText(config, "format", config.string("format"), false, context.formatWorld);
    case "json_format":
      return planJson(config, "json_format", false, context.formatWorld);
    case "typed_json_format":
      return planJson(config, "typed_json_format", false, context.formatWorld);
    default:
      return DEFAULT_FORMAT_PLAN;
  }
}
