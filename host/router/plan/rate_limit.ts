// host/router/plan/rate_limit.ts: RateLimit messages as plain data.
/**
 * Routes and virtual hosts have them, and filters that limit by themselves.
 *
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RateLimit
 * @module
 */
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import { planExpressionTree } from "../../config/expression_tree.ts";
import { expressionProblem } from "../../http/plan/format.ts";
import { type HttpInputContext, planHttpInput } from "../../http/plan/match_inputs.ts";
import { planHeaderMatchers, planQueryMatcher } from "../../matching/plan/header_matcher.ts";
import { planCidrBlocks } from "../../matching/plan/stream_matchers.ts";
import type { FormatWorld } from "../../observe/formatter.ts";
import type {
  DescriptorValuePlan,
  HitsAddendPlan,
  MetadataKeyPlan,
  RateLimitActionPlan,
  RateLimitOverridePlan,
  RateLimitPlan,
  RateLimitUnit,
} from "../rate_limit_plan.ts";

/** What planning rate limits needs to know from outside. */
export interface RateLimitContext extends HttpInputContext {
  /** What is wrong with a format string, or null. */
  formatProblem(format: string): string | null;
  /** What expressions are compiled in, to see what is wrong with them. */
  readonly formatWorld: FormatWorld;
}

/** The rate limits of a repeated field. */
export function planRateLimits(node: ConfigNode, field: string, context: RateLimitContext): RateLimitPlan[] {
  return node.messages(field).map((limit) => ({
    stage: limit.number("stage", 0),
    disableKey: limit.string("disable_key"),
    actions: limit.messages("actions").flatMap((action) => planAction(action, context) ?? []),
    limit: planOverride(limit.message("limit")),
    hitsAddend: planHitsAddend(limit.message("hits_addend"), context),
    applyOnStreamDone: limit.bool("apply_on_stream_done"),
    xRateLimitOption: limit.enum("x_ratelimit_option") as RateLimitPlan["xRateLimitOption"],
  }));
}

function planAction(node: ConfigNode, context: RateLimitContext): RateLimitActionPlan | null {
  const kind = node.oneof("action_specifier");
  const action = kind === null ? null : node.message(kind);
  if (action === null) return null;
  switch (kind) {
    case "source_cluster":
      return { kind: "sourceCluster" };
    case "destination_cluster":
      return { kind: "destinationCluster" };
    case "remote_address":
      return { kind: "remoteAddress" };
    case "masked_remote_address":
      return {
        kind: "maskedRemoteAddress",
        v4PrefixBits: action.number("v4_prefix_mask_len", 32),
        v6PrefixBits: action.number("v6_prefix_mask_len", 128),
      };
    case "request_headers":
      return {
        kind: "requestHeader",
        name: asciiLower(toWireText(action.string("header_name"))),
        key: toWireText(action.string("descriptor_key")),
        skipIfAbsent: action.bool("skip_if_absent"),
      };
    case "query_parameters":
      return {
        kind: "queryParameter",
        name: toWireText(action.string("query_parameter_name")),
        key: toWireText(action.string("descriptor_key")),
        skipIfAbsent: action.bool("skip_if_absent"),
      };
    case "generic_key":
      return { kind: "genericKey", ...planValue(action, "generic_key", context) };
    case "header_value_match":
      return {
        kind: "headerValueMatch",
        headers: planHeaderMatchers(action.messages("headers")),
        expectMatch: action.bool("expect_match", true),
        ...planValue(action, "header_match", context),
      };
    case "query_parameter_value_match":
      return {
        kind: "queryParameterValueMatch",
        query: action.messages("query_parameters").flatMap((matcher) => planQueryMatcher(matcher) ?? []),
        expectMatch: action.bool("expect_match", true),
        ...planValue(action, "query_match", context),
      };
    case "remote_address_match": {
      const matcher = action.message("address_matcher");
      return {
        kind: "remoteAddressMatch",
        blocks: matcher === null ? [] : planCidrBlocks(matcher, "ranges"),
        invert: matcher?.bool("invert_match") ?? false,
        ...planValue(action, "remote_address_match", context),
      };
    }
    case "metadata":
      return planMetadata(action);
    case "extension":
      return planExtension(action, context);
    default:
      return null;
  }
}

function planValue(node: ConfigNode, defaultKey: string, context: RateLimitContext): DescriptorValuePlan {
  const value = node.string("descriptor_value");
  const problem = value.includes("%") ? context.formatProblem(value) : null;
  if (problem !== null) node.error("router/bad-format", problem, { field: "descriptor_value" });
  return {
    key: toWireText(node.string("descriptor_key") || defaultKey),
    value,
    fallback: node.string("default_value"),
  };
}

const SOURCES: Readonly<Record<string, "dynamic" | "route" | "cluster" | "locality">> = {
  DYNAMIC: "dynamic",
  ROUTE_ENTRY: "route",
  CLUSTER_ENTRY: "cluster",
  CLUSTER_LOCALITY_ENTRY: "locality",
};

function planMetadata(node: ConfigNode): RateLimitActionPlan | null {
  const metadataKey = planMetadataKey(node.message("metadata_key"));
  if (metadataKey === null) return null;
  return {
    kind: "metadata",
    source: SOURCES[node.enum("source")] ?? "dynamic",
    metadataKey,
    key: toWireText(node.string("descriptor_key")),
    fallback: node.string("default_value"),
    skipIfAbsent: node.bool("skip_if_absent"),
  };
}

function planMetadataKey(node: ConfigNode | null): MetadataKeyPlan | null {
  if (node === null) return null;
  const path = node.messages("path").map((segment) =>
    segment.oneof("segment") === "index" ? segment.number("index") : segment.string("key")
  );
  return { namespace: node.string("key"), path };
}

/** Expressions, and inputs of match trees, of which the extension's name is the key. */
function planExtension(node: ConfigNode, context: RateLimitContext): RateLimitActionPlan | null {
  const key = toWireText(node.string("name"));
  const config = node.any("typed_config");
  if (config === null) return null;
  if (config.typeName === "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor") {
    return planExpression(config, context.formatWorld);
  }
  const input = planHttpInput(config, context);
  return input === null ? null : { kind: "input", input, key };
}

/** An expression's value; its key is its own. */
function planExpression(node: ConfigNode, world: FormatWorld): RateLimitActionPlan | null {
  const kind = node.oneof("expr_specifier");
  const key = toWireText(node.string("descriptor_key"));
  const skipIfError = node.bool("skip_if_error");
  if (kind === null) {
    node.error("config/bad-expression", "there is no expression", { help: "set text or parsed" });
    return null;
  }
  const expression = kind === "text" ? node.string(kind) : planExpressionTree(node.message(kind)!);
  if (expression === null) return null;
  const problem = expressionProblem(expression, world);
  if (problem !== null) {
    node.error("config/bad-expression", `the expression cannot be compiled: ${problem}`, { field: kind });
  }
  return { kind: "expression", expression, key, skipIfError };
}

function planOverride(node: ConfigNode | null): RateLimitOverridePlan | null {
  switch (node?.oneof("override_specifier")) {
    case "dynamic_metadata": {
      const key = planMetadataKey(node!.message("dynamic_metadata")!.message("metadata_key"));
      return key === null ? null : { kind: "dynamicMetadata", key };
    }
    case "rate_limit": {
      const limit = node!.message("rate_limit")!;
      const unit = limit.enum("unit") as RateLimitUnit;
      return { kind: "fixed", requestsPerUnit: limit.number("requests_per_unit"), unit };
    }
    default:
      return null;
  }
}

function planHitsAddend(node: ConfigNode | null, context: RateLimitContext): HitsAddendPlan | null {
  if (node === null) return null;
  const isNegative = node.bool("is_negative_hits");
  const format = node.string("format");
  if (format !== "" ? node.has("number") : !node.has("number")) {
    node.error("config/conflict", "hits_addend has either a format or a number", { help: "set one of them" });
    return null;
  }
  if (format === "") return { hits: node.number("number"), isNegative };
  const problem = context.formatProblem(format);
  if (problem !== null) node.error("router/bad-format", problem, { field: "format" });
  return { hits: format, isNegative };
}
