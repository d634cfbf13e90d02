// host/upstream/plan/lb/context.ts: what planning a policy needs besides its message.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { ConfigNode } from "../../../config/node.ts";
import type { BalancerPlan } from "../../lb/plan.ts";

export interface PolicyPlanContext {
  /** Plans a list of policies below; null when none of them will do, which has been reported. */
  planBelow(list: ConfigNode): BalancerPlan | null;
}
