// host/extensions/access_loggers/common/stream_plan.ts: the messages of loggers that write to a standard stream.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/stream/v3/stream.proto
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { AccessLogPlanner } from "../../define.ts";
import { type AccessLogPlanContext, planAccessLogFilter } from "./filter_plan.ts";
import { planLineFormat } from "../../../http/plan/format.ts";
import { DEFAULT_FORMAT_PLAN } from "../../../observe/format_plan.ts";
import type { LineLoggerPlan } from "./line_logger.ts";

export const streamPlanner: AccessLogPlanner = {
  plan(config: ConfigNode, context: AccessLogPlanContext): LineLoggerPlan | null {
    const node = config.message("log_format");
    const format = node === null ? DEFAULT_FORMAT_PLAN : planLineFormat(node, context);
    const filter = planAccessLogFilter(context.accessLog, context);
    return format === null ? null : { format, filter };
  },
};
