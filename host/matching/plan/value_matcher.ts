// host/matching/plan/value_matcher.ts: the ValueMatcher message as plain data.
/**
 * @see Envoy: api/envoy/type/matcher/v3/value.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { ValueMatcherPlan } from "../value_matcher.ts";
import { planStringMatcher } from "./string_matcher.ts";

/** A matcher, or null after reporting what is wrong with it. */
export function planValueMatcher(node: ConfigNode): ValueMatcherPlan | null {
  const kind = node.oneof("match_pattern");
  switch (kind) {
    case "null_match":
      node.message(kind);
      return { kind: "null" };
    case "bool_match":
      return { kind: "bool", value: node.bool(kind) };
    case "present_match":
      return { kind: "present", present: node.bool(kind) };
    case "double_match":
      return planDouble(node.message(kind)!);
    case "string_match": {
      const matcher = planStringMatcher(node.message(kind)!);
      return matcher === null ? null : { kind: "string", matcher };
    }
    case "list_match": {
      const one = node.message(kind)!.message("one_of");
      const element = one === null ? null : planValueMatcher(one);
      return element === null ? null : { kind: "oneOf", element };
    }
    case "or_match":
      return {
        kind: "or",
        matchers: node.message(kind)!.messages("value_matchers").flatMap((each) => planValueMatcher(each) ?? []),
      };
    default:
      return null;
  }
}

function planDouble(node: ConfigNode): ValueMatcherPlan {
  const range = node.message("range");
  if (range === null) return { kind: "exact", value: node.number("exact") };
  return { kind: "range", start: range.number("start"), end: range.number("end") };
}
