// host/upstream/lb/bounded_load.ts: a consistent hash that does not overrun a host.
// pure: no I/O, no clock, no runtime globals
/**
 * A host that has more than `hashBalanceFactor` percent of its share of the requests in flight is passed over
 * for others in an order that the hash alone decides; when all have, the least loaded of them is taken. Requests
 * are those of this worker.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc BoundedLoadHashingLoadBalancer
 * @see https://arxiv.org/abs/1608.01350, https://arxiv.org/abs/1908.08762
 * @module
 */
import type { Host } from "../host.ts";
import type { HashTable } from "./hash_table.ts";
import type { HostShare } from "./hash_weights.ts";
import { MersenneTwister } from "./mersenne_twister.ts";

export class BoundedLoadTable implements HashTable {
  readonly size: number;
  readonly fewestPerHost: number;
  readonly mostPerHost: number;
  readonly #table: HashTable;
  readonly #shares: readonly HostShare[];
  readonly #shareOf: ReadonlyMap<Host, number>;
  readonly #balanceFactor: number;

  constructor(table: HashTable, shares: readonly HostShare[], hashBalanceFactor: number) {
    this.size = table.size;
    this.fewestPerHost = table.fewestPerHost;
    this.mostPerHost = table.mostPerHost;
    this.#table = table;
    this.#shares = shares;
    this.#shareOf = new Map(shares.map(({ host, share }) => [host, share]));
    this.#balanceFactor = hashBalanceFactor;
  }

  choose(hash: bigint, attempt: number): Host {
    const host = this.#table.choose(hash, attempt);
    const active = this.#shares.reduce((sum, each) => sum + each.host.rqActive, 0);
    const slots = Math.floor(((active + 1) * this.#balanceFactor + 99) / 100);
    const load = loadOf(host, this.#shareOf.get(host)!, slots);
    return load <= 1 ? host : this.#chooseOther(host, load, hash, slots);
  }

  #chooseOther(host: Host, load: number, hash: bigint, slots: number): Host {
    const random = new MersenneTwister(Number(hash & 0xffffffffn));
    const order = this.#shares.map((_, index) => index);
    let least = host, leastLoad = load;
    for (let i = 0; i < order.length; i++) {
      const other = i + below(order.length - i, random);
      const index = order[other]!;
      order[other] = order[i]!;
      order[i] = index;
      const next = this.#shares[index]!;
      if (next.host === host) continue;
      const nextLoad = loadOf(next.host, next.share, slots);
      if (nextLoad <= 1) return next.host;
      if (nextLoad < leastLoad) {
        least = next.host;
        leastLoad = nextLoad;
      }
    }
    return least;
  }
}

function loadOf(host: Host, share: number, slots: number): number {
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
