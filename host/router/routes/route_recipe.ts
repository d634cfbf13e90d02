// host/router/routes/route_recipe.ts: a route as far as it is the same for all requests.
// pure: no I/O, no clock, no runtime globals
/**
 * Compiled once from the plan; `RouteEntry` puts the cluster to it.
 *
 * @see Envoy: source/common/router/config_impl.h RouteEntryImplBase
 * @module
 */
import { EMPTY_BYTES, fromLatin1, latin1Slice } from "../../base/bytes.ts";
import type { Runtime } from "../../base/runtime.ts";
import { HashPolicy } from "../../http/hash_policy.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { Expressions, Format } from "../../observe/formatter.ts";
import type { FormatPlan } from "../../observe/format_plan.ts";
import { NO_RATE_LIMITS, RateLimitPolicy } from "./rate_limit.ts";
import type { RequestCounters, VirtualClusters } from "./request_counters.ts";
import { type FilterMetadata, filterMetadata, type StreamInfo } from "../../observe/stream_info.ts";
import { MirrorPolicy } from "../../upstream/mirror_policy.ts";
import { NO_RETRY_POLICY, RetryPolicy } from "../../upstream/retry_policy.ts";
import { MetadataMatch } from "../../upstream/lb/metadata_match.ts";
import type { CompileFormat, HeaderFormatter, HeaderOps } from "../../http/header_ops.ts";
import type { ClusterActionPlan, RedirectPlan, RoutePlan, VirtualHostPlan } from "../plan.ts";
import { formatted, HostRewrite, PathRewrite } from "./rewrite.ts";

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
  readonly runtime: Runtime;
  /** Null where no configuration has expressions. */
  readonly expressions: Expressions | null;
}

/** What chooses the cluster of a route's request. */
export interface ClusterChooser {
  choose(headers: HeaderMap, random: number, info: StreamInfo): { readonly clusterName: string | null } | null;
  /**
   * The name of the cluster of one more attempt, where `tried` are those of the attempts before it; absent: what
   * `choose` says now.
   */
  chooseAgain?(headers: HeaderMap, random: number, info: StreamInfo, tried: Set<string>): string;
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
  /** What chooses the cluster; known once the route is built. */
  specifier: ClusterChooser | null = null;
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
    this.kind = action.kind === "nonForwarding" ? "cluster" : action.kind;
    this.action = action.kind === "cluster" ? action : null;
    this.redirect = action.kind === "redirect" ? action : null;
    this.status = "status" in action ? action.status : 0;
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
      : new RateLimitPolicy(rateLimits, compiler.compileFormat, compiler.expressions);
    const pathRewrite = "pathRewrite" in action ? action.pathRewrite : null;
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
      new MirrorPolicy(each, compiler.compileFormat, compiler.runtime)
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
