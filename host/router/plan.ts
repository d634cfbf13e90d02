// host/router/plan.ts: route configurations as plain data, as workers get them.
// pure: no I/O, no clock, no runtime globals
/**
 * What `plan/` makes of a RouteConfiguration and what `RouteTable` is built from: structured-cloneable, with
 * every check already done. Strings that meet header bytes are wire text; regex patterns stay Unicode.
 *
 * @see Envoy: api/envoy/config/route/v3/route.proto, route_components.proto
 * @module
 */
import type { HeaderOpsPlan } from "../http/header_ops.ts";
import type { Fraction, RuntimeFractionPlan } from "../base/runtime.ts";
import type { CookieMatcherPlan } from "../matching/cookies.ts";
import type { HashPolicyPlan } from "../http/hash_policy.ts";
import type { HttpInputPlan } from "../http/match_inputs.ts";
import type { StreamDuration } from "../http/route.ts";
import type { MatchTreePlan } from "../matching/match_tree.ts";
import type { BodyFormatPlan } from "../observe/format_plan.ts";
import type { HeaderMatcherPlan } from "../matching/header_matcher.ts";
import type { QueryMatcherPlan } from "../matching/query_matcher.ts";
import type { Substitution } from "../matching/regex.ts";
import type { FilterStateMatcherPlan, MetadataMatcherPlan } from "../matching/stream_matchers.ts";
import type { MirrorPolicyPlan } from "../upstream/mirror_policy.ts";
import type { RetryPolicyPlan } from "../upstream/retry_plan.ts";
import type { RateLimitPlan } from "./rate_limit_plan.ts";

export interface RouteConfigPlan {
  readonly name: string;
  readonly virtualHosts: readonly VirtualHostPlan[];
  readonly requestHeaders: HeaderOpsPlan;
  readonly responseHeaders: HeaderOpsPlan;
  readonly mostSpecificHeaderMutationsWins: boolean;
  /** Removed from requests that come from outside; lower case. */
  readonly internalOnlyHeaders: readonly string[];
  /** The header whose value is looked up among the domains, in lower case; "" is the host. */
  readonly virtualHostHeader: string;
  readonly ignorePortInHostMatching: boolean;
  readonly ignorePathParametersInPathMatching: boolean;
  readonly filterConfigs: readonly FilterConfigPlan[];
  readonly metadata: MetadataPlan | null;
}

export interface VirtualHostPlan {
  readonly name: string;
  /** Lower case, as in the configuration: `a.example`, `*.example`, `a.*`, `*`. */
  readonly domains: readonly string[];
  readonly routes: readonly RoutePlan[];
  /** Finds routes in place of `routes`. */
  readonly matcher: RouteTreePlan | null;
  readonly rateLimits: readonly RateLimitPlan[];
  /** In order: the first one that a request matches counts it. */
  readonly virtualClusters: readonly VirtualClusterPlan[];
  readonly requireTls: "none" | "externalOnly" | "all";
  readonly requestHeaders: HeaderOpsPlan;
  readonly responseHeaders: HeaderOpsPlan;
  readonly includeRequestAttemptCount: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetry: boolean;
  readonly filterConfigs: readonly FilterConfigPlan[];
  readonly metadata: MetadataPlan | null;
}

/** A tree that leads to routes, of which the first that matches counts. */
export type RouteTreePlan = MatchTreePlan<HttpInputPlan, readonly RoutePlan[]>;

/** Requests that are counted together. */
export interface VirtualClusterPlan {
  readonly name: string;
  readonly headers: readonly HeaderMatcherPlan[];
}

export interface RoutePlan {
  readonly name: string;
  readonly match: RouteMatchPlan;
  readonly action: ClusterActionPlan | RedirectPlan | DirectResponsePlan | NonForwardingPlan;
  /** Statistics of the route have this name; "" for none. */
  readonly statPrefix: string;
  /** How much of a request may be held; null leaves that to its connection. */
  readonly requestBufferLimitBytes: number | null;
  readonly requestHeaders: HeaderOpsPlan;
  readonly responseHeaders: HeaderOpsPlan;
  readonly filterConfigs: readonly FilterConfigPlan[];
  readonly metadata: MetadataPlan | null;
}

/** Static metadata: plain JSON by namespace. */
export type MetadataPlan = Readonly<Record<string, unknown>>;

/** An entry of `typed_per_filter_config`. */
export interface FilterConfigPlan {
  /** The filter's name in the chain. */
  readonly name: string;
  readonly disabled: boolean;
  /** What the extension made of the message; null when there is none. */
  readonly config: unknown;
}

export type PathMatchPlan =
  | {
    readonly kind: "prefix" | "path" | "separatedPrefix";
    readonly value: string;
    readonly caseSensitive: boolean;
  }
  | { readonly kind: "regex"; readonly pattern: string }
  /** A URI template as the regular expression that it stands for. */
  | { readonly kind: "template"; readonly pattern: string; readonly variables: readonly string[] }
  /** CONNECT, which has no path. */
  | { readonly kind: "connect" };

export interface RouteMatchPlan {
  readonly path: PathMatchPlan;
  readonly headers: readonly HeaderMatcherPlan[];
  readonly query: readonly QueryMatcherPlan[];
  readonly cookies: readonly CookieMatcherPlan[];
  readonly dynamicMetadata: readonly MetadataMatcherPlan[];
  readonly filterState: readonly FilterStateMatcherPlan[];
  readonly grpc: boolean;
  readonly tls: TlsMatchPlan | null;
  readonly fraction: RuntimeFractionPlan | null;
}

/** What is asked of the client's certificate; null asks nothing. */
export interface TlsMatchPlan {
  readonly presented: boolean | null;
  readonly validated: boolean | null;
}

/** What a route takes that asks for nothing. */
export const MATCH_ALL: RouteMatchPlan = {
  path: { kind: "prefix", value: "", caseSensitive: true },
  headers: [],
  query: [],
  cookies: [],
  dynamicMetadata: [],
  filterState: [],
  grpc: false,
  tls: null,
  fraction: null,
};

export interface ClusterActionPlan {
  readonly kind: "cluster";
  readonly cluster: ClusterSpecifierPlan;
  readonly clusterNotFoundStatus: number;
  readonly pathRewrite: PathRewritePlan | null;
  readonly hostRewrite: HostRewritePlan | null;
  readonly appendXForwardedHost: boolean;
  readonly priority: "default" | "high";
  readonly rateLimits: readonly RateLimitPlan[];
  /** Those of the virtual host count, too. */
  readonly includesVirtualHostRateLimits: boolean;
  /** From the end of the request to the end of the response; 0 for no limit. */
  readonly timeoutMs: number;
  /** 0 for no limit, null for the connection manager's. */
  readonly idleTimeoutMs: number | null;
  /** Null: the connection manager's. */
  readonly flushTimeoutMs: number | null;
  /** `max_stream_duration`, which takes the place of `timeout`. */
  readonly streamDuration: StreamDuration | null;
  /** For gRPC requests `grpc-timeout` up to this takes the place of `timeoutMs`; 0 is no limit, null: it does not. */
  readonly maxGrpcTimeoutMs: number | null;
  /** Taken off that `grpc-timeout`. */
  readonly grpcTimeoutOffsetMs: number;
  readonly upgrades: readonly RouteUpgradePlan[];
  /** Requests become tunnels to an upstream that speaks no HTTP. */
  readonly connect: { readonly allowPost: boolean } | null;
  /** What the hosts' `envoy.lb` metadata have to say; null when nothing is asked of them. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
  /** What load balancers that hash go by; empty for nothing. */
  readonly hashPolicies: readonly HashPolicyPlan[];
  /** Of the route, or else of its virtual host; null for none. */
  readonly retryPolicy: RetryPolicyPlan | null;
  /** Likewise; empty for none. */
  readonly mirrorPolicies: readonly MirrorPolicyPlan[];
  /** Likewise. */
  readonly hedgePolicy: HedgePolicyPlan | null;
  /** Null passes redirects on. */
  readonly internalRedirect: InternalRedirectPlan | null;
}

/** Which redirects of the upstream the proxy follows itself. */
export interface InternalRedirectPlan {
  /** For one request, wherever they come from. */
  readonly maxRedirects: number;
  readonly statusCodes: readonly number[];
  /** All have to accept. */
  readonly predicates: readonly RedirectPredicatePlan[];
  /** From http to https, or back. */
  readonly allowsCrossScheme: boolean;
  /** Lower case. */
  readonly responseHeadersToCopy: readonly string[];
}

/** What is asked of the route that a redirect leads to. */
export type RedirectPredicatePlan =
  | { readonly kind: "previousRoutes" }
  | { readonly kind: "allowListedRoutes"; readonly routeNames: readonly string[] }
  | { readonly kind: "safeCrossScheme" };

/** Attempts at the same time. */
export interface HedgePolicyPlan {
  /** How many begin at once. */
  readonly initialRequests: number;
  /** How likely it is that one more begins with them. */
  readonly additionalRequestChance: Fraction;
  /** An attempt that takes too long goes on beside the next one. */
  readonly onPerTryTimeout: boolean;
}

export interface RouteUpgradePlan {
  /** Lower case. */
  readonly type: string;
  readonly enabled: boolean;
}

export type ClusterSpecifierPlan =
  | { readonly kind: "name"; readonly name: string }
  /** A tree that leads to names of clusters. */
  | { readonly kind: "tree"; readonly tree: MatchTreePlan<HttpInputPlan, string> }
  /** A plugin that there is not, and that may be missing: nothing is routed. */
  | { readonly kind: "nowhere" }
  | { readonly kind: "header"; readonly header: string }
  | WeightedClustersPlan;

export interface WeightedClustersPlan {
  readonly kind: "weighted";
  readonly clusters: readonly WeightedClusterPlan[];
  /** `<prefix>.<cluster>` overrides a weight; "" for none. */
  readonly runtimeKeyPrefix: string;
  /** A request header that gives the random value; "" for none. */
  readonly randomHeader: string;
  /** The hash of the route's hash policy is the random value. */
  readonly byHash: boolean;
}

export interface WeightedClusterPlan {
  /** "" when `clusterHeader` names it. */
  readonly name: string;
  readonly clusterHeader: string;
  readonly weight: number;
  readonly requestHeaders: HeaderOpsPlan;
  readonly responseHeaders: HeaderOpsPlan;
  readonly filterConfigs: readonly FilterConfigPlan[];
  /** "" for none. */
  readonly hostRewriteLiteral: string;
  /** What is asked of hosts besides what the route asks; null for nothing. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
}

export type PathRewritePlan =
  /** Replaces what the route matched: its prefix or path, or for regex routes the whole path. */
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly pattern: string; readonly substitution: Substitution }
  /** A format string for the whole path; one that gives nothing leaves it. */
  | { readonly kind: "format"; readonly format: string };

export type HostRewritePlan =
  | { readonly kind: "literal"; readonly host: string }
  /** The router sets the chosen host's name. */
  | { readonly kind: "auto" }
  | { readonly kind: "header"; readonly header: string }
  | { readonly kind: "format"; readonly format: string }
  | { readonly kind: "pathRegex"; readonly pattern: string; readonly substitution: Substitution };

export interface RedirectPlan {
  readonly kind: "redirect";
  readonly status: number;
  /** "" keeps what the request has, here and below. */
  readonly scheme: string;
  readonly host: string;
  /** 0 keeps the port. */
  readonly port: number;
  readonly path: string;
  /** A format string for the path. */
  readonly pathFormat: string;
  readonly pathRewrite: PathRewritePlan | null;
  readonly stripQuery: boolean;
}

/** There is no cluster to come to: the answer is that of one that is missing. */
export interface NonForwardingPlan {
  readonly kind: "nonForwarding";
}

export interface DirectResponsePlan {
  readonly kind: "directResponse";
  readonly status: number;
  readonly body: Uint8Array;
  /** Makes the body of `body`; null sends it as it is. */
  readonly bodyFormat: BodyFormatPlan | null;
}
