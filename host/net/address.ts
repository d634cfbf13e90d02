// host/net/address.ts: socket addresses as text and back.
// pure: no I/O, no clock, no runtime globals
/**
 * An address is an IP address with a port, or the path of a unix socket (`@name` is one in Linux's abstract
 * namespace). IPv4 addresses that arrive mapped into IPv6 are shown as IPv4, as everybody means them.
 *
 * @see Envoy: source/common/network/address_impl.h
 * @module
 */
import type { SocketAddress } from "../observe/stream_info.ts";
import { formatIp, parseIp } from "../base/ip.ts";

type Endpoint = Pick<SocketAddress, "address" | "port">;

const MAPPED_PREFIX = "::ffff:";

/** An address from an IP address and a port. The IP address is taken as it is. */
export function ipAddress(address: string, port: number): SocketAddress {
  const ip = unmapped(address);
  return { address: ip, port, text: textOf(ip, port) };
}

/** The address of one of many peers: its text is made when it is asked for. */
export function peerAddress(address: string, port: number): SocketAddress {
  return new PeerAddress(unmapped(address), port);
}

class PeerAddress implements SocketAddress {
  readonly address: string;
  readonly port: number;

  constructor(address: string, port: number) {
    this.address = address;
    this.port = port;
  }

  get text(): string {
    return textOf(this.address, this.port);
  }
}

function unmapped(address: string): string {
  return address.startsWith(MAPPED_PREFIX) && address.includes(".") ? address.slice(MAPPED_PREFIX.length) : address;
}

function textOf(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** The address of a unix socket. */
export function pipeAddress(path: string): SocketAddress {
  return { address: path, port: 0, text: path };
}

/** True for a unix socket's address, also a relative or an empty one. */
export function isPipe(address: Endpoint): boolean {
  return address.port === 0 && parseIp(address.address) === null;
}

/** The text of an address that a listener is planned with. */
export function listenAddressText(planned: Endpoint): string {
  return isPipe(planned) ? planned.address : textOf(planned.address, planned.port);
}

/** What the system calls want for a pipe: abstract names begin with NUL. */
export function pipePath(address: SocketAddress): string {
  return address.address.startsWith("@") ? `\0${address.address.slice(1)}` : address.address;
}

/**
 * Reads `1.2.3.4:80`, `[::1]:80`, `unix:/path`, `/path` or `@abstract`; null when it is none of them.
 * IP addresses come back in their canonical form.
 */
export function parseAddress(text: string): SocketAddress | null {
  if (text.startsWith("unix:")) return text.length > 5 ? pipeAddress(text.slice(5)) : null;
  if (text.startsWith("/") || (text.startsWith("@") && text.length > 1)) return pipeAddress(text);
  const colon = text.lastIndexOf(":");
  if (colon <= 0) return null;
  const bracketed = text.startsWith("[");
  if (bracketed !== (text.charAt(colon - 1) === "]")) return null;
  const ip = parseIp(bracketed ? text.slice(1, colon - 1) : text.slice(0, colon));
  const portText = text.slice(colon + 1);
  const port = Number(portText);
  if (ip === null || (ip.version === 6) !== bracketed || !/^\d{1,5}$/.test(portText) || port > 65535) return null;
  return ipAddress(formatIp(ip), port);
}
