// host/base/cidr.ts: IP addresses as bytes, and blocks of them.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 4632, RFC 4291 §2.2
 * @module
 */

/** An address block; `bytes` has 4 or 16 entries. Plain data. */
export interface CidrBlock {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

/** The bytes of a textual IP address (a zone is cut off), or null when it is none. */
export function parseIp(text: string): number[] | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) return null;
    const value = Number(part);
    if (value > 255) return null;
    bytes.push(value);
  }
  return bytes;
}

function parseIpv6(text: string): number[] | null {
  const zone = text.indexOf("%");
  const address = zone < 0 ? text : text.slice(0, zone);
  const halves = address.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Colon-separated groups of 16 bits; the last may be a dotted IPv4 address. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | null {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!;
    if (mayEndInIpv4 && i === groups.length - 1 && group.includes(".")) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === null) return null;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

/** A block from an address and a prefix length; null when either makes no sense. */
export function cidrBlock(address: string, prefixBits: number): CidrBlock | null {
  const bytes = parseIp(address);
  if (bytes === null || prefixBits < 0 || !Number.isInteger(prefixBits)) return null;
  return { bytes, prefixBits: Math.min(prefixBits, bytes.length * 8) };
}

/** True when the address lies in the block; families never mix. */
export function inCidrBlock(block: CidrBlock, address: readonly number[]): boolean {
  if (address.length !== block.bytes.length) return false;
  const whole = block.prefixBits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== block.bytes[i]) return false;
  const rest = block.prefixBits & 7;
  if (rest === 0) return true;
  const mask = 0xff00 >> rest & 0xff;
  return (address[whole]! & mask) === (block.bytes[whole]! & mask);
}

/** True for 127.0.0.0/8 and ::1, also as an IPv4-mapped address. */
export function isLoopback(text: string): boolean {
  const bytes = parseIp(text);
  if (bytes === null) return false;
  if (bytes.length === 4) return bytes[0] === 127;
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff) {
    return bytes[12] === 127;
  }
  return bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
}
