// host/router/attempts/start_attempt.ts: the host of an attempt, the attempt that its request needs, its timers.
// pure: no I/O, no clock, no runtime globals
// hot: one per request; see bench/micro/http_path.bench.ts
/** @module */
import type { HeaderMap } from "../../http/header_map.ts";
import type { StreamInfo, UpstreamInfo } from "../../observe/stream_info.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { Host } from "../../upstream/host.ts";
import { AttemptMeasure } from "../../upstream/tracked_stats.ts";
import { newUpstreamInfo } from "../../upstream/upstream_info.ts";
import { AttemptLog } from "./attempt_log.ts";
import { type AttemptTimeouts, AttemptTimers } from "./attempt_timers.ts";
import { failNoHealthyUpstream } from "../failures.ts";
import { FilteredUpstreamRequest } from "./filtered_request.ts";
import type { RequestLoadBalancerContext } from "./load_balancer_context.ts";
import type { RetryState } from "./retry_state.ts";
import type { RoutedRequest } from "../routed_request.ts";
import { TcpUpstreamRequest } from "./tcp_upstream_request.ts";
import type { PooledAttemptClass, UpstreamAttempt, UpstreamRequestOwner } from "./upstream_attempt.ts";
import { UpstreamRequest } from "./upstream_request.ts";

/** A host for the next attempt; null when there is none, and the request was answered. */
export function chooseHost(
  request: RoutedRequest,
  context: RequestLoadBalancerContext | null,
  retry: RetryState | null,
): Host | null {
  const { cluster, stream, route: { priority }, isTcp } = request;
  const host = cluster.chooseHost(context);
  noteCluster(stream.info, cluster, host);
  const { protocol, connection } = stream.info;
  if (host === null || (!isTcp && !cluster.canUseHttpPool(host, priority, protocol, connection.id))) {
    failNoHealthyUpstream(request, context === null ? null : context.overrideHost());
    return null;
  }
  retry?.onHostTried(host);
  return host;
}

/** Where there is no host, what is known of the attempt before stays. */
function noteCluster(info: StreamInfo, cluster: Cluster, host: Host | null): void {
  const before = info.upstream!;
  // What is known of a first attempt is there already.
  if (before.host === null) return;
  const { plan: { name, observabilityName }, endpointCount, metadata } = cluster;
  info.upstream = host !== null
    ? newUpstreamInfo(cluster, before)
    : { ...before, clusterName: name, observabilityName, endpointCount, clusterMetadata: metadata };
}

/** Gives a first attempt's request the name of its host, where the route wants that. */
export function rewriteHost({ route, config }: RoutedRequest, { hostname }: Host, headers: HeaderMap): void {
  if (route.autoHostRewrite && hostname !== "") route.rewriteHost(headers, hostname, !config.plan.suppressEnvoyHeaders);
}

/** Makes an attempt at a host; its owner begins it with these headers. */
export function createAttempt(
  request: RoutedRequest,
  owner: UpstreamRequestOwner,
  host: Host,
  headers: HeaderMap,
): UpstreamAttempt {
  const attempt = attemptAt(request, owner, host, request.stream.info.upstream!);
  const log = request.config.upstreamLog ?? null;
  if (log !== null) attempt.log = new AttemptLog(log, request, headers, attempt.info);
  return attempt;
}

function attemptAt(
  request: RoutedRequest,
  owner: UpstreamRequestOwner,
  host: Host,
  info: UpstreamInfo,
): UpstreamAttempt {
  const { cluster, route: { priority }, stream } = request;
  if (!request.isTcp) {
    const pool = cluster.httpPool(host, priority, stream.info.protocol, stream.info.connection.id);
    return withFilters(request, owner, UpstreamRequest, pool, info);
  }
  return withFilters(request, owner, TcpUpstreamRequest, cluster.tcpPool(host, priority), info);
}

/** With the filters of the cluster, or else of the router, around it. */
function withFilters<Pool>(
  request: RoutedRequest,
  owner: UpstreamRequestOwner,
  Attempt: PooledAttemptClass<Pool>,
  pool: Pool,
  info: UpstreamInfo,
): UpstreamAttempt {
  const { cluster, config, stream } = request;
  const { tracked } = cluster.stats;
  const measure = tracked === null ? null : new AttemptMeasure(tracked, request, stream.clock);
  const limitBytes = cluster.plan.perConnectionBufferLimitBytes;
  const chain = cluster.httpFilters ?? config.upstreamFilters ?? null;
  return chain === null
    ? new Attempt(pool, owner, limitBytes, info, measure)
    : new FilteredUpstreamRequest(Attempt, pool, owner, stream, chain, limitBytes, info, measure);
}

/** Those of an attempt; made when the first of them is wanted. */
export function timersOf(
  attempt: UpstreamAttempt,
  { stream }: RoutedRequest,
  owner: AttemptTimeouts<UpstreamAttempt>,
): AttemptTimers<UpstreamAttempt> {
  return attempt.timers ??= new AttemptTimers(stream.clock, attempt, owner);
}

/** Begins what the request allows each attempt, once all of it is there and the attempt has a connection. */
export function startPerTryTimers(
  attempt: UpstreamAttempt,
  request: RoutedRequest,
  owner: AttemptTimeouts<UpstreamAttempt>,
): void {
  const { perTryTimeoutMs, perTryIdleTimeoutMs, endMs, responseStarted } = request;
  if (endMs < 0 || responseStarted) return;
  if (perTryTimeoutMs > 0) timersOf(attempt, request, owner).startPerTry(perTryTimeoutMs);
  if (perTryIdleTimeoutMs > 0) timersOf(attempt, request, owner).startIdle(perTryIdleTimeoutMs);
}
