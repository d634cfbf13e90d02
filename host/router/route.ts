// host/router/route.ts: a matched route, as the router and the filters see it.
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
import { EMPTY_BYTES, fromLatin1, latin1Slice } from "../base/bytes.ts";
import { HashPolicy } from "../http/hash_policy.ts";
import type { HeaderMap } from "../http/header_map.ts";
import type { Format } from "../observe/formatter.ts";
import type { FormatPlan } from "../observe/format_plan.ts";
import { NO_RATE_LIMITS, RateLimitPolicy } from "./rate_limit.ts";
import { NO_COUNTERS, type RequestCounters, type VirtualClusters } from "./request_counters.ts";
import { ResourcePriority } from "../upstream/circuit_breaker.ts";
import type { Route } from "../http/route.ts";
import { type FilterMetadata, filterMetadata, type StreamInfo } from "../observe/stream_info.ts";
import { MirrorPolicy } from "../upstream/mirror_policy.ts";
import { NO_RETRY_POLICY, RetryPolicy } from "../upstream/retry_policy.ts";
import { MetadataMatch } from "../upstream/lb/metadata_match.ts";
import type { FilterConfigs } from "./filter_configs.ts";
import type { CompileFormat, HeaderFormatContext, HeaderFormatter, HeaderOps } from "../http/header_ops.ts";
import type {
  ClusterActionPlan,
  HedgePolicyPlan,
  InternalRedirectPlan,
  RedirectPlan,
  RoutePlan,
  VirtualHostPlan,
} from "./plan.ts";
import { hasLocation, locationOf } from "./redirect.ts";
import { applyPathRewrite, formatted, HostRewrite, PathRewrite, rewriteAuthority } from "./rewrite.ts";

export type RouteKind = "cluster" | "redirect" | "directResponse";

/** What the levels above a route add to it. */
export interface RouteSurroundings {
  readonly virtualHost: Pick<
    VirtualHostPlan,
    "name" | "includeRequestAttemptCount" | "includeAttemptCountInResponse" | "includeIsTimeoutRetry" | "metadata"
  >;
  /** Mutations of route, virtual host and route configuration in the order in which they are made. */
  readonly requestHeaders: readonly HeaderOps[];
  readonly responseHeaders: readonly HeaderOps[];
  readonly virtualClusters: VirtualClusters | null;
  readonly rateLimits: RateLimitPolicy;
}

/** The part of a route's plan that a recipe is made of. */
export type RecipePlan = Pick<RoutePlan, "name" | "match" | "action" | "metadata" | "requestBufferLimitBytes">;

/** What plans need to become recipes. */
export interface RecipeCompiler {
  readonly compileFormat: CompileFormat;
  readonly compileBody: (plan: FormatPlan) => Format;
}

/** A route as far as it is the same for all requests. */
export class RouteRecipe {
  readonly name: string;
  readonly kind: RouteKind;
  readonly action: ClusterActionPlan | null;
  readonly redirect: RedirectPlan | null;
  readonly status: number;
  readonly #body: Uint8Array;
  readonly #bodyFormat: Format | null;
  /** The content type that the body's format asks for; "" for none. */
  readonly bodyType: string;
  readonly #redirectPath: HeaderFormatter | null;
  readonly requestBufferLimitBytes: number | null;
  readonly rateLimits: RateLimitPolicy;
  readonly pathRewrite: PathRewrite | null;
  readonly hostRewrite: HostRewrite | null;
  readonly metadataMatch: MetadataMatch | null;
  readonly hashPolicy: HashPolicy | null;
  readonly retryPolicy: RetryPolicy;
  readonly mirrorPolicies: readonly MirrorPolicy[];
  readonly metadata: FilterMetadata;
  readonly virtualHostMetadata: FilterMetadata;
  readonly surroundings: RouteSurroundings;
  /** Statistics of its own; null for none. */
  readonly counters: RequestCounters | null;

  constructor(
    plan: RecipePlan,
    surroundings: RouteSurroundings,
    compiler: RecipeCompiler,
    counters: RequestCounters | null,
  ) {
    const { action } = plan;
    this.name = plan.name;
    this.kind = action.kind;
    this.action = action.kind === "cluster" ? action : null;
    this.redirect = action.kind === "redirect" ? action : null;
    this.status = action.kind === "cluster" ? 0 : action.status;
    this.#body = action.kind === "directResponse" ? action.body : EMPTY_BYTES;
    const bodyFormat = action.kind === "directResponse" ? action.bodyFormat : null;
    this.#bodyFormat = bodyFormat === null ? null : compiler.compileBody(bodyFormat.format);
    this.bodyType = bodyFormat === null
      ? ""
      : bodyFormat.contentType || (bodyFormat.format.kind === "json" ? "application/json" : "");
    this.#redirectPath = this.redirect === null || this.redirect.pathFormat === ""
      ? null
      : compiler.compileFormat(this.redirect.pathFormat);
    this.requestBufferLimitBytes = plan.requestBufferLimitBytes;
    const rateLimits = action.kind === "cluster" ? action.rateLimits : [];
    this.rateLimits = rateLimits.length === 0
      ? NO_RATE_LIMITS
      : new RateLimitPolicy(rateLimits, compiler.compileFormat);
    const pathRewrite = action.kind === "directResponse" ? null : action.pathRewrite;
    this.pathRewrite = pathRewrite === null
      ? null
      : new PathRewrite(pathRewrite, plan.match.path, compiler.compileFormat);
    const hostRewrite = action.kind === "cluster" ? action.hostRewrite : null;
    this.hostRewrite = hostRewrite === null ? null : new HostRewrite(hostRewrite, compiler.compileFormat);
    const metadataMatch = action.kind === "cluster" ? action.metadataMatch : null;
    this.metadataMatch = metadataMatch === null ? null : MetadataMatch.of(metadataMatch);
    const hashPolicies = action.kind === "cluster" ? action.hashPolicies : [];
    this.hashPolicy = hashPolicies.length === 0 ? null : new HashPolicy(hashPolicies);
    const retryPolicy = action.kind === "cluster" ? action.retryPolicy : null;
    this.retryPolicy = retryPolicy === null ? NO_RETRY_POLICY : new RetryPolicy(retryPolicy);
    this.mirrorPolicies = (this.action?.mirrorPolicies ?? []).map((each) =>
      new MirrorPolicy(each, compiler.compileFormat)
    );
    this.metadata = filterMetadata(plan.metadata);
    this.virtualHostMetadata = filterMetadata(surroundings.virtualHost.metadata);
    this.surroundings = surroundings;
    this.counters = counters;
  }

  /** The body of a direct response. */
  bodyFor(headers: HeaderMap, info: StreamInfo): Uint8Array {
    if (this.#bodyFormat === null) return this.#body;
    const localReplyBody = latin1Slice(this.#body, 0, this.#body.length);
    const facts = { requestHeaders: headers, responseHeaders: null, responseTrailers: null, info, localReplyBody };
    return fromLatin1(this.#bodyFormat(facts));
  }

  /** The path that a redirect leads to; "" keeps it. */
  redirectPathFor(headers: HeaderMap, info: StreamInfo): string {
    if (this.#redirectPath !== null) return formatted(this.#redirectPath, headers, info);
    return this.redirect === null ? "" : this.redirect.path;
  }
}

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

  /** `max_stream_duration` takes the place of `timeout`. */
  get limitsStreamDuration(): boolean {
    return this.#recipe.action?.limitsStreamDuration ?? false;
  }

  get maxStreamDurationMs(): number | null {
    return this.#recipe.action?.maxStreamDurationMs ?? null;
  }

  /** Caps a `grpc-timeout` header: 0 takes the header's as it is, null does not look at the header. */
  get grpcTimeoutHeaderMaxMs(): number | null {
    return this.#recipe.action?.grpcTimeoutHeaderMaxMs ?? null;
  }

  get grpcTimeoutHeaderOffsetMs(): number {
    return this.#recipe.action?.grpcTimeoutHeaderOffsetMs ?? 0;
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
   * `insertOriginalPath` is false with the router's `suppress_envoy_headers`.
   */
  finalizeRequestHeaders(headers: HeaderMap, info: StreamInfo, insertOriginalPath = true): void {
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
      if (host !== null) rewriteAuthority(headers, host, action!.appendXForwardedHost);
    }
    if (pathRewrite !== null) applyPathRewrite(pathRewrite, headers, info, insertOriginalPath);
  }

  /** Header mutations of all levels on a response, also on the router's own ones. */
  finalizeResponseHeaders(headers: HeaderMap, requestHeaders: HeaderMap | null, info: StreamInfo): void {
    const levels = this.#recipe.surroundings.responseHeaders;
    const weighted = this.#weighted;
    if (levels.length === 0 && weighted === null) return;
    const context: HeaderFormatContext = { requestHeaders, responseHeaders: headers, responseTrailers: null, info };
    if (weighted !== null) weighted.responseHeaders.apply(headers, context);
    for (let i = 0; i < levels.length; i++) levels[i]!.apply(headers, context);
  }

  /** Sets the name of the chosen upstream host (`auto_host_rewrite`). */
  rewriteHost(headers: HeaderMap, host: string): void {
    rewriteAuthority(headers, host, this.#recipe.action?.appendXForwardedHost ?? false);
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
  rewritePath(headers: HeaderMap, info: StreamInfo, insertOriginalPath = true): void {
    const { pathRewrite } = this.#recipe;
    if (pathRewrite !== null) applyPathRewrite(pathRewrite, headers, info, insertOriginalPath);
  }

  /** The `location` of a redirect or direct response, or null when its status has none. */
  location(headers: HeaderMap, info: StreamInfo): string | null {
    const { status, redirect } = this.#recipe;
    if (!hasLocation(status)) return null;
    return locationOf(redirect, headers, this.#recipe.redirectPathFor(headers, info));
  }
}
