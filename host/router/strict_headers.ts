// host/router/strict_headers.ts: headers to the router that must say something it understands.
// pure: no I/O, no clock, no runtime globals
/**
 * Usually the router ignores what it does not understand; `strict_check_headers` has requests refused for it.
 *
 * @see Envoy: source/common/router/router.h FilterUtility::StrictHeaderChecker
 * @module
 */
import type { HeaderMap } from "../http/header_map.ts";
import { unknownConditions } from "../upstream/retry_policy.ts";

export interface InvalidHeader {
  readonly name: string;
  readonly value: string;
}

/** The first of these headers that cannot be understood; null when there is none. */
export function invalidHeader(names: readonly string[], headers: HeaderMap): InvalidHeader | null {
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null && !isUnderstood(name, value)) return { name, value };
  }
  return null;
}

function isUnderstood(name: string, value: string): boolean {
  if (name === "x-envoy-retry-on") return unknownConditions(value, false).length === 0;
  if (name === "x-envoy-retry-grpc-on") return unknownConditions(value, true).length === 0;
  return /^[ \t]*\+?[0-9]{1,20}[ \t]*$/.test(value) && BigInt(value.trim().replace("+", "")) < 1n << 64n;
}
