// host/upstream/lb/create_balancer.ts: from the plan of a policy to its load balancer.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { BalancerPlan } from "../plan.ts";
import { createPickerFactory, LoadBalancer } from "./balancer.ts";
import { HashBalancer } from "./hash_balancer.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";

/** Policies that have others below them call it again. */
export function createBalancer(plan: BalancerPlan, environment: BalancerEnvironment): ClusterBalancer {
  switch (plan.policy) {
    case "RING_HASH":
    case "MAGLEV":
      return new HashBalancer(plan, environment);
    default:
      return new LoadBalancer(plan, createPickerFactory(plan, environment), environment);
  }
}
