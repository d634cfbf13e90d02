// host/http/plan/format.ts: SubstitutionFormatString as plain data.
/**
 * @see Envoy: api/envoy/config/core/v3/substitution_format_string.proto
 * @module
 */
import type { ExpressionSource } from "../../base/expression_tree.ts";
import { utf8Slice } from "../../base/bytes.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { BodyFormatPlan, FormatPlan } from "../../observe/format_plan.ts";
import { compileFormat, type FormatProblem, type FormatWorld } from "../../observe/formatter.ts";
import { compileJsonFormat } from "../../observe/formatter_json.ts";

interface FormatContext {
  /** What formats are compiled in, to see what is wrong with them. */
  readonly formatWorld: FormatWorld;
  /** The bytes of a DataSource, or null after reporting on the node why there are none. */
  readDataSource(node: ConfigNode): Uint8Array | null;
}

/** Formatter extensions whose commands are built in. */
const BUILT_IN_FORMATTERS = new Set([
  "envoy.extensions.formatter.cel.v3.Cel",
  "envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery",
  "envoy.extensions.formatter.metadata.v3.Metadata",
]);

/** The format of a log's lines, or null after reporting what is wrong. */
export function planLineFormat(node: ConfigNode, context: FormatContext): FormatPlan | null {
  node.accept("content_type", "it is for the bodies of local replies");
  return planFormat(node, context);
}

/** The format of a SubstitutionFormatString, or null after reporting what is wrong. */
function planFormat(node: ConfigNode, context: FormatContext): FormatPlan | null {
  planFormatters(node);
  const omitEmptyValues = node.bool("omit_empty_values");
  switch (node.oneof("format")) {
    case "text_format":
      return planText(node, "text_format", node.string("text_format"), omitEmptyValues, context.formatWorld);
    case "text_format_source": {
      const source = node.message("text_format_source");
      const bytes = source === null ? null : context.readDataSource(source);
      if (bytes === null) return null;
      const text = utf8Slice(bytes, 0, bytes.length);
      return planText(node, "text_format_source", text, omitEmptyValues, context.formatWorld);
    }
    case "json_format": {
      node.message("json_format_options")?.accept("sort_properties", "the keys of JSON formats are always sorted");
      return planJson(node, "json_format", omitEmptyValues, context.formatWorld);
    }
    default:
      return null;
  }
}

/** What is wrong with an expression, or null. */
export function expressionProblem(expression: ExpressionSource, { expressions }: FormatWorld): string | null {
  const compiled = expressions?.compile(expression);
  return typeof compiled === "string" ? compiled : null;
}

/** A text format in a field of its own. */
export function planText(
  node: ConfigNode,
  field: string,
  text: string,
  omitEmptyValues: boolean,
  world: FormatWorld,
): FormatPlan | null {
  const { problems } = compileFormat(text, world);
  for (const problem of problems) report(node, field, problem, "");
  return problems.length > 0 ? null : { kind: "text", text, omitEmptyValues };
}

/** A JSON format in a Struct field. */
export function planJson(
  node: ConfigNode,
  field: string,
  omitEmptyValues: boolean,
  world: FormatWorld,
): FormatPlan | null {
  const template = node.json(field);
  const { problems } = compileJsonFormat(template, world);
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

/** A `body_format` of replies, or null when there is none, or none that can be used. */
export function planBodyFormat(node: ConfigNode, field: string, context: FormatContext): BodyFormatPlan | null {
  const message = node.message(field);
  if (message === null) return null;
  const format = planFormat(message, context);
  const contentType = message.string("content_type");
  return format === null ? null : { format, contentType };
}
