// host/upstream/plan/retry_policy.ts: RetryPolicy as plain data.
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RetryPolicy
 * @module
 */
import type { ConfigNode } from "../../config/node.ts";
import { planHeaderMatchers } from "../../matching/plan/header_matcher.ts";
import { asciiLower, toWireText } from "../../base/wire_text.ts";
import type { HostPredicatePlan, RetryPolicyPlan } from "../retry_plan.ts";
import { unknownConditions } from "../retry_policy.ts";

const DEFAULT_BASE_INTERVAL_MS = 25;
const DEFAULT_RATE_LIMITED_MAX_INTERVAL_MS = 300_000;

const HOST_PREDICATES = "envoy.extensions.retry.host";
const PREVIOUS_HOSTS = `${HOST_PREDICATES}.previous_hosts.v3.PreviousHostsPredicate`;
const OMIT_CANARY_HOSTS = `${HOST_PREDICATES}.omit_canary_hosts.v3.OmitCanaryHostsPredicate`;
const OMIT_HOST_METADATA = `${HOST_PREDICATES}.omit_host_metadata.v3.OmitHostMetadataConfig`;
const PREVIOUS_PRIORITIES = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";

/** The `retry_policy` of a route, a virtual host or a cluster; null when it has none. */
export function planRetryPolicy(parent: ConfigNode): RetryPolicyPlan | null {
  const node = parent.message("retry_policy");
  if (node === null) return null;
  const retryOn = node.string("retry_on");
  const unknown = unknownConditions(retryOn);
  if (unknown.length > 0) {
    // Envoy loads such a policy, and goes by what it knows.
    node.warn("router/no-effect", `${unknown.join(", ")}: no such condition`, {
      field: "retry_on",
      help: "5xx, gateway-error, reset, connect-failure, refused-stream, retriable-status-codes and others",
    });
  }
  node.refuse("retry_options_predicates", "there are no such predicates, in Envoy neither", "remove it");
  return {
    retryOn,
    numRetries: node.number("num_retries", 1),
    perTryTimeoutMs: node.durationMs("per_try_timeout", 0),
    perTryIdleTimeoutMs: node.durationMs("per_try_idle_timeout", 0),
    backOff: planBackOff(node.message("retry_back_off")),
    rateLimited: planRateLimited(node.message("rate_limited_retry_back_off")),
    retriableStatusCodes: node.numbers("retriable_status_codes"),
    retriableHeaders: planHeaderMatchers(node.messages("retriable_headers")),
    retriableRequestHeaders: planHeaderMatchers(node.messages("retriable_request_headers")),
    refreshesCluster: node.bool("refresh_cluster_on_retry"),
    retryPriority: planRetryPriority(node.message("retry_priority")),
    hostPredicates: node.messages("retry_host_predicate").flatMap((each) => planHostPredicate(each) ?? []),
    hostSelectionRetryCount: Math.max(1, node.number("host_selection_retry_max_attempts", 1)),
  };
}

function planBackOff(node: ConfigNode | null): RetryPolicyPlan["backOff"] {
  if (node === null) return null;
  const baseIntervalMs = Math.max(1, node.durationMs("base_interval", DEFAULT_BASE_INTERVAL_MS));
  const max = node.durationMs("max_interval", null);
  const maxIntervalMs = max === null ? baseIntervalMs * 10 : Math.max(1, max);
  if (maxIntervalMs < baseIntervalMs) {
    node.error(
      "config/out-of-range",
      `max_interval (${maxIntervalMs} ms) is less than base_interval (${baseIntervalMs} ms)`,
      {
        field: "max_interval",
      },
    );
  }
  return { baseIntervalMs, maxIntervalMs };
}

function planRateLimited(node: ConfigNode | null): RetryPolicyPlan["rateLimited"] {
  if (node === null) return null;
  return {
    resetHeaders: node.messages("reset_headers").map((header) => ({
      name: asciiLower(toWireText(header.string("name"))),
      format: header.enum("format") === "UNIX_TIMESTAMP" ? "UNIX_TIMESTAMP" : "SECONDS",
    })),
    maxIntervalMs: Math.max(1, node.durationMs("max_interval", DEFAULT_RATE_LIMITED_MAX_INTERVAL_MS)),
  };
}

function planRetryPriority(node: ConfigNode | null): RetryPolicyPlan["retryPriority"] {
  const config = node?.any("typed_config") ?? null;
  node?.accept("name", "the way to choose priorities is known by its type");
  if (node === null || config === null) return null;
  if (config.typeName === PREVIOUS_PRIORITIES) return { updateFrequency: config.number("update_frequency") };
  node.error("config/unsupported", `no support for ${config.typeName}`, {
    field: "typed_config",
    help: `use ${PREVIOUS_PRIORITIES}`,
  });
  return null;
}

function planHostPredicate(node: ConfigNode): HostPredicatePlan | null {
  const config = node.any("typed_config");
  node.accept("name", "the predicate is known by its type");
  switch (config?.typeName) {
    case PREVIOUS_HOSTS:
      return { kind: "previousHosts" };
    case OMIT_CANARY_HOSTS:
      return { kind: "omitCanaryHosts" };
    case OMIT_HOST_METADATA: {
      const match = config.message("metadata_match")?.json("filter_metadata") as Record<string, object> | undefined;
      return { kind: "omitHostMetadata", metadata: { ...match?.["envoy.lb"] } };
    }
    default:
      if (config !== null) {
        node.error("config/unsupported", `no support for ${config.typeName}`, {
          field: "typed_config",
          help: `use ${PREVIOUS_HOSTS}, ${OMIT_CANARY_HOSTS} or ${OMIT_HOST_METADATA}`,
        });
      }
      return null;
  }
}
