// host/router/routes/scoped_routes.ts: several route configurations, one of which headers of the request choose.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * Each fragment of the key comes from a header. A request without one of them has no scope, and so no route;
 * nor has one whose key belongs to no scope.
 *
 * @see Envoy: source/common/router/scoped_config_impl.cc
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";
import type { Route, RouteConfig } from "../../http/route.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { RouteConfigPlan } from "../plan.ts";
import { RouteTable, type RouteTableOptions } from "./route_table.ts";

/** ScopedRoutes as plain data. */
export interface ScopedRoutesPlan {
  readonly name: string;
  readonly fragments: readonly ScopeFragmentPlan[];
  readonly scopes: readonly ScopePlan[];
}

export interface ScopePlan {
  readonly name: string;
  readonly key: readonly string[];
  readonly routeConfig: RouteConfigPlan;
}

/** A HeaderValueExtractor; the name is lower case. */
export interface ScopeFragmentPlan {
  readonly header: string;
  /** What elements of the value are separated by; "" for one element. */
  readonly elementSeparator: string;
  /** The element at a place, or what follows `separator` in the first one that begins with `key`. */
  readonly extract:
    | { readonly kind: "index"; readonly index: number }
    | { readonly kind: "element"; readonly key: string; readonly separator: string };
}

export class ScopedRoutes implements RouteConfig {
  readonly name: string;
  readonly #fragments: readonly ScopeFragmentPlan[];
  readonly #tables = new Map<string, RouteTable>();

  constructor(plan: ScopedRoutesPlan, options: RouteTableOptions) {
    this.name = plan.name;
    this.#fragments = plan.fragments;
    for (const { key, routeConfig } of plan.scopes) {
      this.#tables.set(joinKey(key), new RouteTable(routeConfig, options));
    }
  }

  internalOnlyHeaders(headers: HeaderMap): readonly string[] {
    return this.#tableFor(headers)?.internalOnlyHeaders() ?? NO_HEADERS;
  }

  route(headers: HeaderMap, info: StreamInfo, random: number): Route | null {
    return this.#tableFor(headers)?.route(headers, info, random) ?? null;
  }

  #tableFor(headers: HeaderMap): RouteTable | null {
    const fragments: string[] = [];
    for (const plan of this.#fragments) {
      const value = headers.get(plan.header);
      const fragment = value === null ? null : extract(plan, value);
      if (fragment === null) return null;
      fragments.push(fragment);
    }
    return this.#tables.get(joinKey(fragments)) ?? null;
  }
}

const NO_HEADERS: readonly string[] = [];

/** No header has such a character. */
function joinKey(fragments: readonly string[]): string {
  return fragments.join("\0");
}

function extract({ elementSeparator, extract: how }: ScopeFragmentPlan, value: string): string | null {
  const elements = elementSeparator === "" ? [value] : value.split(elementSeparator);
  if (how.kind === "index") return elements[how.index] ?? null;
  for (const element of elements) {
    const end = element.indexOf(how.separator);
    if ((end === -1 ? element : element.slice(0, end)) !== how.key) continue;
    return end === -1 ? "" : element.slice(end + how.separator.length);
  }
  return null;
}
