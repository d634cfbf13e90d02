// host/config/hints.ts: what to write instead of the forms that Envoy had before v3.
/**
 * Old tutorials are still pasted: `hosts:`, `config:` without a type, `tls_context:`, v2 types. A field
 * that is gone is answered with the v3 form, ready to copy.
 *
 * @module
 */
import { editDistance } from "../base/suggest.ts";
import { findEntry, type TreeMap } from "./tree.ts";

export interface OldFieldHelp {
  readonly help: readonly string[];
  /** Fields of today that the old one stands for. */
  readonly stands: readonly string[];
}

const TYPE_URL = "type.googleapis.com/";
/** Names under which v2 configurations knew extensions, and their v3 types. */
const EXTENSION_TYPES: Readonly<Record<string, string>> = {
  "envoy.http_connection_manager": "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.filters.network.http_connection_manager":
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.tcp_proxy": "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
  "envoy.filters.network.tcp_proxy": "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
  "envoy.echo": "envoy.extensions.filters.network.echo.v3.Echo",
  "envoy.filters.network.echo": "envoy.extensions.filters.network.echo.v3.Echo",
  "envoy.filters.network.wasm": "envoy.extensions.filters.network.wasm.v3.Wasm",
  "envoy.router": "envoy.extensions.filters.http.router.v3.Router",
  "envoy.filters.http.router": "envoy.extensions.filters.http.router.v3.Router",
  "envoy.filters.http.wasm": "envoy.extensions.filters.http.wasm.v3.Wasm",
  "envoy.cors": "envoy.extensions.filters.http.cors.v3.Cors",
  "envoy.filters.http.cors": "envoy.extensions.filters.http.cors.v3.Cors",
  "envoy.fault": "envoy.extensions.filters.http.fault.v3.HTTPFault",
  "envoy.filters.http.fault": "envoy.extensions.filters.http.fault.v3.HTTPFault",
  "envoy.filters.http.rbac": "envoy.extensions.filters.http.rbac.v3.RBAC",
  "envoy.filters.http.jwt_authn": "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
  "envoy.ext_authz": "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
  "envoy.filters.http.ext_authz": "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
  "envoy.file_access_log": "envoy.extensions.access_loggers.file.v3.FileAccessLog",
  "envoy.access_loggers.file": "envoy.extensions.access_loggers.file.v3.FileAccessLog",
  "envoy.listener.tls_inspector": "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
};

/** Help for a field of Envoy before v3; null when it never was one. */
export function oldFieldHelp(typeName: string, map: TreeMap, key: string): OldFieldHelp | null {
  if (key === "config" || key === "typedConfig") {
    const name = findEntry(map, "name")?.value;
    const type = name?.kind === "string" ? EXTENSION_TYPES[name.text] : undefined;
    return {
      help: [`write typed_config: {"@type": ${TYPE_URL}${type ?? "<the filter's v3 type>"}, …}`],
      stands: ["typed_config"],
    };
  }
  if (key === "per_filter_config") {
    return {
      help: [`write typed_per_filter_config: {<filter name>: {"@type": ${TYPE_URL}<the filter's v3 type>, …}}`],
      stands: ["typed_per_filter_config"],
    };
  }
  if (key === "tls_context" && (typeName === CLUSTER || typeName === FILTER_CHAIN)) {
    const context = typeName === CLUSTER ? "UpstreamTlsContext" : "DownstreamTlsContext";
    return {
      help: [
        `write transport_socket: {name: envoy.transport_sockets.tls, typed_config: {"@type": ` +
        `${TYPE_URL}envoy.extensions.transport_sockets.tls.v3.${context}, …}}`,
      ],
      stands: ["transport_socket"],
    };
  }
  if (key === "hosts" && typeName === CLUSTER) return { help: [LOAD_ASSIGNMENT], stands: ["load_assignment"] };
  if (typeName === BOOTSTRAP && (key === "listeners" || key === "clusters" || key === "secrets")) {
    return { help: [`put it under static_resources: static_resources: {${key}: […]}`], stands: [] };
  }
  if (typeName === ROUTE_MATCH && key === "regex") {
    return { help: ["write safe_regex: {regex: …}"], stands: ["safe_regex", "prefix", "path"] };
  }
  if (typeName === HEADER_MATCHER && OLD_STRING_MATCHES[key] !== undefined) {
    return { help: [`write string_match: {${OLD_STRING_MATCHES[key]}: …}`], stands: ["string_match"] };
  }
  return null;
}

const BOOTSTRAP = "envoy.config.bootstrap.v3.Bootstrap";
const CLUSTER = "envoy.config.cluster.v3.Cluster";
const FILTER_CHAIN = "envoy.config.listener.v3.FilterChain";
const ROUTE_MATCH = "envoy.config.route.v3.RouteMatch";
const HEADER_MATCHER = "envoy.config.route.v3.HeaderMatcher";
const OLD_STRING_MATCHES: Readonly<Record<string, string>> = { regex_match: "safe_regex", value: "exact" };
const LOAD_ASSIGNMENT = "write load_assignment: {cluster_name: …, endpoints: [{lb_endpoints: [{endpoint: " +
  "{address: {socket_address: {address: …, port_value: …}}}}]}]}";

/**
 * The type that was most likely meant: one whose last name is the same, or else one that differs by a few
 * letters. Long names differ by whole words when the package changed, so distance alone would not find it.
 */
export function nearestTypeName(name: string, candidates: Iterable<string>): string | null {
  const shortName = name.slice(name.lastIndexOf(".") + 1);
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const sameShortName = candidate.endsWith(shortName) &&
      candidate.charAt(candidate.length - shortName.length - 1) === ".";
    const limit = Math.min(bestDistance, sameShortName ? name.length : 5);
    if (!sameShortName && Math.abs(candidate.length - name.length) >= limit) continue;
    const distance = editDistance(name, candidate, limit);
    if (distance < limit) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
