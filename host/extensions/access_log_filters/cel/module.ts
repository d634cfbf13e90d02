// host/extensions/access_log_filters/cel/module.ts: takes the streams of which an expression is true.
/**
 * The expression is in CEL over Envoy's attributes; one that fails, or gives something else than a boolean,
 * takes no stream.
 *
 * @see Envoy: source/extensions/access_loggers/filters/cel/cel.cc
 * @module
 */
import type { AccessLogFilter } from "../../../observe/access_log.ts";
import { StreamExpressions } from "../../common/expressions/stream_expressions.ts";
import type { AccessLogFilterModule, FactoryContext } from "../../define.ts";
import type { ExpressionFilterPlan } from "./planner.ts";

export const module: AccessLogFilterModule = {
  create(plan: unknown, context: FactoryContext): AccessLogFilter {
    const expressions = new StreamExpressions(context.wasm.attributes, context.clock);
    const expression = expressions.compile((plan as ExpressionFilterPlan).expression);
    if (typeof expression === "string") return () => false;
    return (entry) => expression.value(entry) === true;
  },
};
