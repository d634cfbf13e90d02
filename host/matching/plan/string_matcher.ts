// host/matching/plan/string_matcher.ts: StringMatcher and RegexMatcher messages as plain data.
/**
 * @see Envoy: api/envoy/type/matcher/v3/string.proto, regex.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { parseSubstitution, regexProblem, type Substitution } from "../regex.ts";
import type { StringMatcherPlan } from "../string_matcher.ts";
import { toWireText } from "../../base/wire_text.ts";

/** The pattern of a RegexMatcher that RE2 can compile, or null after reporting what is wrong. */
export function planRegex(node: ConfigNode): string | null {
  const engine = node.message("google_re2");
  // The message of xds has no such field.
  if (node.typeName.startsWith("envoy.")) {
    engine?.accept("max_program_size", "patterns run in linear time, whatever their size");
  }
  const pattern = node.string("regex");
  const problem = regexProblem(pattern);
  if (problem === null) return pattern;
  node.error("matching/bad-regex", `invalid regex "${pattern}": ${problem}`, {
    field: "regex",
    help: "write the pattern in RE2 syntax",
  });
  return null;
}

/** A StringMatcher, or null after reporting what is wrong. */
export function planStringMatcher(node: ConfigNode): StringMatcherPlan | null {
  const kind = node.oneof("match_pattern");
  switch (kind) {
    case "exact":
    case "prefix":
    case "suffix":
    case "contains":
      return { kind, value: toWireText(node.string(kind)), ignoreCase: node.bool("ignore_case") };
    case "safe_regex": {
      const regex = node.message("safe_regex");
      const pattern = regex === null ? null : planRegex(regex);
      if (node.bool("ignore_case")) {
        node.error("matching/case-of-regex", "ignore_case has no effect for safe_regex", {
          field: "ignore_case",
          help: "start the pattern with (?i)",
        });
      }
      return pattern === null ? null : { kind: "regex", pattern };
    }
    default:
      return null;
  }
}

/** A RegexMatchAndSubstitute as plain data. */
export interface RegexSubstitutionPlan {
  readonly pattern: string;
  readonly substitution: Substitution;
}

/** A RegexMatchAndSubstitute; one that changes nothing is reported. */
export function planRegexSubstitution(node: ConfigNode): RegexSubstitutionPlan | null {
  const regex = node.message("pattern");
  const text = node.string("substitution");
  const pattern = regex === null ? null : planRegex(regex);
  if (pattern === null) return null;
  const substitution = parseSubstitution(text, pattern);
  if (typeof substitution !== "string") return { pattern, substitution };
  // Envoy loads such a configuration, and then replaces nothing: here, a match by itself.
  node.warn("matching/bad-substitution", `substitution "${text}" has no effect: ${substitution}`, {
    field: "substitution",
  });
  return { pattern, substitution: [0] };
}
