// host/http/conn_manager/stream_route.ts: the route of a stream, and what of the connection manager it changes.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/http_path.bench.ts
/**
 * A stream reads the route configuration once: what comes later is for later streams. The route is found when it
 * is first asked for, and again after a filter cleared it.
 *
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream::refreshCachedRoute
 * @module
 */
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { ConfiguredFilter, ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { HeaderMap } from "../header_map.ts";
import type { Route, RouteConfig } from "../route.ts";
import type { RouteResolutions } from "./route_resolution.ts";
import { StreamTimers } from "./stream_timers.ts";

const NO_HEADERS: readonly string[] = [];

export abstract class RoutedStream extends StreamTimers {
  requestHeaders: HeaderMap | null = null;
  #routeConfig: RouteConfig | null = null;
  #route: Route | null | undefined = undefined;
  /** Null where nobody measures them. */
  #resolutions: RouteResolutions | null = null;
  /** A stable random number of this stream, for fractions and weights. */
  readonly random: number;

  constructor(config: ConnectionManagerConfig, info: StreamInfo) {
    super(config, info);
    this.random = config.random.uint32();
  }

  /** How long the end of the response may wait for the client. */
  protected abstract setFlushTimeoutMs(timeoutMs: number): void;

  route(): Route | null {
    if (this.#route !== undefined) return this.#route;
    this.#routeConfig ??= this.config.routes.current();
    const info = this.info;
    info.virtualHostName = "";
    info.virtualHostMetadata = null;
    const { routeResolutions = null, clock } = this.config;
    const startMs = routeResolutions === null ? 0 : clock.nowMs();
    const route = this.#routeConfig === null || this.requestHeaders === null
      ? null
      : this.#routeConfig.route(this.requestHeaders, info, this.random);
    this.#route = route;
    if (routeResolutions !== null) this.#noteResolution(clock.nowMs() - startMs);
    if (route === null) {
      info.routeName = info.clusterName = "";
      info.routeMetadata = null;
      return null;
    }
    info.routeName = route.name;
    info.clusterName = route.clusterName ?? "";
    info.virtualHostName = route.virtualHostName;
    info.routeMetadata = route.metadata ?? null;
    info.virtualHostMetadata = route.virtualHostMetadata ?? null;
    const { flushTimeoutMs } = route;
    if (flushTimeoutMs !== undefined && flushTimeoutMs !== null) this.setFlushTimeoutMs(flushTimeoutMs);
    this.applyTimeouts(route, this.requestHeaders!);
    return route;
  }

  #noteResolution(milliseconds: number): void {
    const all = this.#resolutions ??= { count: 0, milliseconds: 0 };
    all.count++;
    all.milliseconds += milliseconds;
  }

  /** At the end of the stream, where it has looked for a route. */
  protected recordResolutions(): void {
    if (this.#resolutions !== null) this.config.routeResolutions?.record(this.#resolutions);
  }

  finalizeLocalReply(headers: HeaderMap): void {
    this.#route?.finalizeLocalReply?.(headers, this.requestHeaders, this.info);
  }

  clearRouteCache(): void {
    this.#route = undefined;
  }

  get bufferLimitBytes(): number {
    return this.config.bufferLimitBytes;
  }

  /** A route can only raise it. */
  get requestBufferLimitBytes(): number {
    const limitBytes = this.config.bufferLimitBytes;
    const ofRoute = this.#route?.requestBufferLimitBytes ?? null;
    return ofRoute === null || limitBytes === 0 ? limitBytes : Math.max(ofRoute, limitBytes);
  }

  /** Headers that requests from outside must not have. */
  internalOnlyHeaders(headers: HeaderMap): readonly string[] {
    this.#routeConfig ??= this.config.routes.current();
    return this.#routeConfig?.internalOnlyHeaders?.(headers) ?? NO_HEADERS;
  }

  /** The chain without the filters that are off for this stream's route. */
  protected enabledFilters(chain: readonly ConfiguredFilter[]): readonly ConfiguredFilter[] {
    for (let i = 0; i < chain.length; i++) {
      const filter = chain[i]!;
      if (!filter.terminal && this.#isDisabled(filter)) {
        return chain.filter((each) => each.terminal || !this.#isDisabled(each));
      }
    }
    return chain;
  }

  #isDisabled(filter: ConfiguredFilter): boolean {
    const route = this.requestHeaders === null || this.requestHeaders.authority === null ? null : this.route();
    return route?.filterDisabled(filter.name) ?? filter.disabled;
  }
}
