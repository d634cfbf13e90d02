// host/extensions/filters/http/router/module.ts: makes the router of a stream.
/** @module */
import { Router } from "../../../../router/router.ts";
import type { RouterConfig } from "../../../../router/router_config.ts";
import { RouterStats } from "../../../../router/router_stats.ts";
import type { HttpFilterModule } from "../../../define.ts";
import type { RouterFilterPlan } from "./planner.ts";

export const module: HttpFilterModule = {
  create(use, context) {
    const plan = use.plan as RouterFilterPlan;
    const config: RouterConfig = {
      plan,
      stats: new RouterStats(context.httpStats),
      clusters: context.clusters,
      localAddress: context.localAddress,
      ownRequests: context.asyncClient,
      shedsRequests: context.overload?.point("http_downstream_filter_check") ?? null,
      upstreamFilters: plan.upstreamFilters.length === 0
        ? null
        : context.createHttpFilters(plan.upstreamFilters, context.httpStats),
      upstreamLog: plan.upstreamLog === null
        ? null
        : { ...plan.upstreamLog, loggers: context.createAccessLoggers(plan.upstreamLog.loggers) },
    };
    return (stream) => new Router(config, stream);
  },
};
