// test/conformance/differential/cases/header_case.ts: the spelling of header names on HTTP/1 connections.
/** @module */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Exchange, Group } from "../exchange.ts";

const PRESERVE_CASE = "type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3." +
  "PreserveCaseFormatterConfig";

/** A `header_key_format` that keeps spellings. */
function preserve(more = ""): string {
  return `header_key_format:
  stateful_formatter:
    name: preserve
    typed_config: { "@type": ${PRESERVE_CASE}${more === "" ? "" : `, ${more}`} }`;
}

function indent(text: string, columns: number): string {
  return text.replaceAll("\n", `\n${" ".repeat(columns)}`);
}

function speaking(name: string, format: string): string {
  return cluster(
    name,
    httpProtocolOptions(`explicit_http_config:
  http_protocol_options:
    enable_trailers: true
    ${indent(format, 4)}`),
    "u",
  );
}

const PROPER = "header_key_format: { proper_case_words: {} }";
const ROUTES =
  ["plain", "proper", "kept", "reason", "own"].map((name) =>
    `- { name: ${name}, match: { prefix: /${name} }, route: { cluster: ${name} }, response_headers_to_add: ` +
    `[ { header: { key: X-Added-down, value: "1" } } ], request_headers_to_add: [ { header: { key: X-Added-up, value: "1" } } ] }`
  ).join("\n") +
  "\n- { name: local, match: { prefix: /local }, direct_response: { status: 403, body: { inline_string: denied } } }";

function manager(name: string, format: string): string {
  return httpListener(name, {
    manager: `http_protocol_options:\n  enable_trailers: true\n  ${indent(format, 2)}`,
    routes: ROUTES,
  });
}

const RESPONSE =
  "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-FooBar: 1\r\nx-lower_case-word: 2\r\nETag: e\r\nX-3d-CODE: 3\r\n" +
  "x-Twice: a\r\nX-TWICE: b\r\n\r\nok";
const CHUNKED =
  "HTTP/1.1 200 OK\r\nTransfer-ENCODING: chunked\r\nX-FooBar: 1\r\n\r\n2\r\nok\r\n0\r\nX-TrailER: t\r\n\r\n";

function get(name: string, listener: string, path: string): Exchange {
  return {
    name,
    listener,
    client:
      `GET ${path} HTTP/1.1\r\nHOST: a.example\r\nX-FooBar: 1\r\nuser-AGENT: u\r\nx-lower_case-word: 2\r\nX-3d-CODE: 3\r\n` +
      "x-Twice: a\r\nX-TWICE: b\r\n\r\n",
    upstreams: { u: { http: [RESPONSE] } },
  };
}

function post(name: string, listener: string, path: string): Exchange {
  return {
    name,
    listener,
    client:
      `POST ${path} HTTP/1.1\r\nHOST: a.example\r\nTransfer-Encoding: chunked\r\nX-FooBar: 1\r\nTE: trailers\r\n\r\n` +
      "4\r\nbody\r\n0\r\nX-TrailER: t\r\n\r\n",
    upstreams: { u: { http: [CHUNKED] } },
  };
}

export const headerCase: Group = {
  name: "header_case",
  listeners: ["plain", "proper", "kept", "reason", "own"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("plain", { routes: ROUTES }),
    manager("proper", PROPER),
    manager("kept", preserve()),
    manager("reason", preserve("forward_reason_phrase: true")),
    manager("own", preserve("formatter_type_on_envoy_headers: PROPER_CASE")),
  ], [
    cluster("plain", "", "u"),
    speaking("proper", PROPER),
    speaking("kept", preserve()),
    speaking("reason", preserve("forward_reason_phrase: true")),
    speaking("own", preserve("formatter_type_on_envoy_headers: PROPER_CASE")),
  ]),
  exchanges: [
    get("words begin with capitals on both sides", "proper", "/proper"),
    get("words begin with capitals towards the client", "proper", "/plain"),
    get("words begin with capitals towards the upstream", "plain", "/proper"),
    get("spellings are kept on both sides", "kept", "/kept"),
    get("spellings are kept of requests", "kept", "/plain"),
    get("spellings are kept of responses", "plain", "/kept"),
    get("spellings are kept, other words begin with capitals", "own", "/own"),
    get("spellings are kept in front of words with capitals", "kept", "/proper"),
    get("words with capitals in front of spellings that are kept", "proper", "/kept"),
    get("the reason phrase is kept", "plain", "/reason"),
    get("the reason phrase is not kept of a request", "reason", "/kept"),
    post("bodies and trailers: words", "proper", "/proper"),
    post("bodies and trailers: spellings", "kept", "/kept"),
    post("bodies and trailers: spellings and capitals", "own", "/own"),
    get("the proxy's own answer: words", "proper", "/local"),
    get("the proxy's own answer: spellings", "own", "/local"),
    get("no route: words", "proper", "/none"),
    {
      name: "what is no request: words",
      listener: "proper",
      client: "nonsense\r\n\r\n",
    },
    {
      name: "no request of words: the connection ends",
      listener: "proper",
      client: ["GET /proper HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "response"],
      upstreams: { u: { http: [RESPONSE] } },
    },
    {
      name: "nominated headers are removed however they are spelled",
      listener: "kept",
      client: "GET /kept HTTP/1.1\r\nHost: a\r\nConnection: X-Foo, Keep-Alive\r\nX-FOO: 1\r\nKeep-ALIVE: 3\r\n\r\n",
    },
    {
      name: "an informational response keeps its spelling",
      listener: "kept",
      client: [
        "POST /kept HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
        { pause: 50 },
        "body",
        "response",
      ],
      upstreams: { u: { http: [RESPONSE] } },
    },
    {
      name: "HEAD, 204 and 304",
      listener: "own",
      client: [
        "HEAD /own HTTP/1.1\r\nHost: a\r\n\r\n",
        "response to HEAD",
        "GET /own HTTP/1.1\r\nHost: a\r\n\r\n",
        "response",
        "GET /own HTTP/1.1\r\nHost: a\r\n\r\n",
        "response",
      ],
      upstreams: {
        u: {
          http: [
            "HTTP/1.1 200 OK\r\nContent-LENGTH: 5\r\n\r\n",
            "HTTP/1.1 204 Nothing\r\nX-A: 1\r\n\r\n",
            "HTTP/1.1 304 Not\r\nEtaG: 1\r\n\r\n",
          ],
        },
      },
    },
  ],
};
