// host/extensions/common/wasm/properties.ts: the attributes of streams and connections, for guests.
// hot: guests ask per request; see bench/micro/wasm_hostcalls.bench.ts
/**
 * Paths and types are those of proxy-wasm's properties, which are Envoy's CEL attributes. What a stream does
 * not have is null (NotFound); nothing here throws.
 *
 * @see Envoy: source/extensions/filters/common/expr/context.cc, source/extensions/common/wasm/context.cc
 * @module
 */
import type {
  ConnectionInfo,
  FilterMetadata,
  FilterStateObject,
  SocketAddress,
  StreamInfo,
  TlsInfo,
} from "../../../observe/stream_info.ts";
import type {
  PropertyDeclaration,
  PropertyPort,
  PropertyValue,
  StreamPort,
  VisibleHeaders,
} from "../../../wasm/ports.ts";
import { duration, int, nonEmpty, text, uint } from "./attribute_values.ts";
import { readFilterStateObject } from "./filter_state_objects.ts";
import { isHttp, requestProperty, responseProperty, type Stream } from "./http_attributes.ts";
import { jsonAt, LocalityMessage, memberAt, MetadataMessage, type NodeFacts, NodeMessage } from "./messages.ts";
import { decodeWellKnown, schemaText } from "./well_known_messages.ts";

export type { NodeFacts } from "./messages.ts";

/** This proxy's identity; it changes with the configuration. */
export interface NodeHolder {
  readonly current: NodeFacts;
}

/** What attributes say of a cluster that a request has not been sent to yet. */
export interface ClusterFacts {
  readonly metadata: FilterMetadata;
  readonly endpointCount: number;
}

/** Names of objects that guests set begin with this. */
const STATE_PREFIX = "wasm.";

const OPAQUE: PropertyValue = { kind: "opaque" };
/** Top-level maps of streams that exist only to be looked into. */
const VIRTUAL = new Set(["request", "response", "connection", "upstream", "source", "destination", "filter_state"]);
/** Top-level attributes of older Envoys, which are now below `xds`. */
const LEGACY = new Set([
  "node",
  "listener_direction",
  "listener_metadata",
  "cluster_name",
  "cluster_metadata",
  "route_name",
  "route_metadata",
  "upstream_host_metadata",
]);

export class StreamProperties implements PropertyPort {
  readonly #node: NodeHolder;
  readonly #cluster: (name: string) => ClusterFacts | null;

  constructor(node: NodeHolder, cluster: (name: string) => ClusterFacts | null = () => null) {
    this.#node = node;
    this.#cluster = cluster;
  }

  get(port: StreamPort | null, path: readonly string[], visible?: VisibleHeaders): PropertyValue | null {
    const stream = port as Stream | null;
    const root = path[0];
    if (root === undefined) return null;
    if (root === "xds") return this.#xds(stream, path.slice(1));
    if (visible !== undefined && LEGACY.has(root)) return null;
    if (stream === null) return LEGACY.has(root) ? this.#xds(null, path) : null;
    if (path.length === 1 && VIRTUAL.has(root)) return OPAQUE;
    switch (root) {
      case "request":
        return requestProperty(stream, path, visible);
      case "response":
        return responseProperty(stream, path, visible);
      case "source":
        return addressProperty(stream.info.remoteAddress, path);
      case "destination":
        return addressProperty(stream.info.connection.localAddress, path);
      case "connection":
        return connectionProperty(stream.info, path);
      case "connection_id":
        return path.length === 1 ? uint(stream.info.connection.id) : null;
      case "upstream":
        return this.#upstream(stream.info, path.slice(1));
      case "metadata":
        return metadataProperty(stream.info.dynamicMetadata, path.slice(1));
      case "filter_state":
        return filterStateProperty(stream.info, path.slice(1));
      case "upstream_filter_state":
        return path.length === 1 && (stream.info.upstream?.host ?? null) !== null ? OPAQUE : null;
      default:
        // What a guest has set under such a name is its own.
        if (!LEGACY.has(root) || stream.info.findFilterState(STATE_PREFIX + root) !== null) return null;
        return this.#xds(stream, path);
    }
  }

  getState(port: StreamPort, key: string, path: readonly string[]): PropertyValue | null {
    const object = (port as Stream).info.findFilterState(key);
    if (object === null) return null;
    if (path.length > 0) return memberOfState(object, path);
    // A text has the same bytes.
    return { kind: "bytes", value: object.value };
  }

  setState(
    port: StreamPort,
    key: string,
    value: Uint8Array,
    declaration: PropertyDeclaration | null,
  ): boolean {
    const stream = port as Stream;
    const before = stream.info.findFilterState(key);
    if (before?.readOnly === true) return false;
    // The first value decides on what it is and how long it stays, as in Envoy.
    const kept = before ?? (declaration === null ? UNDECLARED : {
      readOnly: declaration.readOnly,
      type: declaration.type,
      schema: declaration.schema,
    });
    const isOfConnection = before === null
      ? declaration?.span === "connection"
      : stream.info.connection.filterState?.get(key) === before;
    setFilterState(stream, key, { ...kept, value }, isOfConnection);
    return true;
  }

  #upstream(info: StreamInfo, path: readonly string[]): PropertyValue | null {
    const { upstream } = info;
    const [name, ...rest] = path;
    if (name === "request_attempt_count") return uint(info.attemptCount);
    if (name === "num_endpoints") {
      const count = this.#cluster(info.clusterName)?.endpointCount ?? upstream?.endpointCount;
      return count === undefined ? null : uint(count);
    }
    if (upstream === null || name === undefined) return null;
    if (name === "locality") {
      if (upstream.host === null || upstream.locality === undefined) return null;
      return memberAt({ kind: "message", value: new LocalityMessage(upstream.locality) }, rest);
    }
    return rest.length > 0 ? null : upstreamProperty(info, name);
  }

  #xds(stream: Stream | null, path: readonly string[]): PropertyValue | null {
    const [name, ...rest] = path;
    if (name === undefined) return OPAQUE;
    if (name === "node") return this.#nodeProperty(rest);
    if (stream === null) return null;
    const { info } = stream;
    switch (name) {
      case "cluster_name": {
        const cluster = info.clusterName || (info.upstream?.clusterName ?? "");
        return cluster === "" || rest.length > 0 ? null : text(cluster);
      }
      case "cluster_metadata":
        return metadataProperty(info.upstream?.clusterMetadata ?? this.#cluster(info.clusterName)?.metadata, rest);
      case "route_name":
        return info.routeMetadata === null || rest.length > 0 ? null : text(info.routeName);
      case "route_metadata":
        return metadataProperty(info.routeMetadata, rest);
      case "virtual_host_name":
        return info.virtualHostMetadata === null || rest.length > 0 ? null : text(info.virtualHostName);
      case "virtual_host_metadata":
        return metadataProperty(info.virtualHostMetadata, rest);
      case "upstream_host_metadata":
        return info.upstream?.host == null ? null : metadataProperty(info.upstream.hostMetadata, rest);
      case "upstream_host_locality_metadata":
        return info.upstream?.host == null ? null : metadataProperty(info.upstream.localityMetadata, rest);
      case "filter_chain_name":
        return rest.length > 0 ? null : text(info.filterChainName);
      case "listener_metadata":
        return metadataProperty(info.listenerMetadata, rest);
      case "listener_direction":
        return rest.length > 0 ? null : int(["UNSPECIFIED", "INBOUND", "OUTBOUND"].indexOf(info.trafficDirection));
      default:
        return null;
    }
  }

  #nodeProperty(path: readonly string[]): PropertyValue | null {
    const node = this.#node.current;
    if (path[0] === "metadata" && path.length > 1) return jsonAt(node.metadata, path.slice(1));
    return memberAt({ kind: "message", value: new NodeMessage(node) }, path);
  }
}

const UNDECLARED: Omit<FilterStateObject, "value"> = { readOnly: false };

/** Leaves an object for the stream, or for all streams of its connection. */
export function setFilterState(stream: Stream, key: string, object: FilterStateObject, forConnection: boolean): void {
  const { info } = stream;
  if (!isHttp(stream) || forConnection) (info.connection.filterState ??= new Map()).set(key, object);
  else info.filterState.set(key, object);
}

function filterStateProperty(info: StreamInfo, [key, ...path]: readonly string[]): PropertyValue | null {
  const object = key === undefined ? null : info.findFilterState(key);
  if (object === null) return null;
  if (!key!.startsWith(STATE_PREFIX)) return readFilterStateObject(key!, object, path);
  if (path.length > 0) return memberOfState(object, path);
  if (object.type === "string") return { kind: "latin1", value: schemaText(object.value) };
  if (object.type === undefined || object.type === "bytes") return { kind: "bytes", value: object.value };
  // A message that is not understood cannot be written either.
  return decodedState(object) ?? OPAQUE;
}

/** What a guest set as a message, as a value. */
function decodedState(object: FilterStateObject): PropertyValue | null {
  return object.type === "protobuf" ? decodeWellKnown(schemaText(object.schema), object.value) : null;
}

function memberOfState(object: FilterStateObject, path: readonly string[]): PropertyValue | null {
  const value = decodedState(object);
  return value === null ? null : memberAt(value, path);
}

/** `path` begins with `source` or `destination`. */
function addressProperty(address: SocketAddress | null, path: readonly string[]): PropertyValue | null {
  const name = path[1];
  if (address === null || path.length > 2) return null;
  if (name === "address") return text(address.text);
  return name === "port" && address.port !== 0 ? int(address.port) : null;
}

/** `path` begins with `connection`. */
function connectionProperty(info: StreamInfo, path: readonly string[]): PropertyValue | null {
  const { connection } = info;
  const name = path[1];
  if (name === undefined || path.length > 2) return null;
  switch (name) {
    case "id":
      return uint(connection.id);
    case "mtls":
      return { kind: "bool", value: connection.tls?.peerCertificatePresented ?? false };
    case "requested_server_name":
      return text(connection.requestedServerName);
    case "termination_details":
      return nonEmpty(connection.terminationDetails);
    case "transport_failure_reason":
      return nonEmpty(connection.transportFailureReason);
    case "peer_certificate_valid":
      return connection.tls === null ? null : { kind: "bool", value: connection.tls.peerCertificateValidated };
    default:
      return tlsProperty(connection.tls, name);
  }
}

function tlsProperty(tls: TlsInfo | null, name: string): PropertyValue | null {
  if (tls === null) return null;
  switch (name) {
    case "tls_version":
      return text(tls.version);
    case "subject_local_certificate":
      return text(tls.subjectLocalCertificate);
    case "subject_peer_certificate":
      return text(tls.subjectPeerCertificate);
    case "dns_san_local_certificate":
      return nonEmpty(tls.dnsSanLocalCertificate[0] ?? "");
    case "dns_san_peer_certificate":
      return nonEmpty(tls.dnsSanPeerCertificate[0] ?? "");
    case "uri_san_local_certificate":
      return nonEmpty(tls.uriSanLocalCertificate[0] ?? "");
    case "uri_san_peer_certificate":
      return nonEmpty(tls.uriSanPeerCertificate[0] ?? "");
    case "sha256_peer_certificate_digest":
      return nonEmpty(tls.sha256PeerCertificateDigest);
    case "peer_certificate":
      // Envoy's form: PEM with what is special in a URL escaped.
      return tls.peerCertificatePem === "" ? null : text(encodeURIComponent(tls.peerCertificatePem));
    default:
      return null;
  }
}

function upstreamProperty(info: StreamInfo, name: string): PropertyValue | null {
  const upstream = info.upstream!;
  switch (name) {
    case "address":
      return upstream.host === null ? null : text(upstream.host.text);
    case "port":
      return upstream.host === null || upstream.host.port === 0 ? null : int(upstream.host.port);
    case "local_address":
      return upstream.localAddress === null ? null : text(upstream.localAddress.text);
    case "local_port":
      return upstream.localAddress === null ? null : int(upstream.localAddress.port);
    case "server_name":
      return nonEmpty(upstream.connection?.requestedServerName ?? "");
    case "transport_failure_reason":
      return text(upstream.transportFailureReason);
    case "cx_pool_ready_duration":
      return upstream.poolReadyMs < 0 ? null : duration(upstream.poolReadyMs - info.startMs);
    default:
      return tlsProperty((upstream.connection as ConnectionInfo | null)?.tls ?? null, name);
  }
}

/** A Metadata message, or what a path in it leads to; nothing when the object that has it is not there. */
function metadataProperty(
  metadata: FilterMetadata | null | undefined,
  path: readonly string[],
): PropertyValue | null {
  if (metadata == null) return null;
  const [kind, namespace, ...rest] = path;
  if (kind === "filter_metadata" && namespace !== undefined) return jsonAt(metadata.get(namespace), rest);
  return memberAt({ kind: "message", value: new MetadataMessage(metadata) }, path);
}
