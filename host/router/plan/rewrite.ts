// host/router/plan/rewrite.ts: how a RouteAction changes path and host, as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RouteAction
 * @module
 */
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import { planRegexSubstitution, type RegexSubstitutionPlan } from "../../matching/plan/string_matcher.ts";
import type { HostRewritePlan, PathMatchPlan, PathRewritePlan } from "../plan.ts";
import { parseUriTemplateRewrite } from "../routes/uri_template.ts";
import type { RoutePlanContext } from "./context.ts";

/** One of the ways to rewrite a path; `path` is what the route matches, null when that cannot be used. */
export function planPathRewrite(
  node: ConfigNode,
  path: PathMatchPlan | null,
  context: RoutePlanContext,
): PathRewritePlan | null {
  const prefix = planPrefixRewrite(node, path);
  const regex = node.message("regex_rewrite");
  const policy = node.message("path_rewrite_policy");
  const format = planFormatField(node, "path_rewrite", context);
  const fields = [
    ...(prefix === "" ? [] : ["prefix_rewrite"]),
    ...(regex === null ? [] : ["regex_rewrite"]),
    ...(policy === null ? [] : ["path_rewrite_policy"]),
    ...(format === "" ? [] : ["path_rewrite"]),
  ];
  if (fields.length > 1) {
    node.error("router/two-path-rewrites", `${fields.join(" and ")} are set, where one is enough`, {
      field: fields[1]!,
      help: "keep one of them",
    });
  }
  const substitution = regex === null ? null : planRegexSubstitution(regex);
  if (policy !== null) return planTemplateRewrite(policy, path);
  if (format !== "") return { kind: "format", format };
  if (prefix === "") return regexRewrite(substitution);
  return { kind: "prefix", value: toWireText(prefix) };
}

/** The field of a RouteAction or RedirectAction; empty where there is none. */
export function planPrefixRewrite(node: ConfigNode, path: PathMatchPlan | null): string {
  const prefix = node.string("prefix_rewrite");
  if (prefix !== "" && path?.kind === "template") {
    node.error("router/template-prefix", "prefix_rewrite knows no prefix where path_match_policy matches", {
      field: "prefix_rewrite",
      help: "use regex_rewrite, or path_rewrite_policy of a route",
    });
  }
  return prefix;
}

const TEMPLATE_REWRITE = "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig";

function planTemplateRewrite(policy: ConfigNode, path: PathMatchPlan | null): PathRewritePlan | null {
  policy.string("name");
  const config = policy.any("typed_config");
  if (config === null) return null;
  if (config.typeName !== TEMPLATE_REWRITE) {
    policy.error("config/unknown-extension", `${config.typeName} rewrites no paths`, {
      field: "typed_config",
      help: `use ${TEMPLATE_REWRITE}`,
    });
    return null;
  }
  const text = config.string("path_template_rewrite");
  if (path === null) return null;
  if (path.kind !== "template") {
    policy.error("router/rewrite-without-template", "path_rewrite_policy needs a route with path_match_policy");
    return null;
  }
  const substitution = parseUriTemplateRewrite(text, path);
  if (typeof substitution !== "string") return { kind: "regex", pattern: `^${path.pattern}$`, substitution };
  config.error("router/bad-template", `path_template_rewrite "${text}": ${substitution}`, {
    field: "path_template_rewrite",
  });
  return null;
}

export function regexRewrite(plan: RegexSubstitutionPlan | null): PathRewritePlan | null {
  return plan === null ? null : { kind: "regex", ...plan };
}

export function planHostRewrite(node: ConfigNode, context: RoutePlanContext): HostRewritePlan | null {
  switch (node.oneof("host_rewrite_specifier")) {
    case "host_rewrite_literal": {
      const host = toWireText(node.string("host_rewrite_literal"));
      return host === "" ? null : { kind: "literal", host };
    }
    case "auto_host_rewrite":
      return node.bool("auto_host_rewrite") ? { kind: "auto" } : null;
    case "host_rewrite_header":
      return { kind: "header", header: asciiLower(toWireText(node.string("host_rewrite_header"))) };
    case "host_rewrite": {
      const format = planFormatField(node, "host_rewrite", context);
      return format === "" ? null : { kind: "format", format };
    }
    case "host_rewrite_path_regex": {
      const regex = node.message("host_rewrite_path_regex");
      const plan = regex === null ? null : planRegexSubstitution(regex);
      return plan === null ? null : { kind: "pathRegex", ...plan };
    }
    default:
      return null;
  }
}

/** A format string; one that does not compile is reported. */
export function planFormatField(node: ConfigNode, field: string, context: RoutePlanContext): string {
  const format = node.string(field);
  const problem = format === "" ? null : context.formatProblem(format);
  if (problem !== null) node.error("router/bad-format", problem, { field });
  return format;
}
