// host/matching/stats_matcher.ts: which stats are kept, by their names.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/stats/stats_matcher_impl.cc
 * @module
 */
import { compileStringMatcher, type StringMatcherPlan, type StringPredicate } from "./string_matcher.ts";

/** Those that match are kept, or those that do not. */
export interface StatsMatcherPlan {
  readonly keepsMatching: boolean;
  readonly patterns: readonly StringMatcherPlan[];
}

/** True for the whole name of a stat that is kept: `cluster.a.upstream_rq_total`. */
export function compileStatsMatcher({ keepsMatching, patterns }: StatsMatcherPlan): StringPredicate {
  const predicates = patterns.map((pattern) => compileStringMatcher(pattern));
  return (name) => predicates.some((matches) => matches(name)) === keepsMatching;
}
