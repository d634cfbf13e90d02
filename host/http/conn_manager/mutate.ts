// host/http/conn_manager/mutate.ts: what the connection manager changes in every request and response.
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
import { isLoopback, parseIp } from "../../base/ip.ts";
import { isPipe } from "../../net/address.ts";
import type { ConnectionInfo, SocketAddress } from "../../observe/stream_info.ts";
import type { ConnectionManagerConfig, ConnectionManagerPlan } from "./conn_manager_config.ts";
import { type HeaderMap, HeaderNames } from "../header_map.ts";
import { addressFromXff, detectOriginalIp, isInBlocks } from "./original_ip.ts";

/** What only an internal caller may send; stripped from everybody else's requests. */
const INTERNAL_ONLY_HEADERS = new HeaderNames([
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
]);

/** Stripped at the edge besides: what describes a caller inside the mesh. */
const EDGE_ONLY_HEADERS = new HeaderNames([
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-original-host",
  "x-envoy-original-path",
]);

/** Of one connection only (RFC 9110 §7.6.1). */
const HOP_BY_HOP_HEADERS = new HeaderNames(["keep-alive", "proxy-connection", "transfer-encoding"]);

/** What was found out about the sender of a request. */
export interface RequestOrigin {
  /** The client behind trusted proxies, or null for the connection's own peer. */
  readonly remoteAddress: SocketAddress | null;
  /** It did not say who it is, and is refused with this status; 0: it is not. */
  readonly rejectStatus: number;
}

/** Makes a request ready for the filters. */
export function mutateRequestHeaders(
  headers: HeaderMap,
  connection: ConnectionInfo,
  config: ConnectionManagerConfig,
  isUpgrade: boolean,
  internalOnlyHeaders: readonly string[],
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
    if (!plan.skipXffAppend) appendToXff(headers, forwarded, peer, config);
    if (plan.xffNumTrustedHops === 0 || !headers.has("x-forwarded-proto")) {
      headers.setOwn("x-forwarded-proto", forwardedProto(connection, plan));
    }
    if (plan.appendXForwardedPort && (plan.xffNumTrustedHops === 0 || !headers.has("x-forwarded-port"))) {
      headers.set("x-forwarded-port", String(connection.localAddress.port));
    }
  } else {
    const forwarded = headers.getJoined("x-forwarded-for");
    if (plan.originalIpDetection.length > 0) {
      const detection = detectOriginalIp(plan.originalIpDetection, headers, peer);
      if (detection.rejectStatus > 0) return { remoteAddress: null, rejectStatus: detection.rejectStatus };
      remote = detection.address;
      singleXff = detection.trusted;
      if (!detection.skipXffAppend) appendToXff(headers, forwarded, peer, config);
    } else if (forwarded !== null) {
      remote = addressFromXff(forwarded, plan.xffNumTrustedHops);
      singleXff = remote !== null && !forwarded.includes(",");
    }
    if (!headers.has("x-forwarded-proto")) headers.setOwn("x-forwarded-proto", forwardedProto(connection, plan));
  }
  if (plan.schemeToOverwrite !== "") {
    headers.scheme = plan.schemeToOverwrite;
    headers.set("x-forwarded-proto", plan.schemeToOverwrite);
  } else if (headers.scheme === null) {
    const proto = headers.get("x-forwarded-proto");
    headers.scheme = proto === "http" || proto === "https" ? proto : connection.tls === null ? "http" : "https";
  }

  const final = remote ?? peer;
  const internal = singleXff && isInternal(final, plan);
  const edge = !internal && plan.useRemoteAddress;
  if (internal) {
    headers.set("x-envoy-internal", "true");
  } else {
    if (edge) headers.removeAll(EDGE_ONLY_HEADERS);
    headers.removeAll(INTERNAL_ONLY_HEADERS);
    for (const name of internalOnlyHeaders) headers.remove(name);
  }
  headers.remove("x-forwarded-client-cert");
  if (plan.addUserAgent) {
    headers.set("x-envoy-downstream-service-cluster", config.serviceCluster);
    if (!headers.has("user-agent")) headers.set("user-agent", config.serviceCluster);
    if (config.serviceNode !== "") headers.set("x-envoy-downstream-service-node", config.serviceNode);
  }
  if (plan.via !== "") headers.set("via", append(headers.get("via"), plan.via));
  if (edge && !isPipe(final)) headers.set("x-envoy-external-address", final.address);
  if (plan.generateRequestId) setRequestId(headers, edge, config);
  return { remoteAddress: remote, rejectStatus: 0 };
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
  headers.removeAll(HOP_BY_HOP_HEADERS);
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
  if (!isUpgrade) headers.remove("upgrade");
  headers.removeAll(HOP_BY_HOP_HEADERS);
  const te = headers.getJoined("te");
  if (te !== null) {
    const trailers = te.toLowerCase().split(",").some((token) => token.split(";")[0]!.trim() === "trailers");
    if (trailers) headers.set("te", "trailers");
    else headers.remove("te");
  }
}

/** Adds the peer to x-forwarded-for; a loopback address says nothing to others. */
function appendToXff(
  headers: HeaderMap,
  forwarded: string | null,
  peer: SocketAddress,
  config: ConnectionManagerConfig,
): void {
  if (peer.port === 0) return;
  const ip = parseIp(peer.address);
  const own = ip !== null && isLoopback(ip) ? config.localAddress : peer.address;
  headers.set("x-forwarded-for", forwarded === null ? own : forwarded + "," + own);
}

/** What the client spoke; the port that it asked another proxy for may say so (`forward_proto_config`). */
function forwardedProto(connection: ConnectionInfo, plan: ConnectionManagerPlan): "http" | "https" {
  const { forwardProto } = plan;
  if (forwardProto !== null && connection.localAddressRestored === true) {
    const { port } = connection.localAddress;
    if (forwardProto.httpsPorts.includes(port)) return "https";
    if (forwardProto.httpPorts.includes(port)) return "http";
  }
  return connection.tls === null ? "http" : "https";
}

function isInternal(address: SocketAddress, plan: ConnectionManagerPlan): boolean {
  if (isPipe(address)) return plan.internalUnixSockets;
  return plan.internalAddresses.length > 0 && isInBlocks(address.address, plan.internalAddresses);
}

/** Where the version of a UUID stands, which also says why a request is traced; `4` is "it is not". */
const TRACE_REASON_AT = 14;
const UUID_LENGTH = 36;

function setRequestId(headers: HeaderMap, edge: boolean, config: ConnectionManagerConfig): void {
  const plan = config.plan;
  const id = headers.get("x-request-id");
  if (id === null || (edge && !plan.preserveExternalRequestId)) {
    headers.setOwn("x-request-id", config.random.uuid());
  } else if (edge && plan.packTraceReason && id.length === UUID_LENGTH) {
    // Whether it is traced is not for those outside to say.
    headers.set("x-request-id", `${id.slice(0, TRACE_REASON_AT)}4${id.slice(TRACE_REASON_AT + 1)}`);
  }
}

function append(before: string | null, value: string): string {
  return before === null ? value : before + ", " + value;
}
