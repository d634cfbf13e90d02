// host/upstream/lb/subset_balancer.ts: requests go to the hosts that have the metadata which they ask for.
// pure: no I/O, no clock, no runtime globals
// hot: once per request to a cluster with subsets; see bench/micro/load_balancing.bench.ts
/**
 * Selectors name keys of metadata; hosts that have the same values for all keys of a selector are a subset. A
 * request with exactly those keys goes to its subset. Without a subset, the selector of the same keys says what
 * to do, or else the cluster.
 *
 * @see Envoy: source/extensions/load_balancing_policies/subset/subset_lb.cc
 * @module
 */
import type { Gauge } from "../../observe/stats.ts";
import type { Host } from "../host.ts";
import type { SubsetPlan, SubsetSelectorPlan } from "./plan.ts";
import { type LoadBalancerContext, LoadBalancerContextWrapper } from "./context.ts";
import { MetadataMatch, remembered } from "./metadata_match.ts";
import type { BalancerEnvironment, ClusterBalancer } from "./picker.ts";
import { PrioritySubset, SingleHostSubset, type Subset } from "./subset.ts";
import { hasFields, subsetKeys } from "./subset_keys.ts";

/** Lists, under this name, what to ask for instead, one after the other. */
const FALLBACK_LIST = "fallback_list";

/** What a selector's keys lead to, level by level, when no host has their values. */
interface SelectorLevel {
  readonly next: Map<string, SelectorLevel>;
  selector: SubsetSelectorPlan | null;
}

export class SubsetBalancer implements ClusterBalancer {
  readonly asksContext = true;
  readonly #plan: SubsetPlan;
  readonly #environment: BalancerEnvironment;
  readonly #createBelow: (environment: BalancerEnvironment) => ClusterBalancer;
  /** By `MetadataMatch.key`. */
  readonly #subsets = new Map<string, Subset>();
  readonly #selectors: SelectorLevel = { next: new Map(), selector: null };
  /** The names of each selector's keys. */
  readonly #names: readonly ReadonlySet<string>[];
  readonly #known = remembered((match) => this.#findKnown(match));
  readonly #fallbackKeys = remembered((match) => match.only(new Set(this.#selectorOf(match)!.fallbackKeysSubset)));
  readonly #inTurn = remembered(listedFallbacks);
  readonly #defaultFields: MetadataMatch;
  /** All hosts, and those of the default subset; null where nobody falls back to them. */
  readonly #any: Subset | null;
  readonly #default: Subset | null;
  readonly #duplicates: Gauge;
  #closed = false;

  constructor(
    plan: SubsetPlan,
    environment: BalancerEnvironment,
    createBelow: (environment: BalancerEnvironment) => ClusterBalancer,
  ) {
    this.#plan = plan;
    this.#environment = environment;
    this.#createBelow = createBelow;
    this.#names = plan.selectors.map(({ keys }) => new Set(keys));
    this.#defaultFields = MetadataMatch.of(plan.defaultSubset);
    this.#duplicates = environment.scope.gauge("lb_subsets_single_host_per_subset_duplicate");
    for (const selector of plan.selectors) this.#addSelector(selector);
    const fallsBackTo = (policy: "ANY_ENDPOINT" | "DEFAULT_SUBSET"): boolean =>
      plan.fallbackPolicy === policy || plan.selectors.some(({ fallbackPolicy }) => fallbackPolicy === policy);
    this.#any = plan.panicModeAny || fallsBackTo("ANY_ENDPOINT") ? this.#createSubset() : null;
    this.#default = fallsBackTo("DEFAULT_SUBSET") ? this.#createSubset() : null;
    const { priorities } = environment;
    for (const { priority } of priorities.hostSets) this.#update(priority);
    priorities.onPriorityUpdate((priority) => {
      this.#update(priority);
      this.#purge();
    });
  }

  chooseHost(context: LoadBalancerContext | null): Host | null {
    const match = context?.metadataMatch() ?? null;
    if (match === null || !this.#plan.metadataFallbackList) return this.#choose(context, match);
    for (const each of this.#inTurn(match)) {
      const host = this.#choose(context, each);
      if (host !== null) return host;
    }
    return null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const subset of this.#subsets.values()) if (subset.isActive) this.#onRemoved(subset);
    this.#any?.close();
    this.#default?.close();
  }

  #choose(context: LoadBalancerContext | null, asked: MetadataMatch | null): Host | null {
    if (context === null) return this.#chooseByCluster(null);
    if (asked === null) return this.#chooseByCluster(narrow(context, null));
    const match = this.#plan.allowRedundantKeys ? this.#known(asked) : asked;
    const subset = this.#subsets.get(match.key);
    if (subset !== undefined && subset.isActive) {
      this.#environment.stats.subsetsSelected.inc();
      return subset.chooseHost(narrow(context, match));
    }
    const selector = this.#selectorOf(match);
    return selector === null || selector.fallbackPolicy === "NOT_DEFINED"
      ? this.#chooseByCluster(narrow(context, asked))
      : this.#chooseBySelector(selector, context, match);
  }

  #chooseByCluster(context: LoadBalancerContext | null): Host | null {
    const { stats } = this.#environment;
    const { fallbackPolicy, panicModeAny } = this.#plan;
    if (fallbackPolicy === "NO_FALLBACK") return null;
    const fallback = fallbackPolicy === "ANY_ENDPOINT" ? this.#any! : this.#default!;
    const host = fallback.chooseHost(context);
    if (host !== null) {
      stats.subsetsFallback.inc();
      return host;
    }
    const any = panicModeAny ? this.#any!.chooseHost(context) : null;
    if (any !== null) stats.subsetsFallbackPanic.inc();
    return any;
  }

  #chooseBySelector(
    selector: SubsetSelectorPlan,
    context: LoadBalancerContext,
    match: MetadataMatch,
  ): Host | null {
    switch (selector.fallbackPolicy) {
      case "ANY_ENDPOINT":
        return this.#any!.chooseHost(narrow(context, match));
      case "DEFAULT_SUBSET":
        return this.#default!.chooseHost(narrow(context, match));
      case "KEYS_SUBSET":
        return this.#choose(context, this.#fallbackKeys(match));
      default:
        return null;
    }
  }

  /** What of the criteria a selector knows: the first one of which all keys are there. */
  #findKnown(match: MetadataMatch): MetadataMatch {
    for (const names of this.#names) {
      const part = match.only(names);
      if (part?.criteria.length === names.size) return part;
    }
    return match;
  }

  #selectorOf({ criteria }: MetadataMatch): SubsetSelectorPlan | null {
    let level: SelectorLevel | undefined = this.#selectors;
    for (let i = 0; i < criteria.length; i++) {
      level = level.next.get(criteria[i]!.name);
      if (level === undefined) return null;
    }
    return level.selector;
  }

  /** Of selectors with the same keys, and of those whose keys begin a longer one before them, only the first counts. */
  #addSelector(selector: SubsetSelectorPlan): void {
    let level = this.#selectors;
    let isNew = false;
    for (const key of selector.keys) {
      let next = level.next.get(key);
      isNew = next === undefined;
      if (next === undefined) level.next.set(key, next = { next: new Map(), selector: null });
      level = next;
    }
    if (isNew) level.selector = selector;
  }

  /** Sorts the hosts of a priority into the subsets again: their metadata may have changed, too. */
  #update(priority: number): void {
    const { listAsAny, selectors } = this.#plan;
    const { hosts, localities } = this.#environment.priorities.hostSets[priority]!;
    const singles = new Set<Subset>();
    let duplicates = 0;
    for (const host of hosts) {
      const metadata = host.lbMetadata;
      this.#any?.put(host);
      if (this.#default !== null && hasFields(metadata, this.#defaultFields, listAsAny)) {
        this.#default.put(host);
      }
      for (const selector of selectors) {
        for (const key of subsetKeys(selector.keys, metadata, listAsAny)) {
          const subset = this.#subsets.get(key) ?? this.#addSubset(key, selector);
          if (subset.isSingle) {
            if (singles.has(subset)) {
              duplicates++;
              continue;
            }
            singles.add(subset);
          }
          subset.put(host);
        }
      }
    }
    this.#duplicates.set(duplicates);
    const localityOf = new Map(localities.flatMap((locality, index) => locality.hosts.map((host) => [host, index])));
    this.#any?.finish(priority, localityOf);
    this.#default?.finish(priority, localityOf);
    for (const subset of this.#subsets.values()) subset.finish(priority, localityOf);
  }

  #addSubset(key: string, { singleHostPerSubset }: SubsetSelectorPlan): Subset {
    const { stats } = this.#environment;
    stats.subsetsActive.inc();
    stats.subsetsCreated.inc();
    const subset = singleHostPerSubset ? new SingleHostSubset() : this.#createSubset();
    this.#subsets.set(key, subset);
    return subset;
  }

  #createSubset(): Subset {
    const { localityWeightAware, scaleLocalityWeight } = this.#plan;
    return new PrioritySubset({
      environment: this.#environment,
      createBalancer: this.#createBelow,
      localityWeightAware,
      scaleLocalityWeight,
    });
  }

  /** Forgets subsets without hosts. */
  #purge(): void {
    for (const [key, subset] of this.#subsets) {
      if (subset.isActive) continue;
      this.#subsets.delete(key);
      this.#onRemoved(subset);
    }
  }

  #onRemoved(subset: Subset): void {
    const { stats } = this.#environment;
    stats.subsetsRemoved.inc();
    stats.subsetsActive.dec();
    subset.close();
  }
}

/** What to ask for, one after the other, by the list of fallbacks among the criteria. */
function listedFallbacks(match: MetadataMatch): readonly (MetadataMatch | null)[] {
  const list = match.criteria.find(({ name }) => name === FALLBACK_LIST);
  if (list === undefined) return [match];
  const rest = match.without(FALLBACK_LIST);
  const fallbacks: readonly unknown[] = Array.isArray(list.value) ? list.value : [];
  if (fallbacks.length === 0) return [rest];
  return fallbacks.map((fallback) => {
    const fields = typeof fallback === "object" && fallback !== null && !Array.isArray(fallback)
      ? fallback as Record<string, unknown>
      : {};
    return rest === null ? MetadataMatch.of(fields) : rest.merge(fields);
  });
}

/** The same context for policies below, which are asked for less. */
function narrow(context: LoadBalancerContext, match: MetadataMatch | null): LoadBalancerContext {
  return match === context.metadataMatch() ? context : new NarrowedContext(context, match);
}

class NarrowedContext extends LoadBalancerContextWrapper {
  readonly #match: MetadataMatch | null;

  constructor(context: LoadBalancerContext, match: MetadataMatch | null) {
    super(context);
    this.#match = match;
  }

  override metadataMatch(): MetadataMatch | null {
    return this.#match;
  }
}
