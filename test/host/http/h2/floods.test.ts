// test/host/http/h2/floods.test.ts: peers that send what only costs.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import {
  frameHeader,
  FrameType,
  pingFrame,
  rstStreamFrame,
  settingsFrame,
  uint32Text,
  windowUpdateFrame,
} from "../../../../host/http/h2/frame.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { CloseType } from "../../../../host/net/filter.ts";
import { ClientSide, GET, POST, ServerSide } from "./harness.ts";

const PRIORITY = frameHeader(5, FrameType.Priority, 0, 9) + uint32Text(0) + "\x10";

test("PING and SETTINGS whose answers nobody reads end the connection", () => {
  for (const [frame, answer] of [[pingFrame("12345678", false), 17], [settingsFrame([]), 9]] as const) {
    const side = new ServerSide();
    side.connection.queuedBytes = 1;
    for (let i = 0; i < 2000 && side.error === null; i++) {
      side.connection.queuedBytes += answer;
      side.feed(frame);
    }
    assert.ok(side.error !== null);
    assert.is(side.error.message, "http2.outbound_control_frames_flood");
    assert.is(side.stat("outbound_control_flood"), 1);
    assert.ok(side.connection.writes.length <= 1002);
  }
});

test("as many that are read do no harm", () => {
  const side = new ServerSide();
  for (let i = 0; i < 5000; i++) side.feed(pingFrame("12345678", false));
  assert.is(side.error, null);
  // A connection that always has something to send, as in a long download, is no flood either.
  side.connection.queuedBytes = 100;
  for (let i = 0; i < 5000; i++) side.feed(pingFrame("12345678", false));
  assert.is(side.error, null);
});

test("answers that pile up end the connection from outside of a dispatch too", async () => {
  const side = new ServerSide({ maxOutboundFrames: 50 });
  const stream = side.ask(1).encoder!;
  side.connection.queuedBytes = 1;
  for (let i = 0; i < 60; i++) {
    side.connection.queuedBytes += 100;
    stream.encode1xxHeaders(HeaderMap.of({ ":status": "103" }));
  }
  assert.is(side.connection.closed, null, "not in the middle of what the caller does");
  await Promise.resolve();
  assert.is(side.connection.closed, CloseType.NoFlush);
  assert.is(side.stat("outbound_flood"), 1);
});

test("frames without content end the connection", () => {
  const side = new ServerSide();
  side.ask(1, POST, false);
  const empty = frameHeader(0, FrameType.Data, 0, 1);
  side.feed(empty, frameHeader(1, FrameType.Data, 0, 1) + "x", empty);
  assert.is(side.error, null);
  side.feed(empty);
  assert.equal(side.frames(), ["GOAWAY 1 EnhanceYourCalm"]);
  assert.is(side.request.resetDetails, "http2.inbound_empty_frames_flood");
  assert.is(side.stat("inbound_empty_frames_flood"), 1);

  const padded = new ServerSide();
  padded.ask(1, POST, false);
  padded.feed((frameHeader(3, FrameType.Data, 8, 1) + "\x02\0\0").repeat(2));
  assert.ok(padded.error !== null, "padding is no content");

  const headers = new ServerSide();
  headers.feed(frameHeader(0, FrameType.Headers, 1, 1) + frameHeader(0, FrameType.Continuation, 0, 1).repeat(2));
  assert.ok(headers.error !== null);
  assert.is(headers.stat("inbound_empty_frames_flood"), 1);
});

test("a header block without end is given up at a limit", () => {
  const side = new ServerSide();
  side.feed(frameHeader(1, FrameType.Headers, 1, 1) + "\x82");
  const piece = frameHeader(10, FrameType.Continuation, 0, 1) + "\0\x03x-a\x03abcd";
  let sent = 0;
  for (; side.error === null && sent < 100_000; sent++) side.feed(piece);
  assert.equal(side.frames(), ["GOAWAY 0 EnhanceYourCalm"]);
  assert.ok(sent * 10 < 100 * 1024);
  assert.is(side.requests.length, 0);
});

test("a small block that stands for many bytes costs no memory", () => {
  const side = new ServerSide({ maxHeadersCount: 100_000 });
  // One entry of almost the whole table, then thousands of references to it.
  const entry = "\x40\x01x\x7f\xd0\x1e" + "v".repeat(4047);
  const block = "\x82\x86\x84\x41\x01a" + entry + "\xbe".repeat(12_000);
  side.feed(frameHeader(block.length, FrameType.Headers, 5, 1) + block);
  assert.equal(side.frames(), ["RST_STREAM 1 InternalError"]);
  assert.is(side.request.resetDetails, "http2.header_list_size_too_large");
  side.answering().ask(3);
  assert.equal(side.frames(), ["HEADERS 3 :status=200 END"]);
});

test("PRIORITY: a hundred for each stream, and a hundred", () => {
  const side = new ServerSide().answering();
  side.feed(PRIORITY.repeat(100));
  side.ask(1);
  side.feed(PRIORITY.repeat(100));
  assert.is(side.error, null);
  side.feed(PRIORITY);
  assert.ok(side.error !== null);
  assert.is(side.stat("inbound_priority_frames_flood"), 1);
});

test("WINDOW_UPDATE: by streams and DATA frames sent", () => {
  const side = new ServerSide().answering();
  side.feed(windowUpdateFrame(0, 1).repeat(5));
  side.ask(1);
  side.feed(windowUpdateFrame(0, 1).repeat(2));
  assert.is(side.error, null);
  side.feed(windowUpdateFrame(0, 1));
  assert.ok(side.error !== null);
  assert.is(side.stat("inbound_window_update_frames_flood"), 1);
});

test("a client that makes the server reset its streams again and again", () => {
  const side = new ServerSide();
  let id = 1;
  for (; side.error === null && id < 2000; id += 2) {
    side.feed(side.peer.headers(id, GET, true), windowUpdateFrame(id, 0x7fffffff));
    if (side.error === null && id % 10 === 1) side.feed(frameHeader(0, FrameType.Settings, 1, 0));
  }
  assert.ok(side.error !== null);
  assert.ok(id < 250);
  assert.is(side.frames().at(-1)?.split(" ")[2], "EnhanceYourCalm");
});

test("resets: a thousand at once, then 33 a second", () => {
  const side = new ServerSide();
  let id = 1;
  const reset = (count: number): void => {
    for (let i = 0; i < count; i++, id += 2) side.feed(side.peer.headers(id, GET, true) + rstStreamFrame(id, 8));
  };
  reset(1000);
  side.clock.advance(1000);
  reset(33);
  assert.is(side.error, null);
  reset(1);
  assert.is(side.frames().at(-1), "GOAWAY 2067 InternalError");
});

test("DATA of streams that are over, again and again", () => {
  const side = new ServerSide().answering();
  for (let id = 1; id < 20; id += 2) side.ask(id);
  for (let i = 0; side.error === null && i < 1000; i++) {
    side.feed(frameHeader(1, FrameType.Data, 0, (i % 10) * 2 + 1) + "x");
  }
  assert.is(side.error, null, "each is told once, then not listened to");
});

test("a response that is a flood of informational ones, or of headers", () => {
  const side = new ClientSide();
  const { response } = side.send();
  for (let i = 0; i < 150; i++) side.feed(side.peer.headers(1, [[":status", "103"]], false));
  assert.is(response.informational.length, 100);
  assert.is(response.reset, null);
  const many = new ClientSide();
  const sent = many.send();
  many.feed(
    many.peer.headers(1, [[":status", "200"], ...Array.from({ length: 100 }, () => ["x", "y"] as const)], true),
  );
  assert.is(sent.response.reset, StreamResetReason.LocalReset);
  assert.is(sent.response.resetDetails, "http2.too_many_headers");
});

test.run();
