// host/extensions/filters/http/stateful_session/module.ts: makes the stateful_session filter of a stream.
/** @module */
import type { HttpFilterModule } from "../../../define.ts";
import { StatefulSession, type StatefulSessionConfig } from "./filter.ts";
import type { StatefulSessionPlan } from "./plan.ts";
import { StatefulSessionStats } from "./stats.ts";

export const module: HttpFilterModule = {
  create(use, context) {
    const plan = use.plan as StatefulSessionPlan;
    const { statPrefix } = plan;
    const scope = context.httpStats.scope("stateful_session");
    const config: StatefulSessionConfig = {
      name: use.name,
      plan,
      stats: statPrefix === "" ? null : new StatefulSessionStats(scope.scope(statPrefix)),
    };
    return (stream) => new StatefulSession(config, stream);
  },
};
