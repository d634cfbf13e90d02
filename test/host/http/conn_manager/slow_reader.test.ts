// test/host/http/conn_manager/slow_reader.test.ts: one peer that does not read holds nobody up but itself.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ByteQueue } from "../../../../host/base/byte_queue.ts";
import { frameHeader, FrameType, windowUpdateFrame } from "../../../../host/http/h2/frame.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { Downstream } from "./downstream.ts";
import { ClientSide, ServerSide } from "../h2/harness.ts";
import { queue } from "../support.ts";

const WINDOW = 65_535;

/** Bytes of DATA by stream, of frames as the peer shows them. */
function dataBytes(frames: readonly string[]): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const frame of frames) {
    const match = /^DATA (\d+) (?:\((\d+) bytes\)|([^]*?))( END)?$/.exec(frame);
    if (match === null) continue;
    const length = match[2] === undefined ? match[3]!.length : Number(match[2]);
    bytes.set(match[1]!, (bytes.get(match[1]!) ?? 0) + length);
  }
  return bytes;
}

function body(length: number): ByteQueue {
  return queue("x".repeat(length));
}

test("HTTP/1: what a client does not read waits on its own connection", () => {
  const slow = new Downstream(), quick = new Downstream();
  const head = HeaderMap.of({ ":status": "200", "content-length": "100" });
  for (const down of [slow, quick]) {
    down.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    down.last.stream.encodeHeaders(head.clone(), false);
  }
  slow.manager.onAboveWriteBufferHighWatermark();
  assert.equal(slow.last.marks, ["high"], "its upstream is told to wait");
  assert.equal(quick.last.marks, []);
  for (let i = 0; i < 20; i++) {
    quick.last.stream.encodeData(body(100), true);
    assert.match(quick.take(), /x{100}$/);
    quick.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    quick.last.stream.encodeHeaders(head.clone(), false);
  }
  slow.manager.onBelowWriteBufferLowWatermark();
  assert.equal(slow.last.marks, ["high", "low"]);
  slow.last.stream.encodeData(body(100), true);
  assert.match(slow.take(), /x{100}$/);
});

test("HTTP/2: a stream without a window waits, the others of its connection go on", () => {
  const side = new ServerSide({ bufferLimitBytes: 100_000 });
  const slow = side.ask(1).encoder!;
  // The connection has room for a long time; stream 1 gets none beyond its first window.
  side.feed(windowUpdateFrame(0, 16 * 1024 * 1024));
  slow.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
  slow.encodeData(body(1024 * 1024), false);
  assert.equal([...dataBytes(side.frames())], [["1", WINDOW]]);
  const slowRequest = side.request;
  assert.is(slowRequest.highs, 1, "who sends the slow response is told to wait");
  for (let streamId = 3; streamId < 103; streamId += 2) {
    const quick = side.ask(streamId).encoder!;
    quick.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
    quick.encodeData(body(60_000), true);
    const frames = side.frames();
    assert.equal([...dataBytes(frames)], [[String(streamId), 60_000]]);
    assert.match(frames.at(-1)!, / END$/);
    assert.is(side.request.highs, 0);
  }
  side.feed(windowUpdateFrame(1, 1024 * 1024));
  assert.equal([...dataBytes(side.frames())], [["1", 1024 * 1024 - WINDOW]]);
  assert.is(slowRequest.lows, 1);
});

test("HTTP/2: a response that is not read holds up no other one of its upstream connection", () => {
  const options = { initialStreamWindowBytes: WINDOW, initialConnectionWindowBytes: 4 * WINDOW };
  const side = new ClientSide(options);
  const slow = side.send(), quick = side.send();
  side.feed(side.peer.headers(1, [[":status", "200"]], false) + side.peer.headers(3, [[":status", "200"]], false));
  slow.stream.readDisable(true);
  side.frames();
  const chunk = "x".repeat(16_000);
  const data = (streamId: number): string => frameHeader(chunk.length, FrameType.Data, 0, streamId) + chunk;
  // All that stream 1 may send without a window update.
  side.feed(data(1), data(1), data(1), data(1));
  assert.equal(side.frames().filter((frame) => frame.startsWith("WINDOW_UPDATE 1 ")), []);
  // Stream 3 brings many times the window of the connection: it is given back as it is taken.
  let streamWindow = WINDOW, connectionWindow = 4 * WINDOW - 64_000;
  let received = 0;
  for (let i = 0; i < 100; i++) {
    assert.ok(streamWindow >= chunk.length && connectionWindow >= chunk.length, `stuck after ${received} bytes`);
    side.feed(data(3));
    received += chunk.length;
    streamWindow -= chunk.length;
    connectionWindow -= chunk.length;
    for (const frame of side.frames()) {
      const match = /^WINDOW_UPDATE (\d+) (\d+)$/.exec(frame);
      if (match?.[1] === "3") streamWindow += Number(match[2]);
      if (match?.[1] === "0") connectionWindow += Number(match[2]);
    }
  }
  assert.is(quick.response.body.length, received);
  assert.is(side.error, null);
  slow.stream.readDisable(false);
  assert.ok(side.frames().some((frame) => frame.startsWith("WINDOW_UPDATE 1 ")));
});

test.run();
