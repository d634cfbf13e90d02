// host/extensions/access_loggers/file/plan.ts: the FileAccessLog message as plain data.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/file/v3/file.proto
 * @module
 */
import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import type { ConfigNode } from "../../../config/node.ts";
import type { AccessLogPlanner, PlanContext } from "../../define.ts";
import { type AccessLogPlanContext, planAccessLogFilter } from "../common/filter_plan.ts";
import { planJson, planLineFormat, planText } from "../../../http/plan/format.ts";
import { DEFAULT_FORMAT_PLAN, type FormatPlan } from "../../../observe/format_plan.ts";
import type { LineLoggerPlan } from "../common/line_logger.ts";

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
      return planText(config, "format", config.string("format"), false);
    case "json_format":
      return planJson(config, "json_format", false);
    case "typed_json_format":
      return planJson(config, "typed_json_format", false);
    default:
      return DEFAULT_FORMAT_PLAN;
  }
}

/** Says why lines cannot be appended to a path, without making the file. */
function whyNotWritable(path: string): string | null {
  try {
    if (statSync(path).isDirectory()) return "it is a folder";
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") return reasonOf(error);
  }
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT" ? "its folder does not exist" : reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: string }).code;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENOTDIR") return "a part of the path is no folder";
  return code ?? String(error);
}
