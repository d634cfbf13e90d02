// host/matching/header_matcher.ts: predicates over header fields.
// pure: no I/O, no clock, no runtime globals
// hot: runs per route; see bench/micro/route.bench.ts
/**
 * Several fields of one name are seen as one value, joined by ",".
 *
 * | field is absent | result |
 * | --- | --- |
 * | `present_match` | `present_match: false`, flipped by `invert_match` |
 * | else, `treat_missing_header_as_empty` | that of "", flipped by `invert_match` |
 * | else | false, flipped by `invert_match` |
 *
 * @see Envoy: source/common/http/header_utility.h HeaderData
 * @module
 */
import { compileStringMatcher, type StringMatcherPlan, type StringPredicate } from "./string_matcher.ts";

/** A HeaderMatcher as plain data; the name is lower case. */
export interface HeaderMatcherPlan {
  readonly name: string;
  readonly test:
    | { readonly kind: "present"; readonly present: boolean }
    | { readonly kind: "range"; readonly start: number; readonly end: number }
    | { readonly kind: "string"; readonly matcher: StringMatcherPlan };
  readonly invert: boolean;
  readonly treatMissingAsEmpty: boolean;
}

/** The part of a header map that matchers need. */
export interface HeaderSource {
  /** All values of a lower-case name joined by ",", or null. */
  getJoined(name: string): string | null;
}

export class HeaderMatcher {
  readonly name: string;
  readonly #predicate: StringPredicate | null;
  readonly #present: boolean;
  readonly #invert: boolean;
  readonly #treatMissingAsEmpty: boolean;

  constructor(plan: HeaderMatcherPlan) {
    const { test } = plan;
    this.name = plan.name;
    this.#predicate = test.kind === "present"
      ? null
      : test.kind === "range"
      ? rangePredicate(test.start, test.end)
      : compileStringMatcher(test.matcher);
    this.#present = test.kind === "present" ? test.present : true;
    this.#invert = plan.invert;
    this.#treatMissingAsEmpty = plan.treatMissingAsEmpty;
  }

  matches(headers: HeaderSource): boolean {
    let value = headers.getJoined(this.name);
    if (value === null && this.#treatMissingAsEmpty) value = "";
    if (this.#predicate === null) return ((value !== null) === this.#present) !== this.#invert;
    return (value !== null && this.#predicate(value)) !== this.#invert;
  }
}

/** Whole decimal numbers, with what Envoy's parser allows around them. */
const INTEGER = /^[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*$/;

function rangePredicate(start: number, end: number): StringPredicate {
  return (text) => {
    if (!INTEGER.test(text)) return false;
    const value = Number(text);
    return value >= start && value < end;
  };
}

/** True when every matcher says yes. */
export function matchesAll(matchers: readonly HeaderMatcher[], headers: HeaderSource): boolean {
  for (let i = 0; i < matchers.length; i++) if (!matchers[i]!.matches(headers)) return false;
  return true;
}
