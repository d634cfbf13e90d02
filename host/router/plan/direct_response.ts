// host/router/plan/direct_response.ts: RedirectAction and DirectResponseAction as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RedirectAction, DirectResponseAction
 * @module
 */
import { toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import { planBodyFormat } from "../../http/plan/format.ts";
import { planRegexSubstitution } from "../../matching/plan/string_matcher.ts";
import type { DirectResponsePlan, PathMatchPlan, RedirectPlan } from "../plan.ts";
import type { RouteConfigLimits, RoutePlanContext } from "./context.ts";
import { planFormatField, planPrefixRewrite, regexRewrite } from "./rewrite.ts";

const REDIRECT_STATUS: Readonly<Record<string, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

/** A RedirectAction. */
export function planRedirect(node: ConfigNode, path: PathMatchPlan | null, context: RoutePlanContext): RedirectPlan {
  const kind = node.oneof("path_rewrite_specifier");
  const prefix = planPrefixRewrite(node, path);
  const regex = node.message("regex_rewrite");
  return {
    kind: "redirect",
    status: REDIRECT_STATUS[node.enum("response_code")] ?? 301,
    scheme: node.bool("https_redirect") ? "https" : toWireText(node.string("scheme_redirect")),
    host: toWireText(node.string("host_redirect")),
    port: node.number("port_redirect", 0),
    path: toWireText(node.string("path_redirect")),
    pathFormat: planFormatField(node, "path_rewrite", context),
    pathRewrite: kind === "prefix_rewrite" && prefix !== ""
      ? { kind: "prefix", value: toWireText(prefix) }
      : regex === null
      ? null
      : regexRewrite(planRegexSubstitution(regex)),
    stripQuery: node.bool("strip_query"),
  };
}

/** A DirectResponseAction. */
export function planDirectResponse(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): DirectResponsePlan {
  const source = node.message("body");
  const body = source === null ? new Uint8Array(0) : context.readDataSource(source) ?? new Uint8Array(0);
  if (body.length > limits.maxDirectResponseBodyBytes) {
    node.error(
      "router/large-direct-response",
      `response body size is ${body.length} bytes; maximum is ${limits.maxDirectResponseBodyBytes}`,
      { field: "body", help: "raise max_direct_response_body_size_bytes of the route configuration" },
    );
  }
  return {
    kind: "directResponse",
    status: node.number("status"),
    body,
    bodyFormat: planBodyFormat(node, "body_format", context),
  };
}
