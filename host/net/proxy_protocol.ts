// host/net/proxy_protocol.ts: headers of the PROXY protocol, which say whose connection one is.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt §2
 * @see Envoy: source/extensions/common/proxy_protocol/proxy_protocol_header.cc
 * @module
 */
import { concatBytes, fromLatin1 } from "../base/bytes.ts";
import type { SocketAddress } from "../observe/stream_info.ts";
import { isPipe } from "./address.ts";

const V2_SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const V2_LOCAL_COMMAND = 0x20;

/** A header of version 1, a line. Addresses that are no IP addresses are not told. */
export function proxyProtocolV1(source: SocketAddress, destination: SocketAddress): Uint8Array {
  if (isPipe(source) || isPipe(destination)) return fromLatin1("PROXY UNKNOWN\r\n");
  const family = destination.address.includes(":") ? "TCP6" : "TCP4";
  return fromLatin1(
    `PROXY ${family} ${source.address} ${destination.address} ${source.port} ${destination.port}\r\n`,
  );
}

/** A header of version 2 of a connection that the proxy makes for itself. */
export const PROXY_PROTOCOL_V2_LOCAL: Uint8Array = concatBytes(
  [fromLatin1(V2_SIGNATURE), Uint8Array.of(V2_LOCAL_COMMAND, 0, 0, 0)],
  V2_SIGNATURE.length + 4,
);
