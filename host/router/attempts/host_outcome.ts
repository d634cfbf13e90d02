// host/router/attempts/host_outcome.ts: what becomes of an attempt, told to its host.
// pure: no I/O, no clock, no runtime globals
// hot: runs per request; see bench/micro/http_path.bench.ts
/**
 * A host counts its successes and errors, for `/clusters`, and has monitors where its cluster looks for outliers or
 * checks hosts. Its cluster's load balancing policy may have something there, too.
 * A gRPC call is a success only when its trailers say so.
 *
 * @see Envoy: source/common/router/router.cc Filter::updateOutlierDetection, chargeUpstreamAbort
 * @module
 */
import { StreamResetReason } from "../../http/codec.ts";
import { grpcStatusOf, grpcToHttpStatus } from "../../http/grpc_status.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import { putResponseHeaders } from "../../upstream/outlier/response.ts";
import type { RoutedRequest } from "../routed_request.ts";
import type { UpstreamAttempt } from "./upstream_attempt.ts";

/** There is a connection. */
export function noteConnected(attempt: UpstreamAttempt): void {
  attempt.host!.outlierMonitor?.putResult("connected");
}

/** The headers of a response came, whether or not it will be the client's. */
export function noteResponse(request: RoutedRequest, attempt: UpstreamAttempt, headers: HeaderMap): void {
  const host = attempt.host!;
  const { healthMonitor, outlierMonitor: monitor, policyData } = host;
  if (healthMonitor !== null && headers.has("x-envoy-immediate-health-check-fail")) healthMonitor.setUnhealthy(host);
  if (policyData !== null) {
    const { firstByteReceivedMs, firstByteSentMs } = attempt.info;
    attempt.balancerKnows = policyData.onResponseHeaders(headers, firstByteReceivedMs - firstByteSentMs);
  }
  if (monitor === null) return;
  putResponseHeaders(monitor, headers, request.isGrpc, request.cluster.outliers!.isError);
}

/** These headers are the client's. */
export function noteFinalResponse(
  request: RoutedRequest,
  attempt: UpstreamAttempt,
  headers: HeaderMap,
  end: boolean,
): void {
  const host = attempt.host!;
  if (headers.status >= 500) host.rqError++;
  else if (!request.isGrpc) host.rqSuccess++;
  else if (!end) attempt.awaitsGrpcStatus = true;
  else if (isGrpcSuccess(headers)) host.rqSuccess++;
  else host.rqError++;
}

/** The client's response is complete; `trailers` are null where it has none. */
export function noteResponseEnd(attempt: UpstreamAttempt, trailers: HeaderMap | null): void {
  if (trailers !== null && !attempt.balancerKnows) attempt.host!.policyData?.onResponseTrailers(trailers);
  if (!attempt.awaitsGrpcStatus) return;
  attempt.awaitsGrpcStatus = false;
  if (trailers !== null && isGrpcSuccess(trailers)) attempt.host!.rqSuccess++;
  else attempt.host!.rqError++;
}

/** The attempt was reset, or had no connection. A cluster that has enough to do says nothing of its hosts. */
export function noteReset(request: RoutedRequest, attempt: UpstreamAttempt, reason: StreamResetReason): void {
  if (reason === StreamResetReason.Overflow || attempt.host === null) return;
  attempt.host.outlierMonitor?.putResult("connect_failed");
  if (!request.responseStarted) attempt.host.policyData?.onFailure();
}

/** No response came in time; the client will be told so by `status`, if no other attempt follows. */
export function noteTimeout(attempt: UpstreamAttempt, status: number): void {
  attempt.host?.outlierMonitor?.putResult("timeout", status);
  attempt.host?.policyData?.onFailure();
}

/** The attempt was the last one, and had no response, or not all of one. */
export function noteFailure(request: RoutedRequest, attempt: UpstreamAttempt): void {
  if (attempt.host !== null && (!request.responseStarted || attempt.awaitsGrpcStatus)) attempt.host.rqError++;
}

function isGrpcSuccess(headers: HeaderMap): boolean {
  const status = grpcStatusOf(headers);
  return status !== null && grpcToHttpStatus(status) < 500;
}
