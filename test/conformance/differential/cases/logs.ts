// test/conformance/differential/cases/logs.ts: access logs in other formats than the one that all groups use.
/** @module */
import { bootstrap, cluster, emptyCluster, httpListener, textLog } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

const GET =
  "GET /a?b HTTP/1.1\r\nHost: a.example\r\nUser-Agent: test agent\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n\r\n";

/** What tells the records of one request apart. */
const MOMENT =
  "%ACCESS_LOG_TYPE% %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% " +
  "%BYTES_RECEIVED%/%BYTES_SENT% route=%ROUTE_NAME% cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST% " +
  "id=%REQ(x-request-id):3% %RESP(x-up)%";

const WEBSOCKET =
  "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: 123\r\n\r\n";
const SLOW = ["HTTP/1.1 200 OK\r\nx-up: 1\r\ncontent-length: 4\r\n\r\nab", { pause: 750 }, "cd"] as const;

export const logs: Group = {
  name: "logs",
  listeners: ["plain"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("plain", { log: "" }),
    httpListener("json", {
      log: `log_format:
  json_format:
    zulu: "%PROTOCOL%"
    alpha: "%RESPONSE_CODE%"
    text: "code %RESPONSE_CODE% bytes %BYTES_SENT%"
    absent: "%REQ(x-nothing)%"
    mixed: "%REQ(x-nothing)%/%REQ(x-other)%"
    quoted: "%REQ(x-quote)%"
    utf8: "%REQ(x-utf8)%"
    quoted_in_text: "1 %REQ(x-quote)%"
    utf8_in_text: "1 %REQ(x-utf8)%"
    nested: { method: "%REQ(:METHOD)%", list: [ "%ROUTE_NAME%", fixed, 3, true ] }
    number: 7`,
    }),
    httpListener("operators", {
      log: textLog(
        "path=%REQ(:PATH):3% path2=%PATH(NQ)% query=%QUERY_PARAM(b)% remote=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% " +
          "direct=%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% local=%DOWNSTREAM_LOCAL_ADDRESS% " +
          "localport=%DOWNSTREAM_LOCAL_PORT% resp=%RESP(x-a)%/%RESP(x-none?x-a)% " +
          "trailer=%TRAILER(x-t)% flags=%RESPONSE_FLAGS_LONG% server=%REQUESTED_SERVER_NAME% tls=%DOWNSTREAM_TLS_VERSION% " +
          "upstream=%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% failure=%UPSTREAM_TRANSPORT_FAILURE_REASON% " +
          "hdr=%REQUEST_HEADERS_BYTES% rhdr=%RESPONSE_HEADERS_BYTES% rtrl=%RESPONSE_TRAILERS_BYTES% " +
          "grpc=%GRPC_STATUS% meta=%DYNAMIC_METADATA(a:b)% state=%FILTER_STATE(x)% uproto=%UPSTREAM_PROTOCOL% " +
          "rpc=%UPSTREAM_REQUEST_ATTEMPT_COUNT% env=%ENVIRONMENT(NUNCIO_NEVER_SET)% code=%RESPONSE_CODE% " +
          "chain=%FILTER_CHAIN_NAME% type=%ACCESS_LOG_TYPE% %% uc=%UPSTREAM_CLUSTER_RAW%",
      ),
      // Milliseconds would count as bytes.
      router: "suppress_envoy_headers: true",
    }),
    httpListener("metadata", {
      log: textLog(
        "route=%METADATA(ROUTE:m:k)% host=%METADATA(VIRTUAL_HOST:m:k)% cluster=%METADATA(CLUSTER:m:k)% endpoint=%UPSTREAM_METADATA(m:k)% " +
          "name=%UPSTREAM_CLUSTER%/%UPSTREAM_CLUSTER_RAW%",
      ),
      virtualHost: "metadata: { filter_metadata: { m: { k: of the host } } }\n",
      routes: `- match: { path: /told }
  metadata: { filter_metadata: { m: { k: of the route } } }
  route: { cluster: told }
  request_headers_to_add: [ { header: { key: x-cluster, value: "%CLUSTER_METADATA(m:k)%" } } ]`,
    }),
    httpListener("pieces", {
      log: `log_format:
  json_format: { together: 'a"b %REQ(x-bytes)% c\\d', after: '%REQ(x-bytes)%"%REQ(x-quote)%' }`,
    }),
    httpListener("wire", {
      log: textLog(
        "drx=%DOWNSTREAM_WIRE_BYTES_RECEIVED% dtx=%DOWNSTREAM_WIRE_BYTES_SENT% dhrx=%DOWNSTREAM_HEADER_BYTES_RECEIVED% " +
          "dhtx=%DOWNSTREAM_HEADER_BYTES_SENT% urx=%UPSTREAM_WIRE_BYTES_RECEIVED% utx=%UPSTREAM_WIRE_BYTES_SENT% " +
          "uhrx=%UPSTREAM_HEADER_BYTES_RECEIVED% uhtx=%UPSTREAM_HEADER_BYTES_SENT%",
      ),
      manager: "generate_request_id: false",
      router: "suppress_envoy_headers: true",
    }),
    httpListener("starting", {
      manager: `access_log_options:
  flush_access_log_on_new_request: true
  flush_log_on_tunnel_successfully_established: true
upgrade_configs: [ { upgrade_type: websocket } ]
generate_request_id: false`,
      log: textLog(MOMENT + " %DOWNSTREAM_WIRE_BYTES_RECEIVED%/%DOWNSTREAM_WIRE_BYTES_SENT%"),
      router: "suppress_envoy_headers: true",
    }),
    httpListener("periodic", {
      manager: "access_log_options: { access_log_flush_interval: 0.5s }\ngenerate_request_id: false",
      log: textLog(MOMENT),
    }),
    httpListener("deprecated", {
      manager: "access_log_flush_interval: 0.5s\nflush_access_log_on_new_request: true\ngenerate_request_id: false",
      log: textLog(MOMENT),
    }),
    httpListener("filtered", {
      routes: `- { name: bad, match: { prefix: /bad }, direct_response: { status: 500 } }
- { name: empty, match: { prefix: /empty }, route: { cluster: empty } }
- { name: all, match: { prefix: / }, direct_response: { status: 200 } }`,
    }).replace(
      "- name: envoy.access_loggers.file",
      `- name: envoy.access_loggers.file
          filter:
            or_filter:
              filters:
              - { status_code_filter: { comparison: { op: EQ, value: { default_value: 500, runtime_key: none } } } }
              - { response_flag_filter: { flags: [ UH ] } }
              - { header_filter: { header: { name: x-log, present_match: true } } }`,
    ),
  ], [
    cluster("told", "  alt_stat_name: shown\n  metadata: { filter_metadata: { m: { k: of the cluster } } }", "u"),
    cluster("u"),
    emptyCluster("empty"),
  ]),
  exchanges: [
    { name: "the default format", client: GET },
    { name: "the default format of a refusal", client: ["what\r\n\r\n", "response", "closed"] },
    {
      name: "JSON",
      listener: "json",
      client: GET.replace(
        "\r\n\r\n",
        '\r\nX-Quote: a"b\\c/d<e>\tf\xe9\r\nX-Utf8: \xc3\xa9"\\\tg\r\nX-Other: o\r\n\r\n',
      ),
    },
    { name: "JSON of a refusal", listener: "json", client: ["what\r\n\r\n", "response", "closed"] },
    {
      name: "JSON of pieces, of which one is no UTF-8",
      listener: "pieces",
      client: GET.replace("\r\n\r\n", '\r\nX-Bytes: \xe9"\r\nX-Quote: \\"\r\n\r\n'),
    },
    { name: "metadata of all that is known", listener: "metadata", client: GET.replace("/a?b", "/told") },
    { name: "metadata of a virtual host without a route", listener: "metadata", client: GET },
    {
      name: "many operators",
      listener: "operators",
      client: GET.replace("/a?b", "/abc?a=1&b=2"),
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 200 OK\r\nx-a: one\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-t: t\r\n\r\n",
          ],
        },
      },
    },
    { name: "many operators of a refusal", listener: "operators", client: ["what\r\n\r\n", "response", "closed"] },
    {
      name: "bytes on the wire",
      listener: "wire",
      client: "POST /wire HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-a: b\r\n\r\nabc"] } },
    },
    {
      name: "chunks on the wire",
      listener: "wire",
      client: "POST /wire HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      upstreams: { u: { http: ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"] } },
    },
    {
      name: "a record at the start",
      listener: "starting",
      client: "GET /a HTTP/1.1\r\nHost: a\r\nX-Request-Id: 123\r\n\r\n",
    },
    { name: "a start without a host", listener: "starting", client: ["GET /a HTTP/1.1\r\n\r\n", "response", "closed"] },
    {
      name: "a start of a refused upgrade",
      listener: "starting",
      client: [WEBSOCKET.replace("websocket", "other"), "response", "closed"],
    },
    {
      name: "a record of a tunnel",
      listener: "starting",
      client: [WEBSOCKET, "response", "hello", { bytes: 5 }, "closed"],
      upstreams: {
        u: {
          http: [{
            when: "head",
            steps: [
              "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-up: 1\r\n\r\n",
              { bytes: 5 },
              "world",
              "close",
            ],
          }],
        },
      },
    },
    {
      name: "a tunnel that is refused",
      listener: "starting",
      client: [WEBSOCKET, "response"],
      upstreams: { u: { http: [{ when: "head", steps: ["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"] }] } },
    },
    {
      name: "a record after an interval",
      listener: "periodic",
      client: "GET /slow HTTP/1.1\r\nHost: a\r\nX-Request-Id: 123\r\n\r\n",
      upstreams: { u: { http: [{ when: "head", steps: SLOW }] } },
    },
    {
      name: "a record of a request that has not come whole",
      listener: "periodic",
      client: ["GET /slow HTTP/1.1\r\nHost: a\r\n", { pause: 750 }, "X-Request-Id: 123\r\n\r\n", "response"],
    },
    {
      name: "the two settings from before",
      listener: "deprecated",
      client: "GET /slow HTTP/1.1\r\nHost: a\r\nX-Request-Id: 123\r\n\r\n",
      upstreams: { u: { http: [{ when: "head", steps: SLOW }] } },
    },
    { name: "a log filter takes a status", listener: "filtered", client: "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n" },
    { name: "a log filter takes a flag", listener: "filtered", client: "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n" },
    {
      name: "a log filter takes a header",
      listener: "filtered",
      client: "GET / HTTP/1.1\r\nHost: a\r\nX-Log: 1\r\n\r\n",
    },
    { name: "a log filter takes nothing else", listener: "filtered", client: "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
  ],
};
