// host/extensions/filters/network/direct_response/planner.ts: the planner of the direct_response filter.
/** @module */
import type { NetworkFilterPlanner } from "../../../define.ts";
import { planDirectResponse } from "./plan.ts";

export const planner: NetworkFilterPlanner = {
  terminal: true,
  plan: (config, context) => planDirectResponse(config, (node) => context.readDataSource(node)),
};
