// host/http/request_checks.ts: refuses what must not reach a filter; makes host and path canonical.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream::decodeHeaders, conn_manager_utility.cc maybeNormalizePath, maybeNormalizeHost
 * @module
 */
import type { StreamInfo } from "../observe/stream_info.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { ConnectionManagerStats } from "./conn_manager_stats.ts";
import type { LocalReply } from "./filter.ts";
import type { HeaderMap } from "./header_map.ts";
import { canonicalizePath } from "./path.ts";

/** The answer to a request that is refused; null when it may go on. */
export function checkRequest(headers: HeaderMap, info: StreamInfo, config: ConnectionManagerConfig): LocalReply | null {
  const { plan, stats } = config;
  if (headers.authority === null) {
    return { status: 400, details: "missing_host_header" };
  }
  const isConnect = headers.method === "CONNECT";
  const path = headers.path;
  if (!isConnect || headers.protocol !== null) {
    if (path === null || path === "") return { status: 404, details: "missing_path_rejected" };
    if (path.charCodeAt(0) !== 0x2f) {
      stats.rqNonRelativePath.inc();
      return { status: 404, details: "absolute_path_rejected" };
    }
    if (path.includes("#")) return refusePath(stats);
    const rules = plan.path;
    if (rules.normalizePath || rules.mergeSlashes || rules.escapedSlashesAction !== "KEEP_UNCHANGED") {
      const result = canonicalizePath(path, rules);
      headers.path = result.path;
      if (result.kind === "reject") return refusePath(stats);
      if (result.kind === "redirect") {
        stats.rqRedirectedWithNormalizedPath.inc();
        return { status: 307, details: "path_normalization_failed", headers: [["location", result.path]] };
      }
    }
  }
  canonicalizeHost(headers, info, config);
  return null;
}

export function isExpectContinue(headers: HeaderMap): boolean {
  const expect = headers.get("expect");
  return expect !== null && expect.toLowerCase() === "100-continue";
}

function refusePath(stats: ConnectionManagerStats): LocalReply {
  stats.rqFailedPathNormalization.inc();
  return { status: 400, details: "path_normalization_failed" };
}

function canonicalizeHost(headers: HeaderMap, info: StreamInfo, { plan }: ConnectionManagerConfig): void {
  if (!plan.stripAnyHostPort && !plan.stripMatchingHostPort && !plan.stripTrailingHostDot) return;
  let host = headers.authority!;
  const colon = portColon(host);
  let port = colon < 0 ? "" : host.slice(colon);
  if (colon >= 0) host = host.slice(0, colon);
  if (plan.stripAnyHostPort) port = "";
  else if (plan.stripMatchingHostPort && port === `:${info.connection.localAddress.port}`) port = "";
  if (plan.stripTrailingHostDot && host.endsWith(".")) host = host.slice(0, -1);
  headers.authority = host + port;
}

/** Where the port's colon is; -1 when the host has no port. */
function portColon(host: string): number {
  const colon = host.lastIndexOf(":");
  if (colon < 0 || host.indexOf("]", colon) >= 0) return -1;
  // More than one colon without brackets: a bare IPv6 address.
  return host.charCodeAt(0) !== 0x5b && host.indexOf(":") !== colon ? -1 : colon;
}
