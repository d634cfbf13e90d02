// test/host/http/h1/verdicts.test.ts: what is accepted and what is refused, with status, body and details.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Http1ServerOptions } from "../../../../host/http/h1/options.ts";
import { checkUpstream, proxy, readMessages } from "./oracle.ts";

interface Verdict {
  readonly name: string;
  readonly input: string;
  /** 200: accepted. */
  readonly status: number;
  readonly details?: string;
  /** How many whole requests reach the upstream; 1 for accepted ones, 0 for refused ones. */
  readonly requests?: number;
  readonly options?: Partial<Http1ServerOptions>;
  /** Must stand in what the upstream got. */
  readonly upstream?: RegExp;
  /** Must not. */
  readonly never?: RegExp;
}

const HOST = "Host: a.b\r\n";
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n`;
const post = (fields: string, body: string): string => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);
const line = (target: string, method = "GET"): string => `${method} ${target} HTTP/1.1\r\n${HOST}\r\n`;
const INVALID = "http1.invalid_characters";
const CODEC = "http1.codec_error";

const VERDICTS: readonly Verdict[] = [
  // Line ends.
  { name: "bare LF line ends", input: `GET / HTTP/1.1\nHost: a\n\n`, status: 400, details: CODEC },
  { name: "bare LF after a value", input: `GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n`, status: 400, details: CODEC },
  { name: "bare LF ends the head", input: `GET / HTTP/1.1\r\nHost: a\r\n\n`, status: 400, details: CODEC },
  { name: "bare CR in a value", input: get("a: b\rc\r\n"), status: 400, details: CODEC },
  { name: "bare CR at the end of a value", input: get("a: b\r\r\n"), status: 400, details: CODEC },
  { name: "folded line", input: get("a: b\r\n c\r\n"), status: 400, details: CODEC },
  { name: "folded line with a tab", input: get("a: b\r\n\tc\r\n"), status: 400, details: CODEC },
  { name: "folded first line", input: "GET / HTTP/1.1\r\n Host: a\r\n\r\n", status: 400, details: CODEC },
  { name: "empty lines before the request", input: "\r\n\r\n" + get(""), status: 200 },
  { name: "lenient: bare LF", input: `GET / HTTP/1.1\nHost: a\n\n`, status: 200, options: { lenient: true } },
  {
    name: "lenient: bare CR",
    input: get("a: b\rc\r\n"),
    status: 200,
    options: { lenient: true },
    upstream: /\r\na: bc\r\n/,
  },
  {
    name: "lenient: folded line",
    input: get("a: b\r\n c\r\n\t d\r\n"),
    status: 200,
    options: { lenient: true },
    upstream: /\r\na: b c d\r\n/,
  },
  {
    name: "lenient: NUL",
    input: get("a: b\0c\r\n"),
    status: 400,
    details: INVALID,
    options: { lenient: true },
  },
  {
    name: "lenient: folded content-length",
    input: post("Content-Length: 1\r\n 1\r\n", "a"),
    status: 400,
    details: CODEC,
    options: { lenient: true },
  },

  // Fields.
  { name: "space before the colon", input: get("a : b\r\n"), status: 400, details: CODEC },
  { name: "no name", input: get(": b\r\n"), status: 400, details: CODEC },
  { name: "no colon", input: get("abc\r\n"), status: 400, details: CODEC },
  { name: "empty value", input: get("a:\r\n"), status: 200, upstream: /\r\na: \r\n/ },
  { name: "spaces around a value", input: get("a: \t b c \t\r\n"), status: 200, upstream: /\r\na: b c\r\n/ },
  { name: "NUL in a value", input: get("a: b\0c\r\n"), status: 400, details: INVALID },
  { name: "control character in a value", input: get("a: b\x01c\r\n"), status: 400, details: INVALID },
  { name: "DEL in a value", input: get("a: b\x7fc\r\n"), status: 400, details: INVALID },
  { name: "obs-text in a value", input: get("a: b\xffc\r\n"), status: 200, upstream: /\r\na: b\xffc\r\n/ },
  { name: "obs-text in a name", input: get("a\xff: b\r\n"), status: 400, details: CODEC },
  { name: "100 headers", input: get("a: b\r\n".repeat(99)), status: 200 },
  { name: "101 headers", input: get("a: b\r\n".repeat(100)), status: 431, details: "http1.too_many_headers" },
  {
    name: "more than 60 KiB in one value",
    input: get(`a: ${"x".repeat(61500)}\r\n`),
    status: 431,
    details: "http1.headers_too_large",
  },
  {
    name: "more than 60 KiB of fields",
    input: get(`a: ${"x".repeat(999)}\r\n`.repeat(62)),
    status: 431,
    details: "http1.headers_too_large",
  },
  { name: "less than 60 KiB of fields", input: get(`a: ${"x".repeat(999)}\r\n`.repeat(61)), status: 200 },
  {
    name: "more than 60 KiB of target",
    input: line("/" + "x".repeat(61500)),
    status: 431,
    details: "http1.headers_too_large",
  },
  {
    name: "more than 60 KiB of spaces before a value",
    input: get(`a:${" ".repeat(61500)}b\r\n`),
    status: 431,
    details: "http1.headers_too_large",
  },
  { name: "underscore", input: get("a_b: c\r\n"), status: 200, upstream: /\r\na_b: c\r\n/ },
  {
    name: "underscore refused",
    input: get("a_b: c\r\n"),
    status: 400,
    details: "http1.unexpected_underscore",
    options: { headersWithUnderscoresAction: "REJECT_REQUEST" },
  },
  {
    name: "__proto__ refused",
    input: get("__proto__: c\r\n"),
    status: 400,
    details: "http1.unexpected_underscore",
    options: { headersWithUnderscoresAction: "REJECT_REQUEST" },
  },
  {
    name: "underscore dropped",
    input: get("a_b: c\r\nd: e\r\n"),
    status: 200,
    options: { headersWithUnderscoresAction: "DROP_HEADER" },
    never: /a_b/,
    upstream: /\r\nd: e\r\n/,
  },

  // Framing.
  { name: "content-length +1", input: post("Content-Length: +1\r\n", "a"), status: 400, details: CODEC },
  { name: "content-length -1", input: post("Content-Length: -1\r\n", "a"), status: 400, details: CODEC },
  { name: "content-length 0x1", input: post("Content-Length: 0x1\r\n", "a"), status: 400, details: CODEC },
  { name: "content-length 1, 1", input: post("Content-Length: 1, 1\r\n", "a"), status: 400, details: CODEC },
  { name: "content-length 1 1", input: post("Content-Length: 1 1\r\n", "a"), status: 400, details: CODEC },
  { name: "empty content-length", input: post("Content-Length:\r\n", "a"), status: 400, details: CODEC },
  {
    name: "content-length twice",
    input: post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"),
    status: 400,
    details: CODEC,
  },
  {
    name: "content-length 0 twice",
    input: get("Content-Length: 0\r\nContent-Length: 0\r\n"),
    status: 400,
    details: CODEC,
  },
  {
    name: "two content-lengths that differ",
    input: post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"),
    status: 400,
    details: CODEC,
  },
  {
    name: "content-length of 2^64",
    input: post("Content-Length: 18446744073709551616\r\n", "a"),
    status: 400,
    details: CODEC,
  },
  {
    name: "content-length 01",
    input: post("Content-Length: 01\r\n", "a"),
    status: 200,
    upstream: /content-length: 1\r/,
  },
  { name: "content-length 0", input: post("Content-Length: 0\r\n", ""), status: 200 },
  {
    name: "content-length and chunked",
    input: post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    status: 400,
    details: "http1.content_length_and_chunked_not_allowed",
  },
  {
    name: "chunked and content-length",
    input: post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    status: 400,
    details: "http1.content_length_and_chunked_not_allowed",
  },
  {
    name: "chunked and content-length, allowed",
    input: post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    status: 200,
    options: { allowChunkedLength: true },
    never: /content-length/,
  },
  ...[
    "gzip",
    "xchunked",
    "chunkedx",
    "gzip, chunked",
    "chunked, gzip",
    "identity",
    "identity, chunked",
    "chunked, chunked",
    "",
    "chunked;q=1",
    "chunked,",
    "chun ked",
    '"chunked"',
  ].map((value): Verdict => ({
    name: `transfer-encoding ${JSON.stringify(value)}`,
    input: post(`Transfer-Encoding: ${value}\r\n`, "0\r\n\r\n"),
    status: 501,
    details: "http1.invalid_transfer_encoding",
  })),
  {
    name: "transfer-encoding twice",
    input: post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    status: 501,
    details: "http1.invalid_transfer_encoding",
  },
  {
    name: "transfer-encoding hidden by a vertical tab",
    input: post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
    status: 400,
    details: INVALID,
  },
  { name: "transfer-encoding Chunked", input: post("TRANSFER-ENCODING: Chunked\r\n", "0\r\n\r\n"), status: 200 },
  {
    name: "GET with a chunked body",
    input: get("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n",
    status: 200,
  },
  {
    name: "transfer-encoding on HTTP/1.0",
    input: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    status: 426,
    details: "low_version",
  },
  {
    name: "transfer-encoding on HTTP/1.0, accepted",
    input: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    status: 400,
    details: CODEC,
    options: { acceptHttp10: true },
  },

  // Chunks. The head was forwarded already, so the upstream request is cut, never completed.
  {
    name: "chunk size of 17 digits",
    input: chunked("00000000000000001\r\na\r\n0\r\n\r\n"),
    status: 400,
    details: CODEC,
  },
  { name: "chunk size of 2^60", input: chunked("1000000000000000\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "chunk size Z", input: chunked("Z\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "chunk size 0x1", input: chunked("0x1\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "chunk size -1", input: chunked("-1\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "no chunk size", input: chunked("\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "space before a chunk size", input: chunked(" 1\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "LF after a chunk size", input: chunked("1\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "LF in a chunk extension", input: chunked("1;a\nb\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "CR in a chunk extension", input: chunked("1;a\rb\r\na\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "chunk longer than its size", input: chunked("1\r\nab\r\n0\r\n\r\n"), status: 400, details: CODEC },
  { name: "LF after a chunk", input: chunked("1\r\na\n0\r\n\r\n"), status: 400, details: CODEC },
  {
    name: "chunk extension of 17 KiB",
    input: chunked(`1;${"a".repeat(17_000)}\r\na\r\n0\r\n\r\n`),
    status: 400,
    details: CODEC,
  },
  {
    name: "space after a chunk size",
    input: chunked("1 \r\na\r\n0\r\n\r\n"),
    status: 200,
    upstream: /\r\n\r\n1\r\na\r\n0\r\n\r\n$/,
  },
  {
    name: "leading zeros",
    input: chunked("0001\r\na\r\n000\r\n\r\n"),
    status: 200,
    upstream: /\r\n\r\n1\r\na\r\n0\r\n\r\n$/,
  },
  { name: "chunk extension", input: chunked('1 ; a="b"\r\na\r\n0;x\r\n\r\n'), status: 200, never: /a="b"|;x/ },
  { name: "trailers", input: chunked("0\r\nX-T: 1\r\n\r\n"), status: 200, never: /x-t/i },
  { name: "trailers passed on", input: chunked("0\r\nX-T: 1\r\n\r\n"), status: 200, options: { enableTrailers: true } },
  { name: "bad trailer", input: chunked("0\r\nX T: 1\r\n\r\n"), status: 400, details: CODEC },
  { name: "folded trailer", input: chunked("0\r\nA: 1\r\n b\r\n\r\n"), status: 400, details: CODEC },
  {
    name: "too many trailers",
    input: chunked(`0\r\n${"a: b\r\n".repeat(101)}\r\n`),
    status: 431,
    details: "http1.too_many_trailers",
  },
  {
    name: "trailers too large",
    input: chunked(`0\r\na: ${"x".repeat(61500)}\r\n\r\n`),
    status: 431,
    details: "http1.trailers_too_large",
  },

  // Host and target.
  { name: "no Host: for the connection manager", input: "GET / HTTP/1.1\r\n\r\n", status: 200 },
  { name: "empty Host", input: "GET / HTTP/1.1\r\nHost:\r\n\r\n", status: 200 },
  { name: "two Hosts", input: get("Host: c\r\n"), status: 400, details: CODEC },
  { name: "two equal Hosts", input: get(HOST), status: 400, details: CODEC },
  {
    name: "lenient: two Hosts",
    input: get("Host: c\r\n"),
    status: 200,
    options: { lenient: true },
    upstream: /host: a\.b,c\r/,
  },
  ...["a b", "a/b", "a@b", "a?b", "a#b", "a\\b", "a\xff", "<a>", "a|b", "a^b", '"a"'].map((host): Verdict => ({
    name: `Host ${JSON.stringify(host)}`,
    input: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    status: 400,
    details: "http.invalid_authority",
  })),
  ...["a", "a.b:80", "1.2.3.4:8080", "[::1]:80", "xn--a.example", "a_b", "a%2fb"].map((host): Verdict => ({
    name: `Host ${host}`,
    input: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    status: 200,
  })),
  {
    name: "absolute form wins over Host",
    input: line("http://c.d/x?y"),
    status: 200,
    upstream: /^GET \/x\?y HTTP\/1\.1\r\nhost: c\.d\r\n/,
    never: /a\.b/,
  },
  { name: "absolute form without a path", input: line("http://c.d"), status: 200, upstream: /^GET \/ HTTP/ },
  {
    name: "absolute form with a query only: for the connection manager",
    input: line("http://c.d?q=1"),
    status: 200,
    upstream: /^GET \?q=1 HTTP/,
  },
  { name: "absolute form in capitals", input: line("HTTP://c.d/"), status: 200, upstream: /host: c\.d\r/ },
  {
    name: "absolute form with user and password",
    input: line("http://u:p@c.d/"),
    status: 200,
    upstream: /host: c\.d\r/,
    never: /u:p/,
  },
  { name: "https over whatever", input: line("https://c.d/"), status: 200 },
  { name: "ftp", input: line("ftp://c.d/"), status: 400, details: "http1.invalid_scheme" },
  { name: "absolute form without a host", input: line("http:///x"), status: 400, details: "http1.invalid_url" },
  { name: "absolute form with a bad host", input: line("http://a<b/x"), status: 400, details: CODEC },
  {
    name: "absolute form with two ends of a user",
    input: line("http://u@p@b/"),
    status: 400,
    details: "http1.invalid_url",
  },
  { name: "absolute form with a backslash in its user", input: line("http://b\\@c/"), status: 400, details: CODEC },
  { name: "absolute form with a fragment for a path", input: line("http://b#f"), status: 400, details: CODEC },
  { name: "fragment: for the connection manager", input: line("/a#b"), status: 200 },
  { name: "high byte in the target", input: line("/a\xff"), status: 400, details: CODEC },
  { name: "space in the target", input: line("/a b"), status: 400, details: CODEC },
  { name: "tab in the target", input: line("/a\tb"), status: 400, details: CODEC },
  { name: "NUL in the target", input: line("/a\0b"), status: 400, details: INVALID },
  { name: "two spaces before the target", input: "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400, details: CODEC },
  { name: "space after the version", input: "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", status: 400, details: CODEC },
  { name: "GET *", input: line("*"), status: 400, details: "http1.invalid_url" },
  { name: "OPTIONS *", input: line("*", "OPTIONS"), status: 200, upstream: /^OPTIONS \* HTTP/ },
  { name: "GET with an authority", input: line("a.b:80"), status: 400, details: CODEC },
  { name: "GET with a bare word", input: line("abc"), status: 400, details: CODEC },
  { name: "CONNECT with a path", input: line("/", "CONNECT"), status: 400, details: "http1.invalid_url" },
  { name: "CONNECT without a port", input: line("a.b", "CONNECT"), status: 400, details: "http1.invalid_url" },
  { name: "CONNECT with port 65536", input: line("a.b:65536", "CONNECT"), status: 400, details: "http1.invalid_url" },
  { name: "CONNECT with a URL", input: line("http://a.b:80", "CONNECT"), status: 400, details: "http1.invalid_url" },
  {
    name: "CONNECT with a body",
    input: `CONNECT a.b:443 HTTP/1.1\r\nContent-Length: 1\r\n\r\n`,
    status: 400,
    details: "http1.body_disallowed",
  },
  {
    name: "CONNECT with chunks",
    input: `CONNECT a.b:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    status: 501,
    details: "http1.invalid_transfer_encoding",
  },

  // Methods and versions.
  ...["FOO", "get", "QUERY", "PRI", "G(T", "", "GE\tT", "X".repeat(100)].map((method): Verdict => ({
    name: `method ${JSON.stringify(method)}`,
    input: line("/", method),
    status: 400,
    details: CODEC,
  })),
  {
    name: "method FOO, allowed",
    input: line("/", "FOO"),
    status: 200,
    options: { allowCustomMethods: true },
    upstream: /^FOO \/ /,
  },
  { name: "PROPFIND", input: line("/", "PROPFIND"), status: 200 },
  { name: "HTTP/2 preface", input: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", status: 400, details: CODEC },
  { name: "TLS to a plain port", input: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", status: 400, details: CODEC },
  ...["1.0", "2.0", "1.2", "0.9", "3.0", "9.9"].map((version): Verdict => ({
    name: `HTTP/${version}`,
    input: `GET / HTTP/${version}\r\nHost: a\r\n\r\n`,
    status: 426,
    details: "low_version",
  })),
  { name: "HTTP/1.0, accepted", input: "GET / HTTP/1.0\r\n\r\n", status: 200, options: { acceptHttp10: true } },
  {
    name: "HTTP/2.0, though HTTP/1.0 is accepted",
    input: "GET / HTTP/2.0\r\n\r\n",
    status: 426,
    details: "low_version",
    options: { acceptHttp10: true },
  },
  { name: "HTTP/0.9", input: "GET /\r\n\r\n", status: 426, details: "low_version" },
  ...["HTTP/11", "http/1.1", "HTTP/1.1x", "HTTP/1.", "HTTP/.1", "HTTP/1,1", "HTTPS/1.1", "HTTP/1.10", " HTTP/1.1"].map((
    version,
  ): Verdict => ({
    name: `version ${JSON.stringify(version)}`,
    input: `GET / ${version}\r\nHost: a\r\n\r\n`,
    status: 400,
    details: CODEC,
  })),

  // What concerns this connection only.
  {
    name: "connection and what it names",
    input: get(
      "Connection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: t\r\nProxy-Connection: x\r\nTE: gzip\r\n",
    ),
    status: 200,
    never: /secret|keep-alive|proxy-connection|te:/,
  },
  {
    name: "te: trailers",
    input: get("Connection: te\r\nTE: trailers, deflate\r\n"),
    status: 200,
    upstream: /\r\nte: trailers\r\n/,
  },
  {
    name: "h2c upgrade",
    input: get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"),
    status: 200,
    never: /upgrade|http2|connection/i,
  },
  { name: "upgrade without connection", input: get("Upgrade: websocket\r\n"), status: 200, never: /upgrade/i },
  {
    name: "connection: upgrade without upgrade",
    input: get("Connection: Upgrade\r\n"),
    status: 200,
    never: /upgrade/i,
  },
  {
    name: "upgrade with a body is no upgrade",
    input: post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n", "abc"),
    status: 200,
    never: /upgrade/i,
  },
  {
    name: "connection names content-length",
    input: post("Connection: content-length\r\nContent-Length: 3\r\n", "abc"),
    status: 200,
    upstream: /transfer-encoding: chunked/,
  },
  { name: "connection names host", input: get("Connection: host\r\n"), status: 200, never: /a\.b/ },
  {
    name: "connection names x-forwarded-for",
    input: get("Connection: x-forwarded-for\r\n"),
    status: 400,
    details: "http1.connection_header_rejected",
  },
  {
    name: "connection names :path",
    input: get("Connection: :path\r\n"),
    status: 400,
    details: "http1.connection_header_rejected",
  },
  {
    name: "connection names eleven headers",
    input: get("Connection: a,b,c,d,e,f,g,h,i,j,k\r\n"),
    status: 400,
    details: "http1.connection_header_rejected",
  },
  { name: "a pseudo-header as a field", input: get(":path: /x\r\n"), status: 400, details: CODEC },
];

const BODIES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
};

for (const verdict of VERDICTS) {
  test(verdict.name, () => {
    const result = proxy([verdict.input], verdict.options);
    if (verdict.status === 200) {
      assert.is(result.error, null, JSON.stringify(result.error));
      assert.is(result.complete, 1);
    } else {
      assert.is(result.error?.status, verdict.status, JSON.stringify(result.error));
      assert.is(result.error?.details, verdict.details);
      assert.is(result.error?.body, BODIES[verdict.status]);
      assert.is(result.complete, 0);
    }
    checkUpstream(result, verdict.name);
    const sent = result.upstream.join("");
    if (verdict.upstream !== undefined) assert.match(sent, verdict.upstream);
    if (verdict.never !== undefined) assert.not.match(sent, verdict.never);
  });

  test(`${verdict.name}: between good requests`, () => {
    const good = "GET /good HTTP/1.1\r\nHost: good\r\n\r\n";
    for (const count of [1, 2, 10]) {
      const result = proxy([good.repeat(count) + verdict.input + good], verdict.options);
      checkUpstream(result, verdict.name);
      if (verdict.status !== 200) {
        // Nothing behind a bad request is served.
        assert.is(result.complete, count);
        assert.ok(result.error !== null);
      } else if (result.server.codec.closeAfterResponse) {
        assert.is(result.complete, count + 1);
      } else {
        assert.is(result.complete, count + 2);
      }
    }
  });
}

test("the oracle sees what is wrong", () => {
  const bad = [
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nhost: a\r\na: b\rc\r\n\r\n",
    "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nabc",
    "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
  ];
  for (const input of bad) assert.type(readMessages(input, "request"), "string", input);
  assert.is((readMessages("GET / HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2), "request") as unknown[]).length, 2);
});

test.run();
