// host/extensions/filters/http/router/module.ts: makes the router of a stream.
/** @module */
import { Router, type RouterConfig } from "../../../../router/router.ts";
import type { RouterPlan } from "../../../../router/router_plan.ts";
import { RouterStats } from "../../../../router/router_stats.ts";
import type { HttpFilterModule } from "../../../define.ts";

export const module: HttpFilterModule = {
  create(use, context) {
    const config: RouterConfig = {
      plan: use.plan as RouterPlan,
      stats: new RouterStats(context.httpStats),
      clusters: context.clusters,
    };
    return (stream) => new Router(config, stream);
  },
};
