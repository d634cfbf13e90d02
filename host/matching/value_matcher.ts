// host/matching/value_matcher.ts: predicates over values of metadata.
// pure: no I/O, no clock, no runtime globals
/**
 * Values are plain JSON; `undefined` is a value that is not there.
 *
 * @see Envoy: source/common/common/matchers.h ValueMatcher
 * @module
 */
import { toWireText } from "../base/wire_text.ts";
import { compileStringMatcher, type StringMatcherPlan } from "./string_matcher.ts";

/** A ValueMatcher as plain data. */
export type ValueMatcherPlan =
  | { readonly kind: "null" }
  | { readonly kind: "present"; readonly present: boolean }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "exact"; readonly value: number }
  | { readonly kind: "range"; readonly start: number; readonly end: number }
  | { readonly kind: "string"; readonly matcher: StringMatcherPlan }
  | { readonly kind: "oneOf"; readonly element: ValueMatcherPlan }
  | { readonly kind: "or"; readonly matchers: readonly ValueMatcherPlan[] };

export type ValuePredicate = (value: unknown) => boolean;

export function compileValueMatcher(plan: ValueMatcherPlan): ValuePredicate {
  switch (plan.kind) {
    case "null":
      return (value) => value === null;
    case "present":
      // As in Envoy, `present_match: false` takes nothing, not even what is absent.
      return (value) => plan.present && value !== undefined;
    case "bool":
    case "exact":
      return (value) => value === plan.value;
    case "range":
      return (value) => typeof value === "number" && value >= plan.start && value < plan.end;
    case "string": {
      const matches = compileStringMatcher(plan.matcher);
      return (value) => typeof value === "string" && matches(toWireText(value));
    }
    case "oneOf": {
      const matches = compileValueMatcher(plan.element);
      return (value) => Array.isArray(value) && value.some(matches);
    }
    case "or": {
      const matchers = plan.matchers.map(compileValueMatcher);
      return (value) => matchers.some((matches) => matches(value));
    }
  }
}

/** The value at the end of a path of keys; `undefined` when it leads nowhere. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject || !Object.hasOwn(value as object, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
