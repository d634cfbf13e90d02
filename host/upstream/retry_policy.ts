// host/upstream/retry_policy.ts: which failures of an attempt are worth another one.
// pure: no I/O, no clock, no runtime globals
/**
 * What a route says, and what an internal caller adds to it in headers of the request.
 *
 * | condition | another attempt after |
 * | --- | --- |
 * | `5xx` | a status from 500, or no response at all |
 * | `gateway-error` | 502, 503, 504, or no response at all |
 * | `reset` | no response at all |
 * | `reset-before-request` | no response, and the request had not left |
 * | `connect-failure` | no connection |
 * | `refused-stream` | a stream that the upstream refused |
 * | `retriable-4xx` | 409 |
 * | `retriable-status-codes`, `retriable-headers` | what the policy lists |
 * | `envoy-ratelimited` | a response with `x-envoy-ratelimited`, which none of the others retries |
 * | `cancelled`, `deadline-exceeded`, `internal`, `resource-exhausted`, `unavailable` | that `grpc-status` among the headers |
 *
 * A request that overflowed a circuit breaker is never tried again.
 *
 * @see Envoy: source/common/router/retry_state_impl.cc
 * @module
 */
import { StreamResetReason } from "../http/codec.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { HeaderMatcher } from "../matching/header_matcher.ts";
import type { HostPredicatePlan, RetryPolicyPlan } from "./retry_plan.ts";

const RetryOn = {
  "5xx": 0x1,
  "gateway-error": 0x2,
  "connect-failure": 0x4,
  "retriable-4xx": 0x8,
  "refused-stream": 0x10,
  "retriable-status-codes": 0x20,
  "retriable-headers": 0x40,
  "envoy-ratelimited": 0x80,
  "reset": 0x100,
  "reset-before-request": 0x200,
  "cancelled": 0x400,
  "deadline-exceeded": 0x800,
  "internal": 0x1000,
  "resource-exhausted": 0x2000,
  "unavailable": 0x4000,
} as const;

/** The conditions of responses with a `grpc-status`, by its number. */
const GRPC_CONDITIONS: ReadonlyMap<string, number> = new Map([
  ["1", RetryOn["cancelled"]],
  ["4", RetryOn["deadline-exceeded"]],
  ["8", RetryOn["resource-exhausted"]],
  ["13", RetryOn["internal"]],
  ["14", RetryOn["unavailable"]],
]);
const GRPC_NAMES = ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"];

/** The bits of the names in a comma separated list; unknown names count for nothing. */
function parseRetryOn(text: string): number {
  return splitList(text).reduce((bits, name) => bits | conditionOf(name), 0);
}

/** The same for HTTP or gRPC conditions alone, as the two request headers have them. */
function parseConditions(text: string, grpc: boolean): number {
  const names = splitList(text).filter((name) => GRPC_NAMES.includes(name) === grpc);
  return names.reduce((bits, name) => bits | conditionOf(name), 0);
}

/** Names in a `retry_on` that are none; of one of the two request headers, those that it does not have. */
export function unknownConditions(text: string, grpc: boolean | null = null): string[] {
  return splitList(text).filter((name) => !isCondition(name) || (grpc !== null && GRPC_NAMES.includes(name) !== grpc));
}

function isCondition(name: string): name is keyof typeof RetryOn {
  return Object.hasOwn(RetryOn, name);
}

function conditionOf(name: string): number {
  return isCondition(name) ? RetryOn[name] : 0;
}

function splitList(text: string): string[] {
  return text.split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/** A RetryPolicy, compiled. */
export class RetryPolicy {
  readonly retryOn: number;
  readonly numRetries: number;
  readonly perTryTimeoutMs: number;
  readonly perTryIdleTimeoutMs: number;
  readonly backOff: RetryPolicyPlan["backOff"];
  readonly rateLimited: RetryPolicyPlan["rateLimited"];
  readonly refreshesCluster: boolean;
  readonly retryPriority: RetryPolicyPlan["retryPriority"];
  readonly hostPredicates: readonly HostPredicatePlan[];
  readonly hostSelectionRetryCount: number;
  readonly #statusCodes: readonly number[];
  readonly #headers: readonly HeaderMatcher[];
  readonly #requestHeaders: readonly HeaderMatcher[];

  constructor(plan: RetryPolicyPlan) {
    this.retryOn = parseRetryOn(plan.retryOn);
    this.numRetries = plan.numRetries;
    this.perTryTimeoutMs = plan.perTryTimeoutMs;
    this.perTryIdleTimeoutMs = plan.perTryIdleTimeoutMs;
    this.backOff = plan.backOff;
    this.rateLimited = plan.rateLimited;
    this.refreshesCluster = plan.refreshesCluster;
    this.retryPriority = plan.retryPriority;
    this.hostPredicates = plan.hostPredicates;
    this.hostSelectionRetryCount = plan.hostSelectionRetryCount;
    this.#statusCodes = plan.retriableStatusCodes;
    this.#headers = plan.retriableHeaders.map((matcher) => new HeaderMatcher(matcher));
    this.#requestHeaders = plan.retriableRequestHeaders.map((matcher) => new HeaderMatcher(matcher));
  }

  /** True when some failure of a request with these headers may be retried; costs little when none may. */
  appliesTo(headers: HeaderMap): boolean {
    return this.retryOn !== 0 || headers.has("x-envoy-retry-on") || headers.has("x-envoy-retry-grpc-on");
  }

  /** What holds for a request with these headers. */
  conditionsFor(headers: HeaderMap): RetryConditions {
    const asked = parseConditions(headers.get("x-envoy-retry-on") ?? "", false) |
      parseConditions(headers.get("x-envoy-retry-grpc-on") ?? "", true);
    const mayRetry = this.#requestHeaders.length === 0 || this.#requestHeaders.some((each) => each.matches(headers));
    const max = headers.get("x-envoy-max-retries");
    return {
      retryOn: mayRetry ? this.retryOn | asked : 0,
      retries: max !== null && /^\d{1,9}$/.test(max) ? Number(max) : this.numRetries,
      statusCodes: [...this.#statusCodes, ...listedCodes(headers.get("x-envoy-retriable-status-codes"))],
      headers: [...this.#headers, ...listedHeaders(headers.get("x-envoy-retriable-header-names"))],
    };
  }
}

/** Of one request. */
export interface RetryConditions {
  readonly retryOn: number;
  readonly retries: number;
  readonly statusCodes: readonly number[];
  readonly headers: readonly HeaderMatcher[];
}

function listedCodes(text: string | null): number[] {
  return splitList(text ?? "").filter((code) => /^\d{1,9}$/.test(code)).map(Number);
}

function listedHeaders(text: string | null): HeaderMatcher[] {
  return splitList(text ?? "").map((name) =>
    new HeaderMatcher({
      name: name.toLowerCase(),
      test: { kind: "present", present: true },
      invert: false,
      treatMissingAsEmpty: false,
    })
  );
}

/** True for a response that another attempt may better. */
export function retriesResponse(conditions: RetryConditions, headers: HeaderMap): boolean {
  const { retryOn } = conditions;
  if (headers.has("x-envoy-ratelimited")) return (retryOn & RetryOn["envoy-ratelimited"]) !== 0;
  const { status } = headers;
  if ((retryOn & RetryOn["5xx"]) !== 0 && status >= 500 && status < 600) return true;
  if ((retryOn & RetryOn["gateway-error"]) !== 0 && status >= 502 && status <= 504) return true;
  if ((retryOn & RetryOn["retriable-4xx"]) !== 0 && status === 409) return true;
  if ((retryOn & RetryOn["retriable-status-codes"]) !== 0 && conditions.statusCodes.includes(status)) return true;
  if ((retryOn & RetryOn["retriable-headers"]) !== 0 && conditions.headers.some((each) => each.matches(headers))) {
    return true;
  }
  const grpcStatus = headers.get("grpc-status");
  return grpcStatus !== null && (retryOn & (GRPC_CONDITIONS.get(grpcStatus) ?? 0)) !== 0;
}

/** True for an attempt without a response that another one may better. `requestStarted`: something of it was sent. */
export function retriesReset(conditions: RetryConditions, reason: StreamResetReason, requestStarted: boolean): boolean {
  if (reason === StreamResetReason.Overflow) return false;
  const { retryOn } = conditions;
  if ((retryOn & (RetryOn["reset"] | RetryOn["5xx"] | RetryOn["gateway-error"])) !== 0) return true;
  if ((retryOn & RetryOn["reset-before-request"]) !== 0 && !requestStarted) return true;
  switch (reason) {
    case StreamResetReason.RemoteRefusedStreamReset:
      return (retryOn & RetryOn["refused-stream"]) !== 0;
    case StreamResetReason.LocalConnectionFailure:
    case StreamResetReason.RemoteConnectionFailure:
    case StreamResetReason.ConnectionTimeout:
      return (retryOn & RetryOn["connect-failure"]) !== 0;
    default:
      return false;
  }
}

export const NO_RETRY_PLAN: RetryPolicyPlan = {
  retryOn: "",
  numRetries: 1,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  backOff: null,
  rateLimited: null,
  retriableStatusCodes: [],
  retriableHeaders: [],
  retriableRequestHeaders: [],
  refreshesCluster: false,
  retryPriority: null,
  hostPredicates: [],
  hostSelectionRetryCount: 1,
};

/** The policy of routes that have none: what internal callers ask for, once. */
export const NO_RETRY_POLICY: RetryPolicy = new RetryPolicy(NO_RETRY_PLAN);
