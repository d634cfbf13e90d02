// host/admin/address_json.ts: addresses as envoy.config.core.v3.Address.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { JsonObject } from "./view.ts";

/** `1.2.3.4:80`, `[::1]:80`, or a path. */
export function addressJson(address: string): JsonObject {
  const match = /^(?:\[(.*)\]|([^:/]*)):(\d+)$/.exec(address);
  if (match === null) return { pipe: { path: address } };
  return { socket_address: { address: match[1] ?? match[2]!, port_value: Number(match[3]) } };
}
