// host/upstream/lb/create_balancer.ts: from the plan of a policy to its load balancer.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { BalancerPlan, ListPolicyPlan } from "./plan.ts";
import { LoadBalancer } from "./balancer.ts";
import { ClientSideWeightedBalancer } from "./client_side_weighted.ts";
import { HashBalancer } from "./hash_balancer.ts";
import { leastRequest } from "./least_request.ts";
import { OverrideHostBalancer } from "./override_host.ts";
import { peakEwma } from "./peak_ewma.ts";
import type { BalancerEnvironment, ClusterBalancer, HostPickerFactory } from "./picker.ts";
import { createRandomPicker } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
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
      const turns = new LoadBalancer(plan, roundRobin(plan, environment), environment);
      return new ClientSideWeightedBalancer(plan, environment, turns);
    }
    case "SUBSET":
      return new SubsetBalancer(plan, environment, (below) => createBalancer(plan.below, below));
    default:
      return new LoadBalancer(plan, createPickerFactory(plan, environment), environment);
  }
}

/** How policies that pick from a list do it. */
export function createPickerFactory(
  plan: ListPolicyPlan,
  environment: Pick<BalancerEnvironment, "clock" | "random" | "priorities">,
): HostPickerFactory {
  const { random } = environment;
  switch (plan.policy) {
    case "ROUND_ROBIN":
      return roundRobin(plan, environment);
    case "RANDOM":
      return (hosts) => createRandomPicker(hosts, random);
    case "LEAST_REQUEST":
      return leastRequest(plan, environment);
    case "PEAK_EWMA":
      return peakEwma(plan, environment);
  }
}
