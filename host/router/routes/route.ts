// host/router/routes/route.ts: a matched route, as the router and the filters see it.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * A `RouteEntry` is a route with its cluster chosen. All that does not depend on the request is compiled
 * once into a `RouteRecipe`; an entry is made per route and weighted cluster, and per request only where
 * a header names the cluster.
 *
 * @see Envoy: source/common/router/config_impl.h RouteEntryImplBase, DynamicRouteEntry
 * @module
 */
import type { HashPolicy } from "../../http/hash_policy.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { RateLimitPolicy } from "./rate_limit.ts";
import { NO_COUNTERS, type RequestCounters } from "./request_counters.ts";
import { ResourcePriority } from "../../upstream/circuit_breaker.ts";
import type { Route, StreamDuration } from "../../http/route.ts";
import type { FilterMetadata, StreamInfo } from "../../observe/stream_info.ts";
import type { MirrorPolicy } from "../../upstream/mirror_policy.ts";
import type { RetryPolicy } from "../../upstream/retry_policy.ts";
import type { MetadataMatch } from "../../upstream/lb/metadata_match.ts";
import type { FilterConfigs } from "./filter_configs.ts";
import type { HeaderFormatContext, HeaderOps } from "../../http/header_ops.ts";
import type { HedgePolicyPlan, InternalRedirectPlan } from "../plan.ts";
import { hasLocation, locationOf } from "./redirect.ts";
import { applyPathRewrite, rewriteAuthority } from "./rewrite.ts";
import type { RouteKind, RouteRecipe } from "./route_recipe.ts";

/** What a weighted cluster adds to its route. */
export interface WeightedClusterExtras {
  readonly requestHeaders: HeaderOps;
  readonly responseHeaders: HeaderOps;
  /** "" for none. */
  readonly hostRewriteLiteral: string;
  /** What is asked of hosts, the route's criteria included. */
  readonly metadataMatch: MetadataMatch | null;
}

/** A route with its cluster. */
export class RouteEntry implements Route {
  readonly #recipe: RouteRecipe;
  readonly #filterConfigs: FilterConfigs;
  readonly #weighted: WeightedClusterExtras | null;
  /** "" when the header that names the cluster is missing: there is no such cluster. */
  readonly clusterName: string | null;

  constructor(
    recipe: RouteRecipe,
    filterConfigs: FilterConfigs,
    weighted: WeightedClusterExtras | null,
    clusterName: string | null,
  ) {
    this.#recipe = recipe;
    this.#filterConfigs = filterConfigs;
    this.#weighted = weighted;
    this.clusterName = clusterName;
  }

  /** The same route to another cluster. */
  withCluster(clusterName: string): RouteEntry {
    return new RouteEntry(this.#recipe, this.#filterConfigs, this.#weighted, clusterName);
  }

  get kind(): RouteKind {
    return this.#recipe.kind;
  }

  get name(): string {
    return this.#recipe.name;
  }

  get virtualHostName(): string {
    return this.#recipe.surroundings.virtualHost.name;
  }

  /** Static metadata of the route, by namespace. */
  get metadata(): FilterMetadata {
    return this.#recipe.metadata;
  }

  get virtualHostMetadata(): FilterMetadata {
    return this.#recipe.virtualHostMetadata;
  }

  perFilterConfig(filterName: string): unknown {
    return this.#filterConfigs.mostSpecific(filterName);
  }

  /** Configurations of all levels for filters that merge them, the most general first. */
  perFilterConfigs(filterName: string): readonly unknown[] {
    return this.#filterConfigs.all(filterName);
  }

  filterDisabled(filterName: string): boolean | null {
    return this.#filterConfigs.disabled(filterName);
  }

  /** From the end of the request to the end of the response; 0 for no limit. */
  get timeoutMs(): number {
    return this.#recipe.action?.timeoutMs ?? 0;
  }

  get idleTimeoutMs(): number | null {
    return this.#recipe.action?.idleTimeoutMs ?? null;
  }

  get flushTimeoutMs(): number | null {
    return this.#recipe.action?.flushTimeoutMs ?? null;
  }

  /** Where there is one, it takes the place of `timeout`. */
  get streamDuration(): StreamDuration | null {
    return this.#recipe.action?.streamDuration ?? null;
  }

  /** What the hosts' metadata have to say; null when nothing is asked of them. */
  get metadataMatch(): MetadataMatch | null {
    return this.#weighted === null ? this.#recipe.metadataMatch : this.#weighted.metadataMatch;
  }

  /** What load balancers that hash go by; null for nothing. */
  get hashPolicy(): HashPolicy | null {
    return this.#recipe.hashPolicy;
  }

  allowsUpgrade(type: string): boolean | null {
    return this.#recipe.action?.upgrades.find((each) => each.type === type)?.enabled ?? null;
  }

  /** Whether such a request becomes a tunnel to an upstream that speaks no HTTP. */
  opensTcpTunnel(headers: HeaderMap): boolean {
    const connect = this.#recipe.action?.connect ?? null;
    if (connect === null) return false;
    const { method, protocol } = headers;
    return (method === "CONNECT" && protocol === null) || (method === "POST" && connect.allowPost);
  }

  get priority(): ResourcePriority {
    return this.#recipe.action?.priority === "high" ? ResourcePriority.High : ResourcePriority.Default;
  }

  /** For gRPC requests `grpc-timeout` up to this takes the place of `timeoutMs`; 0 is no limit, null: it does not. */
  get maxGrpcTimeoutMs(): number | null {
    return this.#recipe.action?.maxGrpcTimeoutMs ?? null;
  }

  get grpcTimeoutOffsetMs(): number {
    return this.#recipe.action?.grpcTimeoutOffsetMs ?? 0;
  }

  /** How much of a request may be held; null leaves that to its connection. */
  get requestBufferLimitBytes(): number | null {
    return this.#recipe.requestBufferLimitBytes;
  }

  get rateLimits(): RateLimitPolicy {
    return this.#recipe.rateLimits;
  }

  get virtualHostRateLimits(): RateLimitPolicy {
    return this.#recipe.surroundings.rateLimits;
  }

  /** `include_vh_rate_limits`. */
  get includesVirtualHostRateLimits(): boolean {
    return this.#recipe.action?.includesVirtualHostRateLimits ?? false;
  }

  /** What counts this request besides its cluster; tells the stream its virtual cluster. */
  countersFor(headers: HeaderMap, info: StreamInfo): readonly RequestCounters[] {
    const { counters, surroundings: { virtualClusters } } = this.#recipe;
    if (virtualClusters === null) return counters === null ? NO_COUNTERS : [counters];
    const virtual = virtualClusters.find(headers);
    info.virtualClusterName = virtual.name;
    return counters === null ? [virtual.counters] : [counters, virtual.counters];
  }

  get retryPolicy(): RetryPolicy {
    return this.#recipe.retryPolicy;
  }

  /** The cluster of one more attempt; `tried` are those of the attempts before it. */
  clusterNameAgain(headers: HeaderMap, random: number, info: StreamInfo, tried: Set<string>): string {
    const { specifier } = this.#recipe;
    if (specifier === null) return this.clusterName ?? "";
    return specifier.chooseAgain?.(headers, random, info, tried) ??
      specifier.choose(headers, random, info)?.clusterName ?? "";
  }

  get mirrorPolicies(): readonly MirrorPolicy[] {
    return this.#recipe.mirrorPolicies;
  }

  get internalRedirectPolicy(): InternalRedirectPlan | null {
    return this.#recipe.action?.internalRedirect ?? null;
  }

  get hedgePolicy(): HedgePolicyPlan | null {
    return this.#recipe.action?.hedgePolicy ?? null;
  }

  get clusterNotFoundStatus(): number {
    return this.#recipe.action?.clusterNotFoundStatus ?? 503;
  }

  /** `x-envoy-attempt-count` goes to the upstream. */
  get includeRequestAttemptCount(): boolean {
    return this.#recipe.surroundings.virtualHost.includeRequestAttemptCount;
  }

  /** `x-envoy-attempt-count` goes to the client. */
  get includeAttemptCountInResponse(): boolean {
    return this.#recipe.surroundings.virtualHost.includeAttemptCountInResponse;
  }

  /** Retries tell the upstream whether the attempt before took too long. */
  get includeIsTimeoutRetry(): boolean {
    return this.#recipe.surroundings.virtualHost.includeIsTimeoutRetry;
  }

  /** True when the router must call `rewriteHost` with the chosen host's name. */
  get autoHostRewrite(): boolean {
    return this.#recipe.hostRewrite !== null && this.#recipe.hostRewrite.isAuto;
  }

  /**
   * Makes the request what the upstream is to see: header mutations of all levels, then host, then path.
   * `keepOriginal` is false with the router's `suppress_envoy_headers`.
   */
  finalizeRequestHeaders(headers: HeaderMap, info: StreamInfo, keepOriginal = true): void {
    const { pathRewrite, hostRewrite, surroundings, action } = this.#recipe;
    const levels = surroundings.requestHeaders;
    const weighted = this.#weighted;
    if (levels.length > 0 || weighted !== null) {
      const context: HeaderFormatContext = {
        requestHeaders: headers,
        responseHeaders: null,
        responseTrailers: null,
        info,
      };
      if (weighted !== null) {
        weighted.requestHeaders.apply(headers, context);
        if (weighted.hostRewriteLiteral !== "") headers.authority = weighted.hostRewriteLiteral;
      }
      for (let i = 0; i < levels.length; i++) levels[i]!.apply(headers, context);
    }
    if (hostRewrite !== null) {
      const host = hostRewrite.hostFor(headers, info);
      if (host !== null) rewriteAuthority(headers, host, keepOriginal, action!.appendXForwardedHost);
    }
    if (pathRewrite !== null) applyPathRewrite(pathRewrite, headers, info, keepOriginal);
  }

  /** Of direct responses and redirects the router makes the headers itself. */
  finalizeLocalReply(headers: HeaderMap, requestHeaders: HeaderMap | null, info: StreamInfo): void {
    if (this.kind === "cluster") this.finalizeResponseHeaders(headers, requestHeaders, info);
  }

  /** Header mutations of all levels on a response. */
  finalizeResponseHeaders(headers: HeaderMap, requestHeaders: HeaderMap | null, info: StreamInfo): void {
    const levels = this.#recipe.surroundings.responseHeaders;
    const weighted = this.#weighted;
    if (levels.length === 0 && weighted === null) return;
    const context: HeaderFormatContext = { requestHeaders, responseHeaders: headers, responseTrailers: null, info };
    if (weighted !== null) weighted.responseHeaders.apply(headers, context);
    for (let i = 0; i < levels.length; i++) levels[i]!.apply(headers, context);
  }

  /** Sets the name of the chosen upstream host (`auto_host_rewrite`). */
  rewriteHost(headers: HeaderMap, host: string, keepOriginal = true): void {
    rewriteAuthority(headers, host, keepOriginal, this.#recipe.action?.appendXForwardedHost ?? false);
  }

  /** Of redirects and direct responses. */
  get status(): number {
    return this.#recipe.status;
  }

  /** The body of a direct response. */
  bodyFor(headers: HeaderMap, info: StreamInfo): Uint8Array {
    return this.#recipe.bodyFor(headers, info);
  }

  /** The content type of a body that is formatted; "" leaves it to the usual one. */
  get bodyType(): string {
    return this.#recipe.bodyType;
  }

  /** Changes the path of a request that is to be redirected; comes before `location`. */
  rewritePath(headers: HeaderMap, info: StreamInfo, keepOriginal = true): void {
    const { pathRewrite } = this.#recipe;
    if (pathRewrite !== null) applyPathRewrite(pathRewrite, headers, info, keepOriginal);
  }

  /** The `location` of a redirect or direct response, or null when its status has none. */
  location(headers: HeaderMap, info: StreamInfo): string | null {
    const { status, redirect } = this.#recipe;
    if (!hasLocation(status)) return null;
    return locationOf(redirect, headers, this.#recipe.redirectPathFor(headers, info));
  }
}
