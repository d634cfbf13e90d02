// host/matching/header_matcher.ts: predicates over header fields.
// pure: no I/O, no clock, no runtime globals
// hot: runs per route; see bench/micro/route.bench.ts
/**
 * A header with several fields matches when one of them does; only the headers that Envoy keeps in one
 * field (`accept`, `x-forwarded-for`, …) are seen as one value, joined by ",". `invert_match` flips the
 * whole answer, but for a value that is not there:
 *
 * | field is absent | result |
 * | --- | --- |
 * | `treat_missing_header_as_empty` | that of "", flipped or not |
 * | `present_match` | true for `false`, flipped or not |
 * | else | false, whether it is to be flipped or not |
 *
 * @see Envoy: source/common/http/header_utility.h HeaderData
 * @module
 */
import { INLINE_REQUEST_HEADERS, joinInline } from "./inline_headers.ts";
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

/** The part of a header map that matchers need; names are lower case. */
export interface HeaderSource {
  /** The first value, or null. */
  get(name: string): string | null;
  /** All values joined by ",", or null. */
  getJoined(name: string): string | null;
  /** All values in order. */
  getAll(name: string): readonly string[];
}

export class HeaderMatcher {
  readonly name: string;
  readonly #predicate: StringPredicate | null;
  readonly #present: boolean;
  readonly #invert: boolean;
  readonly #treatMissingAsEmpty: boolean;
  readonly #isInline: boolean;

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
    this.#isInline = INLINE_REQUEST_HEADERS.has(plan.name);
  }

  matches(headers: HeaderSource): boolean {
    const joined = headers.getJoined(this.name) ?? (this.#treatMissingAsEmpty ? "" : null);
    const predicate = this.#predicate;
    if (predicate === null) return ((joined !== null) === this.#present) !== this.#invert;
    return joined !== null && this.#matches(predicate, joined, headers) !== this.#invert;
  }

  #matches(predicate: StringPredicate, joined: string, headers: HeaderSource): boolean {
    // Nearly every header has one value.
    if (!joined.includes(",") || joined === headers.get(this.name)) return predicate(joined);
    const values = headers.getAll(this.name);
    if (this.#isInline) return predicate(values.reduce(joinInline));
    for (let i = 0; i < values.length; i++) if (predicate(values[i]!)) return true;
    return false;
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
