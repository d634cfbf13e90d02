// host/extensions/filters/network/http_connection_manager/early_header_mutations_plan.ts: changes that come first, as plain data.
/** @module */
import type { ConfigNode } from "../../../../config/node.ts";
import type { HeaderMutationPlan } from "../../../../http/header_mutation.ts";
import { planHeaderMutations } from "../../../../http/plan/header_mutation.ts";
import type { PlanContext } from "../../../define.ts";

const HEADER_MUTATION = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation";

/** The changes of all `early_header_mutation_extensions`. */
export function planEarlyHeaderMutations(config: ConfigNode, context: PlanContext): HeaderMutationPlan[] {
  return config.messages("early_header_mutation_extensions").flatMap((extension) => {
    // The type says what it is: the name is for people.
    extension.string("name");
    const message = extension.any("typed_config");
    if (message !== null && message.typeName === HEADER_MUTATION) {
      return planHeaderMutations(message.messages("mutations"), context);
    }
    extension.error("config/unsupported-extension", `early header mutation ${message?.typeName ?? ""} is not known`, {
      help: `use ${HEADER_MUTATION}`,
    });
    return [];
  });
}
