// host/router/routes/route_builder.ts: compiles the routes of one virtual host.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/router/config_impl.cc RouteEntryImplBase
 * @module
 */
import { type Runtime, RuntimeValue } from "../../base/runtime.ts";
import type { Expressions, Format } from "../../observe/formatter.ts";
import type { FormatPlan } from "../../observe/format_plan.ts";
import type { StatsScope } from "../../observe/stats.ts";
import { MetadataMatch } from "../../upstream/lb/metadata_match.ts";
import {
  ClusterHeader,
  type ClusterSpecifier,
  ClusterTree,
  FixedCluster,
  Nowhere,
  WeightedClusters,
} from "./cluster_specifier.ts";
import { type CompileFilterConfig, FilterConfigLevel, FilterConfigs } from "./filter_configs.ts";
import { type CompileFormat, HeaderOps } from "../../http/header_ops.ts";
import {
  MATCH_ALL,
  type RouteConfigPlan,
  type RoutePlan,
  type VirtualHostPlan,
  type WeightedClusterPlan,
  type WeightedClustersPlan,
} from "../plan.ts";
import { TLS_REDIRECT } from "./redirect.ts";
import { NO_RATE_LIMITS, RateLimitPolicy } from "./rate_limit.ts";
import { RequestCounters, VirtualClusters } from "./request_counters.ts";
import { RouteEntry } from "./route.ts";
import { type RecipePlan, RouteRecipe, type RouteSurroundings } from "./route_recipe.ts";

/** What plans need to become routes. */
export interface RouteCompiler {
  readonly compileFormat: CompileFormat;
  readonly compileFilterConfig: CompileFilterConfig;
  readonly compileBody: (plan: FormatPlan) => Format;
  readonly runtime: Runtime;
  /** Null where no configuration has expressions. */
  readonly expressions: Expressions | null;
  /** Of all virtual hosts. */
  readonly stats: StatsScope;
}

export class RouteBuilder {
  readonly #compiler: RouteCompiler;
  readonly #virtualHost: VirtualHostPlan;
  readonly #config: RouteConfigPlan;
  readonly #general: readonly FilterConfigLevel[];
  readonly #outerRequest: readonly HeaderOps[];
  readonly #outerResponse: readonly HeaderOps[];
  readonly #stats: StatsScope;
  readonly #rateLimits: RateLimitPolicy;
  readonly #virtualClusters: VirtualClusters | null;

  constructor(plan: VirtualHostPlan, config: RouteConfigPlan, general: FilterConfigLevel, compiler: RouteCompiler) {
    this.#compiler = compiler;
    this.#virtualHost = plan;
    this.#config = config;
    this.#general = [general, new FilterConfigLevel(plan.filterConfigs, compiler.compileFilterConfig)];
    const { compileFormat } = compiler;
    this.#stats = compiler.stats.scope(plan.name);
    this.#virtualClusters = plan.virtualClusters.length === 0
      ? null
      : new VirtualClusters(plan.virtualClusters, this.#stats);
    this.#rateLimits = plan.rateLimits.length === 0
      ? NO_RATE_LIMITS
      : new RateLimitPolicy(plan.rateLimits, compiler.compileFormat, compiler.expressions);
    this.#outerRequest = [plan.requestHeaders, config.requestHeaders].map((ops) =>
      new HeaderOps(ops, "request", compileFormat)
    );
    this.#outerResponse = [plan.responseHeaders, config.responseHeaders].map((ops) =>
      new HeaderOps(ops, "response", compileFormat)
    );
  }

  get runtime(): Runtime {
    return this.#compiler.runtime;
  }

  get ignorePathParameters(): boolean {
    return this.#config.ignorePathParametersInPathMatching;
  }

  /** The answer to a request that should have come over TLS. */
  tlsRedirect(): RouteEntry {
    const plan: RecipePlan = {
      name: "",
      match: MATCH_ALL,
      action: TLS_REDIRECT,
      metadata: null,
      requestBufferLimitBytes: null,
    };
    const surroundings = {
      virtualHost: this.#virtualHost,
      requestHeaders: [],
      responseHeaders: [],
      virtualClusters: null,
      rateLimits: NO_RATE_LIMITS,
    };
    const recipe = new RouteRecipe(plan, surroundings, this.#compiler, null);
    return new RouteEntry(recipe, new FilterConfigs(this.#general), null, null);
  }

  clusterSpecifier(route: RoutePlan): ClusterSpecifier {
    const recipe = new RouteRecipe(route, this.#surroundings(route), this.#compiler, this.#countersOf(route));
    const specifier = this.#specifierOf(route, recipe);
    recipe.specifier = specifier;
    return specifier;
  }

  #specifierOf(route: RoutePlan, recipe: RouteRecipe): ClusterSpecifier {
    const levels = [...this.#general, this.#level(route)];
    const cluster = route.action.kind === "cluster" ? route.action.cluster : null;
    const configs = new FilterConfigs(levels);
    switch (cluster?.kind) {
      case "name":
        return new FixedCluster(new RouteEntry(recipe, configs, null, cluster.name));
      case "tree":
        return new ClusterTree(
          new RouteEntry(recipe, configs, null, ""),
          cluster.tree,
          this.runtime,
          this.#compiler.expressions,
        );
      case "nowhere":
        return new Nowhere();
      case "header":
        return new ClusterHeader(new RouteEntry(recipe, configs, null, ""), cluster.header);
      case "weighted":
        return new WeightedClusters(
          cluster.clusters.map((weighted) => this.#weighted(recipe, levels, weighted)),
          this.#weightEnds(cluster),
          cluster.randomHeader,
          cluster.byHash ? recipe.hashPolicy : null,
        );
      default:
        return new FixedCluster(new RouteEntry(recipe, configs, null, recipe.kind === "cluster" ? "" : null));
    }
  }

  #weighted(recipe: RouteRecipe, levels: readonly FilterConfigLevel[], plan: WeightedClusterPlan): ClusterSpecifier {
    const configs = new FilterConfigs([...levels, this.#level(plan)]);
    const { hostRewriteLiteral } = plan;
    const requestHeaders = new HeaderOps(plan.requestHeaders, "request", this.#compiler.compileFormat);
    const responseHeaders = new HeaderOps(plan.responseHeaders, "response", this.#compiler.compileFormat);
    const metadataMatch = plan.metadataMatch === null
      ? recipe.metadataMatch
      : recipe.metadataMatch?.merge(plan.metadataMatch) ?? MetadataMatch.of(plan.metadataMatch);
    const isPlain = requestHeaders.isEmpty && responseHeaders.isEmpty && hostRewriteLiteral === "" &&
      plan.metadataMatch === null;
    const extras = isPlain ? null : { requestHeaders, responseHeaders, hostRewriteLiteral, metadataMatch };
    const entry = new RouteEntry(recipe, configs, extras, plan.name);
    return plan.clusterHeader === "" ? new FixedCluster(entry) : new ClusterHeader(entry, plan.clusterHeader);
  }

  /** For each cluster the sum of weights up to and with it. */
  #weightEnds({ clusters, runtimeKeyPrefix }: WeightedClustersPlan): RuntimeValue<readonly number[]> {
    return new RuntimeValue(this.runtime, (runtime) => {
      let total = 0;
      return clusters.map(({ name, weight }) =>
        total += runtimeKeyPrefix === "" ? weight : runtime.integer(`${runtimeKeyPrefix}.${name}`, weight)
      );
    });
  }

  #level(plan: Pick<RoutePlan, "filterConfigs">): FilterConfigLevel {
    return new FilterConfigLevel(plan.filterConfigs, this.#compiler.compileFilterConfig);
  }

  #surroundings(route: RoutePlan): RouteSurroundings {
    const { compileFormat } = this.#compiler;
    return {
      virtualHost: this.#virtualHost,
      virtualClusters: this.#virtualClusters,
      rateLimits: this.#rateLimits,
      requestHeaders: this.#inOrder(new HeaderOps(route.requestHeaders, "request", compileFormat), this.#outerRequest),
      responseHeaders: this.#inOrder(
        new HeaderOps(route.responseHeaders, "response", compileFormat),
        this.#outerResponse,
      ),
    };
  }

  #countersOf({ statPrefix }: RoutePlan): RequestCounters | null {
    return statPrefix === "" ? null : new RequestCounters(this.#stats.scope("route").scope(statPrefix));
  }

  /** What is done later wins: by default the route configuration's. */
  #inOrder(own: HeaderOps, outer: readonly HeaderOps[]): readonly HeaderOps[] {
    const levels = [own, ...outer].filter((ops) => !ops.isEmpty);
    return this.#config.mostSpecificHeaderMutationsWins ? levels.reverse() : levels;
  }
}
