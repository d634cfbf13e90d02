// test/conformance/differential/cases/mod.ts: all groups.
/** @module */
import type { Group } from "../exchange.ts";
import { badRequests } from "./bad_requests.ts";
import { breakers } from "./breakers.ts";
import { clusterPolicies } from "./cluster_policies.ts";
import { clusterSpecifiers } from "./cluster_specifiers.ts";
import { clusters } from "./clusters.ts";
import { dynamicHosts } from "./dynamic_hosts.ts";
import { compositeClusters } from "./composite.ts";
import { downstreamPools } from "./downstream_pools.ts";
import { draining } from "./draining.ts";
import { edge } from "./edge.ts";
import { expressions } from "./expressions.ts";
import { failures } from "./failures.ts";
import { grpc } from "./grpc.ts";
import { headerCase } from "./header_case.ts";
import { http2 } from "./http2.ts";
import { http2Frames } from "./http2_frames.ts";
import { http2Tunnels } from "./http2_tunnels.ts";
import { http2Upgrades } from "./http2_upgrades.ts";
import { internalRedirects } from "./internal_redirects.ts";
import { l4 } from "./l4.ts";
import { limits } from "./limits.ts";
import { localities, ownHashes, priorities, subsets } from "./load_balancing.ts";
import { loadReports } from "./load_reports.ts";
import { localReplies } from "./local_replies.ts";
import { healthChecks } from "./health_checks.ts";
import { hedging } from "./hedging.ts";
import { http1Details } from "./http1_details.ts";
import { logs } from "./logs.ts";
import { overrideHost } from "./override_host.ts";
import { paths } from "./paths.ts";
import { overload } from "./overload.ts";
import { overloadStreams } from "./overload_streams.ts";
import { protocolOptions } from "./protocol_options.ts";
import { outliers } from "./outliers.ts";
import { mirrors } from "./mirrors.ts";
import { origins } from "./origins.ts";
import { preconnect } from "./preconnect.ts";
import { proxyStatus } from "./proxy_status.ts";
import { requestedHostsHealth } from "./requested_hosts_health.ts";
import { requests } from "./requests.ts";
import { retries } from "./retries.ts";
import { retryLimits } from "./retry_limits.ts";
import { routeActions } from "./route_actions.ts";
import { routeMatchers } from "./route_matchers.ts";
import { routeTrees } from "./route_trees.ts";
import { routerOptions } from "./router_options.ts";
import { routing } from "./routing.ts";
import { statefulSession } from "./stateful_session.ts";
import { runtime } from "./runtime.ts";
import { scopedRoutes } from "./scoped_routes.ts";
import { strictHeaders } from "./strict_headers.ts";
import { timeouts } from "./timeouts.ts";
import { tunnels } from "./tunnels.ts";
import { upgrades } from "./upgrades.ts";
import { trackedStats } from "./tracked_stats.ts";
import { upstreamLogs } from "./upstream_logs.ts";
import { wasm } from "./wasm.ts";
import { wasmL4 } from "./wasm_l4.ts";
import { wasmPlugins } from "./wasm_plugins.ts";
import { wasmForeign } from "./wasm_foreign.ts";
import { wasmProperties } from "./wasm_properties.ts";
import { wasmReplies } from "./wasm_replies.ts";

/** HTTP: messages, versions, upgrades, the connection manager. */
export const HTTP_GROUPS: readonly Group[] = [
  requests,
  badRequests,
  edge,
  upgrades,
  tunnels,
  headerCase,
  http1Details,
  protocolOptions,
  paths,
  strictHeaders,
  grpc,
  http2,
  http2Frames,
  http2Upgrades,
  http2Tunnels,
  limits,
  timeouts,
  logs,
  localReplies,
  origins,
  proxyStatus,
  l4,
];

/** Routes, retries and what else the router does. */
export const ROUTING_GROUPS: readonly Group[] = [
  routing,
  routeMatchers,
  routeActions,
  routeTrees,
  scopedRoutes,
  clusterSpecifiers,
  failures,
  retries,
  retryLimits,
  hedging,
  internalRedirects,
  mirrors,
  routerOptions,
  upstreamLogs,
  expressions,
];

/** Clusters, load balancing, sessions. */
export const CLUSTER_GROUPS: readonly Group[] = [
  clusters,
  clusterPolicies,
  dynamicHosts,
  compositeClusters,
  statefulSession,
  preconnect,
  downstreamPools,
  trackedStats,
  overrideHost,
  subsets,
  priorities,
  localities,
  ownHashes,
  loadReports,
];

/** Health, outliers, breakers, overload, draining, the runtime. */
export const HEALTH_GROUPS: readonly Group[] = [
  breakers,
  outliers,
  healthChecks,
  requestedHostsHealth,
  overload,
  overloadStreams,
  draining,
  runtime,
];

/** WebAssembly filters. */
export const WASM_GROUPS: readonly Group[] = [
  wasm,
  wasmPlugins,
  wasmL4,
  wasmProperties,
  wasmForeign,
  wasmReplies,
];

export const GROUPS: readonly Group[] = [
  ...HTTP_GROUPS,
  ...ROUTING_GROUPS,
  ...CLUSTER_GROUPS,
  ...HEALTH_GROUPS,
  ...WASM_GROUPS,
];
