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

import { parseIp } from "../base/cidr.ts";

/** A CidrRange as plain data. */
export interface CidrRangePlan {
  readonly address: string;
  readonly prefixLength: number;
}

/** What is wrong with a range, or null. */
export function cidrProblem(range: CidrRangePlan): string | null {
  const bytes = parseIp(range.address);
  if (bytes === null) return `"${range.address}" is no IP address`;
  const limit = bytes.length * 8;
  if (range.prefixLength > limit) return `a prefix of ${range.prefixLength} bits is longer than ${limit}`;
  return null;
}

/** Masked addresses of one prefix length. */
interface Group {
  readonly length: number;
  readonly addresses: Set<string>;
}

/** Ranges that `cidrProblem` has nothing against. */
export class CidrRangeList {
  readonly #v4: Group[] = [];
  readonly #v6: Group[] = [];

  constructor(ranges: readonly CidrRangePlan[]) {
    for (const { address, prefixLength } of ranges) {
      const bytes = parseIp(address);
      if (bytes !== null) addTo(bytes.length === 4 ? this.#v4 : this.#v6, prefixLength, masked(bytes, prefixLength));
    }
  }

  /** `address` is an IP address without brackets; anything else is in no range. */
  contains(address: string): boolean {
    const bytes = parseIp(address);
    if (bytes === null) return false;
    const groups = bytes.length === 4 ? this.#v4 : this.#v6;
    for (const { length, addresses } of groups) if (addresses.has(masked(bytes, length))) return true;
    return false;
  }
}

function addTo(groups: Group[], length: number, address: string): void {
  const group = groups.find((other) => other.length === length);
  if (group === undefined) groups.push({ length, addresses: new Set([address]) });
  else group.addresses.add(address);
}

/** The first `length` bits as a key. */
function masked(bytes: readonly number[], length: number): string {
  let key = "";
  for (let i = 0; i * 8 < length; i++) {
    const bits = Math.min(8, length - i * 8);
    key += String.fromCharCode(bytes[i]! & (0xff << (8 - bits)) & 0xff);
  }
  return key;
}
