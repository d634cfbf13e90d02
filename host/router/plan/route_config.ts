// host/router/plan/route_config.ts: RouteConfiguration messages as plain data.
/**
 * Reads what nuncio's router does; every other field that is set stays unread and is reported as unsupported.
 *
 * @see Envoy: source/common/router/config_impl.cc RouteMatcher::RouteMatcher
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { MirrorPolicyPlan } from "../../upstream/mirror_policy.ts";
import type {
  MetadataPlan,
  NonForwardingPlan,
  PathMatchPlan,
  RouteConfigPlan,
  RoutePlan,
  RouteTreePlan,
  VirtualClusterPlan,
  VirtualHostPlan,
} from "../plan.ts";
import type { RouteConfigLimits, RoutePlanContext } from "./context.ts";
import { planFilterConfigs } from "./filter_config.ts";
import { planHttpInput } from "../../http/plan/match_inputs.ts";
import { planMatchTree } from "../../matching/plan/match_tree.ts";
import { planHeaderMatchers } from "../../matching/plan/header_matcher.ts";
import { planHeaderOps } from "../../http/plan/header_ops.ts";
import { planHedgePolicy } from "./hedge_policy.ts";
import { planRetryPolicy } from "../../upstream/plan/retry_policy.ts";
import { planDirectResponse, planRedirect } from "./direct_response.ts";
import { planRateLimits } from "./rate_limit.ts";
import { planClusterSpecifierPlugins } from "./cluster_specifier_plugin.ts";
import {
  acceptUnread,
  type BufferLimits,
  planRouteAction,
  planRouteMirrors,
  type RouteDefaults,
} from "./route_action.ts";
import { planRouteMatch } from "./route_match.ts";

const MAX_DIRECT_RESPONSE_BODY_BYTES = 4096;

/** Plans an `envoy.config.route.v3.RouteConfiguration`. */
export function planRouteConfig(node: ConfigNode, context: RoutePlanContext): RouteConfigPlan {
  const limits: RouteConfigLimits = {
    validateClusters: node.bool("validate_clusters", context.validateClustersByDefault),
    maxDirectResponseBodyBytes: node.number("max_direct_response_body_size_bytes", MAX_DIRECT_RESPONSE_BODY_BYTES),
    clusterSpecifierPlugins: planClusterSpecifierPlugins(node, context),
  };
  node.refuse("route_specifiers", "there are no route specifiers", "remove it");
  const mirrorPolicies = planRouteMirrors(node, limits, context);
  const hosts = node.messages("virtual_hosts");
  const virtualHosts = hosts.map((host) => planVirtualHost(host, limits, mirrorPolicies, context));
  checkDomains(hosts, virtualHosts);
  return {
    name: node.string("name"),
    virtualHosts,
    requestHeaders: planHeaderOps(node, "request", context),
    responseHeaders: planHeaderOps(node, "response", context),
    internalOnlyHeaders: node.strings("internal_only_headers").map((name) => asciiLower(toWireText(name))),
    virtualHostHeader: asciiLower(toWireText(node.string("vhost_header"))),
    mostSpecificHeaderMutationsWins: node.bool("most_specific_header_mutations_wins"),
    ignorePortInHostMatching: node.bool("ignore_port_in_host_matching"),
    ignorePathParametersInPathMatching: node.bool("ignore_path_parameters_in_path_matching"),
    filterConfigs: planFilterConfigs(node, context),
    metadata: planMetadata(node),
  };
}

const TLS_REQUIREMENTS: Readonly<Record<string, VirtualHostPlan["requireTls"]>> = {
  EXTERNAL_ONLY: "externalOnly",
  ALL: "all",
};

function planVirtualHost(
  node: ConfigNode,
  limits: RouteConfigLimits,
  tableMirrors: readonly MirrorPolicyPlan[],
  context: RoutePlanContext,
): VirtualHostPlan {
  const mirrorPolicies = planRouteMirrors(node, limits, context);
  acceptUnread(node);
  node.refuse("route_specifiers", "there are no route specifiers", "remove it");
  const defaults: RouteDefaults = {
    ...limits,
    retryPolicy: planRetryPolicy(node),
    bufferLimits: planBufferLimits(node),
    mirrorPolicies: mirrorPolicies.length > 0 ? mirrorPolicies : tableMirrors,
    hedgePolicy: planHedgePolicy(node),
  };
  return {
    name: node.string("name"),
    domains: node.strings("domains").map((domain) => asciiLower(toWireText(domain))),
    matcher: planMatcher(node, defaults, context),
    routes: node.messages("routes").map((route) => planRoute(route, defaults, context)).filter((plan) => plan !== null),
    rateLimits: planRateLimits(node, "rate_limits", context),
    virtualClusters: node.messages("virtual_clusters").map(planVirtualCluster),
    requireTls: TLS_REQUIREMENTS[node.enum("require_tls")] ?? "none",
    requestHeaders: planHeaderOps(node, "request", context),
    responseHeaders: planHeaderOps(node, "response", context),
    includeRequestAttemptCount: node.bool("include_request_attempt_count"),
    includeAttemptCountInResponse: node.bool("include_attempt_count_in_response"),
    includeIsTimeoutRetry: node.bool("include_is_timeout_retry_header"),
    filterConfigs: planFilterConfigs(node, context),
    metadata: planMetadata(node),
  };
}

/** Only the headers of requests are known when a route is looked for, and what filters and the environment say. */
const ROUTE_INPUTS: ReadonlySet<string> = new Set(["requestHeaders", "filterState", "environment"]);

/** The tree of a virtual host, or null when it has a list of routes. */
function planMatcher(node: ConfigNode, defaults: RouteDefaults, context: RoutePlanContext): RouteTreePlan | null {
  const matcher = node.message("matcher");
  if (matcher === null) return null;
  if (node.has("routes")) {
    node.error("config/conflict", "both matcher and routes are set", { field: "matcher", help: "keep one of them" });
  }
  return planMatchTree(matcher, {
    keepsMatching: false,
    planInput: (config) => {
      const input = planHttpInput(config, context);
      if (input === null || ROUTE_INPUTS.has(input.kind)) return input;
      config.error("router/route-input", `routes can only be matched by request headers, not by ${config.typeName}`, {
        help: "match it in the route's match",
      });
      return null;
    },
    planAction: (config) => planTreeAction(config, defaults, context),
  });
}

function planTreeAction(
  config: ConfigNode,
  defaults: RouteDefaults,
  context: RoutePlanContext,
): readonly RoutePlan[] | null {
  switch (config.typeName) {
    case "envoy.config.route.v3.Route": {
      const route = planRoute(config, defaults, context);
      return route === null ? null : [route];
    }
    case "envoy.config.route.v3.RouteList":
      return config.messages("routes").flatMap((route) => planRoute(route, defaults, context) ?? []);
    default:
      config.error("config/unknown-extension", `${config.typeName} is no action of a virtual host's matcher`, {
        help: "use envoy.config.route.v3.Route or RouteList",
      });
      return null;
  }
}

function planVirtualCluster(node: ConfigNode): VirtualClusterPlan {
  const headers = node.messages("headers");
  if (headers.length === 0) node.error("config/missing-field", "a virtual cluster needs headers", { field: "headers" });
  return { name: node.string("name"), headers: planHeaderMatchers(headers) };
}

/** The limits of a route or virtual host: the new field's and the old one's. */
function planBufferLimits(node: ConfigNode): BufferLimits {
  const bytes = (field: string): number | null => node.has(field) ? node.number(field) : null;
  return { body: bytes("request_body_buffer_limit"), perRequest: bytes("per_request_buffer_limit_bytes") };
}

/** The new field counts, even that of the virtual host. */
function effectiveBufferLimit(route: BufferLimits, host: BufferLimits): number | null {
  return route.body ?? host.body ?? route.perRequest ?? host.perRequest;
}

/** A route, or null when its match or its action cannot be used, which has been or will be reported. */
function planRoute(node: ConfigNode, defaults: RouteDefaults, context: RoutePlanContext): RoutePlan | null {
  const matchNode = node.message("match");
  const match = matchNode === null ? null : planRouteMatch(matchNode);
  const action = planAction(node, match?.path ?? null, defaults, context);
  node.accept("decorator", "it names spans, and nothing is traced so far");
  node.accept("tracing", "nothing is traced so far");
  node.refuse("route_specifiers", "there are no route specifiers", "remove it");
  const plan = {
    name: node.string("name"),
    statPrefix: node.string("stat_prefix"),
    requestBufferLimitBytes: effectiveBufferLimit(planBufferLimits(node), defaults.bufferLimits),
    requestHeaders: planHeaderOps(node, "request", context),
    responseHeaders: planHeaderOps(node, "response", context),
    filterConfigs: planFilterConfigs(node, context),
    metadata: planMetadata(node),
  };
  return match === null || action === null ? null : { ...plan, match, action };
}

function planAction(
  node: ConfigNode,
  path: PathMatchPlan | null,
  defaults: RouteDefaults,
  context: RoutePlanContext,
): RoutePlan["action"] | null {
  const kind = node.oneof("action");
  switch (kind) {
    case "route": {
      const action = node.message(kind);
      return action === null ? null : planRouteAction(action, path, defaults, context);
    }
    case "redirect": {
      const action = node.message(kind);
      return action === null ? null : planRedirect(action, path, context);
    }
    case "direct_response": {
      const action = node.message(kind);
      return action === null ? null : planDirectResponse(action, defaults, context);
    }
    case "non_forwarding_action":
      node.message(kind);
      return NON_FORWARDING;
    case "filter_action":
      node.message(kind)?.accept("action", "no filter looks at it");
      return NON_FORWARDING;
    default:
      return null;
  }
}

/** A route that a filter may act on; no request gets beyond the router. */
const NON_FORWARDING: NonForwardingPlan = { kind: "nonForwarding" };

/** Static metadata as plain JSON by namespace. */
function planMetadata(node: ConfigNode): MetadataPlan | null {
  const metadata = node.message("metadata");
  if (metadata === null) return null;
  return metadata.json("filter_metadata") as MetadataPlan;
}

/** A domain belongs to one virtual host, the wildcard too. */
function checkDomains(nodes: readonly ConfigNode[], plans: readonly VirtualHostPlan[]): void {
  const seen = new Set<string>();
  plans.forEach((plan, i) => {
    plan.domains.forEach((domain, index) => {
      if (seen.has(domain)) {
        const message = domain === "*"
          ? "only a single wildcard domain is permitted"
          : `only unique values for domains are permitted, "${domain}" is there twice`;
        nodes[i]!.error("router/duplicate-domain", message, { field: "domains", index });
      }
      seen.add(domain);
    });
  });
}
