// test/host/http/conn_manager/high_memory_streams.test.ts: which streams are reset when memory runs short.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { resetHighMemoryStreams } from "../../../../host/http/conn_manager/high_memory_streams.ts";
import { HeaderMap } from "../../../../host/http/header_map.ts";
import { PREFACE, SETTINGS_ACK, settingsFrame } from "../../../../host/http/h2/frame.ts";
import { Downstream } from "./downstream.ts";
import { GET, Peer } from "../h2/harness.ts";
import { queue } from "../support.ts";

const MINIMUM = 11;

/** The sizes of the streams that are reset, in order. */
function reset(sizes: readonly number[], pressure: number): number[] {
  const shed: number[] = [];
  const streams = sizes.map((bufferedBytes) => ({ bufferedBytes, shed: () => void shed.push(bufferedBytes) }));
  assert.is(resetHighMemoryStreams(streams, pressure, MINIMUM), shed.length);
  return shed;
}

test("classes begin at half the minimum, and each is twice as wide as the one before", () => {
  assert.equal(reset([1023, 1024, 2047], 1), [1024, 2047]);
  assert.equal(reset([1024, 2048], 7 / 8 - 0.01), [2048]);
  assert.equal(reset([1024, 2048], 7 / 8), [2048, 1024]);
});

test("the highest class goes at any pressure, the others with it, the largest first", () => {
  const sizes = Array.from({ length: 10 }, (_, i) => 1024 * 2 ** i);
  assert.equal(reset(sizes, 0), [128, 256, 512].map((kib) => kib * 1024));
  assert.equal(reset([1024, 300_000, 70_000], 0.25), [300_000, 70_000]);
});

test("no more than 50 at once", () => {
  assert.is(reset(Array.from({ length: 60 }, () => 1024), 1).length, 50);
});

test("streams of a connection: what waits for the client, while the response is made and when it is", () => {
  const down = new Downstream();
  const peer = new Peer();
  down.feed(PREFACE + settingsFrame([[4, 0]]) + SETTINGS_ACK);
  for (const streamId of [1, 3, 5]) down.feed(peer.headers(streamId, GET, true));
  const [open, ended, small] = down.streams as [typeof down.last, typeof down.last, typeof down.last];
  for (const each of [open, ended, small]) {
    each.stream.encodeHeaders(HeaderMap.of({ ":status": "200" }), false);
  }
  open.stream.encodeData(queue("x".repeat(5000)), false);
  ended.stream.encodeData(queue("x".repeat(9000)), true);
  small.stream.encodeData(queue("x".repeat(10)), false);
  peer.read(down.take());
  assert.equal([...down.manager.accounts()].map((each) => each.bufferedBytes), [5000, 10, 9000]);
  assert.is(resetHighMemoryStreams(down.manager.accounts(), 1, MINIMUM), 2);
  assert.equal(peer.read(down.take()), ["RST_STREAM 3 InternalError", "RST_STREAM 1 InternalError"]);
  assert.equal(down.logged.map(({ details, flags }) => [details, flags]), [["", ""], ["overload", "OM"]]);
  assert.is(down.stat("rq_rx_reset"), 1);
  assert.is(down.manager.activeStreams, 1);
});

test("of HTTP/1 none is asked", () => {
  const down = new Downstream();
  down.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
  assert.equal([...down.manager.accounts()], []);
});

test.run();
