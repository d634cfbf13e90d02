// host/upstream/health/payload.ts: whether an answer holds what a check expects.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/health_checker_impl.cc PayloadMatcher
 * @module
 */
import { indexOfBytes } from "../../base/bytes.ts";

/** True when all segments are there, in this order, with whatever between them. */
export function hasSegments(bytes: Uint8Array, segments: readonly Uint8Array[]): boolean {
  let from = 0;
  for (const segment of segments) {
    const index = indexOfBytes(bytes, segment, from);
    if (index < 0) return false;
    from = index + segment.length;
  }
  return true;
}
