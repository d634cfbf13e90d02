// host/router/attempts/internal_redirect.ts: redirects of upstreams that the proxy follows in the client's place.
// pure: no I/O, no clock, no runtime globals
/**
 * The request begins anew, with all filters, as if the client had sent it to the new place. Where a redirect
 * cannot be followed, it is the client's response.
 *
 * @see Envoy: source/common/router/router.cc Filter::setupRedirect, source/extensions/internal_redirect/
 * @module
 */
import type { HeaderMap } from "../../http/header_map.ts";
import type { InternalRedirects } from "../../observe/stream_info.ts";
import type { InternalRedirectPlan, RedirectPredicatePlan } from "../plan.ts";
import type { RoutedRequest } from "../routed_request.ts";

/** An absolute URL: scheme, host with port, path with query, fragment. */
const ABSOLUTE_URL = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\s]+)(\/[^?#\s]*)?(\?[^#\s]*)?(?:#\S*)?$/i;
const SEE_OTHER = 303;

/** True when the request is on its way to where this response sends it. */
export function followRedirect(request: RoutedRequest, response: HeaderMap): boolean {
  const policy = request.route.internalRedirectPolicy;
  if (policy === null || !policy.statusCodes.includes(response.status)) return false;
  const { cluster: { stats }, replay, stream } = request;
  const location = response.get("location");
  const isWhole = request.endMs >= 0 && replay !== null;
  if (isWhole && location !== null && redirectRequest(request, policy, response, location)) {
    const body = replay.length > 0 && !losesBody(response, request.headers) ? replay.body() : null;
    if (stream.recreateStream(response, body)) {
      stats.upstreamInternalRedirectSucceededTotal.inc();
      return true;
    }
  }
  stats.upstreamInternalRedirectFailedTotal.inc();
  return false;
}

/** `303 See Other` made it a request without a body. */
function losesBody({ status }: HeaderMap, request: HeaderMap): boolean {
  return status === SEE_OTHER && request.method === "GET";
}

/** Makes the request one for another place; false leaves it as it was. */
function redirectRequest(
  request: RoutedRequest,
  policy: InternalRedirectPlan,
  response: HeaderMap,
  location: string,
): boolean {
  const { headers, stream, config } = request;
  const { stats } = config;
  const { info } = stream;
  if (headers.path === null) return false;
  const url = ABSOLUTE_URL.exec(location);
  if (url === null) {
    stats.passthroughInternalRedirectBadLocation.inc();
    return false;
  }
  const [, scheme, authority, path = "/", query = ""] = url;
  const isHttp = headers.scheme === "http" || info.connection.tls === null;
  const leadsToHttp = scheme!.toLowerCase() === "http";
  if (!policy.allowsCrossScheme && isHttp !== leadsToHttp) {
    stats.passthroughInternalRedirectUnsafeScheme.inc();
    return false;
  }
  const redirects = info.internalRedirects ??= { count: 0, followed: new Map() };
  if (redirects.count >= policy.maxRedirects) {
    stats.passthroughInternalRedirectTooManyRedirects.inc();
    return false;
  }
  const before = headers.clone();
  const from = info.routeName;
  copyHeaders(policy.responseHeadersToCopy, response, headers);
  headers.scheme = scheme!.toLowerCase();
  headers.authority = authority!;
  headers.path = path + query;
  stream.clearRouteCache();
  const route = stream.route();
  // The log names the cluster of the latest route, even if this request has not been there.
  const cluster = route === null ? null : config.clusters.get(route.clusterName ?? "");
  info.upstream!.clusterName = cluster?.plan.name ?? "";
  info.upstream!.observabilityName = cluster?.plan.observabilityName ?? "";
  if (route === null) {
    stats.passthroughInternalRedirectNoRoute.inc();
    headers.assign(before);
    return false;
  }
  const accepts = (predicate: RedirectPredicatePlan): boolean =>
    acceptsRoute(predicate, redirects, from, route.name, !isHttp || leadsToHttp);
  if (!policy.predicates.every(accepts)) {
    stats.passthroughInternalRedirectPredicate.inc();
    headers.assign(before);
    return false;
  }
  if (response.status === SEE_OTHER && headers.method !== "GET" && headers.method !== "HEAD") {
    headers.method = "GET";
    headers.remove("content-length");
  }
  redirects.count++;
  headers.set("x-envoy-original-url", `${isHttp ? "http" : "https"}://${before.authority ?? ""}${before.path ?? ""}`);
  return true;
}

function copyHeaders(names: readonly string[], response: HeaderMap, request: HeaderMap): void {
  for (const name of names) {
    request.remove(name);
    for (const value of response.getAll(name)) request.add(name, value);
  }
}

function acceptsRoute(
  predicate: RedirectPredicatePlan,
  { followed }: InternalRedirects,
  from: string,
  to: string,
  isSafeScheme: boolean,
): boolean {
  switch (predicate.kind) {
    case "previousRoutes": {
      let routes = followed.get(from);
      if (routes === undefined) followed.set(from, routes = new Set());
      if (routes.has(to)) return false;
      routes.add(to);
      return true;
    }
    case "allowListedRoutes":
      return predicate.routeNames.includes(to);
    case "safeCrossScheme":
      return isSafeScheme;
  }
}
