// host/extensions/common/wasm/properties.ts: the attributes of streams and connections, for guests.
/**
 * Paths and types are those of proxy-wasm's properties, which are Envoy's CEL attributes. What a stream does
 * not have is null (NotFound); nothing here throws.
 *
 * @see Envoy: source/extensions/filters/common/expr/context.cc, source/extensions/common/wasm/context.cc
 * @module
 */
import type { FilterStream } from "../../../http/filter.ts";
import type { NetworkFilterStream } from "../../../net/filter.ts";
import type { ConnectionInfo, SocketAddress, StreamInfo, TlsInfo } from "../../../observe/stream_info.ts";
import { type ResponseFlag, ResponseFlag as Flags } from "../../../observe/stream_info.ts";
import type { RouteEntry } from "../../../router/route.ts";
import type { HeaderMapPort, PropertyPort, PropertyValue, StreamPort } from "../../../wasm/ports.ts";

/** This proxy's identity; it changes with the configuration. */
export interface NodeHolder {
  readonly current: NodeFacts;
}

export interface NodeFacts {
  readonly id: string;
  readonly cluster: string;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Either kind of stream that a filter is given. */
type Stream = FilterStream | NetworkFilterStream;

const OPAQUE: PropertyValue = { kind: "opaque" };
/** Top-level maps that exist only to be looked into. */
const VIRTUAL = new Set([
  "request",
  "response",
  "connection",
  "upstream",
  "source",
  "destination",
  "filter_state",
  "xds",
]);
/** Names that were top-level attributes before they moved below `xds`. */
const LEGACY: Readonly<Record<string, string>> = {
  node: "node",
  listener_direction: "listener_direction",
  cluster_name: "cluster_name",
  route_name: "route_name",
  route_metadata: "route_metadata",
};

export class StreamProperties implements PropertyPort {
  readonly #node: NodeHolder;

  constructor(node: NodeHolder) {
    this.#node = node;
  }

  get(port: StreamPort | null, path: readonly string[]): PropertyValue | null {
    const stream = port as Stream | null;
    const [root, ...rest] = path;
    if (root === undefined) return null;
    if (rest.length === 0 && VIRTUAL.has(root)) return OPAQUE;
    if (root === "xds") return this.#xds(stream, rest);
    const legacy = Object.hasOwn(LEGACY, root) ? LEGACY[root]! : null;
    if (legacy !== null) return this.#xds(stream, [legacy, ...rest]);
    if (stream === null) return null;
    switch (root) {
      case "request":
        return requestProperty(stream, rest);
      case "response":
        return responseProperty(stream, rest);
      case "source":
        return addressProperty(stream.info.remoteAddress, rest);
      case "destination":
        return addressProperty(stream.info.connection.localAddress, rest);
      case "connection":
        return connectionProperty(stream.info, rest);
      case "connection_id":
        return int(stream.info.connection.id);
      case "upstream":
        return upstreamProperty(stream.info, rest);
      case "metadata":
        return metadataProperty(stream.info, rest);
      case "filter_state": {
        const state = rest.length === 1 ? stream.info.filterState.get(rest[0]!) : undefined;
        return state === undefined ? null : { kind: "bytes", value: state.value };
      }
      default:
        return null;
    }
  }

  getState(port: StreamPort, key: string): Uint8Array | null {
    return (port as Stream).info.filterState.get(key)?.value ?? null;
  }

  setState(port: StreamPort, key: string, value: Uint8Array): boolean {
    const state = (port as Stream).info.filterState;
    if (state.get(key)?.readOnly === true) return false;
    state.set(key, { value, readOnly: false });
    return true;
  }

  #xds(stream: Stream | null, path: readonly string[]): PropertyValue | null {
    const [name, ...rest] = path;
    if (name === "node") return nodeProperty(this.#node.current, rest);
    if (stream === null || name === undefined) return null;
    const route = routeOf(stream);
    switch (name) {
      case "cluster_name": {
        const cluster = stream.info.upstream?.clusterName ?? route?.clusterName ?? null;
        return cluster === null || cluster === "" ? null : text(cluster);
      }
      case "route_name":
        return route === null ? null : text(route.name);
      case "virtual_host_name":
        return route === null ? null : text(route.virtualHostName);
      case "filter_chain_name":
        return text(stream.info.filterChainName);
      case "route_metadata":
        return filterMetadata(route?.metadata ?? null, rest);
      case "virtual_host_metadata":
        return filterMetadata(route?.virtualHostMetadata ?? null, rest);
      case "listener_direction":
        return int(["UNSPECIFIED", "INBOUND", "OUTBOUND"].indexOf(stream.info.trafficDirection));
      default:
        return null;
    }
  }
}

function text(value: string): PropertyValue {
  return { kind: "string", value };
}

function latin1(value: string | null): PropertyValue | null {
  return value === null ? null : { kind: "latin1", value };
}

function int(value: number | bigint): PropertyValue {
  return { kind: "int", value };
}

/** Milliseconds as nanoseconds. */
function nanoseconds(ms: number): PropertyValue {
  return int(BigInt(Math.round(ms * 1e6)));
}

function isHttp(stream: Stream): stream is FilterStream {
  return "requestHeaders" in stream;
}

function routeOf(stream: Stream): RouteEntry | null {
  return isHttp(stream) ? stream.route() as RouteEntry | null : null;
}

function requestProperty(stream: Stream, [name, field]: readonly string[]): PropertyValue | null {
  const { info } = stream;
  if (!isHttp(stream)) return null;
  const headers = stream.requestHeaders;
  switch (name) {
    case "time":
      return int(BigInt(Math.round(info.startWallMs * 1000)) * 1000n);
    case "duration":
      return info.endMs < 0 ? null : nanoseconds(info.endMs - info.startMs);
    case "protocol":
      return info.protocol === "" ? null : text(info.protocol);
    case "total_size":
      return int(info.bytesReceived + (headers?.byteSize ?? 0));
  }
  if (headers === null) return null;
  switch (name) {
    case "path":
      return latin1(headers.path);
    case "url_path": {
      const path = headers.path;
      const question = path?.indexOf("?") ?? -1;
      return latin1(path === null || question < 0 ? path : path.slice(0, question));
    }
    case "query": {
      const path = headers.path ?? "";
      const question = path.indexOf("?");
      return latin1(question < 0 ? "" : path.slice(question + 1));
    }
    case "host":
      return latin1(headers.authority);
    case "scheme":
      return latin1(headers.scheme);
    case "method":
      return latin1(headers.method);
    case "referer":
      return latin1(headers.get("referer"));
    case "useragent":
      return latin1(headers.get("user-agent"));
    case "id":
      return latin1(headers.get("x-request-id"));
    case "headers":
      return headerProperty(headers, field);
    case "headers_bytes":
      return int(headers.byteSize);
    case "size": {
      const length = headers.get("content-length");
      return int(length !== null && /^[0-9]{1,15}$/.test(length) ? Number(length) : info.bytesReceived);
    }
    default:
      return null;
  }
}

function responseProperty(stream: Stream, [name, field]: readonly string[]): PropertyValue | null {
  const { info } = stream;
  if (!isHttp(stream)) return null;
  const headers = stream.responseHeaders;
  switch (name) {
    case "code": {
      const code = info.responseCode || (headers?.status ?? 0);
      return code === 0 ? null : int(code);
    }
    case "code_details":
      return info.responseCodeDetails === "" ? null : text(info.responseCodeDetails);
    case "flags":
      return int(flagBits(info.flags));
    case "headers":
      return headerProperty(headers, field);
    case "trailers":
      return headerProperty(stream.responseTrailers, field);
    case "headers_bytes":
      return int(headers?.byteSize ?? 0);
    case "size":
      return int(info.bytesSent);
    case "total_size":
      return int(info.bytesSent + (headers?.byteSize ?? 0) + (stream.responseTrailers?.byteSize ?? 0));
    case "grpc_status": {
      const status = stream.responseTrailers?.get("grpc-status") ?? headers?.get("grpc-status") ?? null;
      return status !== null && /^[0-9]{1,2}$/.test(status) ? int(Number(status)) : null;
    }
    case "backend_latency": {
      const upstream = info.upstream;
      if (upstream === null || upstream.lastByteReceivedMs < 0 || upstream.firstByteSentMs < 0) return null;
      return nanoseconds(upstream.lastByteReceivedMs - upstream.firstByteSentMs);
    }
    default:
      return null;
  }
}

/** One field, all its values joined; or all fields. */
function headerProperty(headers: HeaderMapPort | null, field: string | undefined): PropertyValue | null {
  if (headers === null) return null;
  return field === undefined ? { kind: "headers", value: headers } : latin1(headers.getJoined(field.toLowerCase()));
}

function addressProperty(address: SocketAddress | null, [name]: readonly string[]): PropertyValue | null {
  if (address === null) return null;
  if (name === "address") return text(address.text);
  return name === "port" && address.port !== 0 ? int(address.port) : null;
}

function connectionProperty(info: StreamInfo, [name]: readonly string[]): PropertyValue | null {
  const { connection } = info;
  switch (name) {
    case "id":
      return int(connection.id);
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
      return name === undefined ? null : tlsProperty(connection.tls, name);
  }
}

function tlsProperty(tls: TlsInfo | null, name: string): PropertyValue | null {
  if (tls === null) return null;
  switch (name) {
    case "tls_version":
      return text(tls.version);
    case "subject_local_certificate":
      return nonEmpty(tls.subjectLocalCertificate);
    case "subject_peer_certificate":
      return nonEmpty(tls.subjectPeerCertificate);
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
      return nonEmpty(tls.peerCertificatePem);
    default:
      return null;
  }
}

function upstreamProperty(info: StreamInfo, [name]: readonly string[]): PropertyValue | null {
  const { upstream } = info;
  if (upstream === null || name === undefined) return null;
  switch (name) {
    case "address":
      return upstream.host === null ? null : text(upstream.host.text);
    case "port":
      return upstream.host === null || upstream.host.port === 0 ? null : int(upstream.host.port);
    case "local_address":
      return upstream.localAddress === null ? null : text(upstream.localAddress.text);
    case "local_port":
      return upstream.localAddress === null ? null : int(upstream.localAddress.port);
    case "transport_failure_reason":
      return nonEmpty(upstream.transportFailureReason);
    case "request_attempt_count":
      return int(info.attemptCount);
    case "num_endpoints":
      return int(upstream.endpointCount);
    case "cx_pool_ready_duration":
      return upstream.poolReadyMs < 0 ? null : nanoseconds(upstream.poolReadyMs - info.startMs);
    default:
      return tlsProperty((upstream.connection as ConnectionInfo | null)?.tls ?? null, name);
  }
}

function metadataProperty(info: StreamInfo, [kind, ...path]: readonly string[]): PropertyValue | null {
  if (kind !== "filter_metadata") return kind === undefined ? OPAQUE : null;
  const [namespace, ...rest] = path;
  if (namespace === undefined) return OPAQUE;
  return jsonAt(info.dynamicMetadata.get(namespace), rest);
}

function filterMetadata(
  metadata: Readonly<Record<string, unknown>> | null,
  path: readonly string[],
): PropertyValue | null {
  if (metadata === null || path[0] !== "filter_metadata") return null;
  return jsonAt(metadata, path.slice(1));
}

function nodeProperty(node: NodeFacts, [name, ...rest]: readonly string[]): PropertyValue | null {
  switch (name) {
    case "id":
      return text(node.id);
    case "cluster":
      return text(node.cluster);
    case "metadata":
      return jsonAt(node.metadata, rest);
    case "locality": {
      const value = { region: node.region, zone: node.zone, sub_zone: node.subZone };
      return jsonAt(value, rest);
    }
    default:
      return null;
  }
}

/** A value inside plain JSON, as CEL sees Struct fields. */
function jsonAt(root: unknown, path: readonly string[]): PropertyValue | null {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = /^[0-9]+$/.test(key) ? value[Number(key)] : undefined;
    else if (typeof value === "object" && value !== null && Object.hasOwn(value, key)) {
      value = (value as Record<string, unknown>)[key];
    } else return null;
  }
  return jsonProperty(value);
}

function jsonProperty(value: unknown): PropertyValue | null {
  switch (typeof value) {
    case "string":
      return text(value);
    case "number":
      return { kind: "double", value };
    case "boolean":
      return { kind: "bool", value };
    case "object": {
      if (value === null) return OPAQUE;
      if (Array.isArray(value)) return { kind: "list", value: value.map((each) => jsonProperty(each) ?? OPAQUE) };
      const entries = Object.entries(value).map(([key, each]) => [key, jsonProperty(each) ?? OPAQUE] as const);
      return { kind: "map", value: new Map(entries) };
    }
    default:
      return null;
  }
}

function nonEmpty(value: string): PropertyValue | null {
  return value === "" ? null : text(value);
}

const FLAG_ORDER: readonly ResponseFlag[] = Object.values(Flags);

/** The legacy bit mask: one bit a flag, in the order of Envoy's enum. */
function flagBits(flags: readonly ResponseFlag[]): number {
  let bits = 0;
  for (const flag of flags) bits += 2 ** FLAG_ORDER.indexOf(flag);
  return bits;
}
