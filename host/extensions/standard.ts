// host/extensions/standard.ts: the extensions that nuncio has. If it is not here, it is not in nuncio.
/** @module */
import type {
  AccessLogFilterModule,
  AccessLogFilterPlanner,
  AccessLogModule,
  AccessLogPlanner,
  BootstrapExtensionPlanner,
  ExtensionRow,
  HttpFilterModule,
  HttpFilterPlanner,
  NetworkFilterModule,
  NetworkFilterPlanner,
  PlannerRow,
} from "./define.ts";

export const HTTP_FILTERS: readonly ExtensionRow<HttpFilterPlanner, HttpFilterModule>[] = [
  {
    name: "envoy.filters.http.router",
    config: "envoy.extensions.filters.http.router.v3.Router",
    loadPlanner: async () => (await import("./filters/http/router/planner.ts")).planner,
    load: async () => (await import("./filters/http/router/module.ts")).module,
  },
  {
    name: "envoy.filters.http.wasm",
    config: "envoy.extensions.filters.http.wasm.v3.Wasm",
    loadPlanner: async () => (await import("./filters/http/wasm/planner.ts")).planner,
    load: async () => (await import("./filters/http/wasm/module.ts")).module,
  },
  {
    name: "envoy.filters.http.stateful_session",
    config: "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
    loadPlanner: async () => (await import("./filters/http/stateful_session/planner.ts")).planner,
    load: async () => (await import("./filters/http/stateful_session/module.ts")).module,
  },
  {
    name: "envoy.filters.http.dynamic_forward_proxy",
    config: "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
    loadPlanner: async () => (await import("./filters/http/dynamic_forward_proxy/planner.ts")).planner,
    load: async () => (await import("./filters/http/dynamic_forward_proxy/module.ts")).module,
  },
  {
    name: "envoy.filters.http.upstream_codec",
    config: "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
    loadPlanner: async () => (await import("./filters/http/upstream_codec/planner.ts")).planner,
    load: async () => (await import("./filters/http/upstream_codec/module.ts")).module,
  },
  {
    name: "nuncio.filters.http.native",
    config: "nuncio.extensions.filters.native.v3.NativeHttpFilter",
    loadPlanner: async () => (await import("./filters/http/native/planner.ts")).planner,
    load: async () => (await import("./filters/http/native/module.ts")).module,
  },
];

export const NETWORK_FILTERS: readonly ExtensionRow<NetworkFilterPlanner, NetworkFilterModule>[] = [
  {
    name: "envoy.filters.network.http_connection_manager",
    config: "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    loadPlanner: async () => (await import("./filters/network/http_connection_manager/planner.ts")).planner,
    load: async () => (await import("./filters/network/http_connection_manager/module.ts")).module,
  },
  {
    name: "envoy.filters.network.tcp_proxy",
    config: "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    loadPlanner: async () => (await import("./filters/network/tcp_proxy/planner.ts")).planner,
    load: async () => (await import("./filters/network/tcp_proxy/module.ts")).module,
  },
  {
    name: "envoy.filters.network.wasm",
    config: "envoy.extensions.filters.network.wasm.v3.Wasm",
    loadPlanner: async () => (await import("./filters/network/wasm/planner.ts")).planner,
    load: async () => (await import("./filters/network/wasm/module.ts")).module,
  },
  {
    name: "envoy.filters.network.direct_response",
    config: "envoy.extensions.filters.network.direct_response.v3.Config",
    loadPlanner: async () => (await import("./filters/network/direct_response/planner.ts")).planner,
    load: async () => (await import("./filters/network/direct_response/module.ts")).module,
  },
  {
    name: "envoy.filters.network.echo",
    config: "envoy.extensions.filters.network.echo.v3.Echo",
    loadPlanner: async () => (await import("./filters/network/echo/planner.ts")).planner,
    load: async () => (await import("./filters/network/echo/module.ts")).module,
  },
  {
    name: "nuncio.filters.network.native",
    config: "nuncio.extensions.filters.native.v3.NativeNetworkFilter",
    loadPlanner: async () => (await import("./filters/network/native/planner.ts")).planner,
    load: async () => (await import("./filters/network/native/module.ts")).module,
  },
];

export const BOOTSTRAP_EXTENSIONS: readonly PlannerRow<BootstrapExtensionPlanner>[] = [
  {
    name: "envoy.bootstrap.wasm",
    config: "envoy.extensions.wasm.v3.WasmService",
    loadPlanner: async () => (await import("./bootstrap/wasm/planner.ts")).planner,
  },
];

export const ACCESS_LOGGERS: readonly ExtensionRow<AccessLogPlanner, AccessLogModule>[] = [
  {
    name: "envoy.access_loggers.file",
    config: "envoy.extensions.access_loggers.file.v3.FileAccessLog",
    loadPlanner: async () => (await import("./access_loggers/file/plan.ts")).planner,
    load: async () => (await import("./access_loggers/file/logger.ts")).module,
  },
  {
    name: "envoy.access_loggers.stdout",
    config: "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
    loadPlanner: async () => (await import("./access_loggers/stdout/plan.ts")).planner,
    load: async () => (await import("./access_loggers/stdout/logger.ts")).module,
  },
  {
    name: "envoy.access_loggers.stderr",
    config: "envoy.extensions.access_loggers.stream.v3.StderrAccessLog",
    loadPlanner: async () => (await import("./access_loggers/stderr/plan.ts")).planner,
    load: async () => (await import("./access_loggers/stderr/logger.ts")).module,
  },
  {
    name: "envoy.access_loggers.wasm",
    config: "envoy.extensions.access_loggers.wasm.v3.WasmAccessLog",
    loadPlanner: async () => (await import("./access_loggers/wasm/plan.ts")).planner,
    load: async () => (await import("./access_loggers/wasm/logger.ts")).module,
  },
];

/** What `extension_filter` of access logs and of local replies may be. */
export const ACCESS_LOG_FILTERS: readonly ExtensionRow<AccessLogFilterPlanner, AccessLogFilterModule>[] = [
  {
    name: "envoy.access_loggers.extension_filters.cel",
    config: "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
    loadPlanner: async () => (await import("./access_log_filters/cel/planner.ts")).planner,
    load: async () => (await import("./access_log_filters/cel/module.ts")).module,
  },
];
