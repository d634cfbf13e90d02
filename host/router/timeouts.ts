// host/router/timeouts.ts: how long a request may take, and what the upstream is told of it.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/router/router.cc FilterUtility::finalTimeout
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (grpc-timeout)
 * @module
 */
import type { HeaderMap } from "../http/header_map.ts";
import { isGrpcContentType } from "../http/local_reply.ts";
import type { RouteEntry } from "./route.ts";
import type { RouterPlan } from "./router_plan.ts";

/**
 * Milliseconds from the end of the request to the end of the response; 0 for no limit. Takes the headers
 * that ask for another timeout out of the request, and says what was decided in
 * `x-envoy-expected-rq-timeout-ms`.
 */
export function finalTimeoutMs(headers: HeaderMap, route: RouteEntry, plan: RouterPlan): number {
  let timeoutMs = route.timeoutMs;
  const grpcMaxMs = route.grpcTimeoutHeaderMaxMs;
  const isGrpc = grpcMaxMs !== null && isGrpcContentType(headers.get("content-type"));
  if (isGrpc) {
    const asked = parseGrpcTimeoutMs(headers.get("grpc-timeout"));
    timeoutMs = asked === null ? 0 : Math.max(0, asked - route.grpcTimeoutHeaderOffsetMs);
    // A maximum of 0 takes the header's word; no header means "for ever", which a maximum ends.
    if (grpcMaxMs > 0 && (timeoutMs === 0 || timeoutMs > grpcMaxMs)) timeoutMs = grpcMaxMs;
  }
  const asked = parseMs(headers.get("x-envoy-upstream-rq-timeout-ms"));
  if (asked !== null) timeoutMs = asked;
  if (plan.respectExpectedRqTimeout) {
    const expected = parseMs(headers.get("x-envoy-expected-rq-timeout-ms"));
    if (expected !== null) timeoutMs = expected;
  }
  headers.remove("x-envoy-upstream-rq-timeout-ms");
  headers.remove("x-envoy-upstream-rq-per-try-timeout-ms");
  if (!plan.suppressEnvoyHeaders && timeoutMs > 0) {
    headers.set("x-envoy-expected-rq-timeout-ms", String(Math.trunc(timeoutMs)));
  }
  if (isGrpc && timeoutMs > 0) headers.set("grpc-timeout", formatGrpcTimeout(timeoutMs));
  return timeoutMs;
}

function parseMs(text: string | null): number | null {
  return text !== null && /^[0-9]{1,10}$/.test(text) ? Number(text) : null;
}

const GRPC_UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

function parseGrpcTimeoutMs(text: string | null): number | null {
  const match = text === null ? null : /^([0-9]{1,8})([HMSmun])$/.exec(text);
  return match === null ? null : Math.ceil(Number(match[1]) * GRPC_UNIT_MS[match[2]!]!);
}

/** At most eight digits, in the finest unit that fits. */
function formatGrpcTimeout(ms: number): string {
  for (const unit of ["m", "S", "M"]) {
    const value = Math.trunc(ms / GRPC_UNIT_MS[unit]!);
    if (value <= 99_999_999) return value + unit;
  }
  return Math.trunc(ms / GRPC_UNIT_MS["H"]!) + "H";
}
