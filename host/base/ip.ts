// host/base/ip.ts: IP addresses as numbers.
// pure: no I/O, no clock, no runtime globals
/**
 * @see RFC 4291 §2.2, RFC 5952
 * @module
 */

/** An IP address: four 32-bit words for version 6, one (`d`) for version 4. */
export interface Ip {
  readonly version: 4 | 6;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Reads a textual IP address, without brackets or zone; null when it is none. */
export function parseIp(text: string): Ip | null {
  if (text.includes(":")) return parseIpv6(text);
  const d = parseIpv4(text);
  return d < 0 ? null : { version: 4, a: 0, b: 0, c: 0, d };
}

/** Dotted decimal as a number, or -1. Leading zeros are refused: some read them as octal. */
function parseIpv4(text: string): number {
  let value = 0;
  let parts = 0;
  let part = 0;
  let digits = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x2e;
    if (code === 0x2e) {
      if (digits === 0 || part > 255 || ++parts > 4) return -1;
      value = value * 256 + part;
      part = 0;
      digits = 0;
    } else {
      if (code < 0x30 || code > 0x39 || (digits > 0 && part === 0) || ++digits > 3) return -1;
      part = part * 10 + code - 0x30;
    }
  }
  return parts === 4 ? value : -1;
}

function parseIpv6(text: string): Ip | null {
  const gap = text.indexOf("::");
  if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) return null;
  const head = gap < 0 ? text : text.slice(0, gap);
  const tail = gap < 0 ? "" : text.slice(gap + 2);
  const left = parseGroups(head, gap < 0);
  const right = parseGroups(tail, true);
  if (left === null || right === null) return null;
  const missing = 8 - left.length - right.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return null;
  const g = [...left, ...new Array<number>(missing).fill(0), ...right];
  const word = (i: number): number => ((g[i]! << 16) | g[i + 1]!) >>> 0;
  return { version: 6, a: word(0), b: word(2), c: word(4), d: word(6) };
}

/** Groups of 16 bits; the last one of an address may be an IPv4 address. */
function parseGroups(text: string, atEnd: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.includes(".")) {
      const v4 = parseIpv4(part);
      if (v4 < 0 || !atEnd || i !== parts.length - 1) return null;
      groups.push(v4 >>> 16, v4 & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      groups.push(parseInt(part, 16));
    }
  }
  return groups;
}

/** The address that a peer is said to have, without the zone that is this machine's own affair. */
export function withoutZone(text: string): string {
  const zone = text.indexOf("%");
  return zone < 0 ? text : text.slice(0, zone);
}

/** Canonical text (RFC 5952). */
export function formatIp(ip: Ip): string {
  if (ip.version === 4) return `${ip.d >>> 24}.${(ip.d >>> 16) & 255}.${(ip.d >>> 8) & 255}.${ip.d & 255}`;
  const groups: number[] = [];
  for (const word of [ip.a, ip.b, ip.c, ip.d]) groups.push(word >>> 16, word & 0xffff);
  let start = -1;
  let longest = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > longest) {
      start = i;
      longest = end - i;
    }
    if (end > i) i = end;
  }
  const hex = (list: number[]): string => list.map((group) => group.toString(16)).join(":");
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + longest))}`;
}

/** `::`, or an IPv4 address as an IPv6 one (`::ffff:1.2.3.4`): what a socket for both versions may have. */
export function isAnyOrMapped({ version, a, b, c, d }: Ip): boolean {
  return version === 6 && a === 0 && b === 0 && (c === 0xffff || (c === 0 && d === 0));
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(ip: Ip): boolean {
  if (ip.version === 4) return ip.d >>> 24 === 127;
  return ip.a === 0 && ip.b === 0 && ip.c === 0 && ip.d === 1;
}
