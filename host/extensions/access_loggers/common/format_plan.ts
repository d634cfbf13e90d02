// host/extensions/access_loggers/common/format_plan.ts: SubstitutionFormatString as plain data.
/**
 * @see Envoy: api/envoy/config/core/v3/substitution_format_string.proto
 * @module
 */
import { utf8Slice } from "../../../base/bytes.ts";
import type { ConfigNode } from "../../../config/node.ts";
import {
  CHECK_WORLD,
  compileFormat,
  DEFAULT_FORMAT,
  type Format,
  type FormatProblem,
  type FormatWorld,
} from "../../../observe/formatter.ts";
import { compileJsonFormat } from "../../../observe/formatter_json.ts";
import type { PlanContext } from "../../define.ts";

/** A format whose text is known to compile. */
export type FormatPlan =
  | { readonly kind: "text"; readonly text: string; readonly omitEmptyValues: boolean }
  | { readonly kind: "json"; readonly template: unknown; readonly omitEmptyValues: boolean };

export const DEFAULT_FORMAT_PLAN: FormatPlan = { kind: "text", text: DEFAULT_FORMAT, omitEmptyValues: false };

/** Formatter extensions whose commands are built in. */
const BUILT_IN_FORMATTERS = new Set([
  "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery",
  "envoy.extensions.formatter.metadata.v3.Metadata",
]);

/** The format of a log's lines, or null after reporting what is wrong. */
export function planLineFormat(node: ConfigNode, context: Pick<PlanContext, "readDataSource">): FormatPlan | null {
  node.accept("content_type", "it is for the bodies of local replies");
  return planFormat(node, context);
}

/** The format of a SubstitutionFormatString, or null after reporting what is wrong. */
export function planFormat(node: ConfigNode, context: Pick<PlanContext, "readDataSource">): FormatPlan | null {
  planFormatters(node);
  const omitEmptyValues = node.bool("omit_empty_values");
  switch (node.oneof("format")) {
    case "text_format":
      return planText(node, "text_format", node.string("text_format"), omitEmptyValues);
    case "text_format_source": {
      const source = node.message("text_format_source");
      const bytes = source === null ? null : context.readDataSource(source);
      if (bytes === null) return null;
      return planText(node, "text_format_source", utf8Slice(bytes, 0, bytes.length), omitEmptyValues);
    }
    case "json_format": {
      node.message("json_format_options")?.accept("sort_properties", "the keys of JSON formats are always sorted");
      return planJson(node, "json_format", omitEmptyValues);
    }
    default:
      return null;
  }
}

/** A text format in a field of its own. */
export function planText(node: ConfigNode, field: string, text: string, omitEmptyValues: boolean): FormatPlan | null {
  const { problems } = compileFormat(text, CHECK_WORLD);
  for (const problem of problems) report(node, field, problem, "");
  return problems.length > 0 ? null : { kind: "text", text, omitEmptyValues };
}

/** A JSON format in a Struct field. */
export function planJson(node: ConfigNode, field: string, omitEmptyValues: boolean): FormatPlan | null {
  const template = node.json(field);
  const { problems } = compileJsonFormat(template, CHECK_WORLD);
  for (const problem of problems) report(node, field, problem, `${problem.path.join(".")}: `);
  return problems.length > 0 ? null : { kind: "json", template, omitEmptyValues };
}

function report(node: ConfigNode, field: string, problem: FormatProblem, prefix: string): void {
  const message = `${prefix}${problem.message}` + (problem.code === "format/syntax" ? "" : ` (at ${problem.position})`);
  node.error(problem.code, message, problem.help === undefined ? { field } : { field, help: problem.help });
}

function planFormatters(node: ConfigNode): void {
  for (const formatter of node.messages("formatters")) {
    formatter.string("name");
    const config = formatter.any("typed_config");
    if (config !== null && !BUILT_IN_FORMATTERS.has(config.typeName)) {
      formatter.error("format/unsupported-command", `the formatter ${config.typeName} is not available`, {
        field: "typed_config",
      });
    }
  }
}

/** One closure for a line, its newline included as Envoy writes it: text formats bring their own. */
export function compileLine(plan: FormatPlan, world: FormatWorld): Format {
  const options = { omitEmptyValues: plan.omitEmptyValues };
  if (plan.kind === "text") return compileFormat(plan.text, world, options).format;
  const { format } = compileJsonFormat(plan.template, world, options);
  return (input) => format(input) + "\n";
}
