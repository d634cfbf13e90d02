// test/host/net/overload.test.ts: timers that overload cuts short, and connections that wait.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { OverloadSignal, SATURATED } from "../../../host/net/overload.ts";
import { ScaledTimers } from "../../../host/net/scaled_timers.ts";
import type { Socket } from "../../../host/net/socket.ts";
import { WaitingSockets } from "../../../host/net/waiting_sockets.ts";

function setup() {
  const cells = new Int32Array(1);
  const clock = new ManualClock();
  const signal = new OverloadSignal(cells, 0, new SeededRandom(1), null);
  return { clock, signal, load: (value: number) => void (cells[0] = value * SATURATED) };
}

/** When a timer of a minute fires that is armed at a load, which changes after so many seconds. */
function firesAfterMs(minimum: { ms: number } | { fraction: number }, load: number, changes: Record<number, number>) {
  const run = setup();
  run.load(load);
  const timers = new ScaledTimers(run.clock, run.signal, minimum, 100);
  let firedMs = -1;
  const timer = timers.createTimer(() => firedMs = run.clock.nowMs());
  timer.enable(60_000);
  assert.ok(timer.enabled);
  for (let second = 0; second < 61; second++) {
    const change = changes[second];
    if (change !== undefined) run.load(change);
    run.clock.advance(1000);
  }
  assert.is(run.clock.armedTimers, 0);
  return firedMs;
}

test("a timer takes its time where nothing happens, and the least there is under full load", () => {
  assert.is(firesAfterMs({ ms: 2000 }, 0, {}), 60_000);
  assert.is(firesAfterMs({ ms: 2000 }, 1, {}), 2000);
  assert.is(firesAfterMs({ fraction: 0.1 }, 1, {}), 6000);
  assert.is(firesAfterMs({ fraction: 0.1 }, 0.5, {}), 33_000);
});

test("one that is armed follows what comes", () => {
  assert.is(firesAfterMs({ ms: 2000 }, 0, { 10: 1 }), 10_100);
  assert.is(firesAfterMs({ ms: 20_000 }, 0, { 10: 1 }), 20_000);
  assert.is(firesAfterMs({ ms: 2000 }, 0.5, { 10: 0 }), 60_000);
});

test("a minimum above the time itself changes nothing", () => {
  assert.is(firesAfterMs({ ms: 90_000 }, 1, {}), 60_000);
});

test("a timer that is disabled does not fire, and nobody looks after it", () => {
  const { clock, signal } = setup();
  const timers = new ScaledTimers(clock, signal, { ms: 1 }, 100);
  let fired = 0;
  const timer = timers.createTimer(() => fired++);
  timer.enable(1000);
  timer.disable();
  assert.is(clock.armedTimers, 0);
  clock.advance(2000);
  assert.is(fired, 0);
});

class FakeSocket {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

test("connections wait while no more are taken on, up to a number, in their order", () => {
  const { clock, signal, load } = setup();
  const asked = { address: "127.0.0.1", port: 1, text: "127.0.0.1:1" };
  const taken: unknown[] = [];
  const waiting = new WaitingSockets({
    signal,
    clock,
    intervalMs: 100,
    limit: 2,
    onSocket: (each) => taken.push(each),
  });
  const sockets = [1, 2, 3].map(() => new FakeSocket());
  const take = (socket: FakeSocket) => waiting.take(socket as unknown as Socket, asked);
  assert.not(take(sockets[0]!));
  load(1);
  assert.equal(sockets.map(take), [true, true, true]);
  assert.equal(sockets.map((each) => each.destroyed), [false, false, true]);
  clock.advance(500);
  assert.equal(taken, []);
  load(0);
  clock.advance(100);
  assert.is(taken[0], sockets[0]);
  assert.is(taken[1], sockets[1]);
  assert.is(clock.armedTimers, 0);
  load(1);
  const last = new FakeSocket();
  take(last);
  waiting.close();
  assert.ok(last.destroyed);
  assert.is(clock.armedTimers, 0);
});

test.run();
