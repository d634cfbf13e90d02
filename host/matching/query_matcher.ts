// host/matching/query_matcher.ts: predicates over query parameters.
// pure: no I/O, no clock, no runtime globals
/**
 * The first parameter of a name counts. Names and values are compared as they stand in the request, without
 * percent-decoding, as Envoy does.
 *
 * @see Envoy: source/common/router/config_utility.cc
 * @module
 */
import { compileStringMatcher, type StringMatcherPlan, type StringPredicate } from "./string_matcher.ts";

/** A QueryParameterMatcher as plain data; null asks only for presence. */
export interface QueryMatcherPlan {
  readonly name: string;
  readonly value: StringMatcherPlan | null;
  /** False when the parameter must be absent (`present_match: false`). */
  readonly present: boolean;
}

export class QueryMatcher {
  readonly name: string;
  readonly #predicate: StringPredicate | null;
  readonly #present: boolean;

  constructor(plan: QueryMatcherPlan) {
    this.name = plan.name;
    this.#predicate = plan.value === null ? null : compileStringMatcher(plan.value);
    this.#present = plan.present;
  }

  /** `target` is the `:path`, query included. */
  matches(target: string): boolean {
    return this.takes(firstQueryValue(target, this.name));
  }

  /** `value` is that of the first parameter of this name, null when there is none. */
  takes(value: string | null): boolean {
    if (this.#predicate === null) return (value !== null) === this.#present;
    return value !== null && this.#predicate(value);
  }
}

/** The value of the first parameter called `name`, "" when it has none, null when there is no such parameter. */
export function firstQueryValue(target: string, name: string): string | null {
  const query = target.indexOf("?");
  if (query === -1) return null;
  const fragment = target.indexOf("#", query);
  const end = fragment === -1 ? target.length : fragment;
  let start = query + 1;
  while (start < end) {
    const ampersand = target.indexOf("&", start);
    const stop = ampersand === -1 || ampersand > end ? end : ampersand;
    const after = start + name.length;
    if (after <= stop && target.startsWith(name, start)) {
      if (after === stop) return "";
      if (target.charCodeAt(after) === 0x3d) return target.slice(after + 1, stop);
    }
    start = stop + 1;
  }
  return null;
}
