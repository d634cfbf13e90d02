// host/router/rate_limit_plan.ts: rate limits of routes as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/route/v3/route_components.proto RateLimit
 * @module
 */
import type { ExpressionSource } from "../base/expression_tree.ts";
import type { CidrBlock } from "../base/cidr.ts";
import type { HttpInputPlan } from "../http/match_inputs.ts";
import type { HeaderMatcherPlan } from "../matching/header_matcher.ts";
import type { QueryMatcherPlan } from "../matching/query_matcher.ts";

/** One descriptor that a request may have; all of its actions must have an entry for it. */
export interface RateLimitPlan {
  /** Filters ask for the descriptors of their stage. */
  readonly stage: number;
  /** "" for none; else the limit can be switched off at run time by this name. */
  readonly disableKey: string;
  readonly actions: readonly RateLimitActionPlan[];
  /** What takes the place of the limit that the service has for the descriptor. */
  readonly limit: RateLimitOverridePlan | null;
  /** How many hits the request counts as; null leaves that to the filter. */
  readonly hitsAddend: HitsAddendPlan | null;
  /** The descriptor counts when the stream is over, and limits nothing before. */
  readonly applyOnStreamDone: boolean;
  readonly xRateLimitOption: "UNSPECIFIED" | "OFF" | "DRAFT_VERSION_03";
}

/** A path of keys, and of indexes into lists, below a namespace of metadata. */
export interface MetadataKeyPlan {
  readonly namespace: string;
  readonly path: readonly (string | number)[];
}

export type RateLimitOverridePlan =
  | { readonly kind: "dynamicMetadata"; readonly key: MetadataKeyPlan }
  | { readonly kind: "fixed"; readonly requestsPerUnit: number; readonly unit: RateLimitUnit };

export type RateLimitUnit = "UNKNOWN" | "SECOND" | "MINUTE" | "HOUR" | "DAY" | "MONTH" | "YEAR" | "WEEK";

export interface HitsAddendPlan {
  /** A number, or a format string that gives one. */
  readonly hits: number | string;
  readonly isNegative: boolean;
}

/** A value that may be a format; `fallback` takes its place when it is empty. */
export interface DescriptorValuePlan {
  readonly key: string;
  readonly value: string;
  readonly fallback: string;
}

export type RateLimitActionPlan =
  | { readonly kind: "sourceCluster" }
  | { readonly kind: "destinationCluster" }
  | { readonly kind: "remoteAddress" }
  | { readonly kind: "maskedRemoteAddress"; readonly v4PrefixBits: number; readonly v6PrefixBits: number }
  | { readonly kind: "requestHeader"; readonly name: string; readonly key: string; readonly skipIfAbsent: boolean }
  | { readonly kind: "queryParameter"; readonly name: string; readonly key: string; readonly skipIfAbsent: boolean }
  | ({ readonly kind: "genericKey" } & DescriptorValuePlan)
  | ({
    readonly kind: "headerValueMatch";
    readonly headers: readonly HeaderMatcherPlan[];
    readonly expectMatch: boolean;
  } & DescriptorValuePlan)
  | ({
    readonly kind: "queryParameterValueMatch";
    readonly query: readonly QueryMatcherPlan[];
    readonly expectMatch: boolean;
  } & DescriptorValuePlan)
  | ({
    readonly kind: "remoteAddressMatch";
    readonly blocks: readonly CidrBlock[];
    readonly invert: boolean;
  } & DescriptorValuePlan)
  | {
    readonly kind: "metadata";
    readonly source: "dynamic" | "route" | "cluster" | "locality";
    readonly metadataKey: MetadataKeyPlan;
    readonly key: string;
    readonly fallback: string;
    readonly skipIfAbsent: boolean;
  }
  /** The value of an expression; one that has none leaves the entry out, or else drops the descriptor. */
  | {
    readonly kind: "expression";
    readonly expression: ExpressionSource;
    readonly key: string;
    readonly skipIfError: boolean;
  }
  /** An input of a match tree. */
  | { readonly kind: "input"; readonly input: HttpInputPlan; readonly key: string };
