// host/extensions/filters/http/dynamic_forward_proxy/module.ts: makes the filter of a stream.
/** @module */
import type { HttpFilterModule } from "../../../define.ts";
import { DynamicForwardProxyFilter } from "./filter.ts";
import type { DynamicForwardProxyFilterPlan } from "./planner.ts";

export const module: HttpFilterModule = {
  create({ name, plan }, { clusters }) {
    const config = { name, plan: plan as DynamicForwardProxyFilterPlan, clusters };
    return (stream) => new DynamicForwardProxyFilter(config, stream);
  },
};
