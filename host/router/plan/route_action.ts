// host/router/plan/route_action.ts: RouteAction as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { planHashPolicies } from "../../http/plan/hash_policy.ts";
import { planRetryPolicy } from "../../upstream/plan/retry_policy.ts";
import { planMirrorPolicies } from "../../upstream/plan/mirror_policy.ts";
import type { MirrorPolicyPlan } from "../../upstream/mirror_policy.ts";
import type { RetryPolicyPlan } from "../../upstream/retry_plan.ts";
import type { ClusterActionPlan, HedgePolicyPlan, PathMatchPlan, RouteUpgradePlan } from "../plan.ts";
import { checkCluster, planClusterSpecifier } from "./cluster_specifier.ts";
import type { RouteConfigLimits, RoutePlanContext } from "./context.ts";
import { planHedgePolicy } from "./hedge_policy.ts";
import { planRateLimits } from "./rate_limit.ts";
import { planInternalRedirect } from "./internal_redirect.ts";
import { planHostRewrite, planPathRewrite } from "./rewrite.ts";
import { planMetadataMatch } from "./metadata_match.ts";

/** Bytes; null where nothing is said. */
export interface BufferLimits {
  readonly body: number | null;
  readonly perRequest: number | null;
}

/** What routes have from above them. */
export interface RouteDefaults extends RouteConfigLimits {
  /** The virtual host's, for routes without one. */
  readonly retryPolicy: RetryPolicyPlan | null;
  readonly bufferLimits: BufferLimits;
  readonly mirrorPolicies: readonly MirrorPolicyPlan[];
  readonly hedgePolicy: HedgePolicyPlan | null;
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
  const pathRewrite = planPathRewrite(node, path, context);
  const { upgrades, connect } = planUpgrades(node);
  node.accept("early_data_policy", "there is no early data: it comes with QUIC");
  acceptUnread(node);
  const mirrorPolicies = planRouteMirrors(node, defaults, context);
  const plan = {
    kind: "cluster" as const,
    internalRedirect: planInternalRedirect(node),
    clusterNotFoundStatus: NOT_FOUND_STATUS[node.enum("cluster_not_found_response_code")] ?? 503,
    pathRewrite,
    hostRewrite: planHostRewrite(node, context),
    appendXForwardedHost: node.bool("append_x_forwarded_host"),
    priority: node.enum("priority") === "HIGH" ? "high" as const : "default" as const,
    rateLimits: planRateLimits(node, "rate_limits", context),
    includesVirtualHostRateLimits: node.bool("include_vh_rate_limits"),
    timeoutMs: node.durationMs("timeout", DEFAULT_TIMEOUT_MS),
    idleTimeoutMs: node.durationMs("idle_timeout", null),
    flushTimeoutMs: node.durationMs("flush_timeout", null),
    streamDuration: duration === null ? null : {
      maxMs: duration.durationMs("max_stream_duration", null),
      grpcTimeoutHeaderMaxMs: duration.durationMs("grpc_timeout_header_max", null),
      grpcTimeoutHeaderOffsetMs: duration.durationMs("grpc_timeout_header_offset", 0),
    },
    maxGrpcTimeoutMs: node.durationMs("max_grpc_timeout", null),
    grpcTimeoutOffsetMs: node.durationMs("grpc_timeout_offset", 0),
    metadataMatch: planMetadataMatch(node),
    hashPolicies: planHashPolicies(node),
    upgrades,
    connect,
    retryPolicy: planRetryPolicy(node) ?? defaults.retryPolicy,
    mirrorPolicies: mirrorPolicies.length > 0 ? mirrorPolicies : defaults.mirrorPolicies,
    hedgePolicy: planHedgePolicy(node) ?? defaults.hedgePolicy,
  };
  return cluster === null ? null : { ...plan, cluster };
}

/** What virtual hosts and routes may say that concerns nobody here. */
export function acceptUnread(node: ConfigNode): void {
  node.accept("cors", "it is the CORS filter's, which is not there");
  node.accept("retry_policy_typed_config", "retry_policy counts, as in Envoy");
}

/** The `request_mirror_policies` of a route, a virtual host or a route configuration. */
export function planRouteMirrors(
  parent: ConfigNode,
  limits: RouteConfigLimits,
  context: RoutePlanContext,
): readonly MirrorPolicyPlan[] {
  return planMirrorPolicies(parent, context, (node, name) => checkCluster(node, "cluster", name, limits, context));
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
    config.refuse("proxy_protocol_config", "the PROXY protocol cannot be sent to upstreams so far");
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
