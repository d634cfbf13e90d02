// host/router/plan/internal_redirect.ts: InternalRedirectPolicy as plain data.
/**
 * @see Envoy: source/common/router/config_impl.cc InternalRedirectPolicyImpl
 * @module
 */
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import type { InternalRedirectPlan, RedirectPredicatePlan } from "../plan.ts";

const PREDICATES = "envoy.extensions.internal_redirect";
const PREVIOUS_ROUTES = `${PREDICATES}.previous_routes.v3.PreviousRoutesConfig`;
const ALLOW_LISTED_ROUTES = `${PREDICATES}.allow_listed_routes.v3.AllowListedRoutesConfig`;
const SAFE_CROSS_SCHEME = `${PREDICATES}.safe_cross_scheme.v3.SafeCrossSchemeConfig`;
const REDIRECTS = [301, 302, 303, 307, 308];

/** What a RouteAction says of redirects, in today's way or the deprecated one; null passes all of them on. */
export function planInternalRedirect(action: ConfigNode): InternalRedirectPlan | null {
  const node = action.message("internal_redirect_policy");
  const isHandled = action.enum("internal_redirect_action") === "HANDLE_INTERNAL_REDIRECT";
  const maxRedirects = action.number("max_internal_redirects", 1);
  if (node !== null) return planPolicy(node);
  if (!isHandled) return null;
  return {
    maxRedirects,
    statusCodes: [302],
    predicates: [],
    allowsCrossScheme: false,
    responseHeadersToCopy: [],
  };
}

function planPolicy(node: ConfigNode): InternalRedirectPlan {
  const codes = node.numbers("redirect_response_codes");
  const others = codes.filter((code) => !REDIRECTS.includes(code));
  if (others.length > 0) {
    // Envoy loads such a policy, and goes by the others.
    node.warn("router/no-effect", `${others.join(", ")}: no status of a redirect`, {
      field: "redirect_response_codes",
      help: `use ${REDIRECTS.join(", ")}`,
    });
  }
  return {
    maxRedirects: node.number("max_internal_redirects", 1),
    statusCodes: codes.length === 0 ? [302] : codes.filter((code) => REDIRECTS.includes(code)),
    predicates: node.messages("predicates").flatMap((each) => planPredicate(each) ?? []),
    allowsCrossScheme: node.bool("allow_cross_scheme_redirect"),
    responseHeadersToCopy: node.strings("response_headers_to_copy").map((name) => asciiLower(toWireText(name))),
  };
}

function planPredicate(node: ConfigNode): RedirectPredicatePlan | null {
  const config = node.any("typed_config");
  node.accept("name", "the predicate is known by its type");
  switch (config?.typeName) {
    case PREVIOUS_ROUTES:
      return { kind: "previousRoutes" };
    case ALLOW_LISTED_ROUTES:
      return { kind: "allowListedRoutes", routeNames: config.strings("allowed_route_names") };
    case SAFE_CROSS_SCHEME:
      return { kind: "safeCrossScheme" };
    default:
      if (config !== null) {
        node.error("config/unsupported", `no support for ${config.typeName}`, {
          field: "typed_config",
          help: `use ${PREVIOUS_ROUTES}, ${ALLOW_LISTED_ROUTES} or ${SAFE_CROSS_SCHEME}`,
        });
      }
      return null;
  }
}
