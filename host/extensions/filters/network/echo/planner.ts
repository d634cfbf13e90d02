// host/extensions/filters/network/echo/planner.ts: the planner of the echo filter.
/** @module */
import type { NetworkFilterPlanner } from "../../../define.ts";
import { planEcho } from "./plan.ts";

export const planner: NetworkFilterPlanner = { terminal: true, plan: (config) => planEcho(config) };
