// host/upstream/lb/ring_hash.ts: hosts on a ring of hashes; a request goes to the next one on it.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * Each host has as many places as it weighs, at the hashes of `<key>_0`, `<key>_1` and so on, so that a host
 * that comes or goes moves its own share of the requests and no other.
 *
 * @see Envoy: source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc
 * @module
 */
import { fromLatin1 } from "../../base/bytes.ts";
import { xxHash64 } from "../../base/xxhash.ts";
import type { RingHashPlan } from "./plan.ts";
import type { HashTable } from "./hash_table.ts";
import { hashKeyOf, type HostShare } from "./hash_weights.ts";
import { murmurHash2 } from "./murmur_hash.ts";

/** The ring for hosts and their shares. */
export function createRing(shares: readonly HostShare[], plan: RingHashPlan): HashTable {
  const least = shares.reduce((min, { share }) => Math.min(min, share), 1);
  // The host of the least weight gets a whole number of places.
  const scale = Math.min(Math.ceil(least * plan.minimumRingSize) / least, plan.maximumRingSize);
  const hash = plan.hashFunction === "MURMUR_HASH_2" ? (key: string) => murmurHash2(fromLatin1(key)) : xxHash64;
  const places: Place[] = [];
  let fewest = Infinity, most = 0;
  let target = 0;
  shares.forEach(({ host, share }, index) => {
    const key = `${hashKeyOf(host, plan.useHostnameForHashing)}_`;
    // A running sum: shares are no whole numbers of places, their sum is.
    target += scale * share;
    let count = 0;
    while (places.length < target) places.push({ hash: hash(key + count++), index });
    fewest = Math.min(fewest, count);
    most = Math.max(most, count);
  });
  places.sort((a, b) => a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0);
  return new Ring(places, shares, fewest, most);
}

/** A hash in two halves, without the numbers that shifting one would make. */
const WHOLE = new BigUint64Array(1);
const HALVES = new Uint32Array(WHOLE.buffer);
/** Where the upper half is: 1, or 0 on a machine whose numbers begin with it. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0]!;

interface Place {
  readonly hash: bigint;
  readonly index: number;
}

class Ring implements HashTable {
  readonly size: number;
  readonly fewestPerHost: number;
  readonly mostPerHost: number;
  /** Upper and lower halves of the hashes: numbers are compared without making any. */
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #index: Uint32Array;
  /** Where the places begin whose hashes begin with the same bits, of which there are about as many as places. */
  readonly #starts: Uint32Array;
  readonly #shift: number;
  readonly #shares: readonly HostShare[];

  constructor(places: readonly Place[], shares: readonly HostShare[], fewest: number, most: number) {
    this.size = places.length;
    this.fewestPerHost = fewest;
    this.mostPerHost = most;
    this.#high = Uint32Array.from(places, ({ hash }) => Number(hash >> 32n));
    this.#low = Uint32Array.from(places, ({ hash }) => Number(hash & 0xffffffffn));
    this.#index = Uint32Array.from(places, ({ index }) => index);
    this.#shares = shares;
    const bits = Math.max(1, Math.floor(Math.log2(this.size)));
    this.#shift = 32 - bits;
    this.#starts = new Uint32Array(2 ** bits + 1);
    // Counted behind where they begin, and summed up.
    for (const high of this.#high) this.#starts[(high >>> this.#shift) + 1]!++;
    for (let i = 1; i < this.#starts.length; i++) this.#starts[i]! += this.#starts[i - 1]!;
  }

  choose(hash: bigint, attempt: number): HostShare {
    WHOLE[0] = hash;
    const place = this.#firstFrom(HALVES[LITTLE_ENDIAN]!, HALVES[1 - LITTLE_ENDIAN]!);
    return this.#shares[this.#index[(place + attempt) % this.size]!]!;
  }

  /** The first place at or after a hash; the first of all after the last. */
  #firstFrom(high: number, low: number): number {
    const start = high >>> this.#shift;
    let from = this.#starts[start]!, to = this.#starts[start + 1]!;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const itsHigh = this.#high[middle]!;
      if (itsHigh < high || (itsHigh === high && this.#low[middle]! < low)) from = middle + 1;
      else to = middle;
    }
    return from === this.size ? 0 : from;
  }
}
