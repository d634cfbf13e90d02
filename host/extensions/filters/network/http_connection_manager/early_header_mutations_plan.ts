// host/extensions/filters/network/http_connection_manager/early_header_mutations_plan.ts: changes that come first, as plain data.
/**
 * @see Envoy: api/envoy/config/common/mutation_rules/v3/mutation_rules.proto
 * @module
 */
import type { ConfigNode } from "../../../../config/node.ts";
import { planStringMatcher } from "../../../../matching/plan/string_matcher.ts";
import type { StringMatcherPlan } from "../../../../matching/string_matcher.ts";
import type { HeaderAddPlan } from "../../../../http/header_ops.ts";
import { planHeaderAddition, planHeaderRemoval } from "../../../../http/plan/header_ops.ts";
import type { PlanContext } from "../../../define.ts";

/** One change; they are made in their order. */
export type HeaderMutationPlan =
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "removeOnMatch"; readonly names: StringMatcherPlan }
  | { readonly kind: "append"; readonly addition: HeaderAddPlan };

const HEADER_MUTATION = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";

/** The changes of all `early_header_mutation_extensions`. */
export function planEarlyHeaderMutations(config: ConfigNode, context: PlanContext): HeaderMutationPlan[] {
  return config.messages("early_header_mutation_extensions").flatMap((extension) => {
    // The type says what it is: the name is for people.
    extension.string("name");
    const message = extension.any("typed_config");
    if (message !== null && message.typeName === HEADER_MUTATION) {
      return message.messages("mutations").flatMap((mutation) => planMutation(mutation, context) ?? []);
    }
    extension.error("config/unsupported-extension", `early header mutation ${message?.typeName ?? ""} is not known`, {
      help: `use ${HEADER_MUTATION}`,
    });
    return [];
  });
}

function planMutation(node: ConfigNode, context: PlanContext): HeaderMutationPlan | null {
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
      const addition = append === null ? null : planHeaderAddition(append, context);
      return addition === null ? null : { kind: "append", addition };
    }
    default:
      return null;
  }
}
