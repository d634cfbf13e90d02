// host/extensions/filters/http/native/planner.ts: the planner of HTTP filters that an embedding program brings.
/** @module */
import { planNativeFilter } from "../../../common/native/plan.ts";
import type { HttpFilterPlanner } from "../../../define.ts";

export const planner: HttpFilterPlanner = {
  plan: (config, context) => planNativeFilter("http", config, context),
};
