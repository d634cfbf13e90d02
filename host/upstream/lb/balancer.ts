// host/upstream/lb/balancer.ts: the load balancer of policies that pick from a list: the steps they share.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/pool.bench.ts
/**
 * A `HostPicker` picks from one list of hosts; which list (priority, healthy or all) is decided here, the
 * same for every policy.
 *
 * @see Envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc
 * @module
 */
import type { Random } from "../../base/random.ts";
import type { Host } from "../host.ts";
import type { HostSet } from "../host_set.ts";
import type { ListPolicyPlan, LocalityBalancingPlan } from "../plan.ts";
import { choosePriority, type HostSource, type PrioritySet } from "../priority.ts";
import { createLeastRequestPicker } from "./least_request.ts";
import { createLocalityPicker } from "./locality.ts";
import type { ClusterBalancer, HostPicker, HostPickerFactory, LoadBalancerContext } from "./picker.ts";
import { createRandomPicker } from "./random.ts";
import { createRoundRobinPicker } from "./round_robin.ts";

export function createPickerFactory(plan: ListPolicyPlan): HostPickerFactory {
  switch (plan.policy) {
    case "ROUND_ROBIN":
      return createRoundRobinPicker;
    case "RANDOM":
      return createRandomPicker;
    case "LEAST_REQUEST":
      return (hosts, random) => createLeastRequestPicker(hosts, random, plan);
  }
}

/** The pickers of one host set, made when they are first asked. */
interface SetPickers {
  version: number;
  healthy: HostPicker | null;
  degraded: HostPicker | null;
  all: HostPicker | null;
}

export class LoadBalancer implements ClusterBalancer {
  readonly #priorities: PrioritySet;
  readonly #createPicker: HostPickerFactory;
  readonly #random: Random;
  readonly #failTrafficOnPanic: boolean;
  readonly #localityWeighted: boolean;
  readonly #onPanic: () => void;
  readonly #pickers: SetPickers[] = [];

  constructor(
    plan: ListPolicyPlan & LocalityBalancingPlan,
    priorities: PrioritySet,
    random: Random,
    onPanic: () => void,
  ) {
    this.#createPicker = createPickerFactory(plan);
    this.#failTrafficOnPanic = plan.failTrafficOnPanic;
    this.#localityWeighted = plan.localityWeighted;
    this.#priorities = priorities;
    this.#random = random;
    this.#onPanic = onPanic;
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    let host = this.#chooseOnce(context);
    if (context === null) return host;
    let tries = context.hostSelectionRetryCount;
    while (host !== null && tries-- > 0 && context.shouldSelectAnotherHost(host)) host = this.#chooseOnce(context);
    return host;
  }

  #chooseOnce(context: LoadBalancerContext | null): Host | null {
    const load = this.#priorities.load;
    let priority = 0;
    let source: HostSource = "healthy";
    if (load.healthy[0] !== 100) {
      const choice = choosePriority(load, this.#random.uint32() % 100);
      priority = choice.priority;
      if (choice.degraded) source = "degraded";
    }
    if (load.panic[priority]) {
      this.#onPanic();
      if (this.#failTrafficOnPanic) return null;
      source = "all";
    }
    const set = this.#priorities.hostSets[priority]!;
    const hosts = source === "healthy" ? set.healthyHosts : source === "degraded" ? set.degradedHosts : set.hosts;
    if (hosts.length === 0) return null;
    return this.#picker(set, source, hosts).pick(context);
  }

  #picker(set: HostSet, source: HostSource, hosts: readonly Host[]): HostPicker {
    let pickers = this.#pickers[set.priority];
    if (pickers === undefined || pickers.version !== set.version) {
      pickers = { version: set.version, healthy: null, degraded: null, all: null };
      this.#pickers[set.priority] = pickers;
    }
    return pickers[source] ??= this.#createSourcePicker(set, source, hosts);
  }

  #createSourcePicker(set: HostSet, source: HostSource, hosts: readonly Host[]): HostPicker {
    // In panic localities do not count any more.
    const byLocality = this.#localityWeighted && source !== "all"
      ? createLocalityPicker(set, hosts, this.#createPicker, this.#random)
      : null;
    return byLocality ?? this.#createPicker(hosts, this.#random);
  }
}
