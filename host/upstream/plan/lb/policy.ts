// host/upstream/plan/lb/policy.ts: `LoadBalancingPolicy` messages: lists of which the first known policy counts.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/cluster/v3/cluster.proto LoadBalancingPolicy
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { BalancerPlan, PolicyPlan } from "../../lb/plan.ts";
import { planClientSideWeighted, planWrrLocality } from "./client_side_weighted.ts";
import { planConsistentHash, planMaglev, planRingHashExtension } from "./hash_policies.ts";
import { planLeastRequestExtension, planRoundRobin } from "./list_policies.ts";
import { planHashLocality, planLocality } from "./locality.ts";
import { planOverrideHost } from "./override_host.ts";
import type { PolicyPlanContext } from "./context.ts";
import { planPeakEwma } from "./peak_ewma.ts";
import { planSubsetExtension } from "./subset.ts";

/** Plans a policy of its own message; null when that cannot be, which has been reported. */
type PlanPolicy = (config: ConfigNode, context: PolicyPlanContext) => PolicyPlan | null;

const PREFIX = "envoy.extensions.load_balancing_policies";

/** By the type of the message; here new ones are added. */
const POLICIES: Readonly<Record<string, PlanPolicy>> = {
  [`${PREFIX}.round_robin.v3.RoundRobin`]: (config) => ({
    ...planRoundRobin(config),
    ...localityOf(config),
  }),
  [`${PREFIX}.least_request.v3.LeastRequest`]: (config) => ({
    ...planLeastRequestExtension(config),
    ...localityOf(config),
  }),
  [`${PREFIX}.random.v3.Random`]: (config) => ({ policy: "RANDOM", ...localityOf(config) }),
  [`${PREFIX}.ring_hash.v3.RingHash`]: (config) => ({ ...planRingHashExtension(config), ...planHashLocality(config) }),
  [`${PREFIX}.maglev.v3.Maglev`]: (config) => ({
    ...planMaglev(config, planConsistentHash(config)),
    ...planHashLocality(config),
  }),
  [`${PREFIX}.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin`]: planClientSideWeighted,
  [`${PREFIX}.wrr_locality.v3.WrrLocality`]: planWrrLocality,
  [`${PREFIX}.peak_ewma.v3.PeakEwma`]: planPeakEwma,
  [`${PREFIX}.override_host.v3.OverrideHost`]: planOverrideHost,
  [`${PREFIX}.subset.v3.Subset`]: planSubsetExtension,
  [`${PREFIX}.cluster_provided.v3.ClusterProvided`]: () => ({ policy: "CLUSTER_PROVIDED" }),
};

/** Of the policy that counts in a list. */
export function planPolicies(list: ConfigNode): PolicyPlan | null {
  const unknown: string[] = [];
  let plan: PolicyPlan | null = null;
  let known = false;
  const context = { planBelow: planPoliciesBelow };
  for (const policy of list.messages("policies")) {
    if (known) {
      policy.accept("typed_extension_config", "a policy before it in the list is used");
      continue;
    }
    const extension = policy.message("typed_extension_config");
    const config = extension?.any("typed_config") ?? null;
    if (extension === null || config === null) continue;
    extension.accept("name", "the policy is known by its type");
    const planPolicy = POLICIES[config.typeName];
    if (planPolicy === undefined) {
      unknown.push(config.typeName);
      policy.accept("typed_extension_config", "it is not supported, and a policy after it in the list is used");
      continue;
    }
    known = true;
    plan = planPolicy(config, context);
  }
  if (!known) {
    const what = unknown.length === 0 ? "no load balancing policy is named" : `no support for ${unknown.join(", ")}`;
    list.error("config/unsupported", what, {
      field: "policies",
      help: `use one of ${Object.keys(POLICIES).map((name) => name.split(".")[3]).join(", ")}`,
    });
  }
  return plan;
}

function planPoliciesBelow(list: ConfigNode): BalancerPlan | null {
  const plan = planPolicies(list);
  if (plan?.policy !== "CLUSTER_PROVIDED") return plan;
  list.error("config/conflict", "the policy of a cluster that chooses hosts itself cannot be below another one", {
    field: "policies",
  });
  return null;
}

function localityOf(config: ConfigNode): ReturnType<typeof planLocality> {
  return planLocality(config.message("locality_lb_config"));
}
