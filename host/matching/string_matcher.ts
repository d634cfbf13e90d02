// host/matching/string_matcher.ts: string predicates compiled once.
// pure: no I/O, no clock, no runtime globals
// hot: runs per route and header; see bench/micro/route.bench.ts
/**
 * @see Envoy: source/common/common/matchers.h StringMatcherImpl
 * @module
 */
import { Regex } from "./regex.ts";
import { asciiLower } from "../base/wire_text.ts";

/** A StringMatcher as plain data; `value` is wire text, a regex stays Unicode. */
export type StringMatcherPlan =
  | {
    readonly kind: "exact" | "prefix" | "suffix" | "contains";
    readonly value: string;
    readonly ignoreCase: boolean;
  }
  | { readonly kind: "regex"; readonly pattern: string };

/** Says yes or no to wire text. */
export type StringPredicate = (text: string) => boolean;

export function compileStringMatcher(plan: StringMatcherPlan): StringPredicate {
  if (plan.kind === "regex") {
    const regex = new Regex(plan.pattern);
    return (text) => regex.matches(text);
  }
  const { ignoreCase } = plan;
  const value = ignoreCase ? asciiLower(plan.value) : plan.value;
  switch (plan.kind) {
    case "exact":
      if (!ignoreCase) return (text) => text === value;
      return (text) => text.length === value.length && asciiLower(text) === value;
    case "prefix":
      if (!ignoreCase) return (text) => text.startsWith(value);
      return (text) => asciiLower(text).startsWith(value);
    case "suffix":
      if (!ignoreCase) return (text) => text.endsWith(value);
      return (text) => asciiLower(text).endsWith(value);
    case "contains":
      if (!ignoreCase) return (text) => text.includes(value);
      return (text) => asciiLower(text).includes(value);
  }
}
