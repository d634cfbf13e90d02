// test/conformance/differential/explore/messages.ts: random HTTP/1 messages, good ones and nearly good ones, both ways.
/**
 * What is declared (`differences.ts`) is left out: line feeds alone, folded lines, two Hosts, white space in request
 * lines and so on.
 *
 * @module
 */
import { bootstrap, cluster, httpListener, httpProtocolOptions } from "../bootstrap.ts";
import type { Answer, ClientStep, Exchange, Group, UpstreamStep } from "../exchange.ts";
import type { Chance } from "./chance.ts";
import { fieldLines, type Fields } from "./fields.ts";

/** The first is what is usual: it comes more often than all others together. */
function mostly<T>(chance: Chance, [usual, ...odd]: readonly [T, ...T[]], times = 6): T {
  return chance.oneIn(times) ? chance.of(odd) : usual;
}

const FIELDS = [
  "x-a: 1",
  "X-A:2",
  "x-a: \t3 \t",
  "x-empty:",
  "x_a: 1",
  "x-high: \xe4\xff",
  "x-control: a\x01b",
  "x-tab: a\tb",
  "x-delete: a\x7fb",
  'x-quoted: "a, b"',
  "x-a!#$%&'*+.^`|~9: 1",
  "x-a(: 1",
  "x-a : 1",
  ": 1",
  "x-a",
  "x\xe4: 1",
  "connection: close",
  "connection: keep-alive",
  "Connection: x-a",
  "connection: x-a, close",
  "connection: upgrade",
  "connection: te",
  "connection: ,",
  "connection: keep-alive, x-b",
  "upgrade: other",
  "keep-alive: timeout=5",
  "proxy-connection: close",
  "te: trailers",
  "te: gzip, trailers",
  "te: deflate",
  "trailer: x-t",
  "expect: 100-continue",
  "Expect: 200-other",
  "cookie: a=1",
  "cookie: b=2",
  "date: now",
  "server: theirs",
  "via: 1.1 them",
  "x-forwarded-for: 10.0.0.1",
  "x-forwarded-for: ,",
  "x-forwarded-proto: https",
  "x-forwarded-proto: ftp",
  "x-request-id: mine",
  "x-envoy-upstream-service-time: 5",
  "accept-encoding: gzip",
  "content-type: text/plain",
  "content-type: application/grpc",
  "content-encoding: gzip",
  "location: /x",
  "set-cookie: a=1",
  "set-cookie: b=2",
  "http2-settings: AAMAAABkAARAAAAAAAIAAAAA",
  "x-envoy-original-path: /o",
  "early-data: 1",
  "host-x: 1",
];

function chunked(chance: Chance): string {
  const chunks = chance.list(0, 3, () => {
    const data = chance.of(["a", "bc", "d".repeat(20)]);
    const size = mostly(chance, [
      data.length.toString(16),
      `0${data.length.toString(16)}`,
      data.length.toString(16).toUpperCase(),
    ]);
    const extension = mostly(chance, ["", ";x", ";x=1", ';x="a b"', " ;x", "; x=1"], 8);
    return `${size}${extension}\r\n${data}\r\n`;
  });
  const end = mostly(chance, ["0\r\n", "00\r\n", "0;x=1\r\n"], 8);
  const trailers = mostly(chance, [
    "",
    "x-t: 1\r\n",
    "x-t: 1\r\nx-u: 2\r\n",
    "content-length: 3\r\n",
    "x-t(: 1\r\n",
    "host: b\r\n",
  ], 4);
  return `${chunks.join("")}${end}${trailers}\r\n`;
}

interface Framing {
  readonly fields: readonly string[];
  readonly body: string;
}

/** Of a message with a body, if `wanted`; now and then of one where nobody expects it. */
function framing(chance: Chance, wanted: boolean): Framing {
  if (!wanted && !chance.oneIn(10)) return { fields: [], body: "" };
  return chance.of<() => Framing>([
    () => ({ fields: ["content-length: 3"], body: "abc" }),
    () => ({ fields: ["Content-Length: 0"], body: "" }),
    () => ({ fields: ["transfer-encoding: chunked"], body: chunked(chance) }),
    () => ({ fields: ["Transfer-Encoding: Chunked"], body: chunked(chance) }),
    () =>
      chance.oneIn(3)
        ? chance.of<Framing>([
          { fields: ["content-length: 03"], body: "abc" },
          { fields: ["content-length: 3, 3"], body: "abc" },
          { fields: ["content-length: -3"], body: "abc" },
          { fields: ["content-length:"], body: "" },
          { fields: ["content-length: 3 "], body: "abc" },
          { fields: ["content-length: 3x"], body: "abc" },
          { fields: ["transfer-encoding: identity"], body: "" },
          { fields: ["transfer-encoding: chunked, chunked"], body: "0\r\n\r\n" },
          { fields: ["transfer-encoding: gzip"], body: "0\r\n\r\n" },
          { fields: ["transfer-encoding:"], body: "" },
          { fields: ["transfer-encoding: chunked", "transfer-encoding: chunked"], body: "0\r\n\r\n" },
          { fields: ["content-length: 3", "transfer-encoding: chunked"], body: "0\r\n\r\n" },
          { fields: ["transfer-encoding: chunked", "content-length: 3"], body: "0\r\n\r\n" },
        ])
        : { fields: ["content-length: 5"], body: "abcde" },
  ])();
}

const TARGETS = [
  "/a/../b",
  "//a",
  "/%41%2f",
  "/a?b=c?d",
  "/a#b",
  "*",
  "a",
  "?q",
  "http://b.test/x",
  "HTTP://B.test",
  "http://b.test?q",
  "https://b.test:443/",
  "http:///x",
  "http://user@b.test/",
  "ftp://b.test/",
  "http://b.test:99999/",
  "b.test:80",
  "b.test",
  "/\xe4",
  "/a\x01",
  '/"<>\\^`{|}',
  "/" + "x".repeat(300),
] as const;

const HOSTS = [
  "a.test",
  "a.test:80",
  "A.TEST",
  "a.test:x",
  "a b",
  "",
  "[::1]",
  "[::1]:80",
  "::1",
  "a_b",
  "a.test/",
  "a,b",
  "a%41",
  'a"',
  "1.2.3.4",
] as const;

function request(chance: Chance, index: number): Exchange {
  const method = mostly(chance, [
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "FOO",
    "get",
    "G@T",
    "PRI",
    "CONNECT",
    "LONGMETHODNAME",
  ], 2);
  const target = mostly(chance, ["/x", ...TARGETS], 4);
  const version = mostly(chance, [
    "HTTP/1.1",
    "HTTP/1.0",
  ], 9);
  const host = chance.oneIn(20) ? [] : [`${chance.of(["Host", "host"])}: ${mostly(chance, HOSTS, 6)}`];
  const { fields, body } = framing(chance, method === "POST" || method === "PUT");
  const all = [...chance.list(0, 3, () => chance.of(FIELDS)), ...fields];
  // Before the others or behind them.
  const at = chance.below(all.length + 1);
  const lines = [
    `${method} ${target}${version === "" ? "" : ` ${version}`}`,
    ...all.slice(0, at),
    ...host,
    ...all.slice(at),
  ];
  const head = `${chance.oneIn(20) ? "\r\n" : ""}${lines.join("\r\n")}\r\n\r\n`;
  const reads: ClientStep = method === "HEAD"
    ? "response to HEAD"
    : method === "CONNECT"
    ? "response to CONNECT"
    : "response";
  const steps: ClientStep[] = body !== "" && chance.oneIn(4) ? [head, body, reads] : [head + body, reads];
  return {
    name: `request ${index}`,
    client: steps,
    upstreams: { u: { http: [chance.oneIn(3) ? response(chance, method) : OK] } },
    anyConnection: true,
  };
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

function response(chance: Chance, method: string): Answer {
  const version = mostly(chance, ["HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "http/1.1", "HTTP/2", "ICY"], 9);
  const status = mostly(chance, [
    "200 OK",
    "204 No Content",
    "304 Not Modified",
    "404",
    "404 ",
    "500 \xe4",
    "503 Some text here",
    "302 Found",
    "205 Reset",
  ], 2);
  const { fields, body } = framing(
    chance,
    status !== "204 No Content" && status !== "304 Not Modified" && method !== "HEAD",
  );
  const all = [...chance.list(0, 3, () => chance.of(FIELDS)), ...fields];
  const informational = mostly(chance, [
    "",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 102 Processing\r\nx-i: 1\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n",
  ], 8);
  const text = `${informational}${version} ${status}\r\n${all.map((field) => `${field}\r\n`).join("")}\r\n${body}`;
  const untilClose = fields.length === 0 || chance.oneIn(20);
  const steps: UpstreamStep[] = [text, ...(untilClose ? [chance.of<UpstreamStep>(["end", "close"])] : [])];
  return { steps };
}

/** One manager, and messages through it. */
export function exploreMessages(chance: Chance, seed: number): Group {
  const on = (name: string, times: number): Fields => chance.maybe(times, () => ({ [name]: true }));
  const manager: Fields = {
    // Of messages that are not whole.
    request_timeout: "0.5s",
    stream_idle_timeout: "0.7s",
    http_protocol_options: {
      ...chance.maybe(3, () => ({
        accept_http_10: true,
        ...chance.maybe(2, () => ({ default_host_for_http_10: "old.test" })),
      })),
      ...on("enable_trailers", 3),
      ...on("allow_chunked_length", 4),
      ...on("allow_custom_methods", 4),
      ...chance.maybe(6, () => ({ allow_absolute_url: false })),
      ...on("override_stream_error_on_invalid_http_message", 4),
    },
    common_http_protocol_options: {
      ...chance.maybe(3, () => ({ headers_with_underscores_action: chance.of(["DROP_HEADER", "REJECT_REQUEST"]) })),
      ...chance.maybe(8, () => ({ max_headers_count: 4 })),
    },
    ...on("proxy_100_continue", 4),
    ...on("use_remote_address", 3),
    ...on("normalize_path", 3),
    ...on("merge_slashes", 5),
    ...on("stream_error_on_invalid_http_message", 6),
    ...chance.maybe(5, () => ({ via: "proxy" })),
    ...chance.maybe(5, () => ({ server_header_transformation: chance.of(["APPEND_IF_ABSENT", "PASS_THROUGH"]) })),
    ...chance.maybe(4, () => ({ upgrade_configs: [{ upgrade_type: "other" }] })),
  };
  const upstream = chance.maybe(2, () => ({
    ...on("enable_trailers", 2),
    ...on("allow_chunked_length", 3),
    ...on("override_stream_error_on_invalid_http_message", 4),
  }));
  return {
    name: `messages_${seed}`,
    listeners: ["main"],
    upstreams: ["u"],
    yaml: bootstrap([httpListener("main", { manager: fieldLines(manager) })], [
      cluster("u", httpProtocolOptions(`explicit_http_config: { http_protocol_options: ${JSON.stringify(upstream)} }`)),
    ]),
    exchanges: chance.list(60, 60, (index) => request(chance, index)),
  };
}
