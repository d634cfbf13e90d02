// test/conformance/differential/cases/expressions.ts: expressions in CEL where a configuration has them.
/** @module */
import { bootstrap, cluster, httpListener, textLog } from "../bootstrap.ts";
import type { Group } from "../exchange.ts";

/** One of each type, and some that fail. */
const EXPRESSIONS = [
  "request.path",
  "request.path:3",
  "request.method + request.host",
  "request.headers['x-a']",
  "request.headers['x-none']",
  "request.headers['x-utf8']",
  "size(request.path) > 1",
  "size(request.path)",
  "response.code",
  "response.code == 200 && request.size < 3",
  "1u",
  "1.5",
  "2.0",
  "1e100",
  "null",
  "b'bytes'",
  "[1, 2]",
  "{'a': 1}",
  "request.headers",
  "type(1)",
  "duration('1.5s')",
  "duration('90s')",
  "timestamp('2020-01-02T03:04:05.006Z')",
  "metadata.filter_metadata",
  "1 / 0",
  "request.nothing",
  "nothing",
  "xds.cluster_name",
  "upstream.address == '' ? 'none' : 'some'",
  "request.path.matches('^/[a-z]+')",
  "has(request.headers.cookie)",
];

function command(name: string, expression: string): string {
  const [text, length] = expression.split(/:(?=3$)/);
  return length === undefined ? `%${name}(${text})%` : `%${name}(${text}):${length}%`;
}

const JSON_FIELDS = EXPRESSIONS.map((each, index) => {
  const field = (name: string) => `${name}${String(index).padStart(2, "0")}: ${JSON.stringify(command(name, each))}`;
  return `    ${field("CEL")}\n    ${field("TYPED_CEL")}\n`;
}).join("");

const GET =
  "GET /abc?d=e HTTP/1.1\r\nHost: a.example\r\nX-A: one\r\nX-A: two\r\nX-Utf8: \xc3\xa9\r\nX-Request-Id: 1\r\n\r\n";

export const expressions: Group = {
  name: "expressions",
  listeners: ["text", "json", "headers"],
  upstreams: ["u"],
  yaml: bootstrap([
    httpListener("text", { log: textLog(EXPRESSIONS.map((each) => command("CEL", each)).join(" | ")) }),
    httpListener("json", { log: `log_format:\n  json_format:\n${JSON_FIELDS}` }),
    httpListener("headers", {
      routes: `- match: { prefix: /direct }
  direct_response: { status: 200, body_format: { text_format_source: { inline_string: "%CEL(request.path)% %CEL(response.code)%" } } }
- match: { prefix: / }
  route: { cluster: u }
  request_headers_to_add:
  - { header: { key: x-path, value: "%CEL(request.path)%" } }
  - { header: { key: x-code, value: "%CEL(response.code)%" } }
  - { header: { key: x-cluster, value: "%CEL(xds.cluster_name)% %CEL(request.size)%" } }
  response_headers_to_add:
  - { header: { key: x-status, value: "%CEL(response.code)% %CEL(response.headers['x-up'])%" } }`,
    }),
  ], [cluster("u")]),
  exchanges: [
    { name: "as text", listener: "text", client: GET },
    { name: "as JSON", listener: "json", client: GET },
    {
      name: "in headers",
      listener: "headers",
      client: GET,
      upstreams: { u: { http: ["HTTP/1.1 201 OK\r\nx-up: 1\r\ncontent-length: 0\r\n\r\n"] } },
    },
    { name: "in a body", listener: "headers", client: GET.replace("/abc", "/direct") },
  ],
};
