// host/router/routes/route_match.ts: what a route asks of a request, compiled.
// pure: no I/O, no clock, no runtime globals
// hot: runs per route; see bench/micro/route.bench.ts
/**
 * Paths that can be looked up are matched by `PathIndex`; here is everything else: the conditions beside the
 * path, and paths that are regular expressions.
 *
 * @see Envoy: source/common/router/config_impl.cc RouteEntryImplBase::matchRoute
 * @module
 */
import { type Runtime, runtimeFraction } from "../../base/runtime.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { CookieMatcher } from "../../matching/cookies.ts";
import { HeaderMatcher, matchesAll } from "../../matching/header_matcher.ts";
import { pathWithoutQuery } from "../../matching/path.ts";
import { QueryMatcher } from "../../matching/query_matcher.ts";
import { Regex } from "../../matching/regex.ts";
import {
  compileFilterStateMatcher,
  compileMetadataMatcher,
  type StreamPredicate,
} from "../../matching/stream_matchers.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { RouteMatchPlan, TlsMatchPlan } from "../plan.ts";

export class RouteMatch {
  readonly #headers: readonly HeaderMatcher[];
  readonly #query: readonly QueryMatcher[];
  readonly #cookies: readonly CookieMatcher[];
  /** What filters must have noted. */
  readonly #noted: readonly StreamPredicate[];
  readonly #grpc: boolean;
  readonly #tls: TlsMatchPlan | null;
  /** Whether a random number is among those that are taken; null for all. */
  readonly #takes: ((random: number) => boolean) | null;
  readonly #regex: Regex | null;
  readonly #isTemplate: boolean;
  /** True when the path alone decides. */
  readonly isUnconditional: boolean;

  constructor(plan: RouteMatchPlan, runtime: Runtime) {
    this.#headers = plan.headers.map((matcher) => new HeaderMatcher(matcher));
    this.#query = plan.query.map((matcher) => new QueryMatcher(matcher));
    this.#cookies = plan.cookies.map((matcher) => new CookieMatcher(matcher));
    this.#noted = [
      ...plan.dynamicMetadata.map(compileMetadataMatcher),
      ...plan.filterState.map(compileFilterStateMatcher),
    ];
    this.#grpc = plan.grpc;
    this.#tls = plan.tls;
    this.#takes = plan.fraction === null ? null : runtimeFraction(plan.fraction, runtime);
    this.#isTemplate = plan.path.kind === "template";
    this.#regex = "pattern" in plan.path ? new Regex(plan.path.pattern) : null;
    this.isUnconditional = plan.headers.length === 0 && plan.query.length === 0 && !plan.grpc &&
      plan.cookies.length === 0 && this.#noted.length === 0 && plan.tls === null && plan.fraction === null &&
      this.#regex === null;
  }

  /** Everything but a path that is in the index. `path` has no query. */
  accepts(path: string, headers: HeaderMap, info: StreamInfo, random: number): boolean {
    if (this.isUnconditional) return true;
    if (this.#takes !== null && !this.#takes(random)) return false;
    if (this.#grpc && !isGrpc(headers)) return false;
    if (!matchesAll(this.#headers, headers)) return false;
    for (let i = 0; i < this.#query.length; i++) {
      if (!this.#query[i]!.matches(headers.path ?? "")) return false;
    }
    if (this.#tls !== null && !acceptsTls(this.#tls, info)) return false;
    if (this.#cookies.length > 0 && !this.#hasCookies(headers)) return false;
    for (let i = 0; i < this.#noted.length; i++) {
      if (!this.#noted[i]!(info)) return false;
    }
    if (this.#regex === null) return true;
    // Parameters of the path belong to what a template stands for, even where others ignore them.
    return this.#regex.matches(this.#isTemplate ? pathWithoutQuery(headers.path ?? "") : path);
  }

  #hasCookies(headers: HeaderMap): boolean {
    const values = headers.getAll("cookie");
    return this.#cookies.every((matcher) => matcher.matches(values));
  }
}

/** `application/grpc`, alone or followed by `+`; routes do not take it with parameters. */
function isGrpc(headers: HeaderMap): boolean {
  const contentType = headers.get("content-type");
  return contentType !== null && (contentType === GRPC || contentType.startsWith(GRPC + "+"));
}

const GRPC = "application/grpc";

function acceptsTls(plan: TlsMatchPlan, info: StreamInfo): boolean {
  const { tls } = info.connection;
  // Over plaintext there is no certificate.
  const presented = tls !== null && tls.peerCertificatePresented;
  const validated = tls !== null && tls.peerCertificateValidated;
  return (plan.presented ?? presented) === presented && (plan.validated ?? validated) === validated;
}
