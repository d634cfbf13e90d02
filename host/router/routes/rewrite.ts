// host/router/routes/rewrite.ts: changes of path and host on the way upstream.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/route.bench.ts
/**
 * @see Envoy: source/common/router/config_impl.cc RouteEntryImplBase::finalizeRequestHeaders
 * @see Envoy: source/common/http/utility.cc Utility::updateAuthority
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";
import type { CompileFormat, HeaderFormatter } from "../../http/header_ops.ts";
import { pathEnd } from "../../matching/path.ts";
import { Regex, type Substitution } from "../../matching/regex.ts";
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { HostRewritePlan, PathMatchPlan, PathRewritePlan } from "../plan.ts";

/** Changes the path, keeping the query. */
export class PathRewrite {
  /** How much of the path a `prefix_rewrite` replaces; -1 for all of it, which regex routes do. */
  readonly #matchedLength: number;
  readonly #prefix: string;
  readonly #regex: Regex | null;
  readonly #substitution: Substitution;
  readonly #formatter: HeaderFormatter | null;

  constructor(plan: PathRewritePlan, match: PathMatchPlan, compileFormat: CompileFormat) {
    this.#matchedLength = "value" in match ? match.value.length : -1;
    this.#prefix = plan.kind === "prefix" ? plan.value : "";
    this.#regex = plan.kind === "regex" ? new Regex(plan.pattern) : null;
    this.#substitution = plan.kind === "regex" ? plan.substitution : [];
    this.#formatter = plan.kind === "format" ? compileFormat(plan.format) : null;
  }

  /** The new `:path` for one that the route matched; null to leave it. */
  rewrite(target: string, headers: HeaderMap, info: StreamInfo): string | null {
    if (this.#formatter !== null) {
      const path = formatted(this.#formatter, headers, info);
      return path === "" ? null : path + target.slice(pathEnd(target));
    }
    if (this.#regex === null) {
      const length = this.#matchedLength === -1 ? pathEnd(target) : this.#matchedLength;
      return this.#prefix + target.slice(length);
    }
    const end = pathEnd(target);
    const path = end === target.length ? target : target.slice(0, end);
    return this.#regex.replaceAll(path, this.#substitution) + target.slice(end);
  }
}

/** Sets a new `:path`, remembering the old one for the upstream and the access log. */
export function applyPathRewrite(
  rewrite: PathRewrite,
  headers: HeaderMap,
  info: StreamInfo,
  keepOriginal: boolean,
): void {
  const target = headers.path;
  if (target === null) return;
  const path = rewrite.rewrite(target, headers, info);
  if (path === null) return;
  headers.path = path;
  if (keepOriginal) headers.set("x-envoy-original-path", target);
}

/** What a format makes of a request. */
export function formatted(formatter: HeaderFormatter, headers: HeaderMap, info: StreamInfo): string {
  return formatter.format({ requestHeaders: headers, responseHeaders: null, responseTrailers: null, info });
}

/** Computes the host that a request goes up with. */
export class HostRewrite {
  readonly #kind: HostRewritePlan["kind"];
  /** The host, or the header to take it from. */
  readonly #text: string;
  readonly #regex: Regex | null;
  readonly #substitution: Substitution;
  readonly #formatter: HeaderFormatter | null;

  constructor(plan: HostRewritePlan, compileFormat: CompileFormat) {
    this.#kind = plan.kind;
    this.#text = plan.kind === "literal" ? plan.host : plan.kind === "header" ? plan.header : "";
    this.#regex = plan.kind === "pathRegex" ? new Regex(plan.pattern) : null;
    this.#substitution = plan.kind === "pathRegex" ? plan.substitution : [];
    this.#formatter = plan.kind === "format" ? compileFormat(plan.format, false) : null;
  }

  /** True when the name of the chosen upstream host is to be set. */
  get isAuto(): boolean {
    return this.#kind === "auto";
  }

  /** The new host, or null to leave it. */
  hostFor(headers: HeaderMap, info: StreamInfo): string | null {
    switch (this.#kind) {
      case "literal":
        return this.#text;
      case "header": {
        const value = headers.get(this.#text);
        return value === "" ? null : value;
      }
      case "format": {
        const host = formatted(this.#formatter!, headers, info);
        return host === "" ? null : host;
      }
      case "pathRegex": {
        const target = headers.path ?? "";
        return this.#regex!.replaceAll(target.slice(0, pathEnd(target)), this.#substitution);
      }
      default:
        return null;
    }
  }
}

/** Sets a new `:authority`; with `keepOriginal` the upstream is told the old one. */
export function rewriteAuthority(
  headers: HeaderMap,
  host: string,
  keepOriginal: boolean,
  appendXForwardedHost: boolean,
): void {
  const old = headers.authority;
  if (old !== null && old !== "") {
    if (keepOriginal) headers.set("x-envoy-original-host", old);
    if (appendXForwardedHost) {
      const forwarded = headers.getJoined("x-forwarded-host");
      // Twice in a row tells nobody anything.
      if (forwarded === null || forwarded === "") headers.set("x-forwarded-host", old);
      else if (lastToken(forwarded) !== old) headers.set("x-forwarded-host", forwarded + "," + old);
    }
  }
  headers.authority = host;
}

function lastToken(list: string): string {
  return list.slice(list.lastIndexOf(",") + 1);
}
