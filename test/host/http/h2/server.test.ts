// test/host/http/h2/server.test.ts: the HTTP/2 server codec, frame by frame.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import {
  frameHeader,
  FrameType,
  goAwayFrame,
  pingFrame,
  PREFACE,
  rstStreamFrame,
  settingsFrame,
  uint32Text,
  windowUpdateFrame,
} from "../../../../host/http/h2/frame.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { type Fields, GET, POST, ServerSide } from "./harness.ts";

const OK = (): HeaderMap => HeaderMap.of({ ":status": "200" });

function data(streamId: number, text: string, end = false): string {
  return frameHeader(text.length, FrameType.Data, end ? 1 : 0, streamId) + text;
}

function queue(text: string): ByteQueue {
  const bytes = new ByteQueue();
  bytes.push(fromLatin1(text));
  return bytes;
}

test("the connection begins with Envoy's settings and window", () => {
  const side = new ServerSide({}, false);
  assert.equal(side.frames(), ["SETTINGS 4", "WINDOW_UPDATE 0 25100289"]);
  side.feed(...PREFACE, settingsFrame([]));
  assert.equal(side.frames(), ["SETTINGS ACK"]);
  assert.is(side.error, null);
});

test("bytes that are no preface end the connection", () => {
  const side = new ServerSide({}, false);
  side.frames();
  side.feed("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  assert.equal(side.frames(), ["GOAWAY 0 ProtocolError"]);
  assert.is(side.error?.status, 0);
});

test("SETTINGS comes first", () => {
  const side = new ServerSide({}, false);
  side.frames();
  side.feed(PREFACE + pingFrame("12345678", false));
  assert.equal(side.frames(), ["GOAWAY 0 ProtocolError"]);
  const other = new ServerSide({}, false);
  other.frames();
  other.feed(PREFACE + data(1, ""));
  assert.equal(other.frames(), ["GOAWAY 0 ProtocolError"]);
});

test("a request without a body, and its answer", () => {
  const side = new ServerSide();
  const request = side.ask(1, [...GET, ["x-a", "1"], ["cookie", "a=1"], ["x-b", "2"], ["cookie", "b=2"]]);
  assert.ok(request.ended);
  assert.equal(request.headers!.entries(), [
    [":authority", "a.b"],
    [":path", "/"],
    [":method", "GET"],
    [":scheme", "http"],
    ["x-a", "1"],
    ["x-b", "2"],
    ["cookie", "a=1; b=2"],
  ]);
  const headers = OK();
  headers.add("x-c", "3");
  headers.add("connection", "close");
  headers.add("transfer-encoding", "chunked");
  headers.add("keep-alive", "5");
  headers.add("upgrade", "x");
  request.encoder!.encodeHeaders(headers, false);
  request.encoder!.encodeData(queue("hello"), true);
  assert.equal(side.frames(), ["HEADERS 1 :status=200 x-c=3", "DATA 1 hello END"]);
  assert.is(side.stat("streams_active"), 0);
});

test("a body in several frames is given at once, with trailers behind it", () => {
  const side = new ServerSide();
  const padded = frameHeader(6, FrameType.Data, 8, 1) + "\x02abc\0\0";
  side.feed(
    side.peer.headers(1, POST, false) + padded + data(1, "def") + data(1, "g") +
      side.peer.headers(1, [["x-t", "1"]], true),
  );
  assert.is(side.request.body, "abcdefg");
  assert.is(side.request.dataCalls, 1);
  assert.equal(side.request.trailers!.entries(), [["x-t", "1"]]);
  assert.is(side.stat("trailers"), 1);
  assert.is(side.stat("streams_active"), 1);
});

test("streams answer in any order; trailers, informational responses and empty ends", () => {
  const side = new ServerSide();
  side.ask(1);
  side.ask(3);
  side.ask(5);
  const [first, second, third] = side.requests.map((request) => request.encoder!) as [
    ServerSide["stream"],
    ServerSide["stream"],
    ServerSide["stream"],
  ];
  second.encode1xxHeaders(HeaderMap.of({ ":status": "103", link: "x" }));
  second.encodeHeaders(OK(), false);
  second.encodeTrailers(HeaderMap.of({ "grpc-status": "0" }));
  first.encodeHeaders(OK(), false);
  first.encodeData(new ByteQueue(), true);
  third.encodeHeaders(OK(), false);
  third.encodeTrailers(HeaderMap.of({ "content-length": "5", "transfer-encoding": "chunked" }));
  assert.equal(side.frames(), [
    "HEADERS 3 :status=103 link=x",
    "HEADERS 3 :status=200",
    "HEADERS 3 grpc-status=0 END",
    "HEADERS 1 :status=200",
    "DATA 1  END",
    "HEADERS 5 :status=200",
    "DATA 5  END",
  ]);
});

test("an answer that does not wait for the request tells the client to stop", () => {
  const side = new ServerSide();
  side.ask(1, POST, false).encoder!.encodeHeaders(OK(), true);
  assert.equal(side.frames(), ["HEADERS 1 :status=200 END", "RST_STREAM 1 NoError"]);
  // What was under way meanwhile is dropped, and the client may send as much again.
  side.feed(data(1, "late"), side.peer.headers(1, [["x-t", "1"]], true));
  assert.is(side.error, null);
  assert.equal(side.frames(), []);
});

test("resets are told by a code that says why", () => {
  for (
    const [reason, code] of [
      [StreamResetReason.LocalReset, "InternalError"],
      [StreamResetReason.LocalRefusedStreamReset, "RefusedStream"],
      [StreamResetReason.ConnectError, "ConnectError"],
      [StreamResetReason.ProtocolError, "ProtocolError"],
    ] as const
  ) {
    const side = new ServerSide();
    side.ask(1).encoder!.resetStream(reason);
    assert.equal(side.frames(), [`RST_STREAM 1 ${code}`]);
    side.request.encoder!.encodeHeaders(OK(), true);
    assert.equal(side.frames(), []);
  }
});

test("a reset from the client ends the request", () => {
  const side = new ServerSide();
  const request = side.ask(1, POST, false);
  side.feed(rstStreamFrame(1, 8));
  assert.is(request.reset, StreamResetReason.RemoteReset);
  assert.is(request.resetDetails, "http2.remote_reset");
  assert.is(side.stat("rx_reset"), 1);
  side.feed(rstStreamFrame(1, 8));
  assert.is(side.error, null, "a second one is of no interest");
});

test("a reset that comes while the body is given is the last word", () => {
  const side = new ServerSide();
  side.onRequestHead = (request) => request.encoder!.resetStream(StreamResetReason.LocalReset);
  side.feed(side.peer.headers(1, POST, false) + data(1, "abc", true) + side.peer.headers(3, GET, true));
  assert.is(side.requests.length, 2);
  assert.is(side.requests[0]!.dataCalls, 0);
});

const literal = (name: string, value: string): string =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;

/** Requests that are malformed: what they have besides, or instead. */
const MALFORMED: readonly (readonly [string, Fields, string])[] = [
  ["an upper-case name", [...GET, ["X-A", "1"]], "http2.invalid.header.field"],
  ["a line end in a value", [...GET, ["x-a", "1\r\nb: c"]], "http2.invalid.header.field"],
  ["a NUL in a value", [...GET, ["x-a", "1\0"]], "http2.invalid.header.field"],
  ["a colon in a name", [...GET, ["x:a", "1"]], "http2.invalid.header.field"],
  ["an empty name", [...GET, ["", "1"]], "http2.invalid.header.field"],
  ["connection", [...GET, ["connection", "close"]], "http2.invalid.header.field"],
  ["transfer-encoding", [...POST, ["transfer-encoding", "chunked"]], "http2.invalid.header.field"],
  ["proxy-connection", [...GET, ["proxy-connection", "close"]], "http2.invalid.header.field"],
  ["keep-alive", [...GET, ["keep-alive", "1"]], "http2.invalid.header.field"],
  ["upgrade", [...GET, ["upgrade", "x"]], "http2.invalid.header.field"],
  ["te other than trailers", [...GET, ["te", "gzip"]], "http2.invalid.header.field"],
  ["a content-length that is none", [...POST, ["content-length", "+1"]], "http2.invalid.header.field"],
  ["two lengths", [...POST, ["content-length", "1"], ["content-length", "1"]], "http2.invalid.header.field"],
  ["a pseudo-header twice", [...GET, [":path", "/"]], "http2.invalid.header.field"],
  ["an unknown pseudo-header", [...GET, [":x", "1"]], "http2.invalid.header.field"],
  ["a response's pseudo-header", [...GET, [":status", "200"]], "http2.invalid.header.field"],
  ["a pseudo-header behind others", [...GET.slice(1), ["x", "1"], GET[0]!], "http2.invalid.header.field"],
  ["a space in the path", [...GET.slice(0, 2), [":path", "/a HTTP/1.1"], GET[3]!], "http2.invalid.header.field"],
  ["an empty path", [...GET.slice(0, 2), [":path", ""], GET[3]!], "http2.invalid.header.field"],
  ["a relative path", [...GET.slice(0, 2), [":path", "a"], GET[3]!], "http2.violation.of.messaging.rule"],
  ["a space in the method", [[":method", "G T"], ...GET.slice(1)], "http2.invalid.header.field"],
  ["a slash in the authority", [...GET.slice(0, 3), [":authority", "a/b"]], "http2.invalid.header.field"],
  ["a bad scheme", [GET[0]!, [":scheme", "h ttp"], ...GET.slice(2)], "http2.invalid.header.field"],
  ["no method", GET.slice(1), "http2.violation.of.messaging.rule"],
  ["no scheme", [GET[0]!, ...GET.slice(2)], "http2.violation.of.messaging.rule"],
  ["no path", [...GET.slice(0, 2), GET[3]!], "http2.violation.of.messaging.rule"],
  ["no authority", GET.slice(0, 3), "http2.violation.of.messaging.rule"],
  ["CONNECT with a path", [[":method", "CONNECT"], ...GET.slice(1)], "http2.violation.of.messaging.rule"],
  [
    "extended CONNECT, not allowed",
    [[":method", "CONNECT"], [":protocol", "websocket"], ...GET.slice(1)],
    "http2.invalid.header.field",
  ],
];

for (const [what, fields, details] of MALFORMED) {
  const block = fields.map(([name, value]) => literal(name, value)).join("");
  const frame = frameHeader(block.length, FrameType.Headers, 5, 1) + block;
  test(`a request with ${what} ends the connection, or its stream when that is set`, () => {
    const side = new ServerSide().feed(frame);
    assert.equal(side.frames(), ["GOAWAY 1 ProtocolError"]);
    assert.is(side.request.headers, null);
    assert.is(side.request.reset, StreamResetReason.ProtocolError);
    assert.is(side.request.resetDetails, details);
    assert.is(side.error?.details, "codec_error:The_user_callback_function_failed");
    assert.is(side.stat("rx_messaging_error"), 1);

    const kind = new ServerSide({ streamErrorOnInvalidMessage: true }).feed(frame);
    assert.equal(kind.frames(), ["RST_STREAM 1 ProtocolError"]);
    assert.is(kind.error, null);
    kind.answering().ask(3);
    assert.equal(kind.frames(), ["HEADERS 3 :status=200 END"]);
  });
}

test("host stands for an authority that is not there, and gives way to one that is", () => {
  const side = new ServerSide();
  assert.is(side.ask(1, [...GET.slice(0, 3), ["host", "h"]]).headers!.authority, "h");
  const both = side.ask(3, [...GET, ["host", "h"]]);
  assert.is(both.headers!.authority, "a.b");
  assert.is(both.headers!.fieldCount, 0);
});

test("white space around a value is not part of it", () => {
  const side = new ServerSide();
  assert.is(side.ask(1, [...GET, ["x-a", " \tb c\t "]]).headers!.get("x-a"), "b c");
});

test("trailers with pseudo-headers, and a second head, are malformed", () => {
  for (const frame of [[[":path", "/"]], [["x", "1"]]] as Fields[]) {
    const side = new ServerSide();
    side.ask(1, POST, false);
    side.feed(side.peer.headers(1, frame, frame[0]![0] === ":path"));
    assert.equal(side.frames(), ["GOAWAY 1 ProtocolError"]);
    assert.is(side.request.reset, StreamResetReason.ProtocolError);
  }
});

test("a body that is not as long as it says resets its stream", () => {
  for (
    const frames of [
      [data(1, "abcd")],
      [data(1, "ab"), data(1, "cd")],
      [data(1, "ab", true)],
      [data(1, "ab"), data(1, "", true)],
    ]
  ) {
    const side = new ServerSide();
    side.ask(1, [...POST, ["content-length", "3"]], false);
    side.feed(...frames);
    assert.equal(side.frames(), ["RST_STREAM 1 ProtocolError"]);
    assert.is(side.request.ended, false);
    assert.is(side.error, null);
  }
  const side = new ServerSide();
  side.ask(1, [...POST, ["content-length", "3"]], true);
  assert.equal(side.frames(), ["GOAWAY 1 ProtocolError"], "a head that contradicts itself is a malformed message");
  assert.is(side.request.headers, null);
});

test("headers beyond the limits of size and number reset their stream; each crumb of a cookie counts", () => {
  const many = (count: number, name: (i: number) => string): Fields => [
    ...GET,
    ...Array.from({ length: count }, (_, i) => [name(i), "v"] as const),
  ];
  for (
    const [fields, details] of [
      [many(97, (i) => `x-${i}`), "http2.too_many_headers"],
      [many(97, () => "cookie"), "http2.too_many_headers"],
      [[...GET, ["x-a", "x".repeat(60 * 1024)]], "http2.header_list_size_too_large"],
      [many(90, () => "x".repeat(700)), "http2.header_list_size_too_large"],
    ] as const
  ) {
    const side = new ServerSide();
    side.feed(side.peer.headers(1, fields, true));
    assert.equal(side.frames(), ["RST_STREAM 1 InternalError"]);
    assert.is(side.request.resetDetails, details);
    assert.is(side.stat(details === "http2.too_many_headers" ? "header_overflow" : "header_list_size_too_large"), 1);
    side.answering().ask(3);
    assert.equal(side.frames(), ["HEADERS 3 :status=200 END"], "the tables still agree");
  }
  const side = new ServerSide();
  side.feed(side.peer.headers(1, many(96, (i) => `x-${i}`), true));
  assert.is(side.request.headers!.size, 100);
});

test("a value that is larger than 64 KiB ends the connection; one that is not only has no room", () => {
  const side = new ServerSide();
  side.feed(side.peer.headers(1, [...GET, ["x-a", "x".repeat(65_537)]], true));
  assert.equal(side.frames(), ["GOAWAY 1 CompressionError"]);
  const set = new ServerSide({ maxHeaderFieldBytes: 70_000, maxHeadersBytes: 80_000 });
  set.feed(set.peer.headers(1, [...GET, ["x-a", "x".repeat(65_537)]], true));
  assert.is(set.request.headers!.get("x-a")!.length, 65_537);
});

test("bytes above 0x7f in values, allowed and not", () => {
  const fields: Fields = [...GET, ["x-a", "caf\xe9"]];
  assert.is(new ServerSide().ask(1, fields).headers!.get("x-a"), "caf\xe9");
  assert.is(new ServerSide({ disallowObsText: true }).ask(1, fields).resetDetails, "http2.invalid.header.field");
});

test("underscores in names: passed, dropped, refused", () => {
  const fields: Fields = [...GET, ["x_a", "1"]];
  assert.is(new ServerSide().ask(1, fields).headers!.get("x_a"), "1");
  const drop = new ServerSide({ headersWithUnderscoresAction: "DROP_HEADER" });
  assert.is(drop.ask(1, fields).headers!.get("x_a"), null);
  assert.is(drop.stat("dropped_headers_with_underscores"), 1);
  const refuse = new ServerSide({ headersWithUnderscoresAction: "REJECT_REQUEST" });
  assert.is(refuse.ask(1, fields).resetDetails, "http2.unexpected_underscore");
  assert.is(refuse.stat("requests_rejected_with_underscores_in_headers"), 1);
});

/** Frames that end the connection, and the code that the client is told. */
const FATAL: readonly (readonly [string, string, string])[] = [
  ["DATA of stream 0", data(0, "a"), "ProtocolError"],
  ["DATA of an idle stream", data(5, "a"), "ProtocolError"],
  ["HEADERS of stream 0", frameHeader(0, FrameType.Headers, 4, 0), "ProtocolError"],
  ["HEADERS of an even stream", frameHeader(1, FrameType.Headers, 5, 2) + "\x82", "ProtocolError"],
  ["HEADERS with too much padding", frameHeader(2, FrameType.Headers, 13, 3) + "\x02\x82", "ProtocolError"],
  ["HEADERS that depends on itself", frameHeader(5, FrameType.Headers, 37, 3) + uint32Text(3) + "\0", "ProtocolError"],
  ["HEADERS too short for its priority", frameHeader(4, FrameType.Headers, 37, 3) + "abcd", "FrameSizeError"],
  ["CONTINUATION without HEADERS", frameHeader(1, FrameType.Continuation, 4, 1) + "\x82", "ProtocolError"],
  ["PRIORITY of stream 0", frameHeader(5, FrameType.Priority, 0, 0) + "abcde", "ProtocolError"],
  ["PRIORITY of 4 bytes", frameHeader(4, FrameType.Priority, 0, 3) + "abcd", "FrameSizeError"],
  ["PRIORITY that depends on itself", frameHeader(5, FrameType.Priority, 0, 3) + uint32Text(3) + "\0", "ProtocolError"],
  ["RST_STREAM of stream 0", rstStreamFrame(0, 1), "ProtocolError"],
  ["RST_STREAM of an idle stream", rstStreamFrame(5, 1), "ProtocolError"],
  ["RST_STREAM of 3 bytes", frameHeader(3, FrameType.RstStream, 0, 1) + "abc", "FrameSizeError"],
  ["SETTINGS of a stream", frameHeader(0, FrameType.Settings, 0, 1), "ProtocolError"],
  ["SETTINGS of 5 bytes", frameHeader(5, FrameType.Settings, 0, 0) + "abcde", "FrameSizeError"],
  ["an acknowledgement with settings", frameHeader(6, FrameType.Settings, 1, 0) + "abcdef", "FrameSizeError"],
  ["ENABLE_PUSH of 2", settingsFrame([[2, 2]]), "ProtocolError"],
  ["a window above its limit", settingsFrame([[4, 0x80000000]]), "FlowControlError"],
  ["a frame size below its limit", settingsFrame([[5, 16383]]), "ProtocolError"],
  ["a frame size above its limit", settingsFrame([[5, 0x1000000]]), "ProtocolError"],
  ["ENABLE_CONNECT_PROTOCOL of 2", settingsFrame([[8, 2]]), "ProtocolError"],
  ["PUSH_PROMISE", frameHeader(4, FrameType.PushPromise, 4, 1) + uint32Text(2), "ProtocolError"],
  ["PING of a stream", frameHeader(8, FrameType.Ping, 0, 1) + "12345678", "ProtocolError"],
  ["PING of 7 bytes", frameHeader(7, FrameType.Ping, 0, 0) + "1234567", "FrameSizeError"],
  ["GOAWAY of a stream", frameHeader(8, FrameType.GoAway, 0, 1) + "12345678", "ProtocolError"],
  ["GOAWAY of 7 bytes", frameHeader(7, FrameType.GoAway, 0, 0) + "1234567", "FrameSizeError"],
  ["WINDOW_UPDATE of 3 bytes", frameHeader(3, FrameType.WindowUpdate, 0, 0) + "abc", "FrameSizeError"],
  ["WINDOW_UPDATE by nothing", windowUpdateFrame(0, 0), "ProtocolError"],
  ["WINDOW_UPDATE of a stream by nothing", windowUpdateFrame(1, 0), "ProtocolError"],
  ["WINDOW_UPDATE of an idle stream", windowUpdateFrame(5, 1), "ProtocolError"],
  ["a window that grows above its limit", windowUpdateFrame(0, 0x7fffffff), "FlowControlError"],
  ["a frame that is too large", frameHeader(16385, FrameType.Data, 0, 1), "FrameSizeError"],
  ["DATA with too much padding", frameHeader(2, FrameType.Data, 8, 1) + "\x02a", "ProtocolError"],
  [
    "another frame amid a header block",
    frameHeader(1, FrameType.Headers, 1, 3) + "\x82" + pingFrame("12345678", false),
    "ProtocolError",
  ],
  [
    "CONTINUATION of another stream",
    frameHeader(1, FrameType.Headers, 1, 3) + "\x82" + frameHeader(1, FrameType.Continuation, 4, 5) + "\x84",
    "ProtocolError",
  ],
];

for (const [what, frame, code] of FATAL) {
  test(`${what}: the connection ends with ${code}, and nothing is read after it`, () => {
    const side = new ServerSide();
    side.ask(1, POST, false);
    side.feed(frame, side.peer.headers(7, GET, true));
    // A header block that began is of a request that is served no more, and counts as the last one.
    const last = side.requests.length === 1 ? 1 : 3;
    assert.equal(side.frames(), [`GOAWAY ${last} ${code}`]);
    assert.ok(side.error !== null);
    assert.is(side.requests.filter(({ headers }) => headers !== null).length, 1);
    assert.is(side.stat("goaway_sent"), 0, "only the orderly ones are counted");
  });
}

test("a malformed block ends the connection: nothing after it could be read", () => {
  const side = new ServerSide().feed(frameHeader(1, FrameType.Headers, 5, 1) + "\x80");
  assert.equal(side.frames(), ["GOAWAY 1 CompressionError"]);
  assert.is(side.request.headers, null);
});

test("frames of a stream that is over: the kinder answers", () => {
  const side = new ServerSide().answering();
  side.ask(1);
  side.frames();
  side.feed(data(1, "x"), windowUpdateFrame(1, 5), frameHeader(5, FrameType.Priority, 0, 1) + "abcde");
  assert.equal(side.frames(), ["RST_STREAM 1 StreamClosed"]);
  assert.is(side.error, null);
  const other = new ServerSide().answering();
  other.ask(1);
  other.frames();
  other.feed(other.peer.headers(1, GET, true));
  assert.equal(other.frames(), ["GOAWAY 1 StreamClosed"]);
});

test("frames behind the end of a request end the connection", () => {
  for (const frame of [data(1, "x"), frameHeader(1, FrameType.Headers, 5, 1) + "\x82"]) {
    const side = new ServerSide();
    side.ask(1);
    side.feed(frame);
    assert.equal(side.frames(), ["GOAWAY 1 StreamClosed"]);
    assert.is(side.request.reset, StreamResetReason.ProtocolError);
  }
});

test("a stream's window above its limit resets the stream", () => {
  const side = new ServerSide();
  side.ask(1);
  side.feed(windowUpdateFrame(1, 0x7fffffff));
  assert.equal(side.frames(), ["RST_STREAM 1 FlowControlError"]);
  assert.is(side.error, null);
});

test("PING is answered, unknown frames and GOAWAY are taken", () => {
  const side = new ServerSide().answering();
  side.feed(pingFrame("abcdefgh", false), frameHeader(3, 99 as FrameType, 255, 9) + "abc", goAwayFrame(0, 0));
  assert.equal(side.frames(), ["PING abcdefgh ACK"]);
  assert.is(side.goAways, 1);
  side.ask(1);
  assert.equal(side.frames(), ["HEADERS 1 :status=200 END"]);
});

test("more streams than allowed are refused; those that end make room", () => {
  const side = new ServerSide({ maxConcurrentStreams: 2 });
  side.ask(1);
  side.ask(3);
  side.ask(5);
  assert.equal(side.frames(), ["RST_STREAM 5 RefusedStream"]);
  assert.is(side.requests.length, 2);
  assert.is(side.stat("stream_refused_errors"), 1);
  side.requests[0]!.encoder!.encodeHeaders(OK(), true);
  side.ask(7);
  assert.is(side.requests.length, 3);
});

test("a graceful end: a notice, then the last stream that is served", () => {
  const side = new ServerSide().answering();
  side.ask(1);
  side.frames();
  side.codec.shutdownNotice();
  side.ask(3);
  side.codec.goAway();
  side.ask(5);
  assert.equal(side.frames(), ["GOAWAY 2147483647 NoError", "HEADERS 3 :status=200 END", "GOAWAY 3 NoError"]);
  assert.is(side.requests.length, 2);
  assert.is(side.stat("goaway_sent"), 1);
  assert.is(side.error, null);
});

test("an upgrade by extended CONNECT looks inside as in HTTP/1, its 101 goes out as 200", () => {
  const side = new ServerSide({ allowConnect: true });
  const request = side.ask(1, [
    [":method", "CONNECT"],
    [":protocol", "websocket"],
    ...GET.slice(1),
    ["sec-websocket-version", "13"],
  ], false);
  assert.equal(request.headers!.entries(), [
    [":authority", "a.b"],
    [":path", "/"],
    [":method", "GET"],
    [":scheme", "http"],
    [":protocol", "websocket"],
    ["sec-websocket-version", "13"],
    ["upgrade", "websocket"],
    ["connection", "upgrade"],
  ]);
  request.encoder!.encodeHeaders(
    HeaderMap.of({ ":status": "101", connection: "upgrade", upgrade: "websocket", "sec-websocket-accept": "x" }),
    false,
  );
  side.feed(data(1, "ping"));
  request.encoder!.encodeData(queue("pong"), false);
  assert.is(request.body, "ping");
  assert.equal(side.frames(), ["HEADERS 1 :status=200 sec-websocket-accept=x", "DATA 1 pong"]);
});

test("a 101 that nobody asked for is a 502", () => {
  const side = new ServerSide();
  side.ask(1).encoder!.encodeHeaders(HeaderMap.of({ ":status": "101" }), true);
  assert.equal(side.frames(), ["HEADERS 1 :status=502 END"]);
});

test("CONNECT has an authority and nothing else", () => {
  const side = new ServerSide();
  const request = side.ask(1, [[":method", "CONNECT"], [":authority", "a:443"]], false);
  assert.equal(request.headers!.entries(), [[":authority", "a:443"], [":method", "CONNECT"]]);
});

test("what is no byte is not sent", () => {
  const side = new ServerSide();
  const headers = OK();
  headers.add("x-a", "\u20ac");
  headers.add("x-b", "a\r\nb");
  headers.add("x-c", "\xe9");
  side.ask(1).encoder!.encodeHeaders(headers, true);
  assert.equal(side.frames(), ["HEADERS 1 :status=200 x-c=\xe9 END"]);
});

test("bytes on the wire are counted by stream", () => {
  const side = new ServerSide();
  const head = side.peer.headers(1, POST, false);
  side.feed(head, data(1, "abc", true));
  const { encoder } = side.request;
  encoder!.encodeHeaders(OK(), false);
  encoder!.encodeData(queue("hello"), true);
  const { meter } = side.stream;
  assert.is(meter.wireBytesReceived, head.length + 12);
  assert.is(meter.headerBytesReceived, ":methodPOST:schemehttp:path/:authoritya.b".length);
  assert.is(meter.wireBytesSent, 10 + 14);
  assert.is(meter.headerBytesSent, 10);
});

test.run();
