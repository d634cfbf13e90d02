// test/conformance/differential/cases/protocol_options.ts: what Http1ProtocolOptions and HttpProtocolOptions change.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CHUNKED_AND_LENGTH =
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n";

/** A cluster of the upstream `u` with these options. */
function speaking(name: string, http1: string, common = ""): string {
  return cluster(
    name,
    httpProtocolOptions(`common_http_protocol_options: { ${common} }
explicit_http_config: { http_protocol_options: { ${http1} } }`),
    "u",
  );
}

const CLUSTERS = ["chunked_length", "no_trailers", "absolute", "few_headers", "small_headers", "brief", "once"];
const ROUTES = CLUSTERS.map((name) => `- { name: ${name}, match: { prefix: /${name} }, route: { cluster: ${name} } }`)
  .join("\n") + '\n- { name: all, match: { prefix: "/" }, route: { cluster: u } }';

function listener(name: string, http1: string, common = "", manager = ""): string {
  return httpListener(name, {
    manager: `http_protocol_options: { ${http1} }\ncommon_http_protocol_options: { ${common} }\n${manager}`,
    routes: ROUTES,
  });
}

function ask(name: string, listenerName: string, request: string, response = OK): Exchange {
  return { name, listener: listenerName, client: request, upstreams: { u: { http: [response] } } };
}

const HOST = "Host: a.example\r\n";
const BODY = "4\r\nbody\r\n0\r\nx-t: 1\r\n\r\n";
const BOTH = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${BODY}`;
const UPGRADE = (protocol: string, connection = "Upgrade"): string =>
  `GET / HTTP/1.1\r\n${HOST}Connection: ${connection}\r\nUpgrade: ${protocol}\r\nX-A: 1\r\n\r\n`;

export const protocolOptions: Group = {
  name: "protocol_options",
  listeners: ["plain", "lax", "strict", "stream_error", "override", "old", "underscores"],
  upstreams: ["u"],
  yaml: bootstrap([
    listener("plain", ""),
    listener(
      "lax",
      `allow_chunked_length: true, enable_trailers: true, allow_custom_methods: true, use_balsa_parser: true,
  ignore_http_11_upgrade: [ { exact: websocket }, { prefix: h2, ignore_case: true } ]`,
      "",
      "upgrade_configs: [ { upgrade_type: websocket }, { upgrade_type: h2x } ]",
    ),
    listener(
      "strict",
      "allow_absolute_url: false",
      "max_headers_count: 3, headers_with_underscores_action: REJECT_REQUEST, max_requests_per_connection: 2",
      "max_request_headers_kb: 1",
    ),
    listener("stream_error", "", "", "stream_error_on_invalid_http_message: true"),
    listener(
      "override",
      "override_stream_error_on_invalid_http_message: false",
      "",
      "stream_error_on_invalid_http_message: true",
    ),
    listener("old", "accept_http_10: true, default_host_for_http_10: default.example"),
    listener("underscores", "", "headers_with_underscores_action: DROP_HEADER"),
  ], [
    cluster("u"),
    speaking("chunked_length", "allow_chunked_length: true, enable_trailers: true"),
    speaking("no_trailers", ""),
    speaking("absolute", "send_fully_qualified_url: true"),
    speaking("few_headers", "", "max_headers_count: 3"),
    speaking("small_headers", "", "max_response_headers_kb: 1"),
    speaking("brief", "", "max_stream_duration: 0.3s"),
    speaking("once", "", "max_requests_per_connection: 1"),
  ]),
  exchanges: [
    ask("chunks and a length: refused", "plain", BOTH),
    ask("chunks and a length: chunks", "lax", BOTH),
    ask(
      "chunks and a length in a response: refused",
      "lax",
      `GET /no_trailers HTTP/1.1\r\n${HOST}\r\n`,
      CHUNKED_AND_LENGTH,
    ),
    ask(
      "chunks and a length in a response: chunks",
      "lax",
      `GET /chunked_length HTTP/1.1\r\n${HOST}\r\n`,
      CHUNKED_AND_LENGTH,
    ),
    ask("a length and another encoding", "lax", BOTH.replace("chunked", "gzip")),
    ask("trailers of a request to an upstream without", "lax", BOTH.replace("POST /", "POST /no_trailers")),
    ask("trailers of a request to an upstream with", "lax", BOTH.replace("POST /", "POST /chunked_length")),
    ask(
      "trailers of a response to a client without",
      "plain",
      `GET /chunked_length HTTP/1.1\r\n${HOST}\r\n`,
      CHUNKED_AND_LENGTH,
    ),
    ask("a method that nobody knows: refused", "plain", `BREW / HTTP/1.1\r\n${HOST}\r\n`),
    ask("a method that nobody knows: passed on", "lax", `BREW / HTTP/1.1\r\n${HOST}\r\n`),
    ask("an upgrade that is ignored", "lax", UPGRADE("websocket")),
    ask("an upgrade that is ignored among options", "lax", UPGRADE("websocket", "keep-alive, upgrade, x-a")),
    ask("an upgrade that is ignored, in capitals", "lax", UPGRADE("H2X")),
    ask(
      "an upgrade that is not ignored, in capitals",
      "lax",
      UPGRADE("WebSocket"),
      "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
    ),
    ask("an upgrade in a list", "lax", UPGRADE("websocket, other")),
    ask("an absolute target where none is allowed", "strict", `GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n`),
    ask(
      "a target of another scheme where none is allowed",
      "strict",
      `GET ftp://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n`,
    ),
    ask("the whole server where no absolute target is allowed", "strict", `GET * HTTP/1.1\r\nHost: a\r\n\r\n`),
    ask("an absolute target where it is allowed", "plain", `GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n`),
    ask("a target without a path", "plain", `GET http://b.example HTTP/1.1\r\nHost: a\r\n\r\n`),
    ask("a target with a query and no path", "plain", `GET http://b.example?q HTTP/1.1\r\nHost: a\r\n\r\n`),
    ask("an absolute target to an upstream that is a proxy", "plain", `GET /absolute?q HTTP/1.1\r\n${HOST}\r\n`),
    ask("as many headers as allowed", "strict", `GET / HTTP/1.1\r\n${HOST}a: 1\r\nb: 2\r\n\r\n`),
    ask("more headers than allowed", "strict", `GET / HTTP/1.1\r\n${HOST}a: 1\r\nb: 2\r\nc: 3\r\n\r\n`),
    ask("larger headers than allowed", "strict", `GET / HTTP/1.1\r\n${HOST}a: ${"x".repeat(1100)}\r\n\r\n`),
    ask("a header with an underscore: refused", "strict", `GET / HTTP/1.1\r\n${HOST}a_b: 1\r\n\r\n`),
    ask("a header with an underscore: dropped", "underscores", `GET / HTTP/1.1\r\n${HOST}a_b: 1\r\nc: 2\r\n\r\n`),
    ask("a header with an underscore: allowed", "plain", `GET / HTTP/1.1\r\n${HOST}a_b: 1\r\n\r\n`),
    {
      name: "the last request of a connection",
      listener: "strict",
      client: [`GET /1 HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /2 HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    ask(
      "more response headers than allowed",
      "plain",
      `GET /few_headers HTTP/1.1\r\n${HOST}\r\n`,
      OK.replace("\r\n\r\n", "\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"),
    ),
    ask(
      "larger response headers than allowed",
      "plain",
      `GET /small_headers HTTP/1.1\r\n${HOST}\r\n`,
      OK.replace("\r\n\r\n", `\r\na: ${"x".repeat(1100)}\r\n\r\n`),
    ),
    {
      name: "an attempt that lasts too long",
      listener: "plain",
      client: `GET /brief HTTP/1.1\r\n${HOST}\r\n`,
      upstreams: { u: { http: [{ steps: ["hang"] }] } },
    },
    {
      name: "an attempt that lasts too long while its request is being sent",
      listener: "plain",
      client: [`POST /brief HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nhalf`, "response", "closed"],
      upstreams: { u: { http: [{ when: "head", steps: ["hang"] }] } },
    },
    {
      name: "an attempt that lasts too long when its response began",
      listener: "plain",
      client: [`GET /brief HTTP/1.1\r\n${HOST}\r\n`, "response", "closed"],
      upstreams: { u: { http: [{ steps: ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "hang"] }] } },
    },
    {
      name: "connections that carry one request",
      listener: "plain",
      client: [`GET /once HTTP/1.1\r\n${HOST}\r\n`, "response", `GET /once HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    {
      name: "a bad request ends the connection",
      listener: "plain",
      client: ["GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", "response"],
    },
    {
      name: "a 400 of the proxy's own ends the connection",
      listener: "plain",
      client: ["GET / HTTP/1.1\r\n\r\n", "response"],
    },
    {
      name: "a 400 of the proxy's own does not end the connection",
      listener: "stream_error",
      client: ["GET / HTTP/1.1\r\n\r\n", "response", `GET / HTTP/1.1\r\n${HOST}\r\n`, "response"],
    },
    {
      name: "a 400 of the proxy's own ends the connection after all",
      listener: "override",
      client: ["GET / HTTP/1.1\r\n\r\n", "response"],
    },
    ask("HTTP/1.0: refused", "plain", `GET / HTTP/1.0\r\n${HOST}\r\n`),
    ask("HTTP/1.0: taken", "old", `GET / HTTP/1.0\r\n${HOST}\r\n`),
    ask("HTTP/1.0: the default host", "old", "GET / HTTP/1.0\r\n\r\n"),
    ask("HTTP/1.0: a connection that stays", "old", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
    ask(
      "HTTP/1.0: a response without length",
      "old",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ),
    ask("HTTP/1.0: no host where one is needed", "old", "GET / HTTP/1.1\r\n\r\n"),
    ask("HTTP/1.0: chunks", "old", `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${BODY}`),
  ],
};
