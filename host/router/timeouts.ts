// host/router/timeouts.ts: how long a request may take, and what the upstream is told of it.
// pure: no I/O, no clock, no runtime globals
/**
 * A route that limits its streams (`max_stream_duration`) has no response timeout besides, not even one that
 * it names; the connection manager keeps that limit, and sets `grpc-timeout`.
 *
 * @see Envoy: source/common/router/router.cc FilterUtility::finalTimeout
 * @module
 */
import { parseGrpcTimeoutMs } from "../http/grpc_timeout.ts";
import type { HeaderMap } from "../http/header_map.ts";
import { isGrpcContentType } from "../http/local_reply.ts";
import type { RetryPolicy } from "../upstream/retry_policy.ts";
import type { HedgePolicyPlan } from "./plan.ts";
import type { RouteEntry } from "./routes/route.ts";
import type { RouterPlan } from "./router_plan.ts";

/**
 * Milliseconds from the end of the request to the end of the response; 0 for no limit. Takes the headers
 * that ask for another timeout out of the request.
 */
export function globalTimeoutMs(headers: HeaderMap, route: RouteEntry, plan: RouterPlan): number {
  let timeoutMs = route.streamDuration !== null ? 0 : grpcTimeoutMs(headers, route) ?? route.timeoutMs;
  const asked = parseMs(headers.get("x-envoy-upstream-rq-timeout-ms"));
  if (asked !== null) timeoutMs = asked;
  if (plan.respectExpectedRqTimeout) {
    const expected = parseMs(headers.get("x-envoy-expected-rq-timeout-ms"));
    if (expected !== null) timeoutMs = expected;
  }
  headers.remove("x-envoy-upstream-rq-timeout-ms");
  return timeoutMs;
}

/** What `max_grpc_timeout` makes of the header of a gRPC request; null where it does not apply. */
function grpcTimeoutMs(headers: HeaderMap, route: RouteEntry): number | null {
  const maxMs = route.maxGrpcTimeoutMs;
  if (maxMs === null || !isGrpcContentType(headers.get("content-type"))) return null;
  let timeoutMs = parseGrpcTimeoutMs(headers.get("grpc-timeout")) ?? 0;
  // It is never made 0, which would be no limit.
  if (route.grpcTimeoutOffsetMs < timeoutMs) timeoutMs -= route.grpcTimeoutOffsetMs;
  return maxMs > 0 && (timeoutMs === 0 || timeoutMs > maxMs) ? maxMs : timeoutMs;
}

/**
 * Milliseconds for each attempt, of the route's policy even where the cluster has one; 0 for no limit, and where it
 * would not be less than that of all of them.
 */
export function perTryTimeoutMs(headers: HeaderMap, policy: RetryPolicy, globalMs: number): number {
  const asked = parseMs(headers.get("x-envoy-upstream-rq-per-try-timeout-ms"));
  headers.remove("x-envoy-upstream-rq-per-try-timeout-ms");
  const timeoutMs = asked ?? policy.perTryTimeoutMs;
  return globalMs > 0 && timeoutMs >= globalMs ? 0 : timeoutMs;
}

/** True when an attempt that takes too long is to go on beside the next one. */
export function hedgesOnPerTryTimeout(headers: HeaderMap, policy: HedgePolicyPlan | null): boolean {
  switch (headers.get("x-envoy-hedge-on-per-try-timeout")) {
    case "true":
      return true;
    case "false":
      return false;
    default:
      return policy !== null && policy.onPerTryTimeout;
  }
}

/** Tells the upstream how long an attempt may take, in `x-envoy-expected-rq-timeout-ms`. */
export function setExpectedTimeout(headers: HeaderMap, globalMs: number, perTryMs: number, elapsedMs: number): void {
  // At least a millisecond is left: 0 would say that there is no limit.
  const leftMs = globalMs > 0 ? Math.max(1, globalMs - elapsedMs) : 0;
  const expectedMs = perTryMs > 0 && (leftMs === 0 || perTryMs < leftMs) ? perTryMs : leftMs;
  if (expectedMs > 0) headers.setOwn("x-envoy-expected-rq-timeout-ms", String(Math.trunc(expectedMs)));
}

function parseMs(text: string | null): number | null {
  return text !== null && /^[0-9]{1,10}$/.test(text) ? Number(text) : null;
}
