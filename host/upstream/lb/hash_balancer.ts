// host/upstream/lb/hash_balancer.ts: the load balancer of policies that send equal requests to the same host.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/load_balancing.bench.ts
/**
 * The hash of the request chooses the priority, too. A request without one goes anywhere.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/thread_aware_lb_impl.cc
 * @module
 */
import { HashPolicy } from "../../http/hash_policy.ts";
import { HeaderMap } from "../../http/header_map.ts";
import type { StatsScope } from "../../observe/stats.ts";
import type { Host } from "../host.ts";
import type { HostSet } from "../host_set.ts";
import type { LocalityBalancingPlan, MaglevPlan, RingHashPlan } from "./plan.ts";
import { choosePriority } from "../priority.ts";
import type { Traffic } from "../traffic.ts";
import { BoundedLoadTable } from "./bounded_load.ts";
import type { HashTable } from "./hash_table.ts";
import { type HostShare, hostShares, localityShares } from "./hash_weights.ts";
import { createMaglevTable } from "./maglev.ts";
import type { LoadBalancerContext } from "./context.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";
import { createRing } from "./ring_hash.ts";

export type HashBalancingPlan = (RingHashPlan | MaglevPlan) & Pick<LocalityBalancingPlan, "localityWeighted">;

/** Of a connection without requests. */
const NO_HEADERS = HeaderMap.of({});

/** The table of one priority, made when it is first asked. */
interface PriorityTable {
  readonly version: number;
  readonly panic: boolean;
  /** Null without hosts. */
  readonly table: HashTable | null;
}

export class HashBalancer implements ClusterBalancer {
  readonly #plan: HashBalancingPlan;
  readonly #environment: BalancerEnvironment;
  /** Of the policy's own; null when the route says what is hashed. */
  readonly #hashPolicy: HashPolicy | null;
  readonly #showTable: (table: HashTable) => void;
  readonly #tables: PriorityTable[] = [];
  /** Null where the load of hosts has no bound. */
  readonly #traffic: Traffic | null;

  constructor(plan: HashBalancingPlan, environment: BalancerEnvironment) {
    this.#plan = plan;
    this.#environment = environment;
    const { hashPolicies } = plan;
    this.#hashPolicy = hashPolicies === undefined ? null : new HashPolicy(hashPolicies);
    this.#showTable = createTableGauges(plan, environment.scope);
    this.#traffic = plan.hashBalanceFactor === 0 ? null : environment.countTraffic();
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    const { priorities, random, stats } = this.#environment;
    const hash = this.#hashOf(context) ?? (BigInt(random.uint32()) << 32n | BigInt(random.uint32()));
    const { load } = priorities;
    const priority = load.healthy[0] === 100 ? 0 : choosePriority(load, Number(hash % 100n)).priority;
    const panic = load.panic[priority]!;
    if (panic) stats.healthyPanic.inc();
    const table = this.#table(priorities.hostSets[priority]!, panic);
    if (table === null) return null;
    const attempts = context === null ? 0 : context.hostSelectionRetryCount;
    for (let attempt = 0;; attempt++) {
      const { host } = table.choose(hash, attempt);
      if (attempt >= attempts || !context!.shouldSelectAnotherHost(host)) return host;
    }
  }

  get asksContext(): boolean {
    return this.#hashPolicy !== null;
  }

  #hashOf(context: LoadBalancerContext | null): bigint | null {
    if (context === null) return null;
    if (this.#hashPolicy === null) return context.hash();
    const { streamInfo, requestHeaders } = context;
    // A cookie that is missing is not made here.
    return streamInfo === null ? null : this.#hashPolicy.hash(requestHeaders ?? NO_HEADERS, streamInfo, () => {});
  }

  #table(set: HostSet, panic: boolean): HashTable | null {
    let entry = this.#tables[set.priority];
    if (entry === undefined || entry.version !== set.version || entry.panic !== panic) {
      entry = { version: set.version, panic, table: this.#createTable(set, panic) };
      this.#tables[set.priority] = entry;
    }
    return entry.table;
  }

  #createTable(set: HostSet, panic: boolean): HashTable | null {
    const plan = this.#plan;
    const hosts = panic ? set.hosts : set.healthyHosts;
    const shares = plan.localityWeighted && set.hasLocalityWeights
      ? localityShares(set.localities, new Set(hosts))
      : hostShares(hosts);
    if (shares.length === 0) return null;
    const table = createTable(shares, plan);
    this.#showTable(table);
    return this.#traffic === null ? table : new BoundedLoadTable(table, shares, plan.hashBalanceFactor, this.#traffic);
  }
}

function createTable(shares: readonly HostShare[], plan: RingHashPlan | MaglevPlan): HashTable {
  return plan.policy === "RING_HASH" ? createRing(shares, plan) : createMaglevTable(shares, plan);
}

/** `ring_hash_lb.*` or `maglev_lb.*` of the cluster. */
function createTableGauges(plan: HashBalancingPlan, stats: StatsScope): (table: HashTable) => void {
  if (plan.policy === "RING_HASH") {
    const size = stats.gauge("ring_hash_lb.size");
    const fewest = stats.gauge("ring_hash_lb.min_hashes_per_host");
    const most = stats.gauge("ring_hash_lb.max_hashes_per_host");
    return (table) => {
      size.set(table.size);
      fewest.set(table.fewestPerHost);
      most.set(table.mostPerHost);
    };
  }
  const fewest = stats.gauge("maglev_lb.min_entries_per_host");
  const most = stats.gauge("maglev_lb.max_entries_per_host");
  return (table) => {
    fewest.set(table.fewestPerHost);
    most.set(table.mostPerHost);
  };
}
