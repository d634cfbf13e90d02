// host/http/plan/header_mutation.ts: HeaderMutation messages as plain data.
/**
 * @see Envoy: api/envoy/config/common/mutation_rules/v3/mutation_rules.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { planStringMatcher } from "../../matching/plan/string_matcher.ts";
import type { HeaderMutationPlan } from "../header_mutation.ts";
import { type FormatChecker, planHeaderAddition, planHeaderRemoval } from "./header_ops.ts";

/** The changes of a list, in their order. */
export function planHeaderMutations(nodes: readonly ConfigNode[], formats: FormatChecker): HeaderMutationPlan[] {
  return nodes.flatMap((node) => planHeaderMutation(node, formats) ?? []);
}

function planHeaderMutation(node: ConfigNode, formats: FormatChecker): HeaderMutationPlan | null {
  switch (node.oneof("action")) {
    case "remove":
      return { kind: "remove", name: planHeaderRemoval(node, node.string("remove"), { field: "remove" }) };
    case "remove_on_match": {
      const matcher = node.message("remove_on_match")?.message("key_matcher") ?? null;
      const names = matcher === null ? null : planStringMatcher(matcher);
      return names === null ? null : { kind: "removeOnMatch", names };
    }
    case "append": {
      const append = node.message("append");
      const addition = append === null ? null : planHeaderAddition(append, formats);
      return addition === null ? null : { kind: "append", addition };
    }
    default:
      return null;
  }
}
