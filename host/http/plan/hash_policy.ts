// host/http/plan/hash_policy.ts: RouteAction.HashPolicy as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RouteAction.HashPolicy
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { planRegexSubstitution } from "../../matching/plan/string_matcher.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import { HASHABLE_STATE, type HashPolicyPlan } from "../hash_policy.ts";

/** The hash policies of a RouteAction, or of what has the same field. */
export function planHashPolicies(node: ConfigNode): HashPolicyPlan[] {
  return node.messages("hash_policy").flatMap((policy) => {
    const specifier = planSpecifier(policy);
    return specifier === null ? [] : [{ ...specifier, terminal: policy.bool("terminal") }];
  });
}

type Specifier = HashPolicyPlan extends infer Plan ? Plan extends unknown ? Omit<Plan, "terminal"> : never : never;

function planSpecifier(node: ConfigNode): Specifier | null {
  const kind = node.oneof("policy_specifier");
  const specifier = kind === null ? null : node.message(kind);
  if (specifier === null) return null;
  switch (kind) {
    case "header": {
      const regex = specifier.message("regex_rewrite");
      const rewrite = regex === null ? null : planRegexSubstitution(regex);
      return { kind: "header", name: asciiLower(toWireText(specifier.string("header_name"))), rewrite };
    }
    case "cookie": {
      const ttlMs = specifier.durationMs("ttl", null);
      return {
        kind: "cookie",
        name: toWireText(specifier.string("name")),
        ttlSeconds: ttlMs === null ? null : Math.trunc(ttlMs / 1000),
        path: toWireText(specifier.string("path")),
        attributes: specifier.messages("attributes").map((attribute) => ({
          name: toWireText(attribute.string("name")),
          value: toWireText(attribute.string("value")),
        })),
      };
    }
    case "connection_properties":
      return specifier.bool("source_ip") ? { kind: "sourceIp" } : null;
    case "query_parameter":
      return { kind: "queryParameter", name: toWireText(specifier.string("name")) };
    case "filter_state": {
      const key = specifier.string("key");
      if (key !== HASHABLE_STATE) {
        specifier.warn("router/no-effect", `"${key}" is no object that can be hashed`, {
          field: "key",
          help: `use ${HASHABLE_STATE}`,
        });
      }
      return { kind: "filterState", key };
    }
    default:
      return null;
  }
}
