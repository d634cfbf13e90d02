// host/upstream/lb/bounded_load.ts: a consistent hash that does not overrun a host.
// pure: no I/O, no clock, no runtime globals
// hot: once per request with a bound; see bench/micro/load_balancing.bench.ts
/**
 * A host that has more than `hashBalanceFactor` percent of its share of the requests in flight is passed over
 * for others in an order that the hash alone decides; when all have, the least loaded of them is taken. Requests
 * are those of the cluster on this worker.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc BoundedLoadHashingLoadBalancer
 * @see https://arxiv.org/abs/1608.01350, https://arxiv.org/abs/1908.08762
 * @module
 */
import type { Traffic } from "../traffic.ts";
import type { HashTable } from "./hash_table.ts";
import type { HostShare } from "./hash_weights.ts";
import { MersenneTwister } from "./mersenne_twister.ts";

export class BoundedLoadTable implements HashTable {
  readonly size: number;
  readonly fewestPerHost: number;
  readonly mostPerHost: number;
  readonly #table: HashTable;
  readonly #shares: readonly HostShare[];
  readonly #balanceFactor: number;
  readonly #traffic: Traffic;
  /** Every share at its own place, but while others are looked for. */
  readonly #order: Uint32Array;
  /** The places that were taken from, one for each host looked at. */
  readonly #taken: Uint32Array;
  readonly #random = new MersenneTwister(0);

  constructor(table: HashTable, shares: readonly HostShare[], hashBalanceFactor: number, traffic: Traffic) {
    this.size = table.size;
    this.fewestPerHost = table.fewestPerHost;
    this.mostPerHost = table.mostPerHost;
    this.#table = table;
    this.#shares = shares;
    this.#balanceFactor = hashBalanceFactor;
    this.#traffic = traffic;
    this.#order = Uint32Array.from(shares, (_, index) => index);
    this.#taken = new Uint32Array(shares.length);
  }

  choose(hash: bigint, attempt: number): HostShare {
    const first = this.#table.choose(hash, attempt);
    const slots = Math.floor(((this.#traffic.active + 1) * this.#balanceFactor + 99) / 100);
    const load = loadOf(first, slots);
    return load <= 1 ? first : this.#chooseOther(first, load, hash, slots);
  }

  #chooseOther(first: HostShare, load: number, hash: bigint, slots: number): HostShare {
    const random = this.#random, order = this.#order, taken = this.#taken;
    random.seed(Number(hash & 0xffffffffn));
    let least = first, leastLoad = load;
    let looked = 0;
    while (looked < order.length && leastLoad > 1) {
      const place = looked + below(order.length - looked, random);
      const index = order[place]!;
      order[place] = order[looked]!;
      taken[looked++] = place;
      const next = this.#shares[index]!;
      const nextLoad = loadOf(next, slots);
      if (nextLoad >= leastLoad) continue;
      least = next;
      leastLoad = nextLoad;
    }
    for (let i = 0; i < looked; i++) order[taken[i]!] = taken[i]!;
    return least;
  }
}

function loadOf({ host, share }: HostShare, slots: number): number {
  return host.rqActive / Math.max(Math.ceil(slots * share), 1);
}

/** A number from 0 up to, not with, `limit`, each with the same chance. */
function below(limit: number, random: MersenneTwister): number {
  const step = Math.floor(0x1_0000_0000 / limit);
  for (;;) {
    const value = Math.floor(random.uint32() / step);
    if (value < limit) return value;
  }
}
