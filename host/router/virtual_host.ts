// host/router/virtual_host.ts: the routes of one virtual host, in order, behind an index.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * The first route that matches wins. Routes by path or prefix are found through an index whatever their
 * number; routes by regex are tried one after the other, and only those before the best one found.
 *
 * @see Envoy: source/common/router/config_impl.cc VirtualHostImpl::getRouteFromEntries
 * @module
 */
import type { HeaderMap } from "../http/header_map.ts";
import { pathWithoutQuery } from "../matching/path.ts";
import { asciiLower } from "../base/wire_text.ts";
import type { Format } from "../observe/formatter.ts";
import type { FormatPlan } from "../observe/format_plan.ts";
import type { StatsScope } from "../observe/stats.ts";
import { RequestCounters, VirtualClusters } from "./request_counters.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import { ClusterHeader, type ClusterSpecifier, FixedCluster, WeightedClusters } from "./cluster_specifier.ts";
import { type CompileFilterConfig, FilterConfigLevel, FilterConfigs } from "./filter_configs.ts";
import { type CompileFormat, HeaderOps } from "../http/header_ops.ts";
import { PathIndex, type RouteConditions } from "./path_index.ts";
import {
  MATCH_ALL,
  type RouteConfigPlan,
  type RoutePlan,
  type VirtualHostPlan,
  type WeightedClusterPlan,
} from "./plan.ts";
import { TLS_REDIRECT } from "./redirect.ts";
import { type RecipePlan, RouteEntry, RouteRecipe, type RouteSurroundings } from "./route.ts";
import { RouteMatch } from "./route_match.ts";

/** What plans need to become routes. */
export interface RouteCompiler {
  readonly compileFormat: CompileFormat;
  readonly compileFilterConfig: CompileFilterConfig;
  readonly compileBody: (plan: FormatPlan) => Format;
  /** Of all virtual hosts. */
  readonly stats: StatsScope;
}

/** A request that is being matched. */
export interface RouteRequest {
  readonly headers: HeaderMap;
  readonly info: StreamInfo;
  readonly random: number;
  /** Without query. */
  readonly path: string;
}

export class VirtualHost implements RouteConditions<RouteRequest> {
  readonly name: string;
  readonly #requireTls: VirtualHostPlan["requireTls"];
  readonly #tlsRedirect: RouteEntry;
  readonly #ignorePathParameters: boolean;
  readonly #matches: RouteMatch[] = [];
  readonly #clusters: ClusterSpecifier[] = [];
  readonly #index: PathIndex<RouteRequest> = new PathIndex();
  readonly #foldedIndex: PathIndex<RouteRequest> = new PathIndex();
  /** Orders of the routes whose path is a regex or a template. */
  readonly #regexOrders: number[] = [];
  /** Orders of the routes that take CONNECT. */
  readonly #connectOrders: number[] = [];

  constructor(plan: VirtualHostPlan, config: RouteConfigPlan, general: FilterConfigLevel, compiler: RouteCompiler) {
    this.name = plan.name;
    this.#requireTls = plan.requireTls;
    this.#ignorePathParameters = config.ignorePathParametersInPathMatching;
    const builder = new RouteBuilder(plan, config, general, compiler);
    this.#tlsRedirect = builder.tlsRedirect();
    for (const route of plan.routes) this.#add(route, builder);
  }

  #add(route: RoutePlan, builder: RouteBuilder): void {
    const order = this.#matches.length;
    const { path } = route.match;
    this.#matches.push(new RouteMatch(route.match));
    this.#clusters.push(builder.clusterSpecifier(route));
    if (path.kind === "regex" || path.kind === "template") this.#regexOrders.push(order);
    else if (path.kind === "connect") this.#connectOrders.push(order);
    else if (path.caseSensitive) this.#index.insert(path.kind, path.value, order);
    else this.#foldedIndex.insert(path.kind, asciiLower(path.value), order);
  }

  route(headers: HeaderMap, info: StreamInfo, random: number): RouteEntry | null {
    if (this.#requireTls !== "none" && this.#needsTlsRedirect(headers)) return this.#tlsRedirect;
    if (headers.path === null) return this.#routeConnect(headers, info, random);
    let path = pathWithoutQuery(headers.path);
    if (this.#ignorePathParameters && path.includes(";")) path = path.replace(/;[^/]*/g, "");
    const request: RouteRequest = { headers, info, random, path };
    const count = this.#matches.length;
    let best = this.#index.lowest(path, count, this, request);
    if (!this.#foldedIndex.isEmpty) best = this.#foldedIndex.lowest(asciiLower(path), best, this, request);
    const regexes = this.#regexOrders;
    for (let i = 0; i < regexes.length && regexes[i]! < best; i++) {
      if (this.accepts(regexes[i]!, request)) best = regexes[i]!;
    }
    return best === count ? null : this.#clusters[best]!.choose(headers, random, info);
  }

  /** Only CONNECT has no path. */
  #routeConnect(headers: HeaderMap, info: StreamInfo, random: number): RouteEntry | null {
    if (headers.method !== "CONNECT") return null;
    const request: RouteRequest = { headers, info, random, path: "" };
    for (const order of this.#connectOrders) {
      if (this.accepts(order, request)) return this.#clusters[order]!.choose(headers, random, info);
    }
    return null;
  }

  accepts(order: number, request: RouteRequest): boolean {
    return this.#matches[order]!.accepts(request.path, request.headers, request.info, request.random);
  }

  #needsTlsRedirect(headers: HeaderMap): boolean {
    if (headers.get("x-forwarded-proto") === "https") return false;
    return this.#requireTls === "all" || headers.get("x-envoy-internal") !== "true";
  }
}

/** Compiles the routes of one virtual host. */
class RouteBuilder {
  readonly #compiler: RouteCompiler;
  readonly #virtualHost: VirtualHostPlan;
  readonly #config: RouteConfigPlan;
  readonly #general: readonly FilterConfigLevel[];
  readonly #outerRequest: readonly HeaderOps[];
  readonly #outerResponse: readonly HeaderOps[];
  readonly #stats: StatsScope;
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
    this.#outerRequest = [plan.requestHeaders, config.requestHeaders].map((ops) =>
      new HeaderOps(ops, "request", compileFormat)
    );
    this.#outerResponse = [plan.responseHeaders, config.responseHeaders].map((ops) =>
      new HeaderOps(ops, "response", compileFormat)
    );
  }

  /** The answer to a request that should have come over TLS. */
  tlsRedirect(): RouteEntry {
    const plan: RecipePlan = {
      name: "",
      match: MATCH_ALL,
      action: TLS_REDIRECT,
      metadata: null,
      requestBufferLimit: null,
    };
    const surroundings = {
      virtualHost: this.#virtualHost,
      requestHeaders: [],
      responseHeaders: [],
      virtualClusters: null,
    };
    const recipe = new RouteRecipe(plan, surroundings, this.#compiler, null);
    return new RouteEntry(recipe, new FilterConfigs(this.#general), null, null);
  }

  clusterSpecifier(route: RoutePlan): ClusterSpecifier {
    const recipe = new RouteRecipe(route, this.#surroundings(route), this.#compiler, this.#countersOf(route));
    const levels = [...this.#general, this.#level(route)];
    const cluster = route.action.kind === "cluster" ? route.action.cluster : null;
    const configs = new FilterConfigs(levels);
    switch (cluster?.kind) {
      case "name":
        return new FixedCluster(new RouteEntry(recipe, configs, null, cluster.name));
      case "header":
        return new ClusterHeader(new RouteEntry(recipe, configs, null, ""), cluster.header);
      case "weighted":
        return new WeightedClusters(
          cluster.clusters.map((weighted) => this.#weighted(recipe, levels, weighted)),
          cluster.clusters.map((weighted) => weighted.weight),
          cluster.randomHeader,
          cluster.byHash ? recipe.hashPolicy : null,
        );
      default:
        return new FixedCluster(new RouteEntry(recipe, configs, null, null));
    }
  }

  #weighted(recipe: RouteRecipe, levels: readonly FilterConfigLevel[], plan: WeightedClusterPlan): ClusterSpecifier {
    const configs = new FilterConfigs([...levels, this.#level(plan)]);
    const { hostRewriteLiteral } = plan;
    const requestHeaders = new HeaderOps(plan.requestHeaders, "request", this.#compiler.compileFormat);
    const responseHeaders = new HeaderOps(plan.responseHeaders, "response", this.#compiler.compileFormat);
    const extras = requestHeaders.isEmpty && responseHeaders.isEmpty && hostRewriteLiteral === ""
      ? null
      : { requestHeaders, responseHeaders, hostRewriteLiteral };
    const entry = new RouteEntry(recipe, configs, extras, plan.name);
    return plan.clusterHeader === "" ? new FixedCluster(entry) : new ClusterHeader(entry, plan.clusterHeader);
  }

  #level(plan: Pick<RoutePlan, "filterConfigs">): FilterConfigLevel {
    return new FilterConfigLevel(plan.filterConfigs, this.#compiler.compileFilterConfig);
  }

  #surroundings(route: RoutePlan): RouteSurroundings {
    const { compileFormat } = this.#compiler;
    return {
      virtualHost: this.#virtualHost,
      virtualClusters: this.#virtualClusters,
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
