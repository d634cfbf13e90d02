// host/extensions/filters/network/direct_response/module.ts: makes the direct_response filters of a chain.
/** @module */
import type { NetworkFilterModule } from "../../../define.ts";
import { createDirectResponse } from "./filter.ts";
import type { DirectResponsePlan } from "./plan.ts";

export const module: NetworkFilterModule = {
  createTerminal: (plan) => createDirectResponse(plan as DirectResponsePlan),
};
