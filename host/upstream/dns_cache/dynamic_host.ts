// host/upstream/dns_cache/dynamic_host.ts: what a client calls a host, taken apart.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/http/utility.cc parseAuthority, dns_cache.h normalizeHostForDfp
 * @module
 */
import { parseIp } from "../../base/ip.ts";

export interface DynamicHost {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isIp: boolean;
  /** Host and port: what hosts are known by. */
  readonly key: string;
}

const PORT = /^\d{1,5}$/;

/** Reads `host`, `host:port`, `[::1]` or `[::1]:port`. What is none of them is a name that will not be found. */
export function parseDynamicHost(text: string, defaultPort: number): DynamicHost {
  let host = text;
  let port = defaultPort;
  const colon = text.lastIndexOf(":");
  if (colon >= 0 && !text.endsWith("]")) {
    const portText = text.slice(colon + 1);
    if (PORT.test(portText) && Number(portText) <= 65535) {
      host = text.slice(0, colon);
      port = Number(portText);
    }
  }
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  const ip = parseIp(bare);
  if (ip !== null) host = bare;
  return { host, port, isIp: ip !== null, key: ip?.version === 6 ? `[${host}]:${port}` : `${host}:${port}` };
}
