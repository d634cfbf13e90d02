// test/host/http/h2/flow_control.test.ts: windows of both directions, turns, and watermarks.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { StreamResetReason } from "../../../../host/http/codec.ts";
import {
  frameHeader,
  FrameType,
  rstStreamFrame,
  settingsFrame,
  windowUpdateFrame,
} from "../../../../host/http/h2/frame.ts";
import type { Http2Stream } from "../../../../host/http/h2/stream.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { POST, ServerSide } from "./harness.ts";

function bytes(length: number): ByteQueue {
  const queue = new ByteQueue();
  queue.push(new Uint8Array(length).fill(120));
  return queue;
}

function respond(side: ServerSide, streamId: number, length: number, end = true): Http2Stream {
  const stream = side.ask(streamId).encoder as Http2Stream;
  stream.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
  stream.encodeData(bytes(length), end);
  return stream;
}

const data = (streamId: number, length: number, end = false): string =>
  frameHeader(length, FrameType.Data, end ? 1 : 0, streamId) + "x".repeat(length);

test("a body goes out in frames of 16 KiB as far as the windows allow", () => {
  const side = new ServerSide();
  respond(side, 1, 70_000);
  assert.equal(side.frames(), [
    "HEADERS 1 :status=200",
    "DATA 1 (16384 bytes)",
    "DATA 1 (16384 bytes)",
    "DATA 1 (16384 bytes)",
    "DATA 1 (16383 bytes)",
  ]);
  assert.is(side.codec.wantsToWrite, true);
  assert.is(side.stat("pending_send_bytes"), 4465);
  side.feed(windowUpdateFrame(1, 4000));
  assert.equal(side.frames(), [], "the connection's window is used up");
  side.feed(windowUpdateFrame(0, 100));
  assert.equal(side.frames(), ["DATA 1 (100 bytes)"]);
  side.feed(windowUpdateFrame(0, 65_000));
  assert.equal(side.frames(), ["DATA 1 (3900 bytes)"]);
  side.feed(windowUpdateFrame(1, 465));
  assert.equal(side.frames(), ["DATA 1 (465 bytes) END"]);
  assert.is(side.codec.wantsToWrite, false);
  assert.is(side.stat("pending_send_bytes"), 0);
  assert.is(side.stat("streams_active"), 0);
});

test("streams that wait take turns, frame by frame", () => {
  const side = new ServerSide();
  respond(side, 1, 65_535);
  respond(side, 3, 40_000);
  respond(side, 5, 20_000);
  side.frames();
  side.feed(windowUpdateFrame(0, 60_000));
  assert.equal(side.frames(), [
    "DATA 3 (16384 bytes)",
    "DATA 5 (16384 bytes)",
    "DATA 3 (16384 bytes)",
    "DATA 5 (3616 bytes) END",
    "DATA 3 (7232 bytes) END",
  ]);
});

test("a stream without a window of its own does not hold up the others", () => {
  const side = new ServerSide();
  side.feed(windowUpdateFrame(0, 1_000_000));
  respond(side, 1, 70_000);
  side.frames();
  respond(side, 3, 10);
  assert.equal(side.frames(), ["HEADERS 3 :status=200", "DATA 3 xxxxxxxxxx END"]);
});

test("trailers wait for the body", () => {
  const side = new ServerSide();
  const stream = respond(side, 1, 70_000, false);
  stream.encodeTrailers(HeaderMap.of({ "grpc-status": "0" }));
  side.frames();
  side.feed(windowUpdateFrame(1, 10_000), windowUpdateFrame(0, 10_000));
  assert.equal(side.frames(), ["DATA 1 (4465 bytes)", "HEADERS 1 grpc-status=0 END"]);
});

test("settings change the windows of streams that are open, below zero too", () => {
  const side = new ServerSide();
  side.feed(settingsFrame([[4, 10]]));
  side.frames();
  respond(side, 1, 30, false);
  assert.equal(side.frames(), ["HEADERS 1 :status=200", "DATA 1 xxxxxxxxxx"]);
  side.feed(settingsFrame([[4, 0]]), windowUpdateFrame(1, 10));
  assert.equal(side.frames(), ["SETTINGS ACK"]);
  side.feed(settingsFrame([[4, 15]]));
  assert.equal(side.frames(), ["SETTINGS ACK", "DATA 1 xxxxxxxxxxxxxxx"]);
  side.feed(settingsFrame([[4, 0x7fffffff]]));
  assert.equal(side.frames(), ["SETTINGS ACK", "DATA 1 xxxxx"]);
  side.feed(windowUpdateFrame(1, 100), settingsFrame([[4, 0]]), settingsFrame([[4, 0x7fffffff]]));
  assert.equal(side.frames(), ["RST_STREAM 1 FlowControlError", "SETTINGS ACK", "SETTINGS ACK"]);
});

test("who sends is told when too much waits, and when it does not any more", () => {
  const side = new ServerSide({ bufferLimitBytes: 20_000 });
  const stream = respond(side, 1, 65_535 + 15_000, false);
  const request = side.request;
  assert.equal([request.highs, request.lows], [0, 0]);
  stream.encodeData(bytes(10_000), false);
  assert.equal([request.highs, request.lows], [1, 0]);
  stream.encodeData(bytes(10_000), false);
  assert.is(request.highs, 1);
  side.feed(windowUpdateFrame(0, 100_000), windowUpdateFrame(1, 20_000));
  assert.equal([request.highs, request.lows], [1, 0]);
  side.feed(windowUpdateFrame(1, 10_000));
  assert.equal([request.highs, request.lows], [1, 1]);
});

test("with much waiting in all streams together each may keep little only", () => {
  const side = new ServerSide({ bufferLimitBytes: 50_000 });
  respond(side, 1, 65_535 + 45_000, false);
  assert.is(side.request.highs, 0);
  respond(side, 3, 17_000, false);
  assert.is(side.request.highs, 1);
  respond(side, 5, 8000, false);
  assert.is(side.request.highs, 0);
});

test("a connection that is full stops all streams, also those that begin meanwhile", () => {
  const side = new ServerSide();
  const stream = respond(side, 1, 10, false);
  side.frames();
  side.codec.onUnderlyingConnectionAboveWriteBufferHighWatermark();
  stream.encodeData(bytes(10), false);
  assert.equal(side.frames(), []);
  const [first] = side.requests;
  respond(side, 3, 5);
  const second = side.request;
  assert.equal([first!.highs, second.highs], [1, 1]);
  assert.equal(side.frames(), ["HEADERS 3 :status=200"]);
  side.codec.onUnderlyingConnectionBelowWriteBufferLowWatermark();
  assert.equal(side.frames(), ["DATA 1 xxxxxxxxxx", "DATA 3 xxxxx END"]);
  assert.equal([first!.lows, second.lows], [1, 0], "one that is over is told nothing");
});

test("bytes of a stream that is reset are forgotten", () => {
  const side = new ServerSide();
  respond(side, 1, 100_000);
  side.frames();
  side.feed(rstStreamFrame(1, 8));
  assert.is(side.stat("pending_send_bytes"), 0);
  assert.is(side.codec.wantsToWrite, false);
  side.feed(windowUpdateFrame(0, 100_000));
  respond(side, 3, 1);
  assert.equal(side.frames(), ["HEADERS 3 :status=200", "DATA 3 x END"]);
});

test("an end that the client makes no room for is given up after a while", () => {
  const side = new ServerSide({ flushTimeoutMs: 1000 });
  respond(side, 1, 100_000);
  side.frames();
  side.clock.advance(900);
  side.feed(windowUpdateFrame(0, 10), windowUpdateFrame(1, 10));
  assert.equal(side.frames(), ["DATA 1 xxxxxxxxxx"]);
  side.clock.advance(900);
  assert.equal(side.frames(), [], "it made some room");
  side.clock.advance(100);
  assert.equal(side.frames(), ["RST_STREAM 1 InternalError"]);
  assert.is(side.stat("tx_flush_timeout"), 1);
  assert.is(side.stat("pending_send_bytes"), 0);
});

test("the client may send again what was dealt with, after half a window", () => {
  const side = new ServerSide({ initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 100_000 });
  side.ask(1, POST, false);
  side.feed(data(1, 16_384), data(1, 16_383));
  assert.equal(side.frames(), []);
  side.feed(data(1, 1));
  assert.equal(side.frames(), ["WINDOW_UPDATE 1 32768"]);
  side.feed(data(1, 16_384), data(1, 848));
  assert.equal(side.frames(), ["WINDOW_UPDATE 0 50000"]);
});

test("what nobody wants to read now is not given back before it is", () => {
  const side = new ServerSide({ initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 100_000 });
  const request = side.ask(1, POST, false);
  request.encoder!.readDisable(true);
  request.encoder!.readDisable(true);
  side.feed(data(1, 16_384), data(1, 16_384), data(1, 16_384), data(1, 1000));
  assert.is(request.body.length, 50_152);
  request.encoder!.readDisable(false);
  assert.equal(side.frames(), []);
  request.encoder!.readDisable(false);
  assert.equal(side.frames(), ["WINDOW_UPDATE 0 50152", "WINDOW_UPDATE 1 50152"]);
});

test("of a stream that is over the connection gets its bytes back", () => {
  const side = new ServerSide({ initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 100_000 });
  const request = side.ask(1, POST, false);
  request.encoder!.readDisable(true);
  side.feed(data(1, 16_384), data(1, 16_384), data(1, 16_384));
  request.encoder!.resetStream(StreamResetReason.LocalReset);
  side.feed(data(1, 1000));
  assert.equal(side.frames(), ["RST_STREAM 1 InternalError", "WINDOW_UPDATE 0 50152"]);
});

test("padding counts, and is given back at once", () => {
  const side = new ServerSide({ initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 65_535 });
  const request = side.ask(1, POST, false);
  request.encoder!.readDisable(true);
  const frame = frameHeader(256, FrameType.Data, 8, 1) + "\xff" + "\0".repeat(255);
  for (let i = 0; i < 128; i++) side.feed(frame, data(1, 1));
  assert.equal(side.frames(), ["WINDOW_UPDATE 0 32768", "WINDOW_UPDATE 1 32768"]);
});

test("more than a window ends the connection", () => {
  const stream = new ServerSide({ initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 200_000 });
  stream.ask(1, POST, false).encoder!.readDisable(true);
  stream.feed(...Array.from({ length: 5 }, () => data(1, 16_384)));
  assert.equal(stream.frames(), ["GOAWAY 1 FlowControlError"]);
  const connection = new ServerSide({ initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 65_535 });
  for (const id of [1, 3]) connection.ask(id, POST, false).encoder!.readDisable(true);
  connection.feed(...Array.from({ length: 3 }, () => data(1, 16_384) + data(3, 16_384)));
  assert.equal(connection.frames(), ["GOAWAY 3 FlowControlError"]);
});

test.run();
