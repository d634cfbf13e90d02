// host/router/routes/rate_limit.ts: the descriptors by which a request is limited.
// pure: no I/O, no clock, no runtime globals
/**
 * A descriptor is a list of keys and values, each of which an action takes from the request. An action that has
 * nothing to say drops the whole descriptor, or, where it is told so, leaves its entry out.
 *
 * What is done with descriptors is up to the filters that ask for them.
 *
 * @see Envoy: source/common/router/router_ratelimit.cc
 * @see Envoy: source/extensions/filters/common/ratelimit_config/ratelimit_config.cc
 * @module
 */
import { toWireText } from "../../base/wire_text.ts";
import type { CompileFormat, HeaderFormatter } from "../../http/header_ops.ts";
import type { Expressions } from "../../observe/formatter.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import {
  compileAction,
  metadataValue,
  type ProduceEntry,
  type RateLimitedRoute,
  type RateLimitedStream,
  type RateLimitEntry,
} from "./rate_limit_action.ts";
import type { RateLimitOverridePlan, RateLimitPlan, RateLimitUnit } from "../rate_limit_plan.ts";

export interface RateLimitDescriptor {
  readonly entries: readonly RateLimitEntry[];
  /** Takes the place of the limit that the service has; null for none. */
  readonly limit: { readonly requestsPerUnit: number; readonly unit: RateLimitUnit } | null;
  /** Null leaves it to the filter. */
  readonly hitsAddend: number | null;
  /** The hits are given back. */
  readonly isNegativeHits: boolean;
  readonly xRateLimitOption: RateLimitPlan["xRateLimitOption"];
}

export interface RateLimitQuestion {
  readonly stage: number;
  readonly onStreamDone: boolean;
  /** False for limits that are switched off by this key. */
  isEnabled?(disableKey: string): boolean;
}

/** Hits beyond this are a mistake. */
const MAX_HITS = 1_000_000_000;

/** The rate limits of a route, virtual host or filter, compiled. */
export class RateLimitPolicy {
  readonly #limits: readonly RateLimit[];

  constructor(plans: readonly RateLimitPlan[], compileFormat: CompileFormat, expressions: Expressions | null) {
    this.#limits = plans.map((plan) => new RateLimit(plan, compileFormat, expressions));
  }

  get isEmpty(): boolean {
    return this.#limits.length === 0;
  }

  /** The descriptors of a request, in the order of the configuration. */
  descriptors(stream: RateLimitedStream, question: RateLimitQuestion): RateLimitDescriptor[] {
    const { stage, onStreamDone } = question;
    return this.#limits.flatMap((limit) => {
      const { plan } = limit;
      if (plan.stage !== stage || plan.applyOnStreamDone !== onStreamDone) return [];
      if (plan.disableKey !== "" && question.isEnabled?.(plan.disableKey) === false) return [];
      return limit.descriptor(stream) ?? [];
    });
  }
}

/** A route, as far as its limits go. */
export interface RouteWithRateLimits extends RateLimitedRoute {
  readonly rateLimits: RateLimitPolicy;
  readonly virtualHostRateLimits: RateLimitPolicy;
  /** `include_vh_rate_limits`. */
  readonly includesVirtualHostRateLimits: boolean;
}

/**
 * The descriptors that route and virtual host have for a request. Those of the virtual host count where the
 * route has none, or wants them too (`include_vh_rate_limits`); `virtualHost` decides otherwise.
 */
export function rateLimitDescriptors(
  stream: RateLimitedStream & { readonly route: RouteWithRateLimits | null },
  question: RateLimitQuestion & { readonly virtualHost?: "override" | "include" | "ignore" },
): RateLimitDescriptor[] {
  const { route } = stream;
  if (route === null) return [];
  const { rateLimits, virtualHostRateLimits, includesVirtualHostRateLimits } = route;
  const mode = question.virtualHost ?? (includesVirtualHostRateLimits ? "include" : "override");
  const own = rateLimits.descriptors(stream, question);
  const takesHost = mode === "include" || (mode === "override" && rateLimits.isEmpty);
  return takesHost ? [...own, ...virtualHostRateLimits.descriptors(stream, question)] : own;
}

class RateLimit {
  readonly plan: RateLimitPlan;
  readonly #actions: readonly ProduceEntry[];
  readonly #hits: HeaderFormatter | number | null;

  constructor(plan: RateLimitPlan, compileFormat: CompileFormat, expressions: Expressions | null) {
    this.plan = plan;
    this.#actions = plan.actions.map((action) => compileAction(action, compileFormat, expressions));
    const hits = plan.hitsAddend?.hits ?? null;
    this.#hits = typeof hits === "string" ? compileFormat(hits) : hits;
  }

  descriptor(stream: RateLimitedStream): RateLimitDescriptor | null {
    const entries: RateLimitEntry[] = [];
    for (const produce of this.#actions) {
      const entry = produce(stream);
      if (entry === "drop") return null;
      if (entry !== "skip") entries.push(entry);
    }
    const hitsAddend = this.#hitsOf(stream);
    if (hitsAddend === undefined) return null;
    const { limit, xRateLimitOption } = this.plan;
    return {
      entries,
      limit: limit === null ? null : overrideOf(limit, stream.info),
      hitsAddend,
      isNegativeHits: this.plan.hitsAddend?.isNegative ?? false,
      xRateLimitOption,
    };
  }

  /** `undefined` for hits that are no number. */
  #hitsOf({ headers, info }: RateLimitedStream): number | null | undefined {
    const hits = this.#hits;
    if (hits === null || typeof hits === "number") return hits;
    const facts = { requestHeaders: headers, responseHeaders: null, responseTrailers: null, info };
    const text = hits.format(facts).trim();
    const value = text === "" ? NaN : Number(text);
    return value >= 0 && value <= MAX_HITS ? Math.trunc(value) : undefined;
  }
}

const UNITS: ReadonlySet<string> = new Set([
  "UNKNOWN",
  "SECOND",
  "MINUTE",
  "HOUR",
  "DAY",
  "MONTH",
  "YEAR",
  "WEEK",
]);

/** The override that metadata has in `requests_per_unit` and `unit`; null when it has none. */
function overrideOf(plan: RateLimitOverridePlan, info: StreamInfo): RateLimitDescriptor["limit"] {
  if (plan.kind === "fixed") return { requestsPerUnit: plan.requestsPerUnit, unit: plan.unit };
  const value = metadataValue(info.dynamicMetadata, plan.key);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { requests_per_unit: requests, unit } = value as Record<string, unknown>;
  if (typeof requests !== "number" || typeof unit !== "string" || !UNITS.has(unit)) return null;
  return { requestsPerUnit: Math.trunc(requests), unit: unit as RateLimitUnit };
}

/** Rate limits of whoever has none. */
export const NO_RATE_LIMITS: RateLimitPolicy = new RateLimitPolicy(
  [],
  (text) => ({ format: () => toWireText(text) }),
  null,
);
