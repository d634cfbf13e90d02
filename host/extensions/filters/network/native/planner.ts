// host/extensions/filters/network/native/planner.ts: the planner of network filters that an embedding program brings.
/** @module */
import { planNativeFilter } from "../../../common/native/plan.ts";
import type { NetworkFilterPlanner } from "../../../define.ts";

export const planner: NetworkFilterPlanner = {
  plan: (config, context) => planNativeFilter("network", config, context),
};
