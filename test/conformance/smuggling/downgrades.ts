// test/conformance/smuggling/downgrades.ts: HTTP/2 requests that would be other requests in HTTP/1.
/** @module */
import { frameHeader, FrameType, PREFACE, SETTINGS_ACK, settingsFrame } from "../../../host/http/h2/frame.ts";
import { type Case, HOST, shown, SMUGGLED } from "./case.ts";

type Fields = readonly (readonly [string, string])[];

/** A field as a literal that no table keeps: what is in it is up to us. */
function literal([name, value]: readonly [string, string]): string {
  return `\0${integer(name.length)}${name}${integer(value.length)}${value}`;
}

/** An HPACK integer of a prefix of 7 bits. */
function integer(value: number): string {
  if (value < 127) return String.fromCharCode(value);
  let rest = value - 127;
  let text = "\x7f";
  for (; rest > 127; rest >>= 7) text += String.fromCharCode((rest & 127) | 128);
  return text + String.fromCharCode(rest);
}

function headers(fields: Fields, end: boolean): string {
  const block = fields.map(literal).join("");
  return frameHeader(block.length, FrameType.Headers, end ? 5 : 4, 1) + block;
}

function data(text: string, end: boolean): string {
  return frameHeader(text.length, FrameType.Data, end ? 1 : 0, 1) + text;
}

/** A connection with one stream. */
function connection(frames: string): string {
  return PREFACE + settingsFrame([]) + SETTINGS_ACK + frames;
}

const GET: Fields = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "a.example"]];
const POST: Fields = [[":method", "POST"], ...GET.slice(1)];

/** A request without a body. */
function one(name: string, fields: Fields): Case {
  return { name: `h2, ${name}`, bytes: connection(headers(fields, true)) };
}

/** The request with another value of a pseudo-header. */
function pseudo(name: string, values: readonly string[]): Case[] {
  return values.map((value) => {
    const fields = GET.map(([each, old]) => [each, each === name ? value : old] as const);
    const made = one(`${name}: ${shown(value)}`, fields);
    return value === "/a\xffb" ? { ...made, stricter: "a target is ASCII" } : made;
  });
}

function field(name: string, value: string): Case {
  return one(`${shown(name)}: ${shown(value)}`, [...GET, [name, value]]);
}

/** A request with a length, its body in these frames. */
function body(name: string, lengths: readonly string[], frames: string): Case {
  const fields: Fields = [...POST, ...lengths.map((value) => ["content-length", value] as const)];
  return { name: `h2, ${name}`, bytes: connection(headers(fields, false) + frames) };
}

const INJECTED = ` HTTP/1.1\r\n${HOST}\r\n${SMUGGLED.trimEnd()}`;

export const DOWNGRADES: readonly Case[] = [
  one("a good request", GET),
  ...pseudo(":path", [
    `/${INJECTED}`,
    "/a b",
    "/a\tb",
    "/a\rb",
    "/a\nb",
    "/a\r\nb",
    "/a\0b",
    "/a\x7fb",
    "/a\xffb",
    "/a#b",
    "",
    "a",
    "*",
    "//a",
    "http://b.example/",
    "/ HTTP/1.1",
  ]),
  ...pseudo(":method", [
    `GET /smuggled HTTP/1.1\r\n${HOST}\r\nGET`,
    "G T",
    "G\tT",
    "G\rT",
    "G\nT",
    "G\0T",
    "GET ",
    "",
    "get",
    "FOO",
    "G(T",
    "PRI",
  ]),
  ...pseudo(":authority", [
    `a\r\n\r\n${SMUGGLED}`,
    "a b",
    "a\r\nx: y",
    "a/b",
    "a?b",
    "a#b",
    "u@a",
    "a\0",
    "",
    "a,b",
    "a\\b",
    "a\xff",
    "[::1]",
  ]),
  ...pseudo(":scheme", ["http://a/?", "", "ht tp", "HTTP", "https", "ftp", "http\r\nx: y"]),
  field("x-a", `b\r\n\r\n${SMUGGLED}`),
  field("x-a", "b\r\nc: d"),
  field("x-a", "b\rc"),
  field("x-a", "b\nc"),
  field("x-a", "b\0c"),
  field("x-a", "b\x01c"),
  field("x-a", "b\x7fc"),
  field("x-a", "b\xffc"),
  field("x-a", " b "),
  field("x-a", ""),
  field("x-a: y\r\nx-b", "c"),
  field("X-A", "b"),
  field("x a", "b"),
  field("x:a", "b"),
  field("x\ra", "b"),
  field("x\na", "b"),
  field("x\0a", "b"),
  field("x\xffa", "b"),
  field("", "b"),
  field("x(a", "b"),
  field("connection", "close"),
  field("connection", "content-length"),
  field("proxy-connection", "close"),
  field("keep-alive", "5"),
  field("transfer-encoding", "chunked"),
  field("transfer-encoding", "identity"),
  field("transfer-encoding ", "chunked"),
  field("upgrade", "websocket"),
  field("te", "trailers"),
  field("te", "gzip"),
  field("te", "trailers, gzip"),
  field("http2-settings", "AAMAAABkAAQAAP__"),
  field("host", "b.example"),
  field("host", "a.example"),
  field("host", "a b"),
  field("expect", "100-continue"),
  field("content-length", "0"),
  field(":path", "/b"),
  field(":method", "POST"),
  field(":authority", "b.example"),
  field(":x", "y"),
  field(":status", "200"),
  field(":protocol", "websocket"),
  field(":", "y"),
  one("a pseudo-header behind a field", [...GET.slice(0, 3), ["x-a", "b"], GET[3]!]),
  one("no :method", GET.slice(1)),
  one("no :path", [GET[0]!, GET[1]!, GET[3]!]),
  one("no :scheme", [GET[0]!, ...GET.slice(2)]),
  one("no :authority", GET.slice(0, 3)),
  one("host instead of :authority", [...GET.slice(0, 3), ["host", "a.example"]]),
  one("two hosts", [...GET.slice(0, 3), ["host", "a.example"], ["host", "b.example"]]),
  one("CONNECT", [[":method", "CONNECT"], [":authority", "a.example:443"]]),
  one("CONNECT with a path", [[":method", "CONNECT"], ...GET.slice(1)]),
  body("a length that is right", ["3"], data("abc", true)),
  body("a length that is too small", ["1"], data(`a${SMUGGLED}`, true)),
  body("a length that is too large", ["50"], data("abc", true)),
  body("a length and no body", ["50"], data("", true)),
  {
    ...body("a length of 0 and a body", ["0"], data(SMUGGLED, true)),
    stricter: "a head goes on when it is there",
  },
  body("a length and a body in two frames", ["3"], data("ab", false) + data("cd", true)),
  body("two lengths", ["3", "3"], data("abc", true)),
  body("two lengths that differ", ["3", "0"], data("abc", true)),
  ...["+3", "-3", "0x3", "3, 3", "3 3", "", "03", "\t3", "3\0", "18446744073709551619"].map((value) =>
    body(`content-length ${shown(value)}`, [value], data("abc", true))
  ),
  {
    name: "h2, a length and the end with the head",
    bytes: connection(headers([...POST, ["content-length", "5"]], true)),
  },
  {
    name: "h2, a body that is chunks in itself",
    bytes: connection(headers(POST, false) + data(`0\r\n\r\n${SMUGGLED}`, true)),
  },
  {
    name: "h2, trailers with a pseudo-header",
    bytes: connection(headers(POST, false) + data("abc", false) + headers([[":path", "/b"]], true)),
  },
  {
    name: "h2, trailers with a length and a coding",
    bytes: connection(
      headers(POST, false) + data("abc", false) + headers([["content-length", "9"], ["x-t", "1"]], true),
    ),
  },
  {
    name: "h2, trailers with a line end",
    bytes: connection(headers(POST, false) + data("abc", false) + headers([["x-t", "1\r\n\r\n"]], true)),
  },
  { name: "h2, trailers without an end", bytes: connection(headers(POST, false) + headers([["x-t", "1"]], false)) },
];
