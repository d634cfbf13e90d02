// host/router/failures.ts: what the client is told when no upstream answers its request.
// pure: no I/O, no clock, no runtime globals
/**
 * Every way in which a request can fail becomes one status, body, flag and details text, here and nowhere else.
 * Once the response has begun there is only the end of the stream.
 *
 * @see Envoy: source/common/router/router.cc Filter::onUpstreamAbort
 * @module
 */
import { StreamResetReason } from "../http/codec.ts";
import type { OverrideHost, TerminalFilterStream } from "../http/filter.ts";
import { ResponseFlag } from "../observe/stream_info.ts";
import { answer } from "./answer.ts";
import { resetReasonFlag, resetReasonText } from "./attempts/reset_reason.ts";
import type { RouteEntry } from "./routes/route.ts";
import type { InvalidHeader } from "./strict_headers.ts";
import type { RoutedRequest } from "./routed_request.ts";

export function failNoRoute(stream: TerminalFilterStream): void {
  stream.info.setFlag(ResponseFlag.NoRouteFound);
  stream.sendLocalReply({ status: 404, details: "route_not_found" });
}

/** The caller said something to the router that it does not understand. */
export function failStrictCheck(
  stream: TerminalFilterStream,
  route: RouteEntry,
  { name, value }: InvalidHeader,
): void {
  stream.info.setFlag(ResponseFlag.InvalidEnvoyRequestHeaders);
  const body = `invalid header '${name}' with value '${value}'`;
  answer(stream, route, { status: 400, body, details: `request_headers_failed_strict_check{${name}}` });
}

/** The client did not wait for the answer to its CONNECT. */
export function failEarlyData(request: RoutedRequest): void {
  request.reply(400, "", "early_connect_data");
}

/** There is too much to do to send the request anywhere. */
export function failOverload(request: RoutedRequest): void {
  request.reply(503, "envoy overloaded", "overload");
}

export function failNoCluster(stream: TerminalFilterStream, route: RouteEntry): void {
  stream.info.setFlag(ResponseFlag.NoClusterFound);
  answer(stream, route, { status: route.clusterNotFoundStatus, body: "", details: "cluster_not_found" });
}

/** `wanted` is the one host that the request might have gone to, if it was bound to one. */
export function failNoHealthyUpstream(request: RoutedRequest, wanted: OverrideHost | null): void {
  const isGone = wanted !== null && wanted.strict && request.cluster.priorities.hostAt(wanted.address) === null;
  const status = isGone ? wanted.notFoundStatus : 503;
  request.stream.info.setFlag(ResponseFlag.NoHealthyUpstream);
  request.chargeResponse(status);
  request.reply(status, "no healthy upstream", request.cluster.balancer.noHostDetails || "no_healthy_upstream");
}

/** Somebody wants the cluster left alone for a while. */
export function failMaintenance(request: RoutedRequest): void {
  request.stream.info.setFlag(ResponseFlag.UpstreamOverflow);
  request.chargeResponse(503);
  request.cluster.stats.upstreamRqMaintenanceMode.inc();
  const overloaded = !request.config.plan.suppressEnvoyHeaders;
  request.reply(503, "maintenance mode", "maintenance_mode", { overloaded });
}

/** The control plane wants some of the requests turned away, or all of them. */
export function failDropOverload(request: RoutedRequest, unconditional: boolean): void {
  const { stream } = request;
  const what = unconditional ? "unconditional drop overload" : "drop overload";
  stream.info.setFlag(unconditional ? ResponseFlag.UnconditionalDropOverload : ResponseFlag.DropOverload);
  request.chargeResponse(503);
  const header = `x-envoy-${what.replaceAll(" ", "-")}`;
  stream.sendLocalReply({ status: 503, body: what, details: what, headers: [[header, "true"]] });
}

/** There is more of the request than is kept for another attempt, and none is under way. */
export function failTooLargeToRetry(request: RoutedRequest): void {
  const details = "request_payload_exceeded_retry_buffer_limit";
  request.reply(507, "exceeded request buffer limit while retrying upstream", details);
}

/** The status of a response that a reset took the place of. */
export function resetStatus(reason: StreamResetReason): number {
  return reason === StreamResetReason.ProtocolError ? 502 : 503;
}

/** The last attempt was reset. */
export function failReset(request: RoutedRequest, reason: StreamResetReason, text: string): void {
  const { stream, config } = request;
  const { info } = stream;
  const suffix = reason + (text === "" ? "" : `|${text}`);
  info.setFlag(resetReasonFlag(reason));
  const when = request.responseStarted ? "after" : "before";
  const details = `upstream_reset_${when}_response_started{${suffix}}`;
  if (request.responseHeadersSent) return stream.resetStream(details);
  const which = info.attemptCount > 1 ? "retried and the latest reset reason" : "reset reason";
  request.reply(
    resetStatus(reason),
    `upstream connect error or disconnect/reset before headers. ${which}: ${resetReasonText(reason)}`,
    details,
    { overloaded: reason === StreamResetReason.Overflow && !config.plan.suppressEnvoyHeaders },
  );
}

/** The request, or its last attempt, took too long. */
export function failTimeout(request: RoutedRequest, details: string): void {
  const { stream, timeoutStatus: status } = request;
  request.recordBudget();
  stream.info.setFlag(ResponseFlag.UpstreamRequestTimeout);
  if (request.responseHeadersSent) return stream.resetStream(details);
  request.reply(status, status === 204 ? "" : "upstream request timeout", details);
}

/** The attempt lasted longer than its cluster allows. */
export function failMaxDuration(request: RoutedRequest): void {
  const { stream } = request;
  stream.info.setFlag(ResponseFlag.UpstreamMaxStreamDurationReached);
  const details = "upstream_max_stream_duration_reached";
  if (request.responseHeadersSent) return stream.resetStream(details);
  request.reply(request.endMs < 0 ? 408 : 504, "upstream max stream duration reached", details);
}
