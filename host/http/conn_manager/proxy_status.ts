// host/http/conn_manager/proxy_status.ts: the Proxy-Status header: what went wrong here, for who asked (RFC 9209).
// pure: no I/O, no clock, no runtime globals
/**
 * What a stream's response flags say becomes one of the registered error types: the first that applies, in
 * Envoy's order.
 *
 * @see RFC 9209
 * @see Envoy: source/common/stream_info/utility.cc ProxyStatusUtils
 * @module
 */
import { ResponseFlag, type StreamInfo } from "../../observe/stream_info.ts";
import type { HeaderMap } from "../header_map.ts";

/** `proxy_status_config` as plain data. */
export interface ProxyStatusPlan {
  /** Null: the node's id. */
  readonly proxyName: string | null;
  readonly removeDetails: boolean;
  readonly removeConnectionTerminationDetails: boolean;
  readonly removeResponseFlags: boolean;
  readonly setRecommendedResponseCode: boolean;
}

/** Error types, and the status that goes with each; 0 where the one that was made is as good. */
const RECOMMENDED_STATUS = {
  dns_error: 502,
  destination_not_found: 500,
  destination_unavailable: 503,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_limit_reached: 503,
  http_request_error: 0,
  http_response_timeout: 504,
  http_protocol_error: 502,
  proxy_configuration_error: 500,
} as const;

type ProxyStatusError = keyof typeof RECOMMENDED_STATUS;

const ERRORS: readonly (readonly [ResponseFlag, ProxyStatusError])[] = [
  [ResponseFlag.FailedLocalHealthCheck, "destination_unavailable"],
  [ResponseFlag.NoHealthyUpstream, "destination_unavailable"],
  [ResponseFlag.UpstreamRequestTimeout, "http_response_timeout"],
  [ResponseFlag.LocalReset, "connection_timeout"],
  [ResponseFlag.UpstreamRemoteReset, "connection_terminated"],
  [ResponseFlag.UpstreamConnectionFailure, "connection_refused"],
  [ResponseFlag.UpstreamConnectionTermination, "connection_terminated"],
  [ResponseFlag.UpstreamOverflow, "connection_limit_reached"],
  [ResponseFlag.NoRouteFound, "destination_not_found"],
  [ResponseFlag.RateLimited, "connection_limit_reached"],
  [ResponseFlag.RateLimitServiceError, "connection_limit_reached"],
  [ResponseFlag.UpstreamRetryLimitExceeded, "destination_unavailable"],
  [ResponseFlag.StreamIdleTimeout, "http_response_timeout"],
  [ResponseFlag.InvalidEnvoyRequestHeaders, "http_request_error"],
  [ResponseFlag.DownstreamProtocolError, "http_request_error"],
  [ResponseFlag.UpstreamMaxStreamDurationReached, "http_response_timeout"],
  [ResponseFlag.NoFilterConfigFound, "proxy_configuration_error"],
  [ResponseFlag.UpstreamProtocolError, "http_protocol_error"],
  [ResponseFlag.NoClusterFound, "destination_unavailable"],
  [ResponseFlag.DnsResolutionFailed, "dns_error"],
];

/** Says in a response's headers what went wrong; nothing did when the stream has no flag. */
export function addProxyStatus(headers: HeaderMap, info: StreamInfo, plan: ProxyStatusPlan, nodeId: string): void {
  if (info.flags.length === 0) return;
  const error = ERRORS.find(([flag]) => info.hasFlag(flag))?.[1];
  if (error === undefined) return;
  let value = `${plan.proxyName ?? nodeId}; error=${error}`;
  if (!plan.removeDetails && info.responseCodeDetails !== "") value += `; details=${detailsOf(info, plan)}`;
  const before = headers.getJoined("proxy-status", ", ");
  headers.set("proxy-status", before === null ? value : `${before}, ${value}`);
  const status = RECOMMENDED_STATUS[error];
  if (plan.setRecommendedResponseCode && status > 0) headers.status = status;
}

/** A string of structured fields (RFC 8941 §3.3.3), whatever a filter has put in. */
function detailsOf(info: StreamInfo, plan: ProxyStatusPlan): string {
  let details = info.responseCodeDetails;
  const termination = info.connection.terminationDetails;
  if (!plan.removeConnectionTerminationDetails && termination !== "") details += `; ${termination}`;
  if (!plan.removeResponseFlags) details += `; ${info.flags.join(",")}`;
  return `"${details.replace(/[^\x20-\x7e]/g, "_").replace(/["\\]/g, "\\$&")}"`;
}
