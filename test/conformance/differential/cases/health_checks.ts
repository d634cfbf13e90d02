// test/conformance/differential/cases/health_checks.ts: hosts that are checked, result by result.
/** @module */
import { bootstrap, httpListener, indent } from "../bootstrap.ts";
import type {
  CheckAnswer,
  CheckedUpstreamScript,
  CheckStep,
  Exchange,
  Group,
  HealthStep,
  UpstreamScript,
} from "../exchange.ts";

const OPTIONS = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const HTTP2 = `typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": ${OPTIONS}
    explicit_http_config: { http2_protocol_options: {} }`;
/** Envoy gathers changes of health for a second before it balances load by them, unless told otherwise. */
const AT_ONCE = "update_merge_window: 0s";
const NO_PANIC = `common_lb_config: { ${AT_ONCE}, healthy_panic_threshold: { value: 0 } }`;
const SOON = "interval: 0.02s, no_traffic_interval: 0.02s";

/** One host: where requests go, and where checks do. */
interface Endpoint {
  readonly port: string;
  readonly checks: string;
  readonly more?: string;
  readonly priority?: number;
}

interface Checked {
  readonly check: string;
  readonly endpoints: readonly Endpoint[];
  readonly more?: string;
}

function cluster(name: string, { check, endpoints, more = NO_PANIC }: Checked): string {
  const list = endpoints.map(({ port, checks, more = "", priority = 0 }) =>
    `{ priority: ${priority}, lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: @${port}@ } }, health_check_config: { port_value: @${checks}@${more} } } } ] }`
  );
  return `- name: ${name}
  connect_timeout: 2s
  health_checks: [ { ${check} } ]
  load_assignment:
    cluster_name: ${name}
    policy: { overprovisioning_factor: 200 }
    endpoints: [ ${list.join(", ")} ]
${indent(more, 2)}`;
}

function http(fields: string, thresholds = "unhealthy_threshold: 2, healthy_threshold: 2", timeout = "5s"): string {
  return `timeout: ${timeout}, ${SOON}, ${thresholds}, http_health_check: { path: /healthz${fields} }`;
}

const on = (checks: string): Endpoint[] => [{ port: "u", checks }];

function status(code: number, headers = "", body = ""): string {
  return `HTTP/1.1 ${code} Status\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
}

const OK = status(200), BAD = status(500);

function grpc(body: string, code = "0"): readonly CheckStep[] {
  return [
    { head: [[":status", "200"], ["content-type", "application/grpc"]] },
    { data: `\0\0\0\0${String.fromCharCode(body.length)}${body}` },
    { trailers: [["grpc-status", code]] },
  ];
}

const SERVING = grpc("\x08\x01"), NOT_SERVING = grpc("\x08\x02");
const head = (...fields: readonly (readonly [string, string])[]): readonly CheckStep[] => [{ head: fields, end: true }];

const CLUSTERS: Readonly<Record<string, Checked>> = {
  thresholds: { check: http(""), endpoints: on("c_thresholds") },
  network: { check: http("", "unhealthy_threshold: 3, healthy_threshold: 1"), endpoints: on("c_network") },
  retriable: {
    check: http(", retriable_statuses: [ { start: 500, end: 600 } ]", "unhealthy_threshold: 3, healthy_threshold: 1"),
    endpoints: on("c_retriable"),
  },
  expected: {
    check: http(", expected_statuses: [ { start: 200, end: 300 }, { start: 418, end: 419 } ]"),
    endpoints: on("c_expected"),
  },
  slow: { check: http("", "unhealthy_threshold: 2, healthy_threshold: 1", "0.3s"), endpoints: on("c_slow") },
  degraded: {
    check: http("", "unhealthy_threshold: 1, healthy_threshold: 1"),
    endpoints: [{ port: "u", checks: "c_degraded_u" }, { port: "v", checks: "c_degraded_v" }],
  },
  immediate: { check: http("", "unhealthy_threshold: 1, healthy_threshold: 2"), endpoints: on("c_immediate") },
  passive: { check: http("", "unhealthy_threshold: 5, healthy_threshold: 2"), endpoints: on("c_passive") },
  panic: {
    check: http("", "unhealthy_threshold: 1, healthy_threshold: 1"),
    endpoints: on("c_panic"),
    more: `common_lb_config: { ${AT_ONCE} }`,
  },
  next: {
    check: http("", "unhealthy_threshold: 1, healthy_threshold: 1"),
    endpoints: [{ port: "u", checks: "c_next_u" }, { port: "v", checks: "c_next_v", priority: 1 }],
  },
  payload: {
    check: http(', method: POST, send: { text: "7b7d" }, receive: [ { text: "6f6b" }, { binary: "IQ==" } ]'),
    endpoints: on("c_payload"),
  },
  buffer: {
    check: http(', response_buffer_size: 4, receive: [ { text: "6f6b" } ]'),
    endpoints: on("c_buffer"),
  },
  headers: {
    check: http(
      ", host: checks.example, request_headers_to_add: [ { header: { key: x-host, value: '%UPSTREAM_REMOTE_ADDRESS% %PROTOCOL%' } }, " +
        "{ header: { key: user-agent, value: mine }, append_action: OVERWRITE_IF_EXISTS_OR_ADD }, { header: { key: x-b, value: '2' } } ], " +
        "request_headers_to_remove: [ x-none ]",
    ),
    endpoints: on("c_headers"),
  },
  hostname: {
    check: http(", host: checks.example"),
    endpoints: [{ port: "u", checks: "c_hostname", more: ", hostname: own.example" }],
  },
  service: { check: http(", service_name_matcher: { prefix: loc }"), endpoints: on("c_service") },
  disabled: {
    check: http(""),
    endpoints: [{ port: "u", checks: "c_disabled", more: ", disable_active_health_check: true" }],
  },
  http2: { check: http(", codec_client_type: HTTP2"), endpoints: on("c_http2") },
  tcp: {
    check: `timeout: 0.4s, ${SOON}, unhealthy_threshold: 2, healthy_threshold: 1, ` +
      'tcp_health_check: { send: { text: "70696e67" }, receive: [ { text: "706f" }, { text: "6e67" } ] }',
    endpoints: on("c_tcp"),
  },
  proxied: {
    check: `timeout: 5s, ${SOON}, unhealthy_threshold: 2, healthy_threshold: 1, ` +
      'tcp_health_check: { proxy_protocol_config: {}, send: { text: "70696e67" }, receive: [ { text: "706f6e67" } ] }',
    endpoints: on("c_proxied"),
  },
  proxied_local: {
    check: `timeout: 5s, ${SOON}, reuse_connection: false, unhealthy_threshold: 2, healthy_threshold: 1, ` +
      'tcp_health_check: { proxy_protocol_config: { version: V2 }, send: { binary: "cGluZw==" }, receive: [ { text: "706f6e67" } ] }',
    endpoints: on("c_proxied_local"),
  },
  refused: {
    check: `timeout: 5s, ${SOON}, unhealthy_threshold: 2, healthy_threshold: 1, tcp_health_check: {}`,
    endpoints: on("nobody"),
  },
  accepted: {
    check: `timeout: 5s, ${SOON}, unhealthy_threshold: 2, healthy_threshold: 1, tcp_health_check: {}`,
    endpoints: on("c_accepted"),
  },
  grpc: {
    check: `timeout: 5s, ${SOON}, unhealthy_threshold: 2, healthy_threshold: 1, grpc_health_check: {}`,
    endpoints: on("c_grpc"),
    more: `${NO_PANIC}\n${HTTP2}`,
  },
  grpc_named: {
    check: `timeout: 5s, ${SOON}, unhealthy_threshold: 2, healthy_threshold: 1, grpc_health_check: ` +
      "{ service_name: a.Service, authority: checks.example, initial_metadata: [ { header: { key: x-meta, value: '1' } } ] }",
    endpoints: on("c_grpc_named"),
    more: `${NO_PANIC}\n${HTTP2}`,
  },
  logged: {
    check: http("", "unhealthy_threshold: 2, healthy_threshold: 2") + ", event_log_path: @log@",
    endpoints: on("c_logged"),
  },
};

const KINDS: Readonly<Record<string, CheckedUpstreamScript>> = {
  c_payload: { kind: "http", usual: status(200, "", "ok!") },
  c_buffer: { kind: "http", usual: status(200, "", "ok") },
  c_service: { kind: "http", usual: status(200, "x-envoy-upstream-healthchecked-cluster: locations\r\n") },
  c_http2: { kind: "http2", usual: head([":status", "200"]) },
  c_tcp: { kind: "tcp", usual: "pong" },
  c_proxied: { kind: "tcp", usual: "pong" },
  c_proxied_local: { kind: "tcp", usual: "pong" },
  c_accepted: { kind: "tcp", usual: "" },
  c_grpc: { kind: "http2", usual: SERVING },
  c_grpc_named: { kind: "http2", usual: SERVING },
};

function checkedUpstreams(): Record<string, CheckedUpstreamScript> {
  const names = Object.values(CLUSTERS).flatMap(({ endpoints }) => endpoints.map(({ checks }) => checks))
    .filter((name) => name.startsWith("c_"));
  return Object.fromEntries(names.map((name) => [name, KINDS[name] ?? { kind: "http", usual: OK }]));
}

/** Answers to checks of one host. */
function answers(at: string, ...list: readonly CheckAnswer[]): HealthStep[] {
  return list.map((answer) => ({ at, answer }));
}

function exchange(
  name: string,
  cluster: string,
  health: readonly HealthStep[],
  upstreams: Readonly<Record<string, UpstreamScript>> = {},
): Exchange {
  return { name, client: { cluster, health }, upstreams, wholeBodies: true };
}

const GET = (name: string): HealthStep => ({ get: `/${name}/` });

export const healthChecks: Group = {
  name: "health_checks",
  listeners: ["main"],
  upstreams: ["u", "v"],
  checked: checkedUpstreams(),
  yaml: bootstrap([
    httpListener("main", {
      routes: Object.keys(CLUSTERS).map((name) =>
        `- { match: { prefix: "/${name}/" }, route: { cluster: ${name}, timeout: 5s } }`
      ).join("\n"),
    }),
  ], Object.entries(CLUSTERS).map(([name, checked]) => cluster(name, checked).replace("@log@", "FOLDER/access.log"))),
  exchanges: [
    exchange("the first check has been there", "logged", ["flags"]),
    exchange("a status that is not expected counts at once, one that is as often as the threshold says", "thresholds", [
      { see: "c_thresholds" },
      GET("thresholds"),
      ...answers("c_thresholds", BAD),
      GET("thresholds"),
      ...answers("c_thresholds", OK),
      GET("thresholds"),
      ...answers("c_thresholds", OK),
      GET("thresholds"),
      ...answers("c_thresholds", BAD, OK, BAD, OK, OK),
    ]),
    exchange("connections that end have to do so three times in a row", "network", [
      ...answers("c_network", "close", "reset", OK, "close", "close", "reset"),
      GET("network"),
      ...answers("c_network", "close", "nonsense\r\n\r\n", OK),
      GET("network"),
    ]),
    exchange("so do retriable statuses", "retriable", [
      ...answers("c_retriable", BAD, status(599), OK, BAD, "close", BAD),
      GET("retriable"),
      ...answers("c_retriable", OK, status(404)),
    ]),
    exchange("statuses that are expected", "expected", [
      ...answers("c_expected", status(204), status(299), status(418), status(302)),
    ]),
    exchange("a second one is enough after a response that is closed", "expected", [
      ...answers(
        "c_expected",
        status(200, "connection: close\r\n"),
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        OK,
      ),
    ]),
    exchange("no answer in time", "slow", [
      ...answers("c_slow", "silence", "silence"),
      GET("slow"),
      ...answers("c_slow", "silence", "close"),
      ...answers("c_slow", "silence", OK),
      GET("slow"),
    ]),
    exchange("a host that is degraded is used when there is no other", "degraded", [
      ...answers("c_degraded_u", status(200, "x-envoy-degraded: 1\r\n")),
      GET("degraded"),
      GET("degraded"),
      ...answers("c_degraded_v", BAD),
      GET("degraded"),
      ...answers("c_degraded_u", OK),
      ...answers("c_degraded_v", OK),
    ]),
    exchange("a check says that the host is not to be asked", "immediate", [
      ...answers("c_immediate", status(503, "x-envoy-immediate-health-check-fail: true\r\n")),
      GET("immediate"),
      ...answers("c_immediate", OK, status(503, "x-envoy-immediate-health-check-fail: true\r\n"), OK, OK),
      ...answers("c_immediate", status(200, "x-envoy-immediate-health-check-fail: true\r\n")),
    ]),
    exchange("a response says that the host is not to be asked", "passive", [
      { see: "c_passive" },
      GET("passive"),
      { counted: "passive_failure" },
      "flags",
      ...answers("c_passive", OK, OK),
    ], { u: { http: [status(200, "x-envoy-immediate-health-check-fail: true\r\n")] } }),
    exchange("without another host a failed one is used", "panic", [
      ...answers("c_panic", BAD),
      GET("panic"),
    ]),
    exchange("the next priority takes over", "next", [
      GET("next"),
      ...answers("c_next_u", BAD),
      GET("next"),
      ...answers("c_next_v", BAD),
      GET("next"),
      ...answers("c_next_u", OK),
      GET("next"),
    ], { u: { http: [status(200, "", "u")] }, v: { http: [status(200, "", "v")] } }),
    exchange("what is sent and what is expected", "payload", [
      { see: "c_payload" },
      ...answers("c_payload", status(200, "", "not ok, said he!"), status(200, "", "!ok")),
      ...answers("c_payload", status(200, "", "ok!"), status(200, "", "ok!"), OK),
    ]),
    exchange("so many bytes are looked at", "buffer", [
      ...answers("c_buffer", status(200, "", "..ok"), status(200, "", "...ok")),
    ]),
    exchange("headers of a check", "headers", [{ see: "c_headers" }, ...answers("c_headers", OK)]),
    exchange("a host's own name", "hostname", [{ see: "c_hostname" }, ...answers("c_hostname", OK)]),
    exchange("the name of the service", "service", [
      ...answers("c_service", OK, status(200, "x-envoy-upstream-healthchecked-cluster: others\r\n")),
    ]),
    exchange("a host that is not checked", "disabled", ["flags", GET("disabled")]),
    exchange("over HTTP/2", "http2", [
      { see: "c_http2" },
      ...answers(
        "c_http2",
        head([":status", "500"]),
        head([":status", "200"]),
        [{ goAway: 0 }, { head: [[":status", "200"]], end: true }],
        [{ goAway: 2 }],
        [{ rst: "INTERNAL_ERROR" }],
        "close",
        head([":status", "200"]),
        head([":status", "200"], ["x-envoy-degraded", "1"]),
      ),
    ]),
    exchange("bytes", "tcp", [
      { see: "c_tcp" },
      ...answers("c_tcp", "p-o-pong", "close", "ping", "popo", "and pong and more", "reset"),
    ]),
    exchange("the proxy protocol", "proxied", [
      { see: "c_proxied" },
      ...answers("c_proxied", "pong"),
      { see: "c_proxied" },
      ...answers("c_proxied", "close"),
      { see: "c_proxied" },
      ...answers("c_proxied", "pong"),
    ]),
    exchange("its second version", "proxied_local", [
      { see: "c_proxied_local" },
      ...answers("c_proxied_local", "pong"),
      { see: "c_proxied_local" },
    ]),
    exchange("a connection that is refused", "refused", ["flags", GET("refused")]),
    exchange("a connection that is not", "accepted", ["flags", GET("accepted")]),
    exchange("gRPC", "grpc", [
      { see: "c_grpc" },
      ...answers("c_grpc", NOT_SERVING, SERVING),
      ...answers("c_grpc", grpc("\x08\x01", "2"), SERVING, grpc(""), SERVING),
      ...answers(
        "c_grpc",
        head([":status", "200"], ["content-type", "application/grpc"], ["grpc-status", "12"]),
        SERVING,
        head([":status", "503"]),
        SERVING,
        [{ head: [[":status", "200"], ["content-type", "text/plain"]] }],
        SERVING,
        [...SERVING.slice(0, 2), SERVING[1]!],
        SERVING,
        [SERVING[0]!, { data: "\0\0\0\0\x02\xff\xff" }],
        SERVING,
        [{ rst: "INTERNAL_ERROR" }],
        [...SERVING.slice(0, 2), { data: "", end: true }],
        [{ goAway: 0 }, ...SERVING],
        SERVING,
        [{ goAway: 1 }],
        "close",
        "close",
        SERVING,
      ),
    ]),
    exchange("a gRPC service of some name", "grpc_named", [
      { see: "c_grpc_named" },
      ...answers("c_grpc_named", SERVING),
    ]),
    exchange("what is logged", "logged", answers("c_logged", BAD, OK, BAD, OK, OK, "close", "close", OK, OK)),
  ],
};
