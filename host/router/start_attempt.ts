// host/router/start_attempt.ts: an attempt of the kind that a request needs, with a pool of the chosen host.
// pure: no I/O, no clock, no runtime globals
// hot: one per request; see bench/micro/http_path.bench.ts
/** @module */
import type { UpstreamInfo } from "../observe/stream_info.ts";
import type { Host } from "../upstream/host.ts";
import { FilteredUpstreamRequest } from "./filtered_request.ts";
import type { RoutedRequest } from "./routed_request.ts";
import { TcpUpstreamRequest } from "./tcp_upstream_request.ts";
import type { PooledAttemptClass, UpstreamAttempt, UpstreamRequestOwner } from "./upstream_attempt.ts";
import { UpstreamRequest } from "./upstream_request.ts";

/** Makes an attempt at a host; its owner begins it. */
export function createAttempt(
  request: RoutedRequest,
  owner: UpstreamRequestOwner,
  host: Host,
  info: UpstreamInfo,
): UpstreamAttempt {
  const { cluster, route: { priority }, stream } = request;
  if (!request.isTcp) {
    const pool = cluster.httpPool(host, priority, stream.info.protocol);
    return withFilters(request, owner, UpstreamRequest, pool, info);
  }
  return withFilters(request, owner, TcpUpstreamRequest, cluster.tcpPool(host, priority), info);
}

/** With the filters of the cluster, or else of the router, around it. */
function withFilters<Pool>(
  { cluster, config, stream }: RoutedRequest,
  owner: UpstreamRequestOwner,
  Attempt: PooledAttemptClass<Pool>,
  pool: Pool,
  info: UpstreamInfo,
): UpstreamAttempt {
  const limitBytes = cluster.plan.perConnectionBufferLimitBytes;
  const chain = cluster.httpFilters ?? config.upstreamFilters ?? null;
  return chain === null
    ? new Attempt(pool, owner, limitBytes, info)
    : new FilteredUpstreamRequest(Attempt, pool, owner, stream, chain, limitBytes, info);
}
