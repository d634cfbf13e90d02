// test/conformance/differential/cases/overload.ts: what is refused when there is too much to do.
/** @module */
import { bootstrap, cluster, httpListener, tcpProxyListener } from "../bootstrap.ts";
import type { ClientStep, Exchange, Group } from "../exchange.ts";

const INJECTED = "type.googleapis.com/envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig";
const CONNECTIONS =
  "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";
const TIMERS = "type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig";

/** Each with a pressure of its own. */
const ACTIONS = [
  "stop_accepting_requests",
  "disable_http_keepalive",
  "stop_accepting_connections",
  "reject_incoming_connections",
];
const POINTS = [
  "tcp_listener_accept",
  "http_connection_manager_decode_headers",
  "hcm_ondata_creating_codec",
  "http1_server_abort_dispatch",
  "http2_server_go_away_on_dispatch",
  "http2_server_go_away_and_close_on_dispatch",
  "http_downstream_filter_check",
  "tcp_proxy_on_data",
  "tcp_proxy_upstream_connect",
];

function injected(name: string): string {
  return `  - { name: ${name}, typed_config: { "@type": ${INJECTED}, filename: FOLDER/${name} } }`;
}

function row(prefix: string, name: string): string {
  return `  - { name: envoy.${prefix}.${name}, triggers: [ { name: ${name}, threshold: { value: 0.9 } } ] }`;
}

const MANAGER = `overload_manager:
  refresh_interval: 0.05s
  resource_monitors:
${[...ACTIONS, ...POINTS, "timers"].map(injected).join("\n")}
  - name: envoy.resource_monitors.global_downstream_max_connections
    typed_config: { "@type": ${CONNECTIONS}, max_active_downstream_connections: 3 }
  actions:
${ACTIONS.map((name) => row("overload_actions", name)).join("\n")}
  - name: envoy.overload_actions.reduce_timeouts
    triggers: [ { name: timers, scaled: { scaling_threshold: 0.2, saturation_threshold: 0.8 } } ]
    typed_config:
      "@type": ${TIMERS}
      timer_scale_factors:
      - { timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 0.1s }
      - { timer: HTTP_DOWNSTREAM_STREAM_IDLE, min_scale: { value: 1 } }
  loadshed_points:
${POINTS.map((name) => row("load_shed_points", name)).join("\n")}
`;

function get(target = "/"): string {
  return `GET ${target} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

/** A client, played while a pressure is at its highest; what it does first it does before. */
function under(
  name: string,
  of: string,
  client: readonly ClientStep[],
  more: Partial<Exchange> & { before?: readonly ClientStep[] } = {},
): Exchange[] {
  const { before = [], ...exchange } = more;
  return [
    {
      name,
      ...exchange,
      client: [...before, { pressure: 1, of }, ...client],
    },
    { name: `${name}: over`, listener: "bypass", client: [{ pressure: 0, of }] },
  ];
}

/** The same on a connection that is made when the pressure is high already. */
function underFromTheStart(name: string, of: string, exchange: Omit<Exchange, "name">): Exchange[] {
  return [
    { name: `${name}: it begins`, listener: "bypass", client: [{ pressure: 1, of }] },
    { name, ...exchange },
    { name: `${name}: it is over`, listener: "bypass", client: [{ pressure: 0, of }] },
  ];
}

const ASK = [[":method", "GET"], [":scheme", "http"], [":authority", "a.example"], [":path", "/"]] as const;
const HTTP2 = { http2: [{ ask: ASK }, "response", { ask: ASK }, "response"] } as const;

export const overload: Group = {
  name: "overload",
  listeners: ["main", "append", "bypass", "tcp", "idle", "admin"],
  upstreams: ["u"],
  yaml: MANAGER + bootstrap([
    httpListener("main"),
    httpListener("append", { manager: "append_local_overload: true" }),
    httpListener("bypass", { listener: "bypass_overload_manager: true\nignore_global_conn_limit: true" }),
    httpListener("idle", { manager: "common_http_protocol_options: { idle_timeout: 60s }\ndrain_timeout: 0.1s" }),
    tcpProxyListener(
      "tcp",
      "cluster: u",
      "flags=%RESPONSE_FLAGS% details=%RESPONSE_CODE_DETAILS% rx=%BYTES_RECEIVED% closed=%CONNECTION_TERMINATION_DETAILS%",
    ),
  ], [cluster("u")]),
  exchanges: [
    { name: "without pressure", client: get() },
    ...under("requests are refused", "stop_accepting_requests", [get(), "response", get("/2"), "response"], {
      before: [get(), "response"],
    }),
    ...under("with a mark", "stop_accepting_requests", [get(), "response"], { listener: "append" }),
    ...under("not where the listener bypasses it", "stop_accepting_requests", [get(), "response"], {
      listener: "bypass",
    }),
    ...underFromTheStart("requests over HTTP/2 are refused", "stop_accepting_requests", { client: HTTP2 }),
    ...under("gRPC requests are refused", "stop_accepting_requests", [
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
      "response",
    ]),
    ...under("a refused request's body", "stop_accepting_requests", [
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody",
      "response",
    ]),
    ...under("responses end their connection", "disable_http_keepalive", [get("/2"), "response"], {
      before: [get(), "response"],
    }),
    ...underFromTheStart("responses over HTTP/2 end theirs", "disable_http_keepalive", {
      client: { http2: [{ ask: ASK }, "response"] },
    }),
    ...underFromTheStart("connections are refused", "reject_incoming_connections", { client: ["closed"] }),
    ...underFromTheStart("and those of bytes", "reject_incoming_connections", {
      listener: "tcp",
      client: ["closed"],
    }),
    ...under("connections that are there go on", "reject_incoming_connections", [get("/2"), "response"], {
      before: [get(), "response"],
    }),
    ...underFromTheStart("connections wait", "stop_accepting_connections", {
      client: [get(), { pause: 300 }, { pressure: 0, of: "stop_accepting_connections" }, "response"],
    }),
    ...underFromTheStart("a point: accept", "tcp_listener_accept", { client: ["closed"] }),
    ...under("a point: heads", "http_connection_manager_decode_headers", [get(), "response"]),
    ...under("a point: first bytes", "hcm_ondata_creating_codec", [get(), "closed"]),
    ...under("a point: filters", "http_downstream_filter_check", [get(), "response", get("/2"), "response"]),
    ...under("a point: filters, without a route", "http_downstream_filter_check", [
      "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "response",
    ]),
    ...under("a point: HTTP/1 bytes", "http1_server_abort_dispatch", [get("/2"), "response", "closed"], {
      before: [get(), "response"],
    }),
    ...under("a point: HTTP/1 bytes in a request", "http1_server_abort_dispatch", ["ody", "response", "closed"], {
      before: ["POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nb", { seen: 1 }],
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    }),
    ...under("a point: go away", "http2_server_go_away_on_dispatch", [get("/2"), "response"], {
      before: [get(), "response"],
    }),
    ...underFromTheStart("a point: go away, HTTP/2", "http2_server_go_away_on_dispatch", {
      client: { http2: [{ ask: ASK }, "response"] },
    }),
    ...under("a point: go away and close", "http2_server_go_away_and_close_on_dispatch", [get("/2"), "closed"], {
      before: [get(), "response"],
    }),
    ...under("a point: bytes of a TCP proxy", "tcp_proxy_on_data", ["more", "closed"], {
      listener: "tcp",
      before: ["some", { bytes: 4 }],
      upstreams: { u: { tcp: [{ bytes: 4 }, "back", "hang"] } },
    }),
    ...underFromTheStart("a point: connections of a TCP proxy", "tcp_proxy_upstream_connect", {
      listener: "tcp",
      client: ["closed"],
      upstreams: { u: { tcp: ["hang"] } },
    }),
    ...under("idle connections end sooner", "timers", ["closed"], { listener: "idle", before: [get(), "response"] }),
    ...under("streams end sooner", "timers", ["response"], {
      listener: "main",
      before: [get(), { seen: 1 }],
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    }),
    {
      name: "more connections than are allowed",
      client: [{ pause: 600 }],
      others: [[{ pause: 600 }], [{ pause: 600 }], [{ pause: 200 }, "closed"]],
    },
    {
      name: "what is shown",
      listener: "admin",
      wholeBodies: true,
      withoutHeaders: true,
      client:
        "GET /stats?filter=^overload.*((active|scale_percent)|(accept|headers|codec|abort_dispatch|check|on_data|connect).shed_load_count)$ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    },
  ],
};
