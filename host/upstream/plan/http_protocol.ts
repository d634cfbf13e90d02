// host/upstream/plan/http_protocol.ts: how a cluster speaks HTTP, from the two places that can say so.
// pure: no I/O, no clock, no runtime globals
/**
 * `typed_extension_protocol_options` is today's way; the deprecated fields of the Cluster itself count when
 * it is absent. Without either it is HTTP/1.1.
 *
 * @see Envoy: source/extensions/upstreams/http/config.cc
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { HTTP1_CLIENT_DEFAULTS, type Http1ClientOptions } from "../../http/h1/options.ts";
import { planHeaderKeyFormat } from "../../http/h1/plan.ts";
import { planHttp2 } from "../../http/h2/plan.ts";
import { refuseHeaderValidators } from "../../http/plan/header_validators.ts";
import type { FormatChecker } from "../../http/plan/header_ops.ts";
import { planHashPolicies } from "../../http/plan/hash_policy.ts";
import { planMatchPredicate } from "../../matching/plan/match_predicate.ts";
import { DEFAULT_HTTP_PLAN, type HttpFilterPlan, type HttpProtocolPlan } from "../plan.ts";
import { planMirrorPolicies } from "./mirror_policy.ts";
import { planRetryPolicy } from "./retry_policy.ts";

const OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/** Of the UpstreamHttpProtocolOptions message. */
const TLS_FIELDS = ["auto_sni", "auto_san_validation", "override_auto_sni_header"] as const;
const HTTP3_MESSAGE = "HTTP/3 to upstreams is not supported yet";

/** Plans the filters of an upstream chain; problems are reported at the nodes. */
export type PlanHttpFilters = (nodes: readonly ConfigNode[]) => readonly HttpFilterPlan[];

export function planHttpProtocol(
  cluster: ConfigNode,
  planFilters: PlanHttpFilters | null,
  formats: FormatChecker,
): HttpProtocolPlan {
  const deprecated = planDeprecated(cluster);
  for (const [name, options] of cluster.anyMap("typed_extension_protocol_options")) {
    if (options.typeName === OPTIONS) {
      const filters = planFilters === null ? [] : planFilters(options.messages("http_filters"));
      return { ...planOptions(options, formats), filters };
    }
    cluster.error("config/unsupported", `protocol options '${name}' are not supported`, {
      field: "typed_extension_protocol_options",
    });
  }
  return deprecated;
}

/** What the fields of the Cluster itself say. */
function planDeprecated(cluster: ConfigNode): HttpProtocolPlan {
  const http1 = cluster.message("http_protocol_options");
  const http2 = cluster.message("http2_protocol_options");
  const followsDownstream = cluster.enum("protocol_selection") === "USE_DOWNSTREAM_PROTOCOL";
  if (http1 !== null && http2 !== null && !followsDownstream && !cluster.has("typed_extension_protocol_options")) {
    cluster.error("config/conflict", "there are options of both HTTP/1 and HTTP/2", {
      field: "http2_protocol_options",
      help: "remove one of them, or set `protocol_selection: USE_DOWNSTREAM_PROTOCOL`",
    });
  }
  acceptTls(cluster);
  const maxRequests = cluster.number("max_requests_per_connection");
  const plan = withCommon(cluster.message("common_http_protocol_options"), http1, http2);
  return {
    ...plan,
    followsDownstream,
    maxRequestsPerConnection: maxRequests === 0 ? plan.maxRequestsPerConnection : maxRequests,
  };
}

function acceptTls(parent: ConfigNode): void {
  const tls = parent.message("upstream_http_protocol_options");
  for (const field of TLS_FIELDS) {
    tls?.accept(field, "it concerns TLS, which is an error of its own where it is asked for");
  }
}

function planOptions(options: ConfigNode, formats: FormatChecker): HttpProtocolPlan {
  const common = options.message("common_http_protocol_options");
  const choice = options.oneof("upstream_protocol_options");
  const follows = choice === "use_downstream_protocol_config";
  let http1: ConfigNode | null = null;
  let http2: ConfigNode | null = null;
  if (choice === "explicit_http_config") {
    const config = options.message(choice)!;
    const protocol = config.oneof("protocol_config");
    if (protocol === "http_protocol_options") {
      http1 = config.message(protocol);
    } else if (protocol === "http2_protocol_options") {
      http2 = config.message(protocol);
    }
    config.refuse("http3_protocol_options", HTTP3_MESSAGE);
  } else if (follows) {
    const config = options.message(choice);
    http1 = config?.message("http_protocol_options") ?? null;
    http2 = config?.message("http2_protocol_options") ?? null;
    config?.refuse("http3_protocol_options", HTTP3_MESSAGE);
  }
  options.refuse(
    "auto_config",
    "the protocol is agreed on by TLS, which upstreams do not have yet",
    "use `explicit_http_config: { http_protocol_options: {} }` or `{ http2_protocol_options: {} }`",
  );
  acceptTls(options);
  refuseHeaderValidators(options, "header_validation_config", "remove the field");
  const errorMatcher = options.message("outlier_detection")?.message("error_matcher") ?? null;
  return {
    ...withCommon(common, http1, http2),
    followsDownstream: follows,
    errorMatcher: errorMatcher === null ? null : planMatchPredicate(errorMatcher),
    retryPolicy: planRetryPolicy(options),
    hashPolicies: planHashPolicies(options),
    mirrorPolicies: planMirrorPolicies(options, formats),
  };
}

/** HTTP/2 when there are options of it. */
function withCommon(common: ConfigNode | null, http1: ConfigNode | null, http2: ConfigNode | null): HttpProtocolPlan {
  return {
    protocol: http2 === null ? "HTTP/1.1" : "HTTP/2",
    followsDownstream: false,
    idleTimeoutMs: common?.durationMs("idle_timeout", DEFAULT_HTTP_PLAN.idleTimeoutMs) ??
      DEFAULT_HTTP_PLAN.idleTimeoutMs,
    maxConnectionDurationMs: common?.durationMs("max_connection_duration", 0) ?? 0,
    maxConnectionDurationJitterPercent: common?.message("max_connection_duration_jitter")?.number("value") ?? 0,
    maxStreamDurationMs: common?.durationMs("max_stream_duration", 0) ?? 0,
    maxRequestsPerConnection: common?.number("max_requests_per_connection") ?? 0,
    http1: planHttp1(common, http1),
    http2: planHttp2(http2, null),
    errorMatcher: null,
    filters: [],
    retryPolicy: null,
    hashPolicies: [],
    mirrorPolicies: [],
  };
}

function planHttp1(common: ConfigNode | null, http1: ConfigNode | null): Http1ClientOptions {
  http1?.accept("allow_absolute_url", "it concerns requests that are received");
  http1?.accept("accept_http_10", "it concerns requests that are received");
  http1?.accept("default_host_for_http_10", "it concerns requests that are received");
  http1?.accept("allow_custom_methods", "requests are sent with any method");
  http1?.accept("use_balsa_parser", "there is one parser");
  http1?.accept("ignore_http_11_upgrade", "it concerns requests that are received");
  http1?.accept(
    "override_stream_error_on_invalid_http_message",
    "a response that cannot be understood always ends its connection, as in Envoy",
  );
  common?.accept("headers_with_underscores_action", "it concerns requests that are received");
  const maxKb = common?.number("max_response_headers_kb") ?? 0;
  return {
    ...HTTP1_CLIENT_DEFAULTS,
    ...(maxKb > 0 && { maxResponseHeadersBytes: maxKb * 1024 }),
    headerKeyFormat: planHeaderKeyFormat(http1),
    enableTrailers: http1?.bool("enable_trailers") ?? false,
    allowChunkedLength: http1?.bool("allow_chunked_length") ?? false,
    sendFullyQualifiedUrl: http1?.bool("send_fully_qualified_url") ?? false,
    maxResponseHeadersCount: common?.number("max_headers_count", HTTP1_CLIENT_DEFAULTS.maxResponseHeadersCount) ??
      HTTP1_CLIENT_DEFAULTS.maxResponseHeadersCount,
  };
}
