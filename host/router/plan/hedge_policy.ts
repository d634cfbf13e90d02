// host/router/plan/hedge_policy.ts: HedgePolicy as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto HedgePolicy
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { HedgePolicyPlan } from "../plan.ts";
import { planFractionalPercent } from "../../config/fraction.ts";

/** The `hedge_policy` of a route or virtual host; null when it has none. */
export function planHedgePolicy(parent: ConfigNode): HedgePolicyPlan | null {
  const node = parent.message("hedge_policy");
  if (node === null) return null;
  const chance = node.message("additional_request_chance");
  return {
    initialRequests: node.number("initial_requests", 1),
    additionalRequestChance: chance === null ? { numerator: 0, denominator: 100 } : planFractionalPercent(chance),
    onPerTryTimeout: node.bool("hedge_on_per_try_timeout"),
  };
}
