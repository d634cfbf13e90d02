// host/builder/route.ts: one route.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { duration, type Fields, mergeFields, typed } from "./fields.ts";

/** A string is equal; a regular expression matches the whole, in RE2's syntax. */
export type TextMatch = string | RegExp;

/** Which requests. A string alone is a prefix of the path. */
export interface RouteMatchOptions {
  /** Exactly one of these four; none: every path. */
  readonly prefix?: string;
  readonly path?: string;
  /** `/api` takes `/api` and `/api/x`, not `/apix`. */
  readonly pathSeparatedPrefix?: string;
  readonly regex?: RegExp;
  readonly method?: string;
  /** All of them. */
  readonly headers?: Readonly<Record<string, TextMatch>>;
  readonly query?: Readonly<Record<string, TextMatch>>;
  /** Only gRPC requests. */
  readonly grpc?: boolean;
  /** More fields of envoy.config.route.v3.RouteMatch. */
  readonly fields?: Fields;
}

export interface RetryOptions {
  /** `5xx,reset` and the like, as in `x-envoy-retry-on`. */
  readonly on: string;
  /** Retries, the first try not counted; default 1. */
  readonly retries?: number;
  readonly perTryTimeoutMs?: number;
  readonly retriableStatusCodes?: readonly number[];
  /** More fields of envoy.config.route.v3.RetryPolicy. */
  readonly fields?: Fields;
}

export interface RedirectOptions {
  readonly https?: boolean;
  readonly host?: string;
  readonly path?: string;
  readonly prefix?: string;
  readonly status?: 301 | 302 | 303 | 307 | 308;
}

const REDIRECT_CODES = {
  301: "MOVED_PERMANENTLY",
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
} as const;

export class RouteBuilder {
  readonly #fields: Record<string, unknown>;

  constructor(match: string | RouteMatchOptions) {
    this.#fields = { match: matchFields(typeof match === "string" ? { prefix: match } : match) };
  }

  /** Requests go to a cluster, or to several by their weights. */
  to(cluster: string | Readonly<Record<string, number>>): this {
    if (typeof cluster === "string") return this.#route({ cluster });
    const clusters = Object.entries(cluster).map(([name, weight]) => ({ name, weight }));
    return this.#route({ weighted_clusters: { clusters } });
  }

  /** The proxy answers by itself. */
  reply(status: number, body: string = ""): this {
    return this.set({ direct_response: { status, ...(body !== "" && { body: { inline_string: body } }) } });
  }

  /** Default status 301. */
  redirect(options: RedirectOptions): this {
    const { https, host, path, prefix, status } = options;
    return this.set({
      redirect: {
        ...(https === true && { https_redirect: true }),
        ...(host !== undefined && { host_redirect: host }),
        ...(path !== undefined && { path_redirect: path }),
        ...(prefix !== undefined && { prefix_rewrite: prefix }),
        ...(status !== undefined && { response_code: REDIRECT_CODES[status] }),
      },
    });
  }

  /** For the whole response, retries included; 0: none. Envoy's default is 15 s. */
  timeoutMs(ms: number): this {
    return this.#route({ timeout: duration(ms) });
  }

  retry(options: RetryOptions): this {
    const { on, retries, perTryTimeoutMs, retriableStatusCodes, fields } = options;
    return this.#route({
      retry_policy: {
        retry_on: on,
        ...(retries !== undefined && { num_retries: retries }),
        ...(perTryTimeoutMs !== undefined && { per_try_timeout: duration(perTryTimeoutMs) }),
        ...(retriableStatusCodes !== undefined && { retriable_status_codes: retriableStatusCodes }),
        ...fields,
      },
    });
  }

  /** What matched as prefix is replaced by this. */
  rewritePrefix(prefix: string): this {
    return this.#route({ prefix_rewrite: prefix });
  }

  rewriteHost(host: string): this {
    return this.#route({ host_rewrite_literal: host });
  }

  /** A copy of each request, or of a share of them, goes to another cluster; its answers are dropped. */
  mirror(cluster: string, percent: number = 100): this {
    const numerator = Math.round(percent * 10_000);
    return this.#route({
      request_mirror_policies: [{
        cluster,
        runtime_fraction: { default_value: { numerator, denominator: "MILLION" } },
      }],
    });
  }

  /** Requests with the same value of a header go to the same host, with a policy that hashes. */
  hashHeader(name: string): this {
    return this.#route({ hash_policy: [{ header: { header_name: name } }] });
  }

  setRequestHeader(name: string, value: string): this {
    return this.#append("request_headers_to_add", headerFields(name, value));
  }

  setResponseHeader(name: string, value: string): this {
    return this.#append("response_headers_to_add", headerFields(name, value));
  }

  /** Leaves a filter out for this route, or turns one on that is off. */
  filter(name: string, enabled: boolean): this {
    const fields = typed("envoy.config.route.v3.FilterConfig", enabled ? { config: {} } : { disabled: true });
    return this.set({ typed_per_filter_config: { [name]: fields } });
  }

  /** Any fields of envoy.config.route.v3.Route, merged over what is there. */
  set(fields: Fields): this {
    mergeFields(this.#fields, fields);
    return this;
  }

  toJSON(): Fields {
    return this.#fields;
  }

  #route(fields: Fields): this {
    return this.set({ route: fields });
  }

  #append(field: string, value: unknown): this {
    this.#fields[field] = [...(this.#fields[field] as unknown[] | undefined ?? []), value];
    return this;
  }
}

function headerFields(key: string, value: string): Fields {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" };
}

function matchFields(match: RouteMatchOptions): Fields {
  const { prefix, path, pathSeparatedPrefix, regex, method, headers = {}, query = {}, grpc, fields } = match;
  const all = method === undefined ? headers : { ":method": method, ...headers };
  const matchers = (texts: Readonly<Record<string, TextMatch>>) =>
    Object.entries(texts).map(([name, text]) => ({ name, string_match: textFields(text) }));
  return {
    ...(path !== undefined
      ? { path }
      : pathSeparatedPrefix !== undefined
      ? { path_separated_prefix: pathSeparatedPrefix }
      : regex !== undefined
      ? { safe_regex: { regex: regex.source } }
      : { prefix: prefix ?? "/" }),
    ...(Object.keys(all).length > 0 && { headers: matchers(all) }),
    ...(Object.keys(query).length > 0 && { query_parameters: matchers(query) }),
    ...(grpc === true && { grpc: {} }),
    ...fields,
  };
}

function textFields(text: TextMatch): Fields {
  return typeof text === "string" ? { exact: text } : { safe_regex: { regex: text.source } };
}
