// host/base/cidr.ts: blocks of IP addresses, and values by block.
// pure: no I/O, no clock, no runtime globals
/**
 * IPv4 and IPv6 blocks never match each other's addresses, not even mapped ones, as in Envoy.
 *
 * @see Envoy: source/common/network/cidr_range.h
 * @see RFC 4632
 * @module
 */
import { formatIp, type Ip, parseIp } from "./ip.ts";

/** A block of addresses. Plain data. */
export interface CidrBlock {
  readonly ip: Ip;
  readonly prefixBits: number;
}

/** A block, cut to the whole address when the prefix is longer; null when either makes no sense. */
export function cidrBlock(address: string, prefixBits: number): CidrBlock | null {
  const ip = parseIp(address);
  if (ip === null || prefixBits < 0 || !Number.isInteger(prefixBits)) return null;
  return { ip, prefixBits: Math.min(prefixBits, ip.version === 4 ? 32 : 128) };
}

/** One word of an address with only the bits below `prefixBits` (counted from the address's start) kept. */
function maskWord(word: number, index: number, prefixBits: number): number {
  const bits = prefixBits - index * 32;
  if (bits >= 32) return word;
  return bits <= 0 ? 0 : (word & (-1 << (32 - bits))) >>> 0;
}

/** A key that two addresses share exactly when their first `prefixBits` bits are the same. */
function prefixKey(ip: Ip, prefixBits: number): string | number {
  if (ip.version === 4) return maskWord(ip.d, 0, prefixBits);
  return `${maskWord(ip.a, 0, prefixBits)},${maskWord(ip.b, 1, prefixBits)},${maskWord(ip.c, 2, prefixBits)},${
    maskWord(ip.d, 3, prefixBits)
  }`;
}

/** True when the address lies in the block; families never mix. */
export function inCidrBlock({ ip, prefixBits }: CidrBlock, address: Ip): boolean {
  if (ip.version !== address.version) return false;
  if (ip.version === 4) return maskWord(ip.d ^ address.d, 0, prefixBits) === 0;
  return maskWord(ip.a ^ address.a, 0, prefixBits) === 0 && maskWord(ip.b ^ address.b, 1, prefixBits) === 0 &&
    maskWord(ip.c ^ address.c, 2, prefixBits) === 0 && maskWord(ip.d ^ address.d, 3, prefixBits) === 0;
}

/** `10.0.0.0/8`, with the host bits cut off. */
export function formatCidr({ ip, prefixBits }: CidrBlock): string {
  const masked = {
    version: ip.version,
    a: maskWord(ip.a, 0, prefixBits),
    b: maskWord(ip.b, 1, prefixBits),
    c: maskWord(ip.c, 2, prefixBits),
    d: maskWord(ip.d, ip.version === 4 ? 0 : 3, prefixBits),
  };
  return `${formatIp(masked)}/${prefixBits}`;
}

/** Values by CIDR range; the longest prefix that contains an address wins. */
export class CidrMap<T> {
  readonly #v4: PrefixLevel<T>[] = [];
  readonly #v6: PrefixLevel<T>[] = [];

  /** The value of exactly this range. */
  getRange(ip: Ip, prefixBits: number): T | undefined {
    const level = this.#levels(ip).find((each) => each.prefixBits === prefixBits);
    return level?.values.get(prefixKey(ip, prefixBits));
  }

  setRange(ip: Ip, prefixBits: number, value: T): void {
    const levels = this.#levels(ip);
    let level = levels.find((each) => each.prefixBits === prefixBits);
    if (level === undefined) {
      level = { prefixBits, values: new Map() };
      levels.push(level);
      levels.sort((x, y) => y.prefixBits - x.prefixBits);
    }
    level.values.set(prefixKey(ip, prefixBits), value);
  }

  /** The value of the most specific range around `ip`. */
  lookup(ip: Ip): T | undefined {
    for (const level of this.#levels(ip)) {
      const value = level.values.get(prefixKey(ip, level.prefixBits));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  get isEmpty(): boolean {
    return this.#v4.length === 0 && this.#v6.length === 0;
  }

  #levels(ip: Ip): PrefixLevel<T>[] {
    return ip.version === 4 ? this.#v4 : this.#v6;
  }
}

interface PrefixLevel<T> {
  readonly prefixBits: number;
  readonly values: Map<string | number, T>;
}
