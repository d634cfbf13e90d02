// host/router/attempts/final_response.ts: the response that goes to the client: its headers, and what it opens.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/http_path.bench.ts
/** @module */
import type { HeaderMap } from "../../http/header_map.ts";
import { ResponseFlag, type StreamInfo } from "../../observe/stream_info.ts";
import type { RoutedRequest } from "../routed_request.ts";

/** Makes the headers of the chosen response the client's. */
export function finalizeResponse(request: RoutedRequest, headers: HeaderMap, cookies: readonly string[] | null): void {
  const { stream: { info, clock }, route, config } = request;
  request.responseStarted = request.responseHeadersSent = true;
  info.responseCodeDetails = "via_upstream";
  if (!config.plan.suppressEnvoyHeaders && request.endMs >= 0) {
    headers.setOwn("x-envoy-upstream-service-time", String(Math.trunc(clock.nowMs() - request.endMs)));
  }
  info.responseCode = headers.status;
  route.finalizeResponseHeaders(headers, request.headers, info);
  if (route.includeAttemptCountInResponse) headers.set("x-envoy-attempt-count", String(info.attemptCount));
  if (cookies !== null) { for (const cookie of cookies) headers.add("set-cookie", cookie); }
  if (headers.get("x-envoy-upstream-canary") === "true") request.isCanary = true;
  request.chargeResponse(headers.status);
}

/** True where bytes without framing follow, as the client asked. */
export function opensTunnel(request: HeaderMap, status: number): boolean {
  return status === 101 || (request.method === "CONNECT" && status >= 200 && status < 300);
}

/** An upstream with HTTP/1, which upgrades by 101 alone, said neither yes nor an error. */
export function isFailedHandshake(request: HeaderMap, status: number, info: StreamInfo): boolean {
  if (request.protocol === null || status === 101 || status >= 400 || info.upstream!.protocol === "HTTP/2") {
    return false;
  }
  // To a client that speaks HTTP/2 any success is a tunnel.
  return request.protocol.toLowerCase() === "websocket" || (info.protocol === "HTTP/2" && status < 300);
}

/** A tunnel that is a connection has no regular end. */
export function noteTunnelEnd(info: StreamInfo): void {
  info.setFlag(ResponseFlag.UpstreamConnectionTermination);
  info.responseCodeDetails = "upstream_reset_after_response_started{connection_termination}";
}
