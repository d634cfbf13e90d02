// host/upstream/plan/lb/subset.ts: subsets of hosts, of `lb_subset_config` or of the policy's own message.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/extensions/load_balancing_policies/subset/subset_lb_config.cc
 * @module
 */
import type { ConfigNode } from "../../../config/node.ts";
import type { BalancerPlan, SubsetPlan, SubsetSelectorPlan } from "../../lb/plan.ts";
import type { PolicyPlanContext } from "./context.ts";

/** The fields that both messages have. */
export function planSubset(node: ConfigNode, below: BalancerPlan): SubsetPlan {
  return {
    policy: "SUBSET",
    below,
    fallbackPolicy: node.enum("fallback_policy") as SubsetPlan["fallbackPolicy"],
    defaultSubset: (node.json("default_subset") ?? {}) as Record<string, unknown>,
    // A selector without keys selects nothing.
    selectors: node.messages("subset_selectors").map(planSelector).filter(({ keys }) => keys.length > 0),
    allowRedundantKeys: false,
    localityWeightAware: node.bool("locality_weight_aware"),
    scaleLocalityWeight: node.bool("scale_locality_weight"),
    panicModeAny: node.bool("panic_mode_any"),
    listAsAny: node.bool("list_as_any"),
    metadataFallbackList: node.enum("metadata_fallback_policy") === "FALLBACK_LIST",
  };
}

/** With what only the extension's message has. */
export function planSubsetExtension(
  node: ConfigNode,
  { planBelow }: PolicyPlanContext,
): SubsetPlan | null {
  const list = node.message("subset_lb_policy");
  const below = list === null ? null : planBelow(list);
  if (below === null) return null;
  const plan = planSubset(node, below);
  if (!node.bool("allow_redundant_keys")) return plan;
  // Of several selectors that fit, the one with the most keys counts.
  const selectors = plan.selectors.toSorted((a, b) => b.keys.length - a.keys.length);
  return { ...plan, allowRedundantKeys: true, selectors };
}

function planSelector(node: ConfigNode): SubsetSelectorPlan {
  const keys = sorted(node.strings("keys"));
  const fallbackKeysSubset = sorted(node.strings("fallback_keys_subset"));
  const fallbackPolicy = node.enum("fallback_policy") as SubsetSelectorPlan["fallbackPolicy"];
  const problem = fallbackProblem(keys, fallbackPolicy, fallbackKeysSubset);
  if (problem !== null) {
    node.error("config/subset", problem, {
      field: node.has("fallback_keys_subset") ? "fallback_keys_subset" : "fallback_policy",
    });
  }
  return { keys, fallbackPolicy, fallbackKeysSubset, singleHostPerSubset: node.bool("single_host_per_subset") };
}

function fallbackProblem(
  keys: readonly string[],
  policy: SubsetSelectorPlan["fallbackPolicy"],
  fallbackKeys: readonly string[],
): string | null {
  if (policy !== "KEYS_SUBSET") {
    return fallbackKeys.length === 0
      ? null
      : "fallback_keys_subset can be set only for the fallback_policy KEYS_SUBSET";
  }
  if (fallbackKeys.length === 0) return "fallback_keys_subset cannot be empty with the fallback_policy KEYS_SUBSET";
  if (!fallbackKeys.every((key) => keys.includes(key))) return "fallback_keys_subset must be a subset of the keys";
  return fallbackKeys.length === keys.length ? "fallback_keys_subset cannot be all of the keys" : null;
}

/** Each once, in the order in which criteria are compared. */
function sorted(keys: readonly string[]): string[] {
  return [...new Set(keys)].sort();
}
