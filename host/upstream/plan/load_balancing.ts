// host/upstream/plan/load_balancing.ts: which load balancing policy a cluster has.
// pure: no I/O, no clock, no runtime globals
/**
 * `load_balancing_policy` overrides `lb_policy`.
 *
 * @see Envoy: source/common/upstream/upstream_impl.cc LegacyLbPolicyConfigHelper, configureLbPolicies
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { BalancerPlan, LoadBalancingPlan, PolicyPlan } from "../lb/plan.ts";
import { planConsistentHash, planMaglev, planRingHash } from "./lb/hash_policies.ts";
import { planLeastRequest, planRoundRobin } from "./lb/list_policies.ts";
import { planHashLocality, planLocality } from "./lb/locality.ts";
import { planPolicies } from "./lb/policy.ts";
import { planSubset } from "./lb/subset.ts";

const OVERRIDDEN = "load_balancing_policy overrides it";

const OF_ANOTHER = "it is of another policy than that of the cluster";

/** Where the Cluster itself has more of a policy. */
const POLICY_CONFIGS: Readonly<Record<string, string>> = {
  ROUND_ROBIN: "round_robin_lb_config",
  LEAST_REQUEST: "least_request_lb_config",
  RING_HASH: "ring_hash_lb_config",
  MAGLEV: "maglev_lb_config",
};

/** What of `common_lb_config` a policy's own message says instead. */
const POLICY_FIELDS = ["zone_aware_lb_config", "locality_weighted_lb_config", "consistent_hashing_lb_config"];

const DEFAULT_PLAN: BalancerPlan = { policy: "ROUND_ROBIN", ...planLocality(null) };

export function planLoadBalancing(cluster: ConfigNode): LoadBalancingPlan {
  const common = cluster.message("common_lb_config");
  return { ...planPolicy(cluster, common), panicThresholdPercent: planPanicThreshold(common) };
}

function planPanicThreshold(common: ConfigNode | null): number {
  const threshold = common?.message("healthy_panic_threshold") ?? null;
  const configured = threshold === null ? 50 : Math.round(threshold.number("value"));
  return Math.min(100, configured);
}

function planPolicy(cluster: ConfigNode, common: ConfigNode | null): PolicyPlan {
  const list = cluster.message("load_balancing_policy");
  if (list === null) return planWithSubsets(cluster, planEnum(cluster, cluster.enum("lb_policy"), common));
  cluster.accept("lb_policy", OVERRIDDEN);
  acceptConfigsBut(null, cluster, OVERRIDDEN);
  if (cluster.has("lb_subset_config")) {
    cluster.error("config/conflict", "load_balancing_policy cannot be combined with lb_subset_config", {
      field: "lb_subset_config",
      help: "use the subset policy",
    });
  }
  for (const field of POLICY_FIELDS) {
    if (common === null || !common.has(field)) continue;
    common.error("config/conflict", `load_balancing_policy cannot be combined with ${field}`, {
      field,
      help: "say it in the policy's own message",
    });
  }
  return planPolicies(list) ?? DEFAULT_PLAN;
}

/** Subsets without selectors are none. */
function planWithSubsets(cluster: ConfigNode, below: PolicyPlan): PolicyPlan {
  const config = cluster.message("lb_subset_config");
  if (config === null) return below;
  const common = cluster.message("common_lb_config");
  if (config.bool("locality_weight_aware") && common?.has("locality_weighted_lb_config") !== true) {
    config.error("config/conflict", "locality_weight_aware needs locality_weighted_lb_config in common_lb_config", {
      field: "locality_weight_aware",
    });
  }
  if (below.policy !== "CLUSTER_PROVIDED") {
    const plan = planSubset(config, below);
    return config.messages("subset_selectors").length === 0 ? below : plan;
  }
  cluster.error("config/conflict", "LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config", {
    field: "lb_subset_config",
  });
  return below;
}

/** The policy of clusters that a cluster makes, which has this name. */
export function planSubClusterPolicy(cluster: ConfigNode, policy: string): LoadBalancingPlan {
  const common = cluster.message("common_lb_config");
  const panicThresholdPercent = planPanicThreshold(common);
  return { panicThresholdPercent, ...planEnum(cluster, policy, common) };
}

/** The messages of other policies may be there, and say nothing. */
function acceptConfigsBut(policy: string | null, cluster: ConfigNode, reason: string): void {
  for (const [other, field] of Object.entries(POLICY_CONFIGS)) {
    if (other !== policy && cluster.has(field)) cluster.accept(field, reason);
  }
}

function planEnum(
  cluster: ConfigNode,
  policy: string,
  common: ConfigNode | null,
): PolicyPlan {
  acceptConfigsBut(policy, cluster, OF_ANOTHER);
  if (policy !== "RING_HASH" && policy !== "MAGLEV") {
    const hashing = common?.message("consistent_hashing_lb_config") ?? null;
    for (const field of ["use_hostname_for_hashing", "hash_balance_factor"]) hashing?.accept(field, OF_ANOTHER);
  } else if (common?.has("zone_aware_lb_config")) {
    common.accept("zone_aware_lb_config", "policies that hash know no zones");
  }
  switch (policy) {
    case "ROUND_ROBIN":
      return { ...planRoundRobin(cluster.message("round_robin_lb_config")), ...planLocality(common) };
    case "RANDOM":
      return { policy, ...planLocality(common) };
    case "CLUSTER_PROVIDED":
      return { policy };
    case "LEAST_REQUEST":
      return {
        ...planLeastRequest(cluster.message("least_request_lb_config")),
        ...planLocality(common),
      };
    case "RING_HASH": {
      const plan = planRingHash(cluster.message("ring_hash_lb_config"), planConsistentHash(common));
      return { ...plan, ...planHashLocality(common) };
    }
    case "MAGLEV": {
      const plan = planMaglev(cluster.message("maglev_lb_config"), planConsistentHash(common));
      return { ...plan, ...planHashLocality(common) };
    }
    case "LOAD_BALANCING_POLICY_CONFIG":
      cluster.error("config/missing-field", "load_balancing_policy has to be set", { field: "lb_policy" });
      return DEFAULT_PLAN;
    default:
      cluster.error("config/unsupported", `load balancing policy ${policy} is not supported yet`, {
        field: "lb_policy",
        help: "use ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH or MAGLEV",
      });
      return DEFAULT_PLAN;
  }
}
