// host/matching/cidr.ts: lists of address ranges, searched in the same time whatever their length.
// pure: no I/O, no clock, no runtime globals
/**
 * Ranges are grouped by prefix length; a look-up masks the address once for each length that occurs. IPv4
 * and IPv6 ranges never match each other's addresses, not even mapped ones, as in Envoy.
 *
 * @see Envoy: source/common/network/cidr_range.h
 * @see RFC 4632, RFC 4291 §2.2
 * @module
 */

/** A CidrRange as plain data. */
export interface CidrRangePlan {
  readonly address: string;
  readonly prefixLength: number;
}

/** A dotted quad as a number, or -1. */
export function parseIpv4(text: string): number {
  const parts = text.split(".");
  if (parts.length !== 4) return -1;
  let value = 0;
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return -1;
    value = value * 256 + Number(part);
  }
  return value;
}

/** An IPv6 address without brackets and zone as eight 16-bit groups, or null. */
export function parseIpv6(text: string): number[] | null {
  let source = text;
  const tail: number[] = [];
  if (source.includes(".")) {
    const colon = source.lastIndexOf(":");
    const quad = parseIpv4(source.slice(colon + 1));
    if (colon === -1 || quad === -1) return null;
    tail.push(Math.floor(quad / 65536), quad % 65536);
    source = source.slice(0, colon + 1);
    // What is left ends in the colon that parted it from the quad, unless that was half of "::".
    if (!source.endsWith("::")) source = source.slice(0, -1);
  }
  const halves = source.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!);
  const rest = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === null || rest === null) return null;
  const missing = 8 - head.length - rest.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...rest, ...tail];
}

function parseGroups(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  for (const group of text.split(":")) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
    groups.push(parseInt(group, 16));
  }
  return groups;
}

/** What is wrong with a range, or null. */
export function cidrProblem(range: CidrRangePlan): string | null {
  const isV4 = parseIpv4(range.address) !== -1;
  if (!isV4 && parseIpv6(range.address) === null) return `"${range.address}" is no IP address`;
  const limit = isV4 ? 32 : 128;
  if (range.prefixLength > limit) return `a prefix of ${range.prefixLength} bits is longer than ${limit}`;
  return null;
}

/** Ranges that a `cidrProblem` has nothing against. */
export class CidrRangeList {
  /** Masked addresses by prefix length, longest first. */
  readonly #v4: [number, Set<number>][] = [];
  readonly #v6: [number, Set<string>][] = [];

  constructor(ranges: readonly CidrRangePlan[]) {
    for (const { address, prefixLength } of ranges) {
      const quad = parseIpv4(address);
      if (quad !== -1) {
        addTo(this.#v4, prefixLength, maskV4(quad, prefixLength));
      } else {
        const groups = parseIpv6(address);
        if (groups !== null) addTo(this.#v6, prefixLength, maskV6(groups, prefixLength));
      }
    }
  }

  /** `address` is an IP address without brackets; anything else is in no range. */
  contains(address: string): boolean {
    if (this.#v4.length > 0) {
      const quad = parseIpv4(address);
      if (quad !== -1) {
        for (const [length, set] of this.#v4) if (set.has(maskV4(quad, length))) return true;
        return false;
      }
    }
    if (this.#v6.length === 0) return false;
    const groups = parseIpv6(address);
    if (groups === null) return false;
    for (const [length, set] of this.#v6) if (set.has(maskV6(groups, length))) return true;
    return false;
  }
}

function addTo<T>(groups: [number, Set<T>][], length: number, value: T): void {
  const group = groups.find(([other]) => other === length);
  if (group === undefined) groups.push([length, new Set([value])]);
  else group[1].add(value);
}

function maskV4(quad: number, length: number): number {
  return length === 0 ? 0 : (quad & (0xffffffff << (32 - length))) >>> 0;
}

function maskV6(groups: readonly number[], length: number): string {
  let key = "";
  for (let i = 0; i < 8; i++) {
    const bits = Math.min(16, Math.max(0, length - i * 16));
    key += String.fromCharCode(groups[i]! & (0xffff << (16 - bits)) & 0xffff);
  }
  return key;
}
