// host/extensions/filters/network/http_connection_manager/planner.ts: the HttpConnectionManager message as plain data.
/**
 * @see Envoy: source/extensions/filters/network/http_connection_manager/config.cc
 * @module
 */
import type { ConfigNode } from "../../../../config/node.ts";
import { planStringMatcher } from "../../../../matching/plan/string_matcher.ts";
import type {
  ConnectionManagerPlan,
  Http1Plan,
  UpgradePlan,
} from "../../../../http/conn_manager/conn_manager_config.ts";
import { planHeaderKeyFormat } from "../../../../http/h1/plan.ts";
import { planHttp2 } from "../../../../http/h2/plan.ts";
import { refuseHeaderValidators } from "../../../../http/plan/header_validators.ts";
import type { PathPlan } from "../../../../http/path.ts";
import type { ExtensionPlan } from "../../../../net/plan.ts";
import type { RouteConfigPlan } from "../../../../router/plan.ts";
import { refuseConnectUdp } from "../../../../router/plan/route_action.ts";
import type { RoutePlanContext } from "../../../../router/plan/context.ts";
import { planScopedRoutes } from "../../../../router/plan/scoped_routes.ts";
import type { ScopedRoutesPlan } from "../../../../router/routes/scoped_routes.ts";
import { planRouteConfig } from "../../../../router/plan/route_config.ts";
import type { HttpFilterUse, NetworkFilterPlanner, PlanContext } from "../../../define.ts";
import { type LocalRepliesPlan, planLocalReplies } from "./local_replies_plan.ts";
import type { HeaderMutationPlan } from "../../../../http/header_mutation.ts";
import { planEarlyHeaderMutations } from "./early_header_mutations_plan.ts";
import { planCidrRanges, planOriginalIpDetection, planRequestIds, planSchemes } from "./origins_plan.ts";

export interface HttpConnectionManagerPlan {
  readonly manager: ConnectionManagerPlan;
  readonly routes: RoutesPlan;
  readonly httpFilters: readonly HttpFilterUse[];
  /** Chains of `upgrade_configs[].filters`, by `UpgradePlan.filters`. */
  readonly upgradeFilters: readonly (readonly HttpFilterUse[])[];
  readonly accessLog: readonly ExtensionPlan[];
  readonly earlyHeaderMutations: readonly HeaderMutationPlan[];
  readonly localReplies: LocalRepliesPlan | null;
  /** How long streams look for their routes is among the statistics. */
  readonly recordsRouteResolutions: boolean;
}

/** Where the routes are. */
export type RoutesPlan =
  | { readonly kind: "table"; readonly config: RouteConfigPlan }
  | { readonly kind: "scoped"; readonly scopes: ScopedRoutesPlan };

export const planner: NetworkFilterPlanner = {
  terminal: true,
  plan(config: ConfigNode, context: PlanContext): HttpConnectionManagerPlan | null {
    const upgradeFilters: (readonly HttpFilterUse[])[] = [];
    const upgrades = planUpgrades(config, upgradeFilters, context);
    const httpFilters = planFilters(config, "http_filters", context);
    const accessLog: ExtensionPlan[] = [];
    for (const node of config.messages("access_log")) {
      const plan = context.planAccessLog(node);
      if (plan !== null) accessLog.push(plan);
    }
    const routes = planRoutes(config, context);
    if (routes === null) return null;
    const earlyHeaderMutations = planEarlyHeaderMutations(config, context);
    const localReplies = planLocalReplies(config.message("local_reply_config"), context);
    return {
      manager: planManager(config, upgrades),
      routes,
      httpFilters,
      upgradeFilters,
      accessLog,
      earlyHeaderMutations,
      localReplies,
      recordsRouteResolutions: config.bool("record_route_resolution_stats"),
    };
  },
};

function planCodec(config: ConfigNode): ConnectionManagerPlan["codecType"] {
  const codec = config.enum("codec_type");
  if (codec === "HTTP1" || codec === "HTTP2") return codec;
  if (codec === "HTTP3") {
    config.error("config/unsupported", "codec_type HTTP3: downstream connections speak HTTP/1 and HTTP/2 so far", {
      field: "codec_type",
      help: "use AUTO, HTTP1 or HTTP2",
    });
  }
  return "AUTO";
}

function planRoutes(config: ConfigNode, context: PlanContext): RoutesPlan | null {
  const routeContext: RoutePlanContext = {
    clusters: context.clusterNames,
    validateClustersByDefault: true,
    env: (name) => context.env(name),
    formatProblem: (format) => context.formatProblem(format),
    formatWorld: context.formatWorld,
    planFilterConfig: (_name, node) => context.planRouteFilterConfig(node),
    readDataSource: (node) => context.readDataSource(node),
  };
  switch (config.oneof("route_specifier")) {
    case "route_config":
      return { kind: "table", config: planRouteConfig(config.message("route_config")!, routeContext) };
    case "scoped_routes": {
      const scopes = planScopedRoutes(config.message("scoped_routes")!, routeContext);
      return scopes === null ? null : { kind: "scoped", scopes };
    }
    case null:
      config.error("config/missing-field", "HttpConnectionManager has no route_config");
      return null;
    default:
      return null;
  }
}

function planFilters(config: ConfigNode, field: string, context: PlanContext): HttpFilterUse[] {
  const uses: HttpFilterUse[] = [];
  const nodes = config.messages(field);
  for (const [index, node] of nodes.entries()) {
    const use = context.planHttpFilter(node);
    if (use === null) continue;
    const last = index === nodes.length - 1;
    if (use.terminal && !last) {
      node.error(
        "config/filter-order",
        `terminal filter '${use.name}' is not the last one of the chain`,
        { help: "move it to the end of http_filters" },
      );
    } else if (!use.terminal && last) {
      node.error(
        "config/filter-order",
        `non-terminal filter '${use.name}' is the last one of the chain`,
        { help: "end http_filters with envoy.filters.http.router" },
      );
    } else if (last && use.disabled) {
      node.error("config/filter-order", `the last filter, '${use.name}', cannot be disabled`, { field: "disabled" });
    }
    uses.push(use);
  }
  if (nodes.length === 0 && field === "http_filters") {
    config.error("config/filter-order", "the chain has no HTTP filter, not even a terminal one", {
      help: "end http_filters with envoy.filters.http.router",
    });
  }
  return uses;
}

function planUpgrades(
  config: ConfigNode,
  chains: (readonly HttpFilterUse[])[],
  context: PlanContext,
): UpgradePlan[] {
  const upgrades: UpgradePlan[] = [];
  for (const node of config.messages("upgrade_configs")) {
    const type = node.string("upgrade_type").toLowerCase();
    refuseConnectUdp(node, type);
    if (upgrades.some((each) => each.type === type)) {
      node.error("config/conflict", `upgrade_type ${node.string("upgrade_type")} is there twice`, {
        field: "upgrade_type",
      });
    }
    const enabled = node.bool("enabled", true);
    let filters = -1;
    if (node.has("filters")) {
      filters = chains.length;
      chains.push(planFilters(node, "filters", context));
    }
    upgrades.push({ type, enabled, filters });
  }
  return upgrades;
}

function planManager(config: ConfigNode, upgrades: readonly UpgradePlan[]): ConnectionManagerPlan {
  const common = config.message("common_http_protocol_options");
  const streamIdleTimeoutMs = config.durationMs("stream_idle_timeout", 300_000);
  const internal = config.message("internal_address_config");
  if (config.bool("strip_matching_host_port") && config.bool("strip_any_host_port")) {
    config.error("config/conflict", "strip_matching_host_port and strip_any_host_port are both set", {
      field: "strip_matching_host_port",
      help: "keep one of them",
    });
  }
  config.accept("represent_ipv4_remote_address_as_ipv4_mapped_ipv6", "Envoy does not do it either");
  config.accept("http1_safe_max_connection_duration", "a connection at its limit always finishes what is in flight");
  return {
    statPrefix: config.string("stat_prefix"),
    serverName: config.string("server_name") || "envoy",
    serverHeaderTransformation: config.enum("server_header_transformation") as "OVERWRITE",
    via: config.string("via"),
    proxyStatus: planProxyStatus(config),
    addUserAgent: config.bool("add_user_agent"),
    useRemoteAddress: config.bool("use_remote_address"),
    skipXffAppend: config.bool("skip_xff_append"),
    xffNumTrustedHops: config.number("xff_num_trusted_hops"),
    appendXForwardedPort: config.bool("append_x_forwarded_port"),
    originalIpDetection: planOriginalIpDetection(config),
    internalAddresses: internal === null ? [] : planCidrRanges(internal, "cidr_ranges"),
    internalUnixSockets: internal?.bool("unix_sockets") ?? false,
    ...planSchemes(config),
    packTraceReason: planRequestIds(config.message("request_id_extension")),
    generateRequestId: config.bool("generate_request_id", true),
    preserveExternalRequestId: config.bool("preserve_external_request_id"),
    alwaysSetRequestIdInResponse: config.bool("always_set_request_id_in_response"),
    path: planPath(config),
    stripMatchingHostPort: config.bool("strip_matching_host_port"),
    stripAnyHostPort: config.bool("strip_any_host_port"),
    stripTrailingHostDot: config.bool("strip_trailing_host_dot"),
    proxy100Continue: config.bool("proxy_100_continue"),
    appendLocalOverload: config.bool("append_local_overload"),
    streamIdleTimeoutMs,
    streamFlushTimeoutMs: config.durationMs("stream_flush_timeout", streamIdleTimeoutMs),
    requestTimeoutMs: config.durationMs("request_timeout", 0),
    requestHeadersTimeoutMs: config.durationMs("request_headers_timeout", 0),
    maxStreamDurationMs: common?.durationMs("max_stream_duration", 0) ?? 0,
    delayedCloseTimeoutMs: config.durationMs("delayed_close_timeout", 1000),
    drainTimeoutMs: config.durationMs("drain_timeout", 5000),
    drainTimeoutJitterPercent: config.message("drain_timeout_jitter")?.number("value") ?? 0,
    idleTimeoutMs: common?.durationMs("idle_timeout", 3_600_000) ?? 3_600_000,
    maxConnectionDurationMs: common?.durationMs("max_connection_duration", 0) ?? 0,
    maxConnectionDurationJitterPercent: common?.message("max_connection_duration_jitter")?.number("value") ?? 0,
    maxRequestsPerConnection: common?.number("max_requests_per_connection") ?? 0,
    ...planAccessLogOptions(config),
    upgrades,
    codecType: planCodec(config),
    http1: planHttp1(config, common),
    http2: planHttp2Options(config),
  };
}

function planProxyStatus(config: ConfigNode): ConnectionManagerPlan["proxyStatus"] {
  const node = config.message("proxy_status_config");
  if (node === null) return null;
  const ownName = node.oneof("proxy_name");
  // That the node's id is named at all, be it as `false`, is enough for Envoy.
  const byNode = node.has("use_node_id");
  const literal = node.string("literal_proxy_name");
  return {
    proxyName: byNode ? null : ownName === null ? config.string("server_name") || "envoy" : literal,
    removeDetails: node.bool("remove_details"),
    removeConnectionTerminationDetails: node.bool("remove_connection_termination_details"),
    removeResponseFlags: node.bool("remove_response_flags"),
    setRecommendedResponseCode: node.bool("set_recommended_response_code"),
  };
}

type AccessLogOptions = Pick<
  ConnectionManagerPlan,
  "accessLogFlushIntervalMs" | "flushAccessLogOnNewRequest" | "flushLogOnTunnelSuccessfullyEstablished"
>;

/** `access_log_options`, or the two fields from before it: only one of the two ways may be used, as in Envoy. */
function planAccessLogOptions(config: ConfigNode): AccessLogOptions {
  const options = config.message("access_log_options");
  const interval = config.has("access_log_flush_interval");
  if (options !== null && (interval || config.bool("flush_access_log_on_new_request"))) {
    const field = interval ? "access_log_flush_interval" : "flush_access_log_on_new_request";
    config.error("config/conflict", `${field} and access_log_options are both set`, {
      field,
      help: "move it into access_log_options",
    });
  }
  const node = options ?? config;
  return {
    accessLogFlushIntervalMs: node.durationMs("access_log_flush_interval", 0),
    flushAccessLogOnNewRequest: node.bool("flush_access_log_on_new_request"),
    flushLogOnTunnelSuccessfullyEstablished: options?.bool("flush_log_on_tunnel_successfully_established") ?? false,
  };
}

function planHttp2Options(config: ConfigNode): ConnectionManagerPlan["http2"] {
  const options = config.message("http2_protocol_options");
  const plan = planHttp2(
    options,
    config.has("stream_error_on_invalid_http_message") ? config.bool("stream_error_on_invalid_http_message") : null,
  );
  if (
    options?.has("max_header_field_size_kb") &&
    plan.maxHeaderFieldBytes > config.number("max_request_headers_kb", 60) * 1024
  ) {
    options.error("config/conflict", "max_header_field_size_kb is larger than max_request_headers_kb", {
      field: "max_header_field_size_kb",
    });
  }
  return plan;
}

/** Of forward_client_cert_details only the default makes sense until connections have client certificates. */
function planPath(config: ConfigNode): PathPlan {
  if (config.enum("forward_client_cert_details") !== "SANITIZE") {
    config.error("config/unsupported", "x-forwarded-client-cert is always removed so far", {
      field: "forward_client_cert_details",
    });
  }
  refuseUnknownPathRules(config);
  const action = config.enum("path_with_escaped_slashes_action");
  return {
    normalizePath: config.bool("normalize_path"),
    mergeSlashes: config.bool("merge_slashes"),
    escapedSlashesAction: action === "IMPLEMENTATION_SPECIFIC_DEFAULT"
      ? "KEEP_UNCHANGED"
      : action as PathPlan["escapedSlashesAction"],
  };
}

/** Envoy takes the first without doing anything: who sets it counts on something. */
function refuseUnknownPathRules(config: ConfigNode): void {
  const help = "use normalize_path, merge_slashes and path_with_escaped_slashes_action";
  config.refuse("path_normalization_options", "it has no effect in Envoy, and none here", help);
  refuseHeaderValidators(
    config,
    "typed_header_validation_config",
    `for paths ${help}, for names headers_with_underscores_action`,
  );
}

function planHttp1(config: ConfigNode, common: ConfigNode | null): Http1Plan {
  const options = config.message("http_protocol_options");
  options?.accept("use_balsa_parser", "there is one HTTP/1 parser");
  options?.accept("send_fully_qualified_url", "it concerns requests that are sent");
  common?.accept("max_response_headers_kb", "it concerns responses that are received");
  return {
    maxRequestHeadersKib: config.number("max_request_headers_kb", 60),
    maxHeadersCount: common?.number("max_headers_count", 100) ?? 100,
    acceptHttp10: options?.bool("accept_http_10") ?? false,
    defaultHostForHttp10: options?.string("default_host_for_http_10") ?? "",
    streamErrorOnInvalidMessage: options?.has("override_stream_error_on_invalid_http_message")
      ? options.bool("override_stream_error_on_invalid_http_message")
      : config.bool("stream_error_on_invalid_http_message"),
    enableTrailers: options?.bool("enable_trailers") ?? false,
    allowChunkedLength: options?.bool("allow_chunked_length") ?? false,
    allowCustomMethods: options?.bool("allow_custom_methods") ?? false,
    ignoredUpgrades: (options?.messages("ignore_http_11_upgrade") ?? []).flatMap((node) =>
      planStringMatcher(node) ?? []
    ),
    allowAbsoluteUrl: options?.bool("allow_absolute_url", true) ?? true,
    headersWithUnderscoresAction: (common?.enum("headers_with_underscores_action") ?? "ALLOW") as "ALLOW",
    lenient: false,
    headerKeyFormat: planHeaderKeyFormat(options),
  };
}
