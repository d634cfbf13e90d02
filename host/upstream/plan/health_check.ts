// host/upstream/plan/health_check.ts: the HealthCheck messages of a cluster as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/common/upstream/health_checker_impl.cc
 * @see Envoy: api/envoy/config/core/v3/health_check.proto
 * @module
 */
import { concatBytes } from "../../base/bytes.ts";
import { toWireText } from "../../base/wire_text.ts";
import type { ConfigNode } from "../../config/node.ts";
import { type FormatChecker, planHeaderAdditions, planHeaderOps } from "../../http/plan/header_ops.ts";
import { planStringMatcher } from "../../matching/plan/string_matcher.ts";
import {
  type CheckerPlan,
  DEFAULT_UPDATE_MERGE_WINDOW_MS,
  type GrpcCheckPlan,
  type HealthCheckPlan,
  type HealthPlan,
  type HttpCheckPlan,
  type StatusRange,
  type TcpCheckPlan,
} from "../health/plan.ts";
import type { DiscoveryType, HttpProtocolPlan } from "../plan.ts";

const UNSUPPORTED = "config/unsupported";
const BAD_PAYLOAD = "config/bad-payload";
const FILE_SINK = "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink";
const WITHOUT_BODY: readonly string[] = ["GET", "HEAD", "DELETE", "TRACE"];
const DEFAULT_RESPONSE_BUFFER_BYTES = 1024;
const DEFAULT_NO_TRAFFIC_INTERVAL_MS = 60_000;

/** What a Cluster message says of the health of its hosts. */
export function planHealth(
  cluster: ConfigNode,
  type: DiscoveryType | null,
  http: HttpProtocolPlan,
  formats: FormatChecker,
): HealthPlan {
  const nodes = cluster.messages("health_checks");
  const common = cluster.message("common_lb_config");
  if (nodes.length > 0 && (type === "AGGREGATE" || type === "COMPOSITE")) {
    cluster.warn("config/no-effect", "a cluster that is made of others has no hosts to check", {
      field: "health_checks",
      help: "let the clusters that it is made of have health_checks",
    });
  }
  const names = new Set<string>();
  return {
    checks: nodes.map((node, index) => {
      const plan = planHealthCheck(node, http, formats);
      if (nodes.length > 1) checkName(node, plan.name, index, names);
      // One alone has no name in statistics.
      return nodes.length === 1 ? { ...plan, name: "" } : plan;
    }),
    ignoreOnRemoval: cluster.bool("ignore_health_on_host_removal"),
    closeConnectionsOnFailure: cluster.bool("close_connections_on_host_health_failure"),
    excludeUntilChecked: common?.bool("ignore_new_hosts_until_first_hc") ?? false,
    updateMergeWindowMs: common?.durationMs("update_merge_window", DEFAULT_UPDATE_MERGE_WINDOW_MS) ??
      DEFAULT_UPDATE_MERGE_WINDOW_MS,
  };
}

function checkName(node: ConfigNode, name: string, index: number, names: Set<string>): void {
  if (name === "") {
    node.error(
      "config/missing-field",
      `health check at index ${index} is missing a name; all health checks must have a name when multiple health ` +
        "checks are configured",
    );
  } else if (names.has(name)) {
    node.error("config/duplicate", `health check '${name}' is there twice`, { field: "name" });
  }
  names.add(name);
}

function planHealthCheck(
  node: ConfigNode,
  http: HttpProtocolPlan,
  formats: FormatChecker,
): HealthCheckPlan {
  const intervalMs = node.durationMs("interval", 0);
  const noTrafficIntervalMs = node.durationMs("no_traffic_interval", DEFAULT_NO_TRAFFIC_INTERVAL_MS);
  const unhealthyIntervalMs = node.durationMs("unhealthy_interval", intervalMs);
  node.accept("event_service", "Envoy does not use it either; event_logger names files");
  node.accept("alt_port", "Envoy does not use it either; health_check_config of an endpoint has a port_value");
  return {
    name: node.string("name"),
    timeoutMs: node.durationMs("timeout", 0),
    intervalMs,
    initialJitterMs: node.durationMs("initial_jitter", 0),
    intervalJitterMs: node.durationMs("interval_jitter", 0),
    intervalJitterPercent: node.number("interval_jitter_percent"),
    unhealthyIntervalMs,
    unhealthyEdgeIntervalMs: node.durationMs("unhealthy_edge_interval", unhealthyIntervalMs),
    healthyEdgeIntervalMs: node.durationMs("healthy_edge_interval", intervalMs),
    noTrafficIntervalMs,
    noTrafficHealthyIntervalMs: node.durationMs("no_traffic_healthy_interval", noTrafficIntervalMs),
    unhealthyThreshold: node.number("unhealthy_threshold"),
    healthyThreshold: node.number("healthy_threshold"),
    reuseConnection: node.bool("reuse_connection", true),
    alwaysLogFailures: node.bool("always_log_health_check_failures"),
    alwaysLogSuccess: node.bool("always_log_health_check_success"),
    eventLogPaths: planEventLogs(node),
    checker: planChecker(node, http, formats),
  };
}

function planEventLogs(node: ConfigNode): string[] {
  const paths: string[] = [];
  for (const sink of node.messages("event_logger")) {
    const name = sink.string("name");
    const config = sink.any("typed_config");
    if (config?.typeName === FILE_SINK) paths.push(config.string("event_log_path"));
    else sink.error(UNSUPPORTED, `health check event sink '${name}' is not supported yet`, { field: "name" });
  }
  const path = node.string("event_log_path");
  return path === "" ? paths : [...paths, path];
}

/** Rules of the message see to it that there is one. */
function planChecker(node: ConfigNode, http: HttpProtocolPlan, formats: FormatChecker): CheckerPlan {
  node.refuse(
    "custom_health_check",
    "health checkers of extensions are not supported yet",
    "use http_health_check, tcp_health_check or grpc_health_check",
  );
  const grpc = node.message("grpc_health_check");
  if (grpc !== null) return planGrpc(node, grpc, http, formats);
  const httpCheck = node.message("http_health_check");
  if (httpCheck !== null) return planHttp(httpCheck, formats);
  return planTcp(node.message("tcp_health_check"));
}

function planHttp(node: ConfigNode, formats: FormatChecker): HttpCheckPlan {
  const codec = node.enum("codec_client_type");
  if (codec === "HTTP3") {
    node.error(UNSUPPORTED, "health checks over HTTP/3 are not supported yet", { field: "codec_client_type" });
  }
  const asked = node.enum("method");
  const method = asked === "METHOD_UNSPECIFIED" ? "GET" : asked;
  const send = planPayload(node.message("send"));
  if (send !== null && WITHOUT_BODY.includes(method)) {
    node.error("config/conflict", `a health check with the method ${method} has no body to send`, {
      field: "send",
      help: "set `method: POST`",
    });
  }
  const receive = planPayloads(node);
  const responseBufferBytes = node.number("response_buffer_size", DEFAULT_RESPONSE_BUFFER_BYTES);
  const expectedBytes = receive.reduce((total, segment) => total + segment.length, 0);
  if (responseBufferBytes > 0 && expectedBytes > responseBufferBytes) {
    node.error(
      "config/conflict",
      `${expectedBytes} bytes are expected, and only ${responseBufferBytes} of a response are looked at`,
      { field: "receive", help: "set a larger response_buffer_size" },
    );
  }
  const service = node.message("service_name_matcher");
  const expected = planStatuses(node, "expected_statuses");
  return {
    kind: "http",
    protocol: codec === "HTTP2" ? "HTTP/2" : "HTTP/1.1",
    host: toWireText(node.string("host")),
    path: toWireText(node.string("path")),
    method,
    send,
    receive,
    responseBufferBytes,
    expectedStatuses: expected.length === 0 ? [[200, 201]] : expected,
    retriableStatuses: planStatuses(node, "retriable_statuses"),
    requestHeaders: planHeaderOps(node, "request", formats),
    serviceName: service === null ? null : planStringMatcher(service),
  };
}

function planStatuses(node: ConfigNode, field: string): StatusRange[] {
  return node.messages(field).map((range) => {
    const start = range.number("start");
    const end = range.number("end");
    const kind = field === "expected_statuses" ? "expected" : "retriable";
    const bad = (problem: string, which: string) =>
      range.error("config/bad-range", `invalid http ${kind} status range: ${problem}`, { field: which });
    if (start >= end) bad(`expecting start < end, but found start=${start} and end=${end}`, "end");
    else if (start < 100) bad(`expecting start >= 100, but found start=${start}`, "start");
    else if (end > 600) bad(`expecting end <= 600, but found end=${end}`, "end");
    return [start, end] as const;
  });
}

function planTcp(node: ConfigNode | null): TcpCheckPlan {
  if (node === null) return { kind: "tcp", proxyProtocol: null, send: null, receive: [] };
  const proxyProtocol = node.message("proxy_protocol_config");
  for (const field of ["pass_through_tlvs", "added_tlvs"]) {
    proxyProtocol?.accept(field, "Envoy does not use it for health checks either");
  }
  return {
    kind: "tcp",
    proxyProtocol: proxyProtocol === null ? null : proxyProtocol.enum("version") === "V2" ? "V2" : "V1",
    send: planPayload(node.message("send")),
    receive: planPayloads(node),
  };
}

function planGrpc(check: ConfigNode, node: ConfigNode, http: HttpProtocolPlan, formats: FormatChecker): GrpcCheckPlan {
  if (http.protocol !== "HTTP/2" && !http.followsDownstream) {
    check.error("config/conflict", "the cluster must support HTTP/2 for gRPC health checking", {
      field: "grpc_health_check",
      help: "set http2_protocol_options in the cluster's HttpProtocolOptions",
    });
  }
  return {
    kind: "grpc",
    serviceName: toWireText(node.string("service_name")),
    authority: toWireText(node.string("authority")),
    initialMetadata: { remove: [], add: planHeaderAdditions(node, "initial_metadata", formats) },
  };
}

function planPayloads(node: ConfigNode): Uint8Array[] {
  return node.messages("receive").map((payload) => planPayload(payload)!);
}

/** A payload is hexadecimal text, or bytes. */
function planPayload(node: ConfigNode | null): Uint8Array | null {
  if (node === null) return null;
  if (node.oneof("payload") === "binary") return node.bytes("binary");
  const text = node.string("text");
  const pairs = text.match(/[0-9a-f]{2}/gi) ?? [];
  if (text.length === 0 || pairs.length * 2 !== text.length) {
    node.error(BAD_PAYLOAD, `invalid hex string '${text}'`, {
      field: "text",
      help: "write two hexadecimal digits for each byte, or use `binary` with base64",
    });
    return concatBytes([], 0);
  }
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}
