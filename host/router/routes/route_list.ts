// host/router/routes/route_list.ts: routes in order, behind an index.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * The first route that matches wins. Routes by path or prefix are found through an index whatever their
 * number; routes by regex are tried one after the other, and only those before the best one found.
 *
 * @see Envoy: source/common/router/config_impl.cc VirtualHostImpl::getRouteFromEntries
 * @module
 */
import { asciiLower } from "../../base/wire_text.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { pathWithoutQuery } from "../../matching/path.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import { PathIndex, type RouteConditions } from "./path_index.ts";
import type { RoutePlan } from "../plan.ts";
import type { ClusterSpecifier } from "./cluster_specifier.ts";
import type { RouteEntry } from "./route.ts";
import type { RouteBuilder } from "./route_builder.ts";
import { RouteMatch } from "./route_match.ts";

/** A request that is being matched. */
export interface RouteRequest {
  readonly headers: HeaderMap;
  readonly info: StreamInfo;
  readonly random: number;
  /** Without query. */
  readonly path: string;
}

export class RouteList implements RouteConditions<RouteRequest> {
  readonly #ignorePathParameters: boolean;
  readonly #matches: RouteMatch[] = [];
  readonly #clusters: ClusterSpecifier[] = [];
  readonly #index: PathIndex<RouteRequest> = new PathIndex();
  readonly #foldedIndex: PathIndex<RouteRequest> = new PathIndex();
  /** Orders of the routes whose path is a regex or a template. */
  readonly #regexOrders: number[] = [];
  /** Orders of the routes that take CONNECT. */
  readonly #connectOrders: number[] = [];

  constructor(plans: readonly RoutePlan[], builder: RouteBuilder) {
    this.#ignorePathParameters = builder.ignorePathParameters;
    for (const plan of plans) this.#add(plan, builder);
  }

  #add(route: RoutePlan, builder: RouteBuilder): void {
    const order = this.#matches.length;
    const { path } = route.match;
    this.#matches.push(new RouteMatch(route.match, builder.runtime));
    this.#clusters.push(builder.clusterSpecifier(route));
    if (path.kind === "regex" || path.kind === "template") this.#regexOrders.push(order);
    else if (path.kind === "connect") this.#connectOrders.push(order);
    else if (path.caseSensitive) this.#index.insert(path.kind, path.value, order);
    else this.#foldedIndex.insert(path.kind, asciiLower(path.value), order);
  }

  /** The first route that matches, with its cluster, or null. */
  route(headers: HeaderMap, info: StreamInfo, random: number): RouteEntry | null {
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
}
