// host/upstream/lb/maglev.ts: hosts in a table of fixed size; a request goes to the host at its hash.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * Hosts take turns, as often as they weigh, and each takes the first free place of its own order of places.
 * More even than a ring, and faster; a host that comes or goes also moves a few requests of others.
 *
 * @see Envoy: source/extensions/load_balancing_policies/maglev/maglev_lb.cc
 * @see Maglev: A Fast and Reliable Software Network Load Balancer, NSDI 2016, §3.4
 * @module
 */
import { xxHash64 } from "../../base/xxhash.ts";
import type { MaglevPlan } from "./plan.ts";
import type { HashTable } from "./hash_table.ts";
import { hashKeyOf, type HostShare } from "./hash_weights.ts";

interface Turn {
  readonly share: number;
  readonly index: number;
  readonly offset: number;
  readonly skip: number;
  /** Of its places, the next to look at. */
  next: number;
  targetShare: number;
  count: number;
}

const FREE = 0xffffffff;

/** The table for hosts and their shares. */
export function createMaglevTable(shares: readonly HostShare[], plan: MaglevPlan): HashTable {
  const size = plan.tableSize;
  const greatest = shares.reduce((max, { share }) => Math.max(max, share), 0);
  const turns = turnsOf(shares, plan);
  const table = new Uint32Array(size).fill(FREE);
  for (let iteration = 1, taken = 0; taken < size; iteration++) {
    for (const turn of turns) {
      if (taken === size) break;
      // One that weighs a third of the heaviest has every third turn.
      if (iteration * turn.share < turn.targetShare) continue;
      turn.targetShare += greatest;
      table[nextFree(turn, table)] = turn.index;
      turn.count++;
      taken++;
    }
  }
  return new MaglevTable(table, shares, turns.map(({ count }) => count));
}

/** In the order of the hosts' keys: it must not depend on that of the configuration. */
function turnsOf(shares: readonly HostShare[], plan: MaglevPlan): Turn[] {
  const size = BigInt(plan.tableSize);
  return shares
    .map(({ host, share }, index) => ({ key: hashKeyOf(host, plan.useHostnameForHashing), share, index }))
    .sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
    .map(({ key, share, index }) => ({
      share,
      index,
      offset: Number(xxHash64(key) % size),
      skip: Number(xxHash64(key, 1n) % (size - 1n)) + 1,
      next: 0,
      targetShare: 0,
      count: 0,
    }));
}

function nextFree(turn: Turn, table: Uint32Array): number {
  for (;;) {
    const place = (turn.offset + turn.skip * turn.next++) % table.length;
    if (table[place] === FREE) return place;
  }
}

class MaglevTable implements HashTable {
  readonly size: number;
  readonly fewestPerHost: number;
  readonly mostPerHost: number;
  readonly #table: Uint32Array;
  readonly #shares: readonly HostShare[];
  readonly #modulus: bigint;

  constructor(table: Uint32Array, shares: readonly HostShare[], counts: readonly number[]) {
    this.size = table.length;
    this.fewestPerHost = Math.min(...counts);
    this.mostPerHost = Math.max(...counts);
    this.#table = table;
    this.#shares = shares;
    this.#modulus = BigInt(table.length);
  }

  choose(hash: bigint, attempt: number): HostShare {
    // Most bits change, so that attempts do not stay near each other.
    const spread = attempt === 0 ? hash : hash ^ BigInt.asUintN(64, -BigInt(attempt));
    return this.#shares[this.#table[Number(spread % this.#modulus)]!]!;
  }
}
