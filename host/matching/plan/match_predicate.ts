// host/matching/plan/match_predicate.ts: a MatchPredicate message as plain data.
/**
 * @see Envoy: api/envoy/config/common/matcher/v3/matcher.proto MatchPredicate
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { MatchPredicatePlan } from "../match_predicate.ts";
import { planHeaderMatchers } from "./header_matcher.ts";

/** The predicate as responses are asked it when their headers are there. */
export function planMatchPredicate(node: ConfigNode): MatchPredicatePlan {
  const rule = node.oneof("rule");
  switch (rule) {
    case "or_match":
    case "and_match": {
      const rules = node.message(rule)!.messages("rules").map(planMatchPredicate);
      return { kind: rule === "or_match" ? "or" : "and", rules };
    }
    case "not_match":
      return { kind: "not", rule: planMatchPredicate(node.message(rule)!) };
    case "any_match":
      return { kind: node.bool(rule) ? "any" : "never" };
    case "http_response_headers_match":
      return { kind: "response_headers", headers: planHeaderMatchers(node.message(rule)!.messages("headers")) };
    default:
      if (rule !== null) node.accept(rule, "only the headers of responses are looked at, as in Envoy");
      return { kind: "never" };
  }
}
