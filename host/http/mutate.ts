// host/http/mutate.ts: what the connection manager changes in every request and response.
// pure: no I/O, no clock, no runtime globals
// hot: runs per chunk or per header; see bench/micro/http_path.bench.ts
/**
 * Requests: hop-by-hop fields go, the client's address is found, what only internal callers may say is
 * stripped, x-forwarded-* and x-request-id are set. Responses: hop-by-hop fields go, `date`, `server` and
 * `via` come. Order and conditions are Envoy's: upstreams and clients can tell.
 *
 * @see Envoy: source/common/http/conn_manager_utility.cc
 * @module
 */
import { inCidrBlock } from "../base/cidr.ts";
import { isLoopback, parseIp, withoutZone } from "../base/ip.ts";
import { isPipe } from "../net/address.ts";
import type { ConnectionInfo, SocketAddress } from "../observe/stream_info.ts";
import type { ConnectionManagerConfig } from "./conn_manager_config.ts";
import type { HeaderMap } from "./header_map.ts";

/** What only an internal caller may send; stripped from everybody else's requests. */
const INTERNAL_ONLY_HEADERS = [
  "x-envoy-retriable-status-codes",
  "x-envoy-retriable-header-names",
  "x-envoy-retry-on",
  "x-envoy-retry-grpc-on",
  "x-envoy-max-retries",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-force-trace",
  "x-envoy-ip-tags",
  "x-envoy-original-url",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-internal",
];

/** Stripped at the edge besides: what describes a caller inside the mesh. */
const EDGE_ONLY_HEADERS = [
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-original-host",
  "x-envoy-original-path",
];

/** What was found out about the sender of a request. */
export interface RequestOrigin {
  /** The client behind trusted proxies, or null for the connection's own peer. */
  readonly remoteAddress: SocketAddress | null;
}

/** Makes a request ready for the filters. */
export function mutateRequestHeaders(
  headers: HeaderMap,
  connection: ConnectionInfo,
  config: ConnectionManagerConfig,
  isUpgrade: boolean,
): RequestOrigin {
  const plan = config.plan;
  removeHopByHop(headers, isUpgrade);

  const peer = connection.remoteAddress;
  let remote: SocketAddress | null = null;
  let singleXff = false;
  if (plan.useRemoteAddress) {
    const forwarded = headers.getJoined("x-forwarded-for");
    singleXff = forwarded === null;
    if (plan.xffNumTrustedHops > 0 && forwarded !== null) {
      remote = addressFromXff(forwarded, plan.xffNumTrustedHops - 1);
    }
    if (!plan.skipXffAppend && peer.port !== 0) {
      const ip = parseIp(peer.address);
      const own = ip !== null && isLoopback(ip) ? config.localAddress : peer.address;
      headers.set("x-forwarded-for", forwarded === null ? own : forwarded + "," + own);
    }
    if (plan.xffNumTrustedHops === 0 || !headers.has("x-forwarded-proto")) {
      headers.setOwn("x-forwarded-proto", connection.tls === null ? "http" : "https");
    }
    if (plan.appendXForwardedPort && (plan.xffNumTrustedHops === 0 || !headers.has("x-forwarded-port"))) {
      headers.set("x-forwarded-port", String(connection.localAddress.port));
    }
  } else {
    const forwarded = headers.getJoined("x-forwarded-for");
    if (forwarded !== null) {
      remote = addressFromXff(forwarded, plan.xffNumTrustedHops);
      singleXff = remote !== null && !forwarded.includes(",");
    }
    if (!headers.has("x-forwarded-proto")) {
      headers.setOwn("x-forwarded-proto", connection.tls === null ? "http" : "https");
    }
  }
  if (headers.scheme === null) {
    const proto = headers.get("x-forwarded-proto");
    headers.scheme = proto === "http" || proto === "https" ? proto : connection.tls === null ? "http" : "https";
  }

  const final = remote ?? peer;
  const internal = singleXff && plan.internalAddresses.length > 0 && isInternal(final.address, config);
  const edge = !internal && plan.useRemoteAddress;
  if (internal) {
    headers.set("x-envoy-internal", "true");
  } else {
    if (edge) { for (const name of EDGE_ONLY_HEADERS) headers.remove(name); }
    for (const name of INTERNAL_ONLY_HEADERS) headers.remove(name);
    if (edge && !isPipe(final)) headers.set("x-envoy-external-address", final.address);
  }
  headers.remove("x-forwarded-client-cert");
  if (plan.addUserAgent) {
    headers.set("x-envoy-downstream-service-cluster", config.serviceCluster);
    if (!headers.has("user-agent")) headers.set("user-agent", config.serviceCluster);
    if (config.serviceNode !== "") headers.set("x-envoy-downstream-service-node", config.serviceNode);
  }
  if (plan.generateRequestId && ((edge && !plan.preserveExternalRequestId) || !headers.has("x-request-id"))) {
    headers.setOwn("x-request-id", config.random.uuid());
  }
  if (plan.via !== "") headers.set("via", append(headers.get("via"), plan.via));
  return { remoteAddress: remote };
}

/** Makes a response ready for the wire. */
export function mutateResponseHeaders(
  headers: HeaderMap,
  requestHeaders: HeaderMap | null,
  config: ConnectionManagerConfig,
  isUpgrade: boolean,
): void {
  const plan = config.plan;
  if (!isUpgrade) {
    headers.remove("connection");
    headers.remove("upgrade");
  }
  headers.remove("keep-alive");
  headers.remove("proxy-connection");
  headers.remove("transfer-encoding");
  if (!headers.has("date")) headers.setOwn("date", config.dates.get());
  if (plan.serverHeaderTransformation === "OVERWRITE") headers.setOwn("server", plan.serverName);
  else if (plan.serverHeaderTransformation === "APPEND_IF_ABSENT" && !headers.has("server")) {
    headers.add("server", plan.serverName);
  }
  if (requestHeaders !== null && (plan.alwaysSetRequestIdInResponse || requestHeaders.has("x-envoy-force-trace"))) {
    const id = requestHeaders.get("x-request-id");
    if (id !== null) headers.set("x-request-id", id);
  }
  if (plan.via !== "") headers.set("via", append(headers.get("via"), plan.via));
}

/** Fields of one connection only (RFC 9110 §7.6.1), and those that `connection` names. */
function removeHopByHop(headers: HeaderMap, isUpgrade: boolean): void {
  const connection = headers.getJoined("connection");
  if (connection !== null) {
    for (const token of connection.toLowerCase().split(",")) {
      const name = token.trim();
      // These say how the message ends or where it goes: no client may have them removed.
      if (name === "" || name === "close" || name === "keep-alive" || name === "te" || name === "upgrade") continue;
      if (name === "host" || name.startsWith(":") || name.startsWith("x-forwarded-")) continue;
      if (name === "content-length" || name === "transfer-encoding") continue;
      headers.remove(name);
    }
    if (!isUpgrade) headers.remove("connection");
  }
  if (!isUpgrade) {
    headers.remove("upgrade");
    headers.remove("http2-settings");
  }
  headers.remove("keep-alive");
  headers.remove("proxy-connection");
  headers.remove("transfer-encoding");
  const te = headers.getJoined("te");
  if (te !== null) {
    const trailers = te.toLowerCase().split(",").some((token) => token.split(";")[0]!.trim() === "trailers");
    if (trailers) headers.set("te", "trailers");
    else headers.remove("te");
  }
}

/** The address that stands `hopsFromEnd` before the last in an x-forwarded-for list; null when there is none. */
function addressFromXff(forwarded: string, hopsFromEnd: number): SocketAddress | null {
  const addresses = forwarded.split(",");
  const index = addresses.length - 1 - hopsFromEnd;
  if (index < 0) return null;
  const text = addresses[index]!.trim();
  if (parseIp(withoutZone(text)) === null) return null;
  return { address: text, port: 0, text: text.includes(":") ? `[${text}]:0` : `${text}:0` };
}

function isInternal(address: string, config: ConnectionManagerConfig): boolean {
  const ip = parseIp(withoutZone(address));
  return ip !== null && config.plan.internalAddresses.some((block) => inCidrBlock(block, ip));
}

function append(before: string | null, value: string): string {
  return before === null ? value : before + ", " + value;
}
