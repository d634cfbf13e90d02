// test/conformance/differential/cases/upstream_logs.ts: records of attempts, beside those of requests.
/** @module */
import {
  bootstrap,
  cluster,
  emptyCluster,
  fileLog,
  httpListener,
  httpProtocolOptions,
  indent,
  textLog,
} from "../bootstrap.ts";
import type { Exchange, Group, UpstreamStep } from "../exchange.ts";

const ATTEMPT = "  %ACCESS_LOG_TYPE% %REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% " +
  "%RESPONSE_CODE_DETAILS% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% route=%ROUTE_NAME% cluster=%UPSTREAM_CLUSTER% " +
  "host=%UPSTREAM_HOST% attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT% up=%UPSTREAM_PROTOCOL% " +
  "failure=%UPSTREAM_TRANSPORT_FAILURE_REASON% resp=%RESP(:STATUS)%/%RESP(X-UP)% trailer=%TRAILER(X-T)% " +
  "req=%REQ(X-ADDED)% grpc=%GRPC_STATUS%";
const SIZES = "  %ACCESS_LOG_TYPE% %UPSTREAM_WIRE_BYTES_RECEIVED%/%UPSTREAM_WIRE_BYTES_SENT% " +
  "%UPSTREAM_HEADER_BYTES_RECEIVED%/%UPSTREAM_HEADER_BYTES_SENT% down=%DOWNSTREAM_WIRE_BYTES_RECEIVED%";
const WHOLE = "%ACCESS_LOG_TYPE% %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% attempts=" +
  "%UPSTREAM_REQUEST_ATTEMPT_COUNT%";

const BAD = "HTTP/1.1 503 X\r\nx-up: bad\r\ncontent-length: 3\r\n\r\nbad";
const GOOD = "HTTP/1.1 200 OK\r\nx-up: good\r\ncontent-length: 2\r\n\r\nok";
const SLOW = ["HTTP/1.1 200 OK\r\nx-up: 1\r\ncontent-length: 4\r\n\r\nab", { pause: 750 }, "cd"] as const;
const CHUNKS = "HTTP/1.1 200 OK\r\nx-up: c\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: t\r\n\r\n";

function upstreamLog(format: string): string {
  return `upstream_log:\n${indent(fileLog(format), 0)}`;
}

function get(name: string, path: string, answers: readonly (string | readonly UpstreamStep[])[] = [GOOD]): Exchange {
  return {
    name,
    client: [`GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`, "response"],
    upstreams: { u: { http: answers.map((each) => typeof each === "string" ? each : { steps: each }) } },
  };
}

const ROUTES = `- name: retried
  match: { prefix: /retried }
  route: { cluster: u, timeout: 0s, retry_policy: { retry_on: "5xx,reset", retry_back_off: { base_interval: 0.001s } } }
  request_headers_to_add: [ { header: { key: x-added, value: "%UPSTREAM_REQUEST_ATTEMPT_COUNT%" } } ]
- name: tries
  match: { prefix: /tries }
  route: { cluster: u, timeout: 0s, retry_policy: { retry_on: "5xx", per_try_timeout: 0.2s, retry_back_off: { base_interval: 0.001s } } }
- name: idle
  match: { prefix: /idle }
  route: { cluster: u, timeout: 0s, retry_policy: { retry_on: "5xx", num_retries: 0, per_try_idle_timeout: 0.2s } }
- name: hedged
  match: { prefix: /hedged }
  route:
    cluster: u
    timeout: 0s
    hedge_policy: { hedge_on_per_try_timeout: true }
    retry_policy: { retry_on: "5xx", per_try_timeout: 0.2s, retry_back_off: { base_interval: 0.001s } }
- { name: short, match: { prefix: /short }, route: { cluster: short, timeout: 0s } }
- { name: slow, match: { prefix: /slow }, route: { cluster: u, timeout: 0.2s } }
- { name: empty, match: { prefix: /empty }, route: { cluster: empty } }
- { name: refused, match: { prefix: /refused }, route: { cluster: refused } }
- { name: direct, match: { prefix: /direct }, direct_response: { status: 200 } }
- { name: mirrored, match: { prefix: /mirrored }, route: { cluster: u, timeout: 0s, request_mirror_policies: [ { cluster: s } ] } }
- name: connect
  match: { connect_matcher: {} }
  route: { cluster: t, timeout: 0s, upgrade_configs: [ { upgrade_type: CONNECT, connect_config: {} } ] }
- { name: all, match: { prefix: / }, route: { cluster: u, timeout: 0s } }`;

const SHORT = httpProtocolOptions(`explicit_http_config: { http_protocol_options: {} }
common_http_protocol_options: { max_stream_duration: 0.2s }`);

export const upstreamLogs: Group = {
  name: "upstream_logs",
  listeners: ["main", "starting", "periodic", "sizes"],
  upstreams: ["u", "s", "t"],
  yaml: bootstrap([
    httpListener("main", { log: textLog(WHOLE), router: upstreamLog(ATTEMPT), routes: ROUTES }),
    httpListener("starting", {
      log: textLog(WHOLE),
      router: `upstream_log_options: { flush_upstream_log_on_upstream_stream: true }\n${upstreamLog(ATTEMPT)}`,
      manager: "upgrade_configs: [ { upgrade_type: CONNECT } ]\n",
      routes: ROUTES,
    }),
    httpListener("periodic", {
      log: textLog(WHOLE),
      router: `upstream_log_options: { upstream_log_flush_interval: 0.5s }\n${upstreamLog(ATTEMPT)}`,
      routes: ROUTES,
    }),
    httpListener("sizes", {
      log: textLog(SIZES),
      router: `suppress_envoy_headers: true\n${upstreamLog(SIZES)}`,
      manager: "generate_request_id: false\n",
      routes: ROUTES,
    }),
  ], [
    cluster("u"),
    cluster("s"),
    cluster("t"),
    cluster("refused"),
    cluster("short", SHORT, "u"),
    emptyCluster("empty"),
  ]),
  exchanges: [
    get("a response", "/"),
    get("a response with trailers", "/", [CHUNKS]),
    {
      name: "a request with a body",
      client: ["POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello", "response"],
    },
    get("a retry of a response", "/retried", [BAD, GOOD]),
    get("a retry of a reset", "/retried", [["close"], GOOD]),
    get("retries that all fail", "/retried", [BAD]),
    get("an attempt that takes too long", "/tries", [["hang"], GOOD]),
    get("a request that takes too long", "/slow", [["hang"]]),
    get("an attempt that is silent", "/idle", [["hang"]]),
    get("an attempt that takes longer than its cluster allows", "/short", [["hang"]]),
    get("an attempt that is late, and wins", "/hedged", [[{ pause: 300 }, GOOD], ["hang"]]),
    get("a cut response", "/", [["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab", "close"]]),
    get("no host", "/empty"),
    get("nobody there", "/refused"),
    get("an answer of the router", "/direct"),
    { ...get("a mirror", "/mirrored"), unordered: true },
    {
      name: "a client that leaves",
      client: ["GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", { seen: 1 }, "reset"],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    { ...get("a record at the start", "/"), listener: "starting" },
    { ...get("records at the start of attempts", "/retried", [BAD, GOOD]), listener: "starting" },
    { ...get("nobody there to start with", "/refused"), listener: "starting" },
    {
      name: "a record at the start of a tunnel",
      listener: "starting",
      client: [
        "CONNECT b.example:80 HTTP/1.1\r\nHost: b.example:80\r\n\r\n",
        "response to CONNECT",
        "hello",
        { bytes: 5 },
        "closed",
      ],
      upstreams: { t: { tcp: [{ bytes: 5 }, "world", "close"] } },
    },
    { ...get("records after an interval", "/", [SLOW]), listener: "periodic" },
    { ...get("sizes", "/"), listener: "sizes" },
    { ...get("sizes of a retry", "/retried", [BAD.replace("3\r\n\r\nbad", "0\r\n\r\n"), GOOD]), listener: "sizes" },
  ],
};
