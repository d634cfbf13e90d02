// host/builder/address.ts: addresses as people write them.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { NuncioError } from "../base/error.ts";
import { parseIp } from "../base/ip.ts";
import type { Fields } from "./fields.ts";

/**
 * envoy.config.core.v3.Address of `127.0.0.1:80`, `[::1]:80`, `app.internal:80`, `:80` (every IPv4 address) or
 * `unix:/run/app.sock`.
 *
 * @throws config/bad-address
 */
export function addressFields(text: string): Fields {
  if (text.startsWith("unix:")) return { pipe: { path: text.slice("unix:".length) } };
  const { host, port } = splitAddress(text);
  return { socket_address: { address: host, port_value: port } };
}

/** True when connecting needs no DNS. */
export function isNumeric(text: string): boolean {
  return text.startsWith("unix:") || parseIp(splitAddress(text).host) !== null;
}

function splitAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new NuncioError(
      "config/bad-address",
      `'${text}' is no address: expected HOST:PORT, [IPV6]:PORT or unix:PATH`,
    );
  }
  return { host: match[1] ?? (match[2] === "" ? "0.0.0.0" : match[2]!), port };
}
