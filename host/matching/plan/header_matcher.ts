// host/matching/plan/header_matcher.ts: HeaderMatcher and QueryParameterMatcher messages as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { HeaderMatcherPlan } from "../header_matcher.ts";
import type { QueryMatcherPlan } from "../query_matcher.ts";
import type { StringMatcherPlan } from "../string_matcher.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import { planRegex, planStringMatcher } from "./string_matcher.ts";

/** The old specifiers that a string_match replaces. */
const OLD_KINDS = {
  exact_match: "exact",
  prefix_match: "prefix",
  suffix_match: "suffix",
  contains_match: "contains",
} as const;

/** A HeaderMatcher, or null after reporting what is wrong. */
export function planHeaderMatcher(node: ConfigNode): HeaderMatcherPlan | null {
  const test = planTest(node);
  const plan = {
    name: asciiLower(toWireText(node.string("name"))),
    invert: node.bool("invert_match"),
    treatMissingAsEmpty: node.bool("treat_missing_header_as_empty"),
  };
  return test === null ? null : { ...plan, test };
}

function planTest(node: ConfigNode): HeaderMatcherPlan["test"] | null {
  const kind = node.oneof("header_match_specifier");
  switch (kind) {
    case null:
      return { kind: "present", present: true };
    case "present_match":
      return { kind: "present", present: node.bool("present_match") };
    case "range_match": {
      const range = node.message("range_match");
      return range === null ? null : { kind: "range", start: range.number("start"), end: range.number("end") };
    }
    case "string_match": {
      const inner = node.message("string_match");
      return stringTest(inner === null ? null : planStringMatcher(inner));
    }
    case "safe_regex_match": {
      const inner = node.message("safe_regex_match");
      const pattern = inner === null ? null : planRegex(inner);
      return stringTest(pattern === null ? null : { kind: "regex", pattern });
    }
    case "exact_match":
    case "prefix_match":
    case "suffix_match":
    case "contains_match":
      return stringTest({ kind: OLD_KINDS[kind], value: toWireText(node.string(kind)), ignoreCase: false });
    default:
      return null;
  }
}

function stringTest(matcher: StringMatcherPlan | null): HeaderMatcherPlan["test"] | null {
  return matcher === null ? null : { kind: "string", matcher };
}

/** All matchers of a repeated field that can be used. */
export function planHeaderMatchers(nodes: readonly ConfigNode[]): HeaderMatcherPlan[] {
  return nodes.map(planHeaderMatcher).filter((plan) => plan !== null);
}

/** A QueryParameterMatcher, or null after reporting what is wrong. */
export function planQueryMatcher(node: ConfigNode): QueryMatcherPlan | null {
  const name = toWireText(node.string("name"));
  switch (node.oneof("query_parameter_match_specifier")) {
    case "string_match": {
      const inner = node.message("string_match");
      const value = inner === null ? null : planStringMatcher(inner);
      return value === null ? null : { name, value, present: true };
    }
    case "present_match":
      return { name, value: null, present: node.bool("present_match") };
    default:
      return { name, value: null, present: true };
  }
}
