// host/router/routes/redirect.ts: the Location of redirects and of direct responses.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/router/config_impl.cc RouteEntryImplBase::newUri
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";
import type { RedirectPlan } from "../plan.ts";

/** True for the statuses that Envoy sends a `location` with. */
export function hasLocation(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400);
}

/** The redirect of `require_tls`: the scheme changes, and the host keeps whatever port it has. */
export const TLS_REDIRECT: RedirectPlan = {
  kind: "redirect",
  status: 301,
  scheme: "https",
  host: "",
  port: 0,
  path: "",
  pathFormat: "",
  pathRewrite: null,
  stripQuery: false,
};

/** The absolute URL that a request is sent to. Without a redirect it is the request's own. `path` is "" to keep it. */
export function locationOf(redirect: RedirectPlan | null, headers: HeaderMap, path: string): string {
  if (redirect === TLS_REDIRECT) return "https://" + (headers.authority ?? "") + (headers.path ?? "");
  const requestScheme = headers.scheme ?? "";
  if (redirect === null) {
    return requestScheme + "://" + hostOf(headers, requestScheme, false) + (headers.path ?? "");
  }
  const scheme = redirect.scheme === "" ? requestScheme : redirect.scheme;
  const port = redirect.port === 0 ? "" : ":" + redirect.port;
  const host = redirect.host === "" ? hostOf(headers, scheme, port !== "") : redirect.host;
  return scheme + "://" + host + port + withSlash(pathOf(path, redirect.stripQuery, headers.path ?? ""));
}

function withSlash(path: string): string {
  return path.startsWith("/") ? path : "/" + path;
}

function pathOf(path: string, stripQuery: boolean, target: string): string {
  // A query of path_redirect's own wins over the request's, and stays.
  if (path !== "" && path.includes("?")) return path;
  const query = target.indexOf("?");
  if (path === "") return query !== -1 && stripQuery ? target.slice(0, query) : target;
  return query === -1 || stripQuery ? path : path + target.slice(query);
}

/** The request's host, without its port when that would contradict the new scheme or port. */
function hostOf(headers: HeaderMap, scheme: string, dropPort: boolean): string {
  const host = headers.authority ?? "";
  const colon = portStart(host);
  if (colon === -1) return host;
  if (dropPort) return host.slice(0, colon);
  const protocol = headers.get("x-forwarded-proto") ?? "";
  if (scheme === protocol) return host;
  const port = host.slice(colon);
  const isDefault = (protocol === "https" && port === ":443") || (protocol === "http" && port === ":80");
  return isDefault ? host.slice(0, colon) : host;
}

function portStart(host: string): number {
  if (host.startsWith("[")) {
    const bracket = host.lastIndexOf("]:");
    return bracket === -1 ? -1 : bracket + 1;
  }
  return host.lastIndexOf(":");
}
