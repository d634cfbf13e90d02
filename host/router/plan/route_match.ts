// host/router/plan/route_match.ts: RouteMatch messages as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RouteMatch
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { planHeaderMatchers, planQueryMatcher } from "../../matching/plan/header_matcher.ts";
import { planCookieMatcher, planFilterStateMatcher, planMetadataMatcher } from "../../matching/plan/stream_matchers.ts";
import { planRegex } from "../../matching/plan/string_matcher.ts";
import { toWireText } from "../../base/wire_text.ts";
import { planRuntimeFraction } from "../../config/fraction.ts";
import { parseUriTemplate } from "../routes/uri_template.ts";
import type { PathMatchPlan, RouteMatchPlan, TlsMatchPlan } from "../plan.ts";

/** A RouteMatch, or null when there is no path to match by. */
export function planRouteMatch(node: ConfigNode): RouteMatchPlan | null {
  const path = planPath(node);
  const plan = {
    headers: planHeaderMatchers(node.messages("headers")),
    query: node.messages("query_parameters").map(planQueryMatcher).filter((matcher) => matcher !== null),
    cookies: node.messages("cookies").flatMap((matcher) => planCookieMatcher(matcher) ?? []),
    dynamicMetadata: node.messages("dynamic_metadata").flatMap((matcher) => planMetadataMatcher(matcher) ?? []),
    filterState: node.messages("filter_state").flatMap((matcher) => planFilterStateMatcher(matcher) ?? []),
    grpc: node.message("grpc") !== null,
    tls: planTls(node),
    fraction: planRuntimeFraction(node, "runtime_fraction"),
  };
  return path === null ? null : { path, ...plan };
}

const PATH_KINDS = { prefix: "prefix", path: "path", path_separated_prefix: "separatedPrefix" } as const;

function planPath(node: ConfigNode): PathMatchPlan | null {
  const specifier = node.oneof("path_specifier");
  switch (specifier) {
    case "prefix":
    case "path":
    case "path_separated_prefix":
      return {
        kind: PATH_KINDS[specifier],
        value: toWireText(node.string(specifier)),
        caseSensitive: node.bool("case_sensitive", true),
      };
    case "safe_regex": {
      const regex = node.message("safe_regex");
      const pattern = regex === null ? null : planRegex(regex);
      if (node.has("case_sensitive")) node.accept("case_sensitive", "it has no effect on safe_regex: write (?i)");
      return pattern === null ? null : { kind: "regex", pattern };
    }
    case "path_match_policy": {
      const policy = node.message(specifier);
      if (node.has("case_sensitive")) node.accept("case_sensitive", "it has no effect on templates, as in Envoy");
      return policy === null ? null : planTemplate(policy);
    }
    case "connect_matcher":
      node.message("connect_matcher");
      if (node.has("case_sensitive")) node.accept("case_sensitive", "CONNECT has no path");
      return { kind: "connect" };
    default:
      return null;
  }
}

const URI_TEMPLATE = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";

function planTemplate(policy: ConfigNode): PathMatchPlan | null {
  policy.string("name");
  const config = policy.any("typed_config");
  if (config === null) return null;
  if (config.typeName !== URI_TEMPLATE) {
    policy.error("config/unknown-extension", `${config.typeName} matches no paths`, {
      field: "typed_config",
      help: `use ${URI_TEMPLATE}`,
    });
    return null;
  }
  const text = config.string("path_template");
  const template = parseUriTemplate(text);
  if (typeof template !== "string") return { kind: "template", ...template };
  config.error("router/bad-template", `path_template "${text}": ${template}`, { field: "path_template" });
  return null;
}

function planTls(node: ConfigNode): TlsMatchPlan | null {
  const tls = node.message("tls_context");
  if (tls === null) return null;
  return {
    presented: tls.has("presented") ? tls.bool("presented") : null,
    validated: tls.has("validated") ? tls.bool("validated") : null,
  };
}
