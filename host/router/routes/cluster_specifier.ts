// host/router/routes/cluster_specifier.ts: which cluster a matched route's request goes to.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * @see Envoy: source/common/router/config_impl.cc RouteEntryImplBase::clusterEntry, pickWeightedCluster
 * @module
 */
import type { ExpressionSource } from "../../base/expression_tree.ts";
import type { Runtime, RuntimeValue } from "../../base/runtime.ts";
import type { HashPolicy } from "../../http/hash_policy.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { compileHttpInput, type HttpInputPlan, type HttpMatchData, requestData } from "../../http/match_inputs.ts";
import { MatchTree, type MatchTreePlan } from "../../matching/match_tree.ts";
import type { Expressions } from "../../observe/formatter.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { RouteEntry } from "./route.ts";
import type { ClusterChooser } from "./route_recipe.ts";

/** Turns a matched route into an entry with a cluster; null where there is none to come to. */
export interface ClusterSpecifier extends ClusterChooser {
  choose(headers: HeaderMap, random: number, info: StreamInfo): RouteEntry | null;
}

/** One cluster, or none: redirects and direct responses. */
export class FixedCluster implements ClusterSpecifier {
  readonly #entry: RouteEntry;

  constructor(entry: RouteEntry) {
    this.#entry = entry;
  }

  choose(): RouteEntry {
    return this.#entry;
  }
}

/** The cluster that a request header names. */
export class ClusterHeader implements ClusterSpecifier {
  readonly #entry: RouteEntry;
  readonly #header: string;

  constructor(entry: RouteEntry, header: string) {
    this.#entry = entry;
    this.#header = header;
  }

  choose(headers: HeaderMap): RouteEntry {
    return this.#entry.withCluster(headers.get(this.#header) ?? "");
  }
}

/** The cluster that a tree of matchers leads to. */
export class ClusterTree implements ClusterSpecifier {
  readonly #entry: RouteEntry;
  readonly #tree: MatchTree<HttpMatchData, { readonly cluster: string }>;

  constructor(
    entry: RouteEntry,
    plan: MatchTreePlan<HttpInputPlan, string>,
    runtime: Runtime,
    expressions: Expressions | null,
  ) {
    this.#entry = entry;
    this.#tree = MatchTree.compile(plan, {
      compileInput: compileHttpInput,
      compileAction: (cluster) => ({ cluster }),
      runtime,
      ...(expressions !== null && { compileExpression: (source) => expressionTest(source, expressions) }),
    });
  }

  choose(headers: HeaderMap, _random: number, info: StreamInfo): RouteEntry {
    const found = this.#tree.match(requestData(headers, info));
    return this.#entry.withCluster(found?.cluster ?? "");
  }
}

/** True where an expression is; one that has no value, or another one, is not. */
function expressionTest(source: ExpressionSource, expressions: Expressions): (facts: object) => boolean {
  const compiled = expressions.compile(source);
  return typeof compiled === "string" ? () => false : (facts) => compiled.value(facts as HttpMatchData) === true;
}

/** Nothing is routed. */
export class Nowhere implements ClusterSpecifier {
  choose(): null {
    return null;
  }
}

/** A weighted choice by a number that stays the same for the stream. */
export class WeightedClusters implements ClusterSpecifier {
  readonly #specifiers: readonly ClusterSpecifier[];
  /** For each cluster the sum of weights up to and with it. */
  readonly #ends: RuntimeValue<readonly number[]>;
  readonly #randomHeader: string;
  readonly #hashPolicy: HashPolicy | null;

  /** `randomHeader` is "" for none, and `hashPolicy` null unless its hash chooses. */
  constructor(
    specifiers: readonly ClusterSpecifier[],
    ends: RuntimeValue<readonly number[]>,
    randomHeader: string,
    hashPolicy: HashPolicy | null,
  ) {
    this.#ends = ends;
    this.#specifiers = specifiers;
    this.#randomHeader = randomHeader;
    this.#hashPolicy = hashPolicy;
  }

  choose(headers: HeaderMap, random: number, info: StreamInfo): RouteEntry | null {
    const ends = this.#ends.current;
    const total = ends.at(-1)!;
    if (total === 0) return null;
    const value = this.#selected(headers, random, info, total);
    let index = 0;
    while (index < ends.length - 1 && value >= ends[index]!) index++;
    return this.#specifiers[index]!.choose(headers, random, info);
  }

  /** By weight among those that were not tried; when there are none left, among all. */
  chooseAgain(headers: HeaderMap, random: number, info: StreamInfo, tried: Set<string>): string {
    const names = this.#specifiers.map((specifier) => specifier.choose(headers, random, info)?.clusterName ?? "");
    const ends = this.#ends.current;
    const weightOf = (index: number) => ends[index]! - (index === 0 ? 0 : ends[index - 1]!);
    let left = names.map((_, index) => index).filter((index) => weightOf(index) > 0 && !tried.has(names[index]!));
    if (left.length === 0) {
      tried.clear();
      left = names.map((_, index) => index).filter((index) => weightOf(index) > 0);
    }
    // A runtime may have taken all weights away.
    if (left.length === 0) return "";
    let value = random % left.reduce((sum, index) => sum + weightOf(index), 0);
    return names[left.find((index) => (value -= weightOf(index)) < 0)!]!;
  }

  #selected(headers: HeaderMap, random: number, info: StreamInfo, total: number): number {
    const hash = this.#hashPolicy?.hash(headers, info, dropCookie) ?? null;
    if (hash !== null) return Number(hash % BigInt(total));
    if (this.#randomHeader !== "") {
      const values = headers.getAll(this.#randomHeader);
      // Several values, or one that is no number, count as none.
      if (values.length === 1 && /^[0-9]{1,20}$/.test(values[0]!)) {
        const value = BigInt(values[0]!);
        if (value < 1n << 64n) return Number(value % BigInt(total));
      }
    }
    return random % total;
  }
}

/** The router, which asks for the hash again, sets the cookie. */
function dropCookie(): void {}
