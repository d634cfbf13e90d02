// host/cli/local_address.ts: this machine's own address.
/** @module */
import { networkInterfaces } from "node:os";

/** The first address that is not loopback, as Envoy chooses it; loopback when there is no other. */
export function localAddress(version: 4 | 6): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const each of addresses ?? []) {
      if (!each.internal && each.family === `IPv${version}`) return each.address;
    }
  }
  return version === 4 ? "127.0.0.1" : "::1";
}
