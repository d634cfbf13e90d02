// host/extensions/access_loggers/file/logger.ts: envoy.access_loggers.file.
/** @module */
import type { AccessLogger } from "../../../observe/access_log.ts";
import type { AccessLogModule, FactoryContext } from "../../define.ts";
import { LineLogger } from "../common/line_logger.ts";
import type { FileLoggerPlan } from "./plan.ts";

export const module: AccessLogModule = {
  create(plan: unknown, context: FactoryContext): AccessLogger {
    const file = plan as FileLoggerPlan;
    return new LineLogger(file, file.path, context);
  },
};
