// host/upstream/lb/create_balancer.ts: from the plan of a policy to its load balancer.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { BalancerPlan } from "./plan.ts";
import { createPickerFactory, LoadBalancer } from "./balancer.ts";
import { ClientSideWeightedBalancer } from "./client_side_weighted.ts";
import { HashBalancer } from "./hash_balancer.ts";
import { OverrideHostBalancer } from "./override_host.ts";
import { roundRobin } from "./round_robin.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";
import { SubsetBalancer } from "./subset_balancer.ts";

/** Policies that have others below them call it again. */
export function createBalancer(plan: BalancerPlan, environment: BalancerEnvironment): ClusterBalancer {
  switch (plan.policy) {
    case "RING_HASH":
    case "MAGLEV":
      return new HashBalancer(plan, environment);
    case "OVERRIDE_HOST":
      return new OverrideHostBalancer(plan, environment, createBalancer(plan.fallback, environment));
    case "CLIENT_SIDE_WEIGHTED_ROUND_ROBIN": {
      const { slowStart } = plan;
      const turns = roundRobin({ policy: "ROUND_ROBIN", ...(slowStart !== undefined && { slowStart }) }, environment);
      return new ClientSideWeightedBalancer(plan, environment, new LoadBalancer(plan, turns, environment));
    }
    case "SUBSET":
      return new SubsetBalancer(plan, environment, (below) => createBalancer(plan.below, below));
    default:
      return new LoadBalancer(plan, createPickerFactory(plan, environment), environment);
  }
}
