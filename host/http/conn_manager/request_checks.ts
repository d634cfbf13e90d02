// host/http/conn_manager/request_checks.ts: refuses what must not reach a filter; prepares the rest for them.
// pure: no I/O, no clock, no runtime globals
// hot: once per request; see bench/micro/http_path.bench.ts
/**
 * @see Envoy: source/common/http/conn_manager_impl.cc ActiveStream::decodeHeaders,
 *   source/common/http/conn_manager_utility.cc maybeNormalizePath, maybeNormalizeHost
 * @module
 */
import type { StreamInfo } from "../../observe/stream_info.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { ConnectionManagerStats } from "./conn_manager_stats.ts";
import type { LocalReply } from "../filter.ts";
import type { HeaderMap } from "../header_map.ts";
import { isGrpcContentType } from "../local_reply.ts";
import { mutateRequestHeaders } from "./mutate.ts";
import { canonicalizePath } from "../path.ts";

/** A stream whose request is looked at. */
export interface AdmittedStream {
  readonly info: StreamInfo;
  /** The request is known, and was made what it is to be. */
  readonly isRecreated: boolean;
  /** Headers that it must not have from outside. */
  internalOnlyHeaders(headers: HeaderMap): readonly string[];
}

/** Makes of a request what filters are to see; the answer when it is refused. */
export function admitRequest(
  headers: HeaderMap,
  stream: AdmittedStream,
  config: ConnectionManagerConfig,
): LocalReply | null {
  const { info } = stream;
  const refusal = checkRequest(headers, info, config);
  if (refusal !== null || stream.isRecreated) return refusal;
  for (const mutation of config.earlyHeaderMutations) mutation.mutate(headers, info);
  const isUpgrade = headers.protocol !== null;
  const origin = mutateRequestHeaders(headers, info.connection, config, isUpgrade, stream.internalOnlyHeaders(headers));
  if (origin.rejectStatus > 0) {
    config.stats.rqRejectedViaIpDetection.inc();
    return { status: origin.rejectStatus, details: "rejecting because detection failed" };
  }
  if (origin.remoteAddress !== null) info.remoteAddress = origin.remoteAddress;
  info.requestId = headers.get("x-request-id") ?? "";
  return null;
}

function checkRequest(headers: HeaderMap, info: StreamInfo, config: ConnectionManagerConfig): LocalReply | null {
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
        // gRPC knows no redirects.
        if (isGrpcContentType(headers.get("content-type"))) return refusePath(stats);
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
