// host/upstream/lb/host_data.ts: what a load balancing policy keeps of a host, and learns of its attempts.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: envoy/upstream/upstream.h HostLbPolicyData
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";

export interface HostPolicyData {
  /**
   * The headers of a response came, so long after the first byte of the request went out. True when they say what
   * its trailers may say as well: nobody looks there then.
   */
  onResponseHeaders(headers: HeaderMap, elapsedMs: number): boolean;
  onResponseTrailers(trailers: HeaderMap): void;
  /** The attempt was reset, or given up, before a response came. */
  onFailure(): void;
}
