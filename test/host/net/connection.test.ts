// test/host/net/connection.test.ts: a connection over a real socket: bytes, closes, back-pressure.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { CloseType, PeerType } from "../../../host/net/filter.ts";
import { systemClock } from "../../../host/platform/system_clock.ts";
import { bytesOf, pair, Recorder } from "./support.ts";

test("bytes go both ways, text as latin1", async () => {
  const p = await pair();
  p.client.write(bytesOf("hello"));
  p.server.writeLatin1("h\xe9llo");
  await Promise.all([
    p.serverEvents.until(() => p.serverEvents.bytes === 5),
    p.clientEvents.until(() => p.clientEvents.bytes === 5),
  ]);
  assert.is(p.serverEvents.text, "hello");
  assert.equal([...p.clientEvents.chunks[0]!], [0x68, 0xe9, 0x6c, 0x6c, 0x6f]);
  assert.is(p.server.info.remoteAddress.text, p.client.info.localAddress.text);
  assert.is(p.client.info.remoteAddress.text, p.listener.address().text);
  assert.is.not(p.client.info.id, p.server.info.id);
  p.close();
});

test("what is written while an event is handled goes out as one", async () => {
  const p = await pair();
  const parts: number[] = [];
  p.client.setHandler(Object.assign(new Recorder(), {
    onData(bytes: Uint8Array) {
      parts.push(bytes.length);
      p.clientEvents.onData(bytes);
    },
  }));
  p.server.setHandler(Object.assign(new Recorder(), {
    onData() {
      p.server.writeLatin1("head ");
      p.server.write(bytesOf("body "));
      p.server.writeLatin1("tail");
    },
  }));
  p.client.write(bytesOf("?"));
  await p.clientEvents.until(() => p.clientEvents.bytes === 14);
  assert.is(p.clientEvents.text, "head body tail");
  assert.equal(parts, [14]);
  p.close();
});

test("cork() gathers outside of events too, and nests", async () => {
  const p = await pair();
  p.client.cork();
  p.client.cork();
  p.client.writeLatin1("a");
  p.client.uncork();
  p.client.writeLatin1("b");
  assert.is(p.client.queuedBytes, 2);
  p.client.uncork();
  await p.serverEvents.until(() => p.serverEvents.bytes === 2);
  assert.equal(p.serverEvents.chunks.length, 1);
  assert.is(p.client.queuedBytes, 0);
  p.close();
});

test("a FIN closes a connection that has no half-close", async () => {
  const p = await pair();
  p.client.enableHalfClose(true);
  p.client.end();
  await Promise.all([p.serverEvents.closed(), p.clientEvents.closed()]);
  assert.equal(p.serverEvents.closes, [{ by: PeerType.Remote, details: "" }]);
  assert.is(p.serverEvents.ended, false);
  assert.is(p.server.closed, true);
  assert.is(p.clientEvents.closes[0]!.by, PeerType.Remote);
  p.close();
});

for (const first of ["client", "server"] as const) {
  test(`half-close, ${first} first: the other side goes on writing`, async () => {
    const p = await pair();
    const [a, b, aEvents, bEvents] = first === "client"
      ? [p.client, p.server, p.clientEvents, p.serverEvents]
      : [p.server, p.client, p.serverEvents, p.clientEvents];
    a.enableHalfClose(true);
    b.enableHalfClose(true);
    a.write(bytesOf("last words"));
    a.end();
    await bEvents.until(() => bEvents.ended);
    assert.is(bEvents.text, "last words");
    b.write(bytesOf("an answer"));
    await aEvents.until(() => aEvents.bytes === 9);
    assert.is(aEvents.ended, false);
    b.end();
    await Promise.all([aEvents.closed(), bEvents.closed()]);
    assert.is(aEvents.ended, true);
    assert.is(aEvents.closes.length, 1);
    assert.is(aEvents.closes[0]!.by, PeerType.Remote);
    assert.is(bEvents.closes[0]!.by, PeerType.Local);
    p.close();
  });
}

test("close(FlushWrite) sends what is queued, then ends", async () => {
  const p = await pair();
  const big = new Uint8Array(8 * 1024 * 1024).fill(7);
  p.clientEvents.onData = function (bytes) {
    this.bytes += bytes.length;
  };
  p.server.write(big);
  assert.ok(p.server.queuedBytes > 0);
  p.server.close(CloseType.FlushWrite, "done");
  assert.is(p.server.closed, true);
  assert.is(p.serverEvents.closes.length, 0);
  await Promise.all([p.clientEvents.closed(), p.serverEvents.closed()]);
  assert.is(p.clientEvents.bytes, big.length);
  assert.equal(p.serverEvents.closes, [{ by: PeerType.Local, details: "done" }]);
  assert.is(p.server.info.localCloseReason, "done");
  p.close();
});

test("close(FlushWrite) with nothing queued is over when it returns", async () => {
  const p = await pair();
  p.server.write(bytesOf("bye"));
  await p.clientEvents.until(() => p.clientEvents.bytes === 3);
  p.server.close(CloseType.FlushWrite);
  assert.equal(p.serverEvents.closes, [{ by: PeerType.Local, details: "" }]);
  await p.clientEvents.closed();
  assert.is(p.clientEvents.text, "bye");
  p.close();
});

test("close(FlushWriteAndDelay) waits for the peer, for the delayed close timeout at most", async () => {
  const clock = new ManualClock();
  const p = await pair({ listener: { clock } });
  p.client.enableHalfClose(true);
  p.server.write(bytesOf("answer"));
  p.server.close(CloseType.FlushWriteAndDelay, "response sent");
  await p.clientEvents.until(() => p.clientEvents.ended);
  // The peer goes on sending: nobody hears it, and it is not reset, so the answer is not lost to it.
  p.client.write(new Uint8Array(100_000));
  assert.is(p.clientEvents.text, "answer");
  assert.is(p.serverEvents.closes.length, 0);
  clock.advance(999);
  assert.is(p.serverEvents.closes.length, 0);
  clock.advance(1);
  assert.equal(p.serverEvents.closes, [{ by: PeerType.Local, details: "response sent" }]);
  assert.is(p.serverEvents.bytes, 0);
  assert.is(clock.armedTimers, 0);
  p.close();
});

test("close(FlushWriteAndDelay) is over as soon as the peer closes", async () => {
  const clock = new ManualClock();
  const p = await pair({ listener: { clock } });
  p.server.write(bytesOf("answer"));
  p.server.close(CloseType.FlushWriteAndDelay);
  await Promise.all([p.serverEvents.closed(), p.clientEvents.closed()]);
  assert.is(clock.armedTimers, 0);
  p.close();
});

test("a flush that makes no progress ends with the delayed close timeout", async () => {
  const clock = new ManualClock();
  const p = await pair({ listener: { clock } });
  p.client.readDisable(true);
  p.server.write(new Uint8Array(32 * 1024 * 1024));
  p.server.close(CloseType.FlushWrite);
  assert.is(p.serverEvents.closes.length, 0);
  clock.advance(1000);
  assert.is(p.serverEvents.closes.length, 1);
  p.client.readDisable(false);
  await p.clientEvents.closed();
  p.close();
});

test("close(AbortReset) resets; the peer sees it as one", async () => {
  const p = await pair();
  p.server.close(CloseType.AbortReset, "abort");
  assert.equal(p.serverEvents.closes, [{ by: PeerType.Local, details: "abort" }]);
  await p.clientEvents.closed();
  assert.equal(p.clientEvents.closes, [{ by: PeerType.Remote, details: "Connection reset by peer" }]);
  assert.is(p.client.wasReset, true);
  p.close();
});

test("calls after the close do nothing", async () => {
  const p = await pair();
  p.server.close(CloseType.NoFlush);
  p.server.write(bytesOf("late"));
  p.server.writeLatin1("late");
  p.server.cork();
  p.server.write(bytesOf("late"));
  p.server.uncork();
  p.server.readDisable(true);
  p.server.readDisable(false);
  p.server.end();
  p.server.close(CloseType.AbortReset);
  p.server.setBufferLimitBytes(1);
  assert.is(p.server.queuedBytes, 0);
  assert.is(p.serverEvents.closes.length, 1);
  await p.clientEvents.closed();
  p.client.write(bytesOf("to nobody"));
  assert.is(p.clientEvents.closes.length, 1);
  p.close();
});

test("readDisable nests and stops reading at once", async () => {
  const p = await pair();
  p.server.readDisable(true);
  p.server.readDisable(true);
  p.client.write(bytesOf("x"));
  // The other direction proves that time has passed.
  p.server.write(bytesOf("y"));
  await p.clientEvents.until(() => p.clientEvents.bytes === 1);
  p.server.readDisable(false);
  p.server.write(bytesOf("z"));
  await p.clientEvents.until(() => p.clientEvents.bytes === 2);
  assert.is(p.serverEvents.bytes, 0);
  p.server.readDisable(false);
  await p.serverEvents.until(() => p.serverEvents.bytes === 1);
  p.close();
});

test("watermarks: one low for each high", async () => {
  const p = await pair();
  p.client.readDisable(true);
  p.server.setBufferLimitBytes(100_000);
  const chunk = new Uint8Array(64 * 1024);
  let written = 0;
  while (p.serverEvents.above === 0) {
    p.server.write(chunk);
    written += chunk.length;
  }
  assert.ok(p.server.queuedBytes > 100_000);
  p.server.write(chunk);
  written += chunk.length;
  assert.is(p.serverEvents.above, 1);
  assert.is(p.serverEvents.below, 0);
  p.client.readDisable(false);
  await p.serverEvents.until(() => p.serverEvents.below === 1);
  assert.ok(p.server.queuedBytes <= 50_000);
  await p.clientEvents.until(() => p.clientEvents.bytes === written);
  assert.is(p.serverEvents.above, 1);
  p.close();
});

test("an error of a handler resets its connection and is reported", async () => {
  const bugs: unknown[] = [];
  const p = await pair({ listener: { onBug: (error) => bugs.push(error) } });
  p.server.setHandler(Object.assign(p.serverEvents, {
    onData() {
      throw new Error("oops");
    },
  }));
  p.client.write(bytesOf("x"));
  await p.clientEvents.closed();
  assert.is((bugs[0] as Error).message, "oops");
  assert.is(p.serverEvents.closes.length, 1);
  assert.is(p.client.wasReset, true);
  // The next connection is served.
  const q = await pair();
  q.client.write(bytesOf("fine"));
  await q.serverEvents.until(() => q.serverEvents.bytes === 4);
  q.close();
  p.close();
});

test("a reset right after end() closes the socket all the same", async () => {
  const p = await pair();
  p.client.enableHalfClose(true);
  p.server.enableHalfClose(true);
  // The process ends only if no socket is left; the runner waits for that.
  p.client.end();
  p.client.close(CloseType.AbortReset);
  assert.is(p.clientEvents.closes.length, 1);
  await p.serverEvents.until(() => p.serverEvents.ended || p.serverEvents.closes.length > 0);
  p.close();
});

test("connections leave no timer behind", async () => {
  const before = systemClock.armedTimers;
  const p = await pair();
  p.server.close(CloseType.FlushWriteAndDelay);
  await Promise.all([p.clientEvents.closed(), p.serverEvents.closed()]);
  p.close();
  assert.is(systemClock.armedTimers, before);
});

test.run();
