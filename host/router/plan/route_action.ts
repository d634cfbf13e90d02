// host/router/plan/route_action.ts: RouteAction, RedirectAction and DirectResponseAction as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto
 * @module
 */
import { nearestName } from "../../base/suggest.ts";
import type { ConfigNode } from "../../config/node.ts";
import { planHashPolicies } from "../../http/plan/hash_policy.ts";
import { planRegexSubstitution, type RegexSubstitutionPlan } from "../../matching/plan/string_matcher.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import { planRetryPolicy } from "../../upstream/plan/retry_policy.ts";
import type { RetryPolicyPlan } from "../../upstream/retry_plan.ts";
import type {
  ClusterActionPlan,
  ClusterSpecifierPlan,
  DirectResponsePlan,
  HostRewritePlan,
  PathMatchPlan,
  PathRewritePlan,
  RedirectPlan,
  RouteUpgradePlan,
  WeightedClusterPlan,
} from "../plan.ts";
import { parseUriTemplateRewrite } from "../uri_template.ts";
import type { RoutePlanContext } from "./context.ts";
import { planFilterConfigs } from "./filter_config.ts";
import { planHeaderOps } from "../../http/plan/header_ops.ts";

/** The route configuration's own settings that its routes' planning depends on. */
export interface RouteConfigLimits {
  readonly validateClusters: boolean;
  readonly maxDirectResponseBodyBytes: number;
}

/** What routes have from above them. */
export interface RouteDefaults extends RouteConfigLimits {
  /** The virtual host's, for routes without one. */
  readonly retryPolicy: RetryPolicyPlan | null;
}

const NOT_FOUND_STATUS: Readonly<Record<string, number>> = {
  SERVICE_UNAVAILABLE: 503,
  NOT_FOUND: 404,
  INTERNAL_SERVER_ERROR: 500,
};
const DEFAULT_TIMEOUT_MS = 15_000;

/** A RouteAction, or null when there is no cluster to go to. */
export function planRouteAction(
  node: ConfigNode,
  path: PathMatchPlan | null,
  defaults: RouteDefaults,
  context: RoutePlanContext,
): ClusterActionPlan | null {
  const cluster = planClusterSpecifier(node, defaults, context);
  const duration = node.message("max_stream_duration");
  const pathRewrite = planPathRewrite(node, path);
  const { upgrades, connect } = planUpgrades(node);
  const plan = {
    kind: "cluster" as const,
    clusterNotFoundStatus: NOT_FOUND_STATUS[node.enum("cluster_not_found_response_code")] ?? 503,
    pathRewrite,
    hostRewrite: planHostRewrite(node),
    appendXForwardedHost: node.bool("append_x_forwarded_host"),
    timeoutMs: node.durationMs("timeout", DEFAULT_TIMEOUT_MS),
    idleTimeoutMs: node.durationMs("idle_timeout", null),
    limitsStreamDuration: duration !== null,
    maxStreamDurationMs: duration?.durationMs("max_stream_duration", null) ?? null,
    grpcTimeoutHeaderMaxMs: duration?.durationMs("grpc_timeout_header_max", null) ?? null,
    grpcTimeoutHeaderOffsetMs: duration?.durationMs("grpc_timeout_header_offset", 0) ?? 0,
    hashPolicies: planHashPolicies(node),
    upgrades,
    connect,
    retryPolicy: planRetryPolicy(node) ?? defaults.retryPolicy,
  };
  return cluster === null ? null : { ...plan, cluster };
}

function planUpgrades(node: ConfigNode): Pick<ClusterActionPlan, "upgrades" | "connect"> {
  const upgrades: RouteUpgradePlan[] = [];
  let connect: ClusterActionPlan["connect"] = null;
  for (const each of node.messages("upgrade_configs")) {
    const type = each.string("upgrade_type").toLowerCase();
    refuseConnectUdp(each, type);
    if (upgrades.some((other) => other.type === type)) {
      each.error("router/duplicate-upgrade", `upgrade_type ${each.string("upgrade_type")} is there twice`, {
        field: "upgrade_type",
      });
    }
    upgrades.push({ type, enabled: each.bool("enabled", true) });
    const config = each.message("connect_config");
    if (config === null) continue;
    if (type !== "connect") {
      each.error("router/connect-config", `connect_config is for CONNECT, not for ${each.string("upgrade_type")}`, {
        field: "connect_config",
      });
    }
    if (config.has("proxy_protocol_config")) {
      config.error("config/unsupported", "the PROXY protocol cannot be sent to upstreams so far", {
        field: "proxy_protocol_config",
      });
    }
    connect = { allowPost: config.bool("allow_post") };
  }
  return { upgrades, connect };
}

/** Reports an upgrade that only makes sense for HTTP/3 and UDP. */
export function refuseConnectUdp(node: ConfigNode, type: string): void {
  if (type !== "connect-udp") return;
  node.error("config/unsupported", "upgrade_type CONNECT-UDP: there are no tunnels of UDP so far", {
    field: "upgrade_type",
    help: "remove it; clients that ask for it get 403",
  });
}

function planClusterSpecifier(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): ClusterSpecifierPlan | null {
  switch (node.oneof("cluster_specifier")) {
    case "cluster": {
      const name = node.string("cluster");
      checkCluster(node, "cluster", name, limits, context);
      return { kind: "name", name };
    }
    case "cluster_header":
      return { kind: "header", header: asciiLower(toWireText(node.string("cluster_header"))) };
    case "weighted_clusters": {
      const weighted = node.message("weighted_clusters");
      return weighted === null ? null : planWeightedClusters(weighted, limits, context);
    }
    default:
      return null;
  }
}

function checkCluster(
  node: ConfigNode,
  field: string,
  name: string,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): void {
  if (!limits.validateClusters || context.clusters === null || context.clusters.has(name)) return;
  const near = nearestName(name, [...context.clusters]);
  node.error("router/unknown-cluster", `route: unknown cluster '${name}'`, {
    field,
    help: near === null ? "add the cluster to static_resources.clusters" : `did you mean '${near}'?`,
  });
}

function planWeightedClusters(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): ClusterSpecifierPlan {
  const clusters = node.messages("clusters").map((cluster) => planWeightedCluster(cluster, limits, context));
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) {
    node.error("router/no-weight", "the sum of the weights is 0, it must be greater", { field: "clusters" });
  } else if (total > 0xffffffff) {
    node.error("router/too-much-weight", `the sum of the weights is ${total}, more than 4294967295`, {
      field: "clusters",
    });
  }
  if (node.has("total_weight")) node.accept("total_weight", "the sum of the weights counts, as in Envoy");
  if (node.has("runtime_key_prefix")) {
    node.accept("runtime_key_prefix", "there are no runtime layers: the configured weights apply");
  }
  return { kind: "weighted", clusters, randomHeader: asciiLower(toWireText(node.string("header_name"))) };
}

function planWeightedCluster(
  node: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): WeightedClusterPlan {
  const name = node.string("name");
  const clusterHeader = asciiLower(toWireText(node.string("cluster_header")));
  if (name !== "" && clusterHeader !== "") {
    node.error("router/two-clusters", "both name and cluster_header are set", {
      field: "cluster_header",
      help: "remove one of them",
    });
  } else if (name === "" && clusterHeader === "") {
    node.error("router/no-cluster", "neither name nor cluster_header is set");
  } else if (name !== "") {
    checkCluster(node, "name", name, limits, context);
  }
  return {
    name,
    clusterHeader,
    weight: node.number("weight", 0),
    requestHeaders: planHeaderOps(node, "request", context),
    responseHeaders: planHeaderOps(node, "response", context),
    filterConfigs: planFilterConfigs(node, context),
    hostRewriteLiteral: toWireText(node.string("host_rewrite_literal")),
  };
}

/** One of the ways to rewrite a path; `path` is what the route matches, null when that cannot be used. */
function planPathRewrite(node: ConfigNode, path: PathMatchPlan | null): PathRewritePlan | null {
  const prefix = node.string("prefix_rewrite");
  const regex = node.message("regex_rewrite");
  const policy = node.message("path_rewrite_policy");
  const fields = [
    ...(prefix === "" ? [] : ["prefix_rewrite"]),
    ...(regex === null ? [] : ["regex_rewrite"]),
    ...(policy === null ? [] : ["path_rewrite_policy"]),
  ];
  if (fields.length > 1) {
    node.error("router/two-path-rewrites", `${fields.join(" and ")} are set, where one is enough`, {
      field: fields[1]!,
      help: "keep one of them",
    });
  }
  const substitution = regex === null ? null : planRegexSubstitution(regex);
  if (policy !== null) return planTemplateRewrite(policy, path);
  if (prefix === "") return regexRewrite(substitution);
  if (path?.kind === "template") {
    node.error("router/template-prefix", "prefix_rewrite knows no prefix where path_match_policy matches", {
      field: "prefix_rewrite",
      help: "use path_rewrite_policy",
    });
  }
  return { kind: "prefix", value: toWireText(prefix) };
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

function regexRewrite(plan: RegexSubstitutionPlan | null): PathRewritePlan | null {
  return plan === null ? null : { kind: "regex", ...plan };
}

function planHostRewrite(node: ConfigNode): HostRewritePlan | null {
  switch (node.oneof("host_rewrite_specifier")) {
    case "host_rewrite_literal": {
      const host = toWireText(node.string("host_rewrite_literal"));
      return host === "" ? null : { kind: "literal", host };
    }
    case "auto_host_rewrite":
      return node.bool("auto_host_rewrite") ? { kind: "auto" } : null;
    case "host_rewrite_header":
      return { kind: "header", header: asciiLower(toWireText(node.string("host_rewrite_header"))) };
    case "host_rewrite_path_regex": {
      const regex = node.message("host_rewrite_path_regex");
      const plan = regex === null ? null : planRegexSubstitution(regex);
      return plan === null ? null : { kind: "pathRegex", ...plan };
    }
    default:
      return null;
  }
}

const REDIRECT_STATUS: Readonly<Record<string, number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

export function planRedirect(node: ConfigNode): RedirectPlan {
  const kind = node.oneof("path_rewrite_specifier");
  const prefix = node.string("prefix_rewrite");
  const regex = node.message("regex_rewrite");
  return {
    kind: "redirect",
    status: REDIRECT_STATUS[node.enum("response_code")] ?? 301,
    scheme: node.bool("https_redirect") ? "https" : toWireText(node.string("scheme_redirect")),
    host: toWireText(node.string("host_redirect")),
    port: node.number("port_redirect", 0),
    path: toWireText(node.string("path_redirect")),
    pathRewrite: kind === "prefix_rewrite" && prefix !== ""
      ? { kind: "prefix", value: toWireText(prefix) }
      : regex === null
      ? null
      : regexRewrite(planRegexSubstitution(regex)),
    stripQuery: node.bool("strip_query"),
  };
}

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
  return { kind: "directResponse", status: node.number("status"), body };
}
