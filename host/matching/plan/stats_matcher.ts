// host/matching/plan/stats_matcher.ts: a StatsMatcher message as a plan.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/metrics/v3/stats.proto StatsMatcher
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import type { StatsMatcherPlan } from "../stats_matcher.ts";
import { planStringMatcher } from "./string_matcher.ts";

/** Null where all stats are kept. */
export function planStatsMatcher(node: ConfigNode | null): StatsMatcherPlan | null {
  if (node === null) return null;
  const included = node.message("inclusion_list");
  const excluded = node.message("exclusion_list");
  if (included === null && excluded === null) {
    return node.bool("reject_all") ? { keepsMatching: true, patterns: [] } : null;
  }
  const patterns = (included ?? excluded)!.messages("patterns").map(planStringMatcher).filter((each) => each !== null);
  return { keepsMatching: included !== null, patterns };
}
