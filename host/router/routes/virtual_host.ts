// host/router/routes/virtual_host.ts: the routes of one virtual host, in order or below a tree of matchers.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * @see Envoy: source/common/router/config_impl.cc VirtualHostImpl::getRouteFromEntries
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";
import { compileHttpInput, type HttpMatchData, requestData } from "../../http/match_inputs.ts";
import { MatchTree } from "../../matching/match_tree.ts";
import { type FilterMetadata, filterMetadata, type StreamInfo } from "../../observe/stream_info.ts";
import type { FilterConfigLevel } from "./filter_configs.ts";
import type { RouteConfigPlan, RouteTreePlan, VirtualHostPlan } from "../plan.ts";
import type { RouteEntry } from "./route.ts";
import { RouteBuilder, type RouteCompiler } from "./route_builder.ts";
import { RouteList } from "./route_list.ts";

export class VirtualHost {
  readonly name: string;
  readonly #metadata: FilterMetadata;
  readonly #requireTls: VirtualHostPlan["requireTls"];
  readonly #tlsRedirect: RouteEntry;
  readonly #routes: RouteList;
  /** Finds the routes that apply; null where those of the list do. */
  readonly #tree: MatchTree<HttpMatchData, RouteList> | null;

  constructor(plan: VirtualHostPlan, config: RouteConfigPlan, general: FilterConfigLevel, compiler: RouteCompiler) {
    this.name = plan.name;
    this.#metadata = filterMetadata(plan.metadata);
    this.#requireTls = plan.requireTls;
    const builder = new RouteBuilder(plan, config, general, compiler);
    this.#tlsRedirect = builder.tlsRedirect();
    this.#routes = new RouteList(plan.routes, builder);
    this.#tree = plan.matcher === null ? null : compileTree(plan.matcher, builder);
  }

  /** Tells the stream of this virtual host where it has no route for it. */
  route(headers: HeaderMap, info: StreamInfo, random: number): RouteEntry | null {
    const route = this.#route(headers, info, random);
    if (route !== null) return route;
    info.virtualHostName = this.name;
    info.virtualHostMetadata = this.#metadata;
    return null;
  }

  #route(headers: HeaderMap, info: StreamInfo, random: number): RouteEntry | null {
    if (this.#requireTls !== "none" && this.#needsTlsRedirect(headers)) return this.#tlsRedirect;
    const routes = this.#tree === null ? this.#routes : this.#tree.match(requestData(headers, info)) ?? null;
    return routes === null ? null : routes.route(headers, info, random);
  }

  #needsTlsRedirect(headers: HeaderMap): boolean {
    if (headers.get("x-forwarded-proto") === "https") return false;
    return this.#requireTls === "all" || headers.get("x-envoy-internal") !== "true";
  }
}

function compileTree(plan: RouteTreePlan, builder: RouteBuilder): MatchTree<HttpMatchData, RouteList> {
  return MatchTree.compile(plan, {
    compileInput: compileHttpInput,
    runtime: builder.runtime,
    compileAction: (routes) => new RouteList(routes, builder),
  });
}
