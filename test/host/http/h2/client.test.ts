// test/host/http/h2/client.test.ts: the HTTP/2 client codec, frame by frame.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { fromLatin1 } from "../../../../host/base/bytes.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import {
  frameHeader,
  FrameType,
  goAwayFrame,
  PREFACE,
  rstStreamFrame,
  settingsFrame,
  uint32Text,
} from "../../../../host/http/h2/frame.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { CloseType } from "../../../../host/net/filter.ts";
import { RecordedMessage } from "../h1/harness.ts";
import { ClientSide, type Fields } from "./harness.ts";

const OK: Fields = [[":status", "200"]];

function data(streamId: number, text: string, end = false): string {
  return frameHeader(text.length, FrameType.Data, end ? 1 : 0, streamId) + text;
}

function queue(text: string): ByteQueue {
  const bytes = new ByteQueue();
  bytes.push(fromLatin1(text));
  return bytes;
}

test("the connection begins with the preface and Envoy's settings", () => {
  const side = new ClientSide({}, false);
  const start = side.connection.take();
  assert.ok(start.startsWith(PREFACE));
  assert.equal(side.peer.read(start.slice(PREFACE.length)), ["SETTINGS 4", "WINDOW_UPDATE 0 25100289"]);
});

test("a request and its response; streams of their own numbers", () => {
  const side = new ClientSide();
  const first = side.send({ "x-a": "1", te: "trailers", host: "h", connection: "close", "proxy-connection": "x" });
  const second = side.send({ ":path": "/2" }, false);
  second.stream.encodeData(queue("abc"), false);
  second.stream.encodeTrailers(HeaderMap.of({ "x-t": "1" }));
  assert.equal(side.frames(), [
    "HEADERS 1 :method=GET :scheme=http :path=/ :authority=h x-a=1 te=trailers END",
    "HEADERS 3 :method=POST :scheme=http :path=/2 :authority=a.b",
    "DATA 3 abc",
    "HEADERS 3 x-t=1 END",
  ]);
  assert.is(side.codec.activeStreams, 2);
  side.feed(side.peer.headers(3, [...OK, ["content-length", "2"]], false) + data(3, "hi", true));
  assert.is(second.response.body, "hi");
  assert.is(side.streamsClosed, 1);
  side.feed(side.peer.headers(1, [[":status", "103"]], false));
  side.feed(side.peer.headers(1, OK, false) + data(1, "x") + side.peer.headers(1, [["grpc-status", "0"]], true));
  assert.is(first.response.informational.length, 1);
  assert.equal(first.response.trailers!.entries(), [["grpc-status", "0"]]);
  assert.is(side.streamsClosed, 2);
  assert.is(side.codec.activeStreams, 0);
  assert.ok(side.codec.reusable);
});

test("a request that lacks something is not sent, and takes no number", () => {
  const side = new ClientSide();
  const bad: [Record<string, string>, string][] = [
    [{ ":path": "/" }, "missing required header: :method"],
    [{ ":method": "G T", ":path": "/" }, ":method is no token"],
    [{ ":method": "GET" }, "missing required header: :path"],
    [{ ":method": "GET", ":path": "/a b" }, ":path has a character that is not allowed in it"],
    [{ ":method": "GET", ":path": "/", ":authority": "a b" }, ":authority has a character that is not allowed in it"],
    [{ ":method": "CONNECT" }, "missing required header: :authority"],
  ];
  for (const [entries, problem] of bad) {
    const stream = side.codec.newStream(new RecordedMessage());
    assert.is(stream.encodeHeaders(HeaderMap.of(entries), true), problem);
    stream.resetStream(StreamResetReason.LocalReset);
  }
  assert.equal(side.frames(), []);
  assert.is(side.streamsClosed, bad.length);
  side.send();
  assert.equal(side.frames().map((line) => line.slice(0, 9)), ["HEADERS 1"]);
});

test("CONNECT, and an upgrade as extended CONNECT whose 200 is a 101 inside", () => {
  const side = new ClientSide();
  side.send({ ":method": "CONNECT", ":authority": "a:443" }, false);
  const { response } = side.send({
    ":method": "GET",
    ":protocol": "websocket",
    connection: "upgrade",
    upgrade: "websocket",
  }, false);
  assert.equal(side.frames(), [
    "HEADERS 1 :method=CONNECT :authority=a:443",
    "HEADERS 3 :method=CONNECT :scheme=http :path=/ :authority=a.b :protocol=websocket",
  ]);
  side.feed(side.peer.headers(3, [...OK, ["x-a", "1"]], false) + data(3, "frame"));
  assert.equal(response.headers!.entries(), [
    [":status", "101"],
    ["x-a", "1"],
    ["upgrade", "websocket"],
    ["connection", "upgrade"],
  ]);
  assert.is(response.body, "frame");
});

test("a response before its request ended ends both", () => {
  const side = new ClientSide();
  const { response, stream } = side.send({}, false);
  side.frames();
  side.feed(side.peer.headers(1, OK, true));
  assert.ok(response.ended);
  assert.equal(side.frames(), ["RST_STREAM 1 InternalError"]);
  assert.is(side.streamsClosed, 1);
  stream.encodeData(queue("late"), true);
  assert.equal(side.frames(), []);
});

test("lengths: HEAD and 304 have no body, others the one they say", () => {
  for (
    const [entries, fields, frames, good] of [
      [{ ":method": "HEAD" }, [[":status", "200"], ["content-length", "5"]], "", true],
      [{}, [[":status", "304"], ["content-length", "5"]], "", true],
      [{}, [[":status", "200"], ["content-length", "5"]], "", false],
      [{}, [[":status", "200"], ["content-length", "5"]], "abc", false],
      [{}, [[":status", "200"], ["content-length", "2"]], "abc", false],
      [{}, [[":status", "200"], ["content-length", "3"]], "abc", true],
    ] as [Record<string, string>, Fields, string, boolean][]
  ) {
    const side = new ClientSide();
    const { response } = side.send(entries);
    side.frames();
    side.feed(side.peer.headers(1, fields, frames === ""));
    if (frames !== "") side.feed(data(1, frames, true));
    assert.is(response.ended, good);
    assert.is(response.reset, good ? null : StreamResetReason.ProtocolError);
    // A head that says of itself that it is wrong is a malformed message; a body is found out later.
    const isHead = frames === "";
    assert.equal(side.frames(), good ? [] : [isHead ? "GOAWAY 0 ProtocolError" : "RST_STREAM 1 ProtocolError"]);
    assert.is(side.error === null, good || !isHead);
  }
});

test("resets of the server: why, and whether it did anything", () => {
  for (
    const [code, reason, details] of [
      [7, StreamResetReason.RemoteRefusedStreamReset, "http2.remote_refuse"],
      [8, StreamResetReason.RemoteReset, "http2.remote_reset"],
      [10, StreamResetReason.ConnectError, "http2.remote_reset"],
    ] as const
  ) {
    const side = new ClientSide();
    const { response } = side.send();
    side.feed(rstStreamFrame(1, code));
    assert.is(response.reset, reason);
    assert.is(response.resetDetails, details);
    assert.is(side.streamsClosed, 1);
    assert.ok(side.codec.reusable);
  }
});

test("a reset of this side tells the server, and what was under way is dropped", () => {
  const side = new ClientSide();
  const { stream, response } = side.send();
  side.frames();
  stream.resetStream(StreamResetReason.LocalReset);
  assert.equal(side.frames(), ["RST_STREAM 1 InternalError"]);
  assert.is(side.streamsClosed, 1);
  side.feed(side.peer.headers(1, OK, false) + data(1, "late", true) + rstStreamFrame(1, 8));
  assert.is(side.error, null);
  assert.is(response.headers, null);
});

test("GOAWAY: streams that the server did not look at may be tried elsewhere", () => {
  const side = new ClientSide();
  const sent = [side.send(), side.send(), side.send()];
  side.feed(goAwayFrame(1, 0));
  assert.is(side.goAways, 1);
  assert.equal(side.codec.reusable, false);
  assert.equal(sent.map(({ response }) => response.reset), [
    null,
    StreamResetReason.RemoteRefusedStreamReset,
    StreamResetReason.RemoteRefusedStreamReset,
  ]);
  side.feed(side.peer.headers(1, OK, true));
  assert.ok(sent[0]!.response.ended);
  assert.is(side.streamsClosed, 3);
});

test("the most streams at once: the server's word, within what is configured", () => {
  const side = new ClientSide({ maxConcurrentStreams: 100 });
  assert.is(side.maxStreams, 100);
  side.feed(settingsFrame([[3, 7]]));
  assert.is(side.maxStreams, 7);
  side.feed(settingsFrame([[3, 1000]]));
  assert.is(side.maxStreams, 100);
});

test("the end of the connection ends all streams", () => {
  const side = new ClientSide();
  const sent = [side.send(), side.send()];
  side.codec.onConnectionClosed(StreamResetReason.ConnectionTermination, "x");
  assert.equal(sent.map(({ response }) => response.reset), ["connection_termination", "connection_termination"]);
  assert.is(side.codec.activeStreams, 0);
  assert.is(side.stat("streams_active"), 0);
});

const FATAL: readonly (readonly [string, string])[] = [
  ["a stream that the server opens", frameHeader(1, FrameType.Headers, 5, 2) + "\x88"],
  ["a stream that was never opened", frameHeader(1, FrameType.Headers, 5, 9) + "\x88"],
  ["PUSH_PROMISE", frameHeader(5, FrameType.PushPromise, 4, 1) + uint32Text(2) + "\x88"],
  ["ENABLE_PUSH", settingsFrame([[2, 1]])],
  ["DATA before the head", data(1, "x")],
  ["a head without a status", frameHeader(0, FrameType.Headers, 5, 1)],
  ["a status that is none", frameHeader(6, FrameType.Headers, 5, 1) + "\x08\x04" + "2000"],
  ["a status above 599", frameHeader(5, FrameType.Headers, 5, 1) + "\x08\x03" + "600"],
  ["a 101", frameHeader(5, FrameType.Headers, 4, 1) + "\x08\x03" + "101"],
  ["a 103 that ends", frameHeader(5, FrameType.Headers, 5, 1) + "\x08\x03" + "103"],
  ["a request's pseudo-header", frameHeader(2, FrameType.Headers, 5, 1) + "\x88\x82"],
  ["connection", frameHeader(4, FrameType.Headers, 5, 1) + "\x88\x0f\x2a\x00"],
];

for (const [what, frame] of FATAL) {
  test(`${what} ends the connection and its streams`, () => {
    const side = new ClientSide();
    const { response } = side.send();
    const other = side.send();
    side.frames();
    side.feed(frame);
    assert.ok(side.error !== null, what);
    assert.equal(side.frames(), ["GOAWAY 0 ProtocolError"]);
    assert.is(response.reset, StreamResetReason.ProtocolError);
    assert.is(other.response.reset, StreamResetReason.ProtocolError);
    assert.is(side.codec.reusable, false);
    assert.is(side.codec.activeStreams, 0);
  });
}

test("PING goes out at intervals; without an answer the connection ends", () => {
  const keepalive = { intervalMs: 1000, timeoutMs: 300, jitterPercent: 0, idleIntervalMs: 0 };
  const side = new ClientSide({ keepalive });
  side.clock.advance(1000);
  assert.equal(side.frames(), ["PING 00000001"]);
  side.feed(frameHeader(8, FrameType.Ping, 1, 0) + "00000001");
  side.clock.advance(999);
  assert.equal(side.frames(), []);
  side.clock.advance(1);
  assert.equal(side.frames(), ["PING 00000002"]);
  side.clock.advance(299);
  assert.is(side.connection.closed, null);
  side.clock.advance(1);
  assert.is(side.connection.closed, CloseType.NoFlush);
  assert.is(side.stat("keepalive_timeout"), 1);
});

test("a stream after a long silence is preceded by a PING", () => {
  const keepalive = { intervalMs: 0, timeoutMs: 300, jitterPercent: 0, idleIntervalMs: 5000 };
  const side = new ClientSide({ keepalive });
  side.clock.advance(5000);
  side.send();
  assert.equal(side.frames().map((line) => line.split(" ")[0]), ["HEADERS"]);
  side.clock.advance(1);
  side.send();
  assert.equal(side.frames().map((line) => line.split(" ")[0]), ["PING", "HEADERS"]);
});

test.run();
