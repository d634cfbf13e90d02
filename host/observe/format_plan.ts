// host/observe/format_plan.ts: formats of lines and bodies as plain data, and compiled.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/formatter/substitution_format_string.cc
 * @module
 */
import { compileFormat, DEFAULT_FORMAT, type Format, type FormatWorld } from "./formatter.ts";
import { compileJsonFormat } from "./formatter_json.ts";

/** A format whose text is known to compile. */
export type FormatPlan =
  | { readonly kind: "text"; readonly text: string; readonly omitEmptyValues: boolean }
  | { readonly kind: "json"; readonly template: unknown; readonly omitEmptyValues: boolean };

export const DEFAULT_FORMAT_PLAN: FormatPlan = { kind: "text", text: DEFAULT_FORMAT, omitEmptyValues: false };

/** A SubstitutionFormatString for the body of a reply. */
export interface BodyFormatPlan {
  readonly format: FormatPlan;
  /** "" for none of its own: see `defaultContentType`. */
  readonly contentType: string;
}

/** The type of a body whose format names none. */
export function defaultContentType(format: FormatPlan): string {
  return format.kind === "json" ? "application/json" : "text/plain";
}

/** One closure for a line, its newline included as Envoy writes it: text formats bring their own. */
export function compileLine(plan: FormatPlan, world: FormatWorld): Format {
  const options = { omitEmptyValues: plan.omitEmptyValues };
  if (plan.kind === "text") return compileFormat(plan.text, world, options).format;
  const { format } = compileJsonFormat(plan.template, world, options);
  return (input) => format(input) + "\n";
}
