// host/extensions/access_log_filters/cel/planner.ts: the ExpressionFilter message as plain data.
/**
 * @see Envoy: api/envoy/extensions/access_loggers/filters/cel/v3/cel.proto
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import { compileExpression } from "../../common/expressions/cel.ts";
import type { AccessLogFilterPlanner } from "../../define.ts";

export interface ExpressionFilterPlan {
  readonly expression: string;
}

export const planner: AccessLogFilterPlanner = {
  plan(config: ConfigNode): ExpressionFilterPlan {
    const expression = config.string("expression");
    const compiled = compileExpression(expression);
    if (!compiled.ok) {
      config.error("access_log/bad-expression", `the expression cannot be compiled: ${compiled.message}`, {
        field: "expression",
      });
    }
    return { expression };
  },
};
