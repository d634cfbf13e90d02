// host/http/grpc_status.ts: the status of a gRPC call, and what it is in HTTP.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/grpc/common.cc getGrpcStatus, source/common/grpc/status.cc
 * @module
 */
import type { HeaderMap } from "./header_map.ts";

const UNKNOWN = 2;

/** `grpc-status` of headers or trailers; null when there is none, Unknown when it is no number. */
export function grpcStatusOf(headers: HeaderMap): number | null {
  const text = headers.get("grpc-status");
  if (text === null || text === "") return null;
  return /^\d{1,9}$/.test(text) ? Number(text) : UNKNOWN;
}

/** By code, from OK to UNAUTHENTICATED. */
const HTTP_STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401] as const;

/** The HTTP status that stands for a gRPC status. */
export function grpcToHttpStatus(status: number): number {
  return HTTP_STATUSES[status] ?? 500;
}
