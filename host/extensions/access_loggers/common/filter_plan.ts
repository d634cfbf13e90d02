// host/extensions/access_loggers/common/filter_plan.ts: the AccessLogFilter message as plain data.
/**
 * @see Envoy: api/envoy/config/accesslog/v3/accesslog.proto
 * @module
 */
import type { RuntimeIntegerPlan } from "../../../base/runtime.ts";
import { planFractionalPercent } from "../../../config/fraction.ts";
import type { ConfigNode } from "../../../config/node.ts";
import type { HeaderMatcherPlan } from "../../../matching/header_matcher.ts";
import { planHeaderMatcher } from "../../../matching/plan/header_matcher.ts";
import { planValueMatcher } from "../../../matching/plan/value_matcher.ts";
import type { ValueMatcherPlan } from "../../../matching/value_matcher.ts";
import type { ExtensionPlan } from "../../../net/plan.ts";
import type { PlanContext } from "../../define.ts";

/** What access loggers are planned with: the context, and the AccessLog message that holds the filter. */
export interface AccessLogPlanContext extends PlanContext {
  readonly accessLog: ConfigNode;
}

export type ComparisonOp = "EQ" | "GE" | "LE" | "NE";

export type AccessLogFilterPlan =
  | { readonly kind: "status_code" | "duration"; readonly op: ComparisonOp; readonly limit: RuntimeIntegerPlan }
  | { readonly kind: "not_health_check" }
  | {
    readonly kind: "sample";
    readonly numerator: RuntimeIntegerPlan;
    readonly denominator: number;
    readonly independent: boolean;
  }
  | { readonly kind: "and" | "or"; readonly filters: readonly AccessLogFilterPlan[] }
  | { readonly kind: "header"; readonly matcher: HeaderMatcherPlan }
  | { readonly kind: "response_flag"; readonly flags: readonly string[] }
  | { readonly kind: "grpc_status"; readonly statuses: readonly number[]; readonly exclude: boolean }
  | {
    readonly kind: "metadata";
    readonly namespace: string;
    readonly path: readonly string[];
    /** Null: no value is the right one. */
    readonly matcher: ValueMatcherPlan | null;
    readonly matchIfKeyNotFound: boolean;
  }
  | { readonly kind: "extension"; readonly plan: ExtensionPlan }
  | { readonly kind: "log_type"; readonly types: readonly string[]; readonly exclude: boolean };

/** gRPC's status codes by the names of the enum. */
const GRPC_STATUSES = [
  "OK",
  "CANCELED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** The filter of an AccessLog message; null when it has none, or none that can be used. */
export function planAccessLogFilter(accessLog: ConfigNode, context: FilterPlanContext): AccessLogFilterPlan | null {
  const filter = accessLog.message("filter");
  return filter === null ? null : planFilter(filter, context);
}

/** Plans filters that are extensions. */
type FilterPlanContext = Pick<PlanContext, "planAccessLogFilter">;

function planFilter(filter: ConfigNode, context: FilterPlanContext): AccessLogFilterPlan | null {
  const kind = filter.oneof("filter_specifier");
  const node = kind === null ? null : filter.message(kind);
  if (node === null) return null;
  switch (kind) {
    case "status_code_filter":
      return planComparison("status_code", node);
    case "duration_filter":
      return planComparison("duration", node);
    case "not_health_check_filter":
      return { kind: "not_health_check" };
    case "runtime_filter":
      return planSample(node);
    case "and_filter":
    case "or_filter":
      return {
        kind: kind === "and_filter" ? "and" : "or",
        filters: node.messages("filters").map((each) => planFilter(each, context)).filter((plan) => plan !== null),
      };
    case "header_filter": {
      const header = node.message("header");
      const matcher = header === null ? null : planHeaderMatcher(header);
      return matcher === null ? null : { kind: "header", matcher };
    }
    case "response_flag_filter":
      return { kind: "response_flag", flags: node.strings("flags") };
    case "grpc_status_filter":
      return {
        kind: "grpc_status",
        statuses: node.strings("statuses").map((name) => GRPC_STATUSES.indexOf(name)),
        exclude: node.bool("exclude"),
      };
    case "extension_filter": {
      const plan = context.planAccessLogFilter(node);
      return plan === null ? null : { kind: "extension", plan };
    }
    case "metadata_filter":
      return planMetadata(node);
    case "log_type_filter":
      return { kind: "log_type", types: node.strings("types"), exclude: node.bool("exclude") };
    default:
      filter.error("access_log/unsupported-filter", `access logs have no ${kind} here`, {
        field: kind!,
        help: "use status_code_filter, duration_filter, header_filter, response_flag_filter or grpc_status_filter",
      });
      return null;
  }
}

function planComparison(kind: "status_code" | "duration", node: ConfigNode): AccessLogFilterPlan | null {
  const comparison = node.message("comparison");
  const value = comparison?.message("value") ?? null;
  if (comparison === null || value === null) return null;
  const limit = { value: value.number("default_value"), runtimeKey: value.runtimeKey("runtime_key") };
  return { kind, op: comparison.enum("op") as ComparisonOp, limit };
}

function planMetadata(node: ConfigNode): AccessLogFilterPlan {
  const matchIfKeyNotFound = node.bool("match_if_key_not_found", true);
  const matcher = node.message("matcher");
  if (matcher === null) return { kind: "metadata", namespace: "", path: [], matcher: null, matchIfKeyNotFound };
  matcher.accept("invert", "Envoy's access logs do not look at it");
  const value = matcher.message("value");
  return {
    kind: "metadata",
    namespace: matcher.string("filter"),
    path: matcher.messages("path").map((segment) => segment.string("key")),
    matcher: value === null ? null : planValueMatcher(value),
    matchIfKeyNotFound,
  };
}

function planSample(node: ConfigNode): AccessLogFilterPlan {
  const { numerator, denominator } = planFractionalPercent(node.message("percent_sampled"));
  return {
    kind: "sample",
    numerator: { value: numerator, runtimeKey: node.runtimeKey("runtime_key") },
    denominator,
    independent: node.bool("use_independent_randomness"),
  };
}
