// host/extensions/access_loggers/stderr/logger.ts: envoy.access_loggers.stderr.
/** @module */
import type { AccessLogger } from "../../../observe/access_log.ts";
import type { AccessLogModule, FactoryContext } from "../../define.ts";
import { LineLogger, type LineLoggerPlan } from "../common/line_logger.ts";

/** The descriptor of standard error. */
const DESCRIPTOR = 2;

export const module: AccessLogModule = {
  create(plan: unknown, context: FactoryContext): AccessLogger {
    return new LineLogger(plan as LineLoggerPlan, DESCRIPTOR, context);
  },
};
