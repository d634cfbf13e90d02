// abi/properties.ts: the attributes that proxy_get_property knows, with their types.
// pure: no I/O, no clock, no runtime globals
/**
 * A path is segments joined by a zero byte, with an optional one at the end. Encodings: strings and bytes
 * raw; `int`, `uint`, `double` 8 bytes; `bool` 1 byte; `duration` and `timestamp` int64 nanoseconds;
 * `message` serialized protobuf; `map` and `list` as pairs (a list has its values as keys).
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
 * @see Envoy: source/extensions/common/wasm/context.cc getProperty
 * @module
 */

export type PropertyType =
  | "string"
  | "bytes"
  | "int"
  | "uint"
  | "double"
  | "bool"
  | "duration"
  | "timestamp"
  | "message"
  | "map"
  | "list";

export interface PropertyRow {
  /** Segments joined by "."; `*` stands for any one segment, `**` for one or more. */
  readonly path: string;
  readonly type: PropertyType;
  /** Resolves without a stream too (start-up, ticks). */
  readonly withoutStream?: true;
  /** The path that took its place; Envoy has removed this one. */
  readonly legacyFor?: string;
}

const REQUEST = "path url_path host scheme method referer useragent id query protocol";
const TLS = "tls_version subject_local_certificate subject_peer_certificate dns_san_local_certificate " +
  "dns_san_peer_certificate uri_san_local_certificate uri_san_peer_certificate sha256_peer_certificate_digest " +
  "peer_certificate";

function rows(prefix: string, names: string, type: PropertyType): PropertyRow[] {
  return names.split(" ").map((name) => ({ path: prefix + name, type }));
}

export const PROPERTIES: readonly PropertyRow[] = [
  ...rows("request.", REQUEST, "string"),
  { path: "request.headers", type: "map" },
  { path: "request.headers.*", type: "string" },
  ...rows("request.", "headers_bytes size total_size", "int"),
  { path: "request.time", type: "timestamp" },
  { path: "request.duration", type: "duration" },
  ...rows("response.", "code flags grpc_status headers_bytes size total_size", "int"),
  { path: "response.code_details", type: "string" },
  { path: "response.headers", type: "map" },
  { path: "response.headers.*", type: "string" },
  { path: "response.trailers", type: "map" },
  { path: "response.trailers.*", type: "string" },
  { path: "response.backend_latency", type: "duration" },
  ...rows("", "source.address destination.address", "string"),
  ...rows("", "source.port destination.port", "int"),
  ...rows("", "connection.id connection_id", "uint"),
  ...rows("connection.", "mtls peer_certificate_valid", "bool"),
  ...rows("connection.", `requested_server_name ${TLS} transport_failure_reason termination_details`, "string"),
  ...rows("upstream.", `address local_address transport_failure_reason server_name ${TLS}`, "string"),
  ...rows("upstream.", "port local_port", "int"),
  ...rows("upstream.", "request_attempt_count num_endpoints", "uint"),
  { path: "upstream.cx_pool_ready_duration", type: "duration" },
  { path: "upstream.locality", type: "message" },
  { path: "metadata", type: "message" },
  { path: "metadata.filter_metadata.*.**", type: "bytes" },
  { path: "filter_state.**", type: "bytes" },
  { path: "upstream_filter_state.**", type: "bytes" },
  ...rows("xds.", "cluster_name route_name virtual_host_name filter_chain_name", "string"),
  { path: "xds.node", type: "message", withoutStream: true },
  { path: "xds.node.**", type: "bytes", withoutStream: true },
  ...rows(
    "xds.",
    "cluster_metadata route_metadata virtual_host_metadata upstream_host_metadata upstream_host_locality_metadata " +
      "listener_metadata",
    "message",
  ),
  { path: "xds.listener_direction", type: "int" },
  ...rows("", "plugin_name plugin_root_id plugin_vm_id", "string").map((row): PropertyRow => ({
    ...row,
    withoutStream: true,
  })),
  { path: "node", type: "message", withoutStream: true, legacyFor: "xds.node" },
  { path: "listener_direction", type: "int", legacyFor: "xds.listener_direction" },
  { path: "listener_metadata", type: "message", legacyFor: "xds.listener_metadata" },
  { path: "cluster_name", type: "string", legacyFor: "xds.cluster_name" },
  { path: "cluster_metadata", type: "message", legacyFor: "xds.cluster_metadata" },
  { path: "route_name", type: "string", legacyFor: "xds.route_name" },
  { path: "route_metadata", type: "message", legacyFor: "xds.route_metadata" },
  { path: "upstream_host_metadata", type: "message", legacyFor: "xds.upstream_host_metadata" },
];
