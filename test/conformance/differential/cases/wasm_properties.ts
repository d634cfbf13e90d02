// test/conformance/differential/cases/wasm_properties.ts: what guests are told of streams, and what they keep there.
/** @module */
import { bootstrap, httpListener, indent, tcpListener } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";
import {
  call,
  CLUSTERS,
  type Commands,
  get,
  message,
  metadata,
  NODE,
  probe,
  raw,
  REQUEST,
  set,
  sizeOf,
  topicExchanges,
  topicListeners,
} from "./wasm_probe.ts";

const TOPICS: Readonly<Record<string, Commands>> = {
  request: {
    request: [
      ...get("request.path", "request.url_path", "request.host", "request.scheme", "request.method"),
      ...get("request.referer", "request.useragent", "request.id", "request.query", "request.protocol"),
      ...get("request.headers.x-two", "request.headers.X-Two", "request.headers.none", "request.headers.:path"),
      ...get("request.headers_bytes", "request.size", "request.total_size", "request.duration"),
      ...sizeOf("request.time", "request.headers"),
      ...get("request", "request.none", "request.path.x", "request.path.0", "request.headers.x-two.x"),
    ],
  },
  response_early: {
    request: get(
      "response",
      "response.code",
      "response.flags",
      "response.grpc_status",
      "response.headers_bytes",
      "response.size",
      "response.total_size",
      "response.code_details",
      "response.headers",
      "response.headers.x",
      "response.trailers",
      "response.backend_latency",
    ),
  },
  response: {
    response: [
      ...get("response.code", "response.flags", "response.grpc_status", "response.size", "response.code_details"),
      ...get("response.headers.x-two", "response.headers.none", "response.trailers", "response.none"),
      ...sizeOf("response.headers_bytes", "response.total_size", "response.backend_latency"),
      ...get("request.duration", "request.protocol", "request.none"),
    ],
  },
  request_afterwards: {
    response: get("request.path", "request.method", "request.headers.x-two", "request.headers.none", "request.size"),
  },
  plain_response: {
    response: get("response.code", "response.grpc_status", "response.code_details", "xds.route_name"),
  },
  connection: {
    request: [
      ...sizeOf("connection.id", "connection_id", "source.port", "source.address"),
      ...get("connection", "connection.mtls", "connection.requested_server_name", "connection.tls_version"),
      ...get("connection.termination_details", "connection.transport_failure_reason"),
      ...get("connection.subject_peer_certificate", "connection.peer_certificate", "connection.none"),
      ...get("source", "source.none", "destination", "destination.address", "destination.none"),
      ...sizeOf("destination.port"),
    ],
  },
  upstream_early: {
    request: get(
      "upstream",
      "upstream.address",
      "upstream.port",
      "upstream.local_address",
      "upstream.transport_failure_reason",
      "upstream.request_attempt_count",
      "upstream.num_endpoints",
      "upstream.cx_pool_ready_duration",
      "upstream.locality",
      "upstream.tls_version",
      "upstream_filter_state",
      "upstream_filter_state.x",
    ),
  },
  upstream: {
    response: [
      ...get("upstream.address", "upstream.transport_failure_reason", "upstream.request_attempt_count"),
      ...get("upstream.num_endpoints", "upstream.tls_version", "upstream.none"),
      ...get("upstream.locality", "upstream.locality.region", "upstream.locality.zone", "upstream.locality.none"),
      ...sizeOf("upstream.port", "upstream.local_address", "upstream.cx_pool_ready_duration"),
      ...get("upstream_filter_state", "upstream_filter_state.x"),
    ],
  },
  xds: {
    request: get(
      "xds",
      "xds.none",
      "xds.cluster_name",
      "xds.cluster_metadata",
      "xds.route_name",
      "xds.virtual_host_name",
      "xds.filter_chain_name",
      "xds.listener_direction",
      "xds.upstream_host_metadata",
      "xds.upstream_host_locality_metadata",
      "xds.node.id",
      "xds.node.cluster",
      "xds.node.locality",
      "xds.node.locality.region",
      "xds.node.metadata.text",
      "xds.node.metadata.number",
      "xds.node.metadata.yes",
      "xds.node.metadata.nothing",
      "xds.node.metadata.list",
      "xds.node.metadata.list.1",
      "xds.node.metadata.list.2",
      "xds.node.metadata.list.x",
      "xds.node.metadata.map",
      "xds.node.metadata.map.a",
      "xds.node.metadata.none",
      "xds.node.none",
      "xds.node.user_agent_name",
      "xds.node.client_features.0",
      "xds.node.dynamic_parameters",
    ),
  },
  xds_metadata: {
    request: get(
      "xds.route_metadata",
      "xds.route_metadata.filter_metadata",
      "xds.route_metadata.filter_metadata.ns",
      "xds.route_metadata.filter_metadata.ns.text",
      "xds.route_metadata.filter_metadata.none",
      "xds.route_metadata.filter_metadata.ns.none",
      "xds.route_metadata.typed_filter_metadata",
      "xds.route_metadata.none",
      "xds.virtual_host_metadata.filter_metadata.ns.text",
      "xds.listener_metadata",
      "xds.listener_metadata.filter_metadata.ns.text",
      "metadata",
      "metadata.filter_metadata",
      "metadata.filter_metadata.ns",
      "metadata.none",
    ),
    response: get(
      "xds.cluster_name",
      "xds.cluster_metadata",
      "xds.cluster_metadata.filter_metadata.ns.text",
      "xds.upstream_host_metadata",
      "xds.upstream_host_metadata.filter_metadata.ns.text",
      "xds.upstream_host_locality_metadata",
      "xds.upstream_host_locality_metadata.filter_metadata.ns.text",
    ),
  },
  legacy: {
    request: get(
      "listener_direction",
      "listener_metadata",
      "cluster_name",
      "cluster_metadata",
      "route_name",
      "route_metadata",
      "upstream_host_metadata",
    ),
  },
  plugin: {
    request: get("plugin_name", "plugin_root_id", "plugin_vm_id", "plugin_name.x"),
  },
  root: {
    configure: [
      ...get("plugin_name", "plugin_root_id", "plugin_vm_id", "xds.node.id", "xds", "xds.route_name"),
      ...get("request", "request.path", "metadata", "filter_state", "connection.id", "source.address"),
      ...get("xds.listener_direction", "xds.listener_metadata"),
      set("a", "1"),
      ...get("a"),
    ],
    request: [],
  },
  paths: {
    request: [
      raw(""),
      raw("\0"),
      raw("\0\0"),
      raw("request\0"),
      raw("request\0path\0"),
      raw("request\0path\0\0"),
      raw("request\0\0path"),
      raw("\0request\0path"),
      raw("none"),
      raw("REQUEST\0path"),
    ],
  },
  state: {
    request: [
      ...get("a"),
      set("a", "1"),
      ...get("a", "a.b", "filter_state", "filter_state.wasm.a"),
      raw("filter_state\0wasm.a"),
      raw("filter_state\0wasm.a\0x"),
      raw("a\0"),
      set("a", ""),
      ...get("a"),
      set("request\0path", "shadow"),
      ...get("request.path"),
      set("plugin_name", "shadow"),
      ...get("plugin_name"),
      set("", "empty"),
      raw(""),
      raw("\0"),
    ],
  },
  state_by_path: {
    request: [set("b\0c", "2"), ...get("b", "b.c", "b.c.d")],
  },
  log: {
    request: get("plugin_name"),
    log: [
      ...get("request.path", "request.headers.x-two", "request.protocol", "response.code", "response.code_details"),
      ...get("response.size", "response.flags", "upstream.request_attempt_count", "xds.route_name", "xds.cluster_name"),
      ...get("plugin_name", "connection.mtls", "response.headers.x-two", "response.trailers", "own"),
      ...sizeOf("request.duration", "request.time"),
    ],
  },
};

/** What a network filter is told whose connection is echoed. */
const ECHO: Commands = {
  configure: [call("declare_property", message({ 1: "text", 3: 1 }))],
  connection: [
    ...get("connection.mtls", "connection.requested_server_name", "xds.listener_direction", "xds.route_name"),
    set("own", "1"),
    ...sizeOf("connection.id", "connection_id", "source.address", "source.port"),
  ],
  data: [
    ...get("own", "destination.address", "upstream", "upstream.address", "upstream.request_attempt_count"),
    ...get("upstream.num_endpoints", "request", "request.path", "request.headers", "request.headers_bytes"),
    ...get("request.protocol", "request.duration", "request.query"),
    ...sizeOf("request.time"),
    ...get("response", "response.code", "response.headers", "response.flags", "response.size", "response.total_size"),
    ...get("response.grpc_status", "metadata", "filter_state", "xds.cluster_name", "xds.filter_chain_name"),
    ...get("xds.virtual_host_name", "xds.route_metadata", "xds.listener_metadata.filter_metadata.ns.text"),
    ...get("xds.upstream_host_metadata", "xds.node.id", "xds.cluster_metadata", "upstream_filter_state"),
    call("set_envoy_filter_state", message({ 1: "envoy.tcp_proxy.cluster", 2: "c" })),
    raw("filter_state\0envoy.tcp_proxy.cluster"),
    call("clear_route_cache"),
    ...get("plugin_name"),
  ],
};

const ECHO_LISTENER = tcpListener(
  "l4_echo",
  probe("network", "l4_echo", ECHO) +
    `- { name: echo, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo } }\n`,
  `metadata: ${metadata("of the listener")}`,
);

/** A connection's filter leaves something for the streams on it. */
function mixedListener(): string {
  const http = httpListener("mixed", {
    filters: probe("http", "mixed", {
      request: [...get("of_connection", "filter_state"), raw("filter_state\0wasm.of_connection")],
    }),
  });
  const network = probe("network", "mixed_l4", { connection: [set("of_connection", "1")] });
  return http.replace("  - filters:\n", `  - filters:\n${indent(network, 4)}`);
}

/** What one request leaves with its connection, the next one finds. */
const SPANS: Commands = {
  configure: [
    call("declare_property", message({ 1: "wide", 5: 2 })),
    call("declare_property", message({ 1: "narrow", 5: 1 })),
  ],
  request: [...get("wide", "narrow"), set("wide", "1"), set("narrow", "1"), ...get("wide", "narrow")],
};

export const wasmProperties: Group = {
  name: "wasm_properties",
  listeners: Object.keys(TOPICS),
  upstreams: ["u", "second"],
  yaml: NODE + bootstrap([
    ...topicListeners(TOPICS),
    ECHO_LISTENER,
    mixedListener(),
    httpListener("spans", { filters: probe("http", "spans", SPANS) }),
  ], CLUSTERS),
  exchanges: [
    ...topicExchanges(TOPICS),
    { name: "log, what was said of the request before", listener: "log", client: REQUEST, wholeBodies: true },
    {
      name: "a network filter",
      listener: "l4_echo",
      client: ["hello", { until: '"l4_echo"\n' }, "end", "closed"],
      wholeBodies: true,
    },
    { name: "what a network filter leaves for requests", listener: "mixed", client: REQUEST, wholeBodies: true },
    {
      name: "what a request leaves for the next one",
      listener: "spans",
      client: [REQUEST, "response", REQUEST, "response"],
      wholeBodies: true,
    },
  ],
};
