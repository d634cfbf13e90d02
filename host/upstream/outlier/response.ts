// host/upstream/outlier/response.ts: what the headers of a response say of its host.
// pure: no I/O, no clock, no runtime globals
// hot: once per response, of clusters with outlier detection; see bench/micro/pool.bench.ts
/**
 * @see Envoy: source/common/router/router.cc Filter::onUpstreamHeaders
 * @module
 */
import { grpcStatusOf, grpcToHttpStatus } from "../../http/grpc_status.ts";
import type { HeaderMap } from "../../http/header_map.ts";
import type { ResponseHeadersPredicate } from "../../matching/match_predicate.ts";
import type { OutlierMonitor } from "./monitor.ts";

/**
 * Counts a response. The status of a gRPC call counts when it is among the headers: in trailers it comes too late.
 * With a matcher what it matches is an error, and nothing else is.
 */
export function putResponseHeaders(
  monitor: OutlierMonitor,
  headers: HeaderMap,
  isGrpc: boolean,
  isError: ResponseHeadersPredicate | null,
): void {
  const grpcStatus = isGrpc ? grpcStatusOf(headers) : null;
  let status = grpcStatus === null ? headers.status : grpcToHttpStatus(grpcStatus);
  if (grpcStatus === null && isError !== null) status = !isError(headers) ? 200 : status < 500 ? 500 : status;
  monitor.putResponse(status);
  if (status < 500 && headers.has("x-envoy-degraded")) monitor.putDegraded();
}
