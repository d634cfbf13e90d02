// host/matching/match_predicate.ts: combinations of predicates over a message.
// pure: no I/O, no clock, no runtime globals
/**
 * Of the parts that a MatchPredicate can look at only the headers of the response are asked for here; what looks at
 * others never matches.
 *
 * @see Envoy: api/envoy/config/common/matcher/v3/matcher.proto MatchPredicate, source/extensions/common/matcher/matcher.cc
 * @module
 */
import { HeaderMatcher, type HeaderMatcherPlan, type HeaderSource } from "./header_matcher.ts";

/** A MatchPredicate as plain data. */
export type MatchPredicatePlan =
  | { readonly kind: "any" | "never" }
  | { readonly kind: "or" | "and"; readonly rules: readonly MatchPredicatePlan[] }
  | { readonly kind: "not"; readonly rule: MatchPredicatePlan }
  | { readonly kind: "response_headers"; readonly headers: readonly HeaderMatcherPlan[] };

export type ResponseHeadersPredicate = (headers: HeaderSource) => boolean;

export function compileMatchPredicate(plan: MatchPredicatePlan): ResponseHeadersPredicate {
  switch (plan.kind) {
    case "any":
      return () => true;
    case "never":
      return () => false;
    case "not": {
      const rule = compileMatchPredicate(plan.rule);
      return (headers) => !rule(headers);
    }
    case "or":
    case "and": {
      const rules = plan.rules.map(compileMatchPredicate);
      return plan.kind === "or"
        ? (headers) => rules.some((rule) => rule(headers))
        : (headers) => rules.every((rule) => rule(headers));
    }
    case "response_headers": {
      const matchers = plan.headers.map((each) => new HeaderMatcher(each));
      return (headers) => matchers.every((matcher) => matcher.matches(headers));
    }
  }
}
