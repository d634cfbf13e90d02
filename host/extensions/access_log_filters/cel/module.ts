// host/extensions/access_log_filters/cel/module.ts: takes the streams of which an expression is true.
/**
 * The expression is in CEL over Envoy's attributes; one that fails, or gives something else than a boolean,
 * takes no stream.
 *
 * @see Envoy: source/extensions/access_loggers/filters/cel/cel.cc
 * @module
 */
import type { AccessLogEntry as HttpAccessLogEntry } from "../../../http/conn_manager/conn_manager_config.ts";
import type { AccessLogFilter } from "../../../observe/access_log.ts";
import { compileExpression } from "../../common/expressions/cel.ts";
import { LoggedStream } from "../../common/wasm/logged_stream.ts";
import type { AccessLogFilterModule, FactoryContext } from "../../define.ts";
import type { ExpressionFilterPlan } from "./planner.ts";

export const module: AccessLogFilterModule = {
  create(plan: unknown, context: FactoryContext): AccessLogFilter {
    const compiled = compileExpression((plan as ExpressionFilterPlan).expression);
    if (!compiled.ok) return () => false;
    const { expression } = compiled;
    const attributes = context.wasm.attributes;
    return (entry) => {
      const stream = new LoggedStream(entry as HttpAccessLogEntry, context.clock);
      const result = expression.evaluate((path) => attributes.get(stream, path));
      return result.ok && result.value === true;
    };
  },
};
