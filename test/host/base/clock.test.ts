// test/host/base/clock.test.ts: timers that share lists, and fall due one by one all the same.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ClockSource, ManualClock, TimerClock } from "../../../host/base/clock.ts";

/** A clock and what it asked of its source. */
class Recorded implements ClockSource {
  now = 0;
  readonly timeouts: { readonly callback: () => void; readonly dueMs: number }[] = [];

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.now;
  }

  preciseWallMs(): number {
    return this.now;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    this.timeouts.push({ callback, dueMs: this.now + delayMs });
    return this.timeouts.length;
  }

  clearTimeout(): void {}
}

test("a timer that a callback arms does not keep those before it waiting", () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  const note = (name: string): () => void => () => fired.push(`${name} ${clock.nowMs()}`);
  const again = clock.createTimer(note("again"));
  clock.createTimer(() => {
    note("first")();
    again.enable(100);
  }).enable(100);
  clock.advance(30);
  clock.createTimer(note("second")).enable(100);
  clock.advance(200);
  assert.equal(fired, ["first 100", "second 130", "again 200"]);
});

test("one that is armed again falls due later, whether it was the last of its list or not", () => {
  const clock = new ManualClock();
  const fired: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => clock.createTimer(() => fired.push(`${name} ${clock.nowMs()}`)));
  for (const timer of [a!, b!, c!]) timer.enable(100);
  clock.advance(20);
  c!.enable(100);
  clock.advance(20);
  a!.enable(100);
  clock.advance(20);
  a!.enable(50);
  clock.advance(100);
  assert.equal(fired, ["b 100", "a 110", "c 120"]);
});

test("a list of timers has one timeout at a time", () => {
  const source = new Recorded();
  const clock = new TimerClock(source);
  const timers = [1, 2, 3].map(() => clock.createTimer(() => {}));
  const again = clock.createTimer(() => {});
  clock.createTimer(() => again.enable(10)).enable(10);
  for (const [index, timer] of timers.entries()) {
    source.now = index;
    timer.enable(10);
  }
  assert.is(source.timeouts.length, 1);
  source.now = 10;
  source.timeouts[0]!.callback();
  assert.equal(source.timeouts.slice(1).map(({ dueMs }) => dueMs), [11]);
});

test("a callback that throws does not keep the others from being called", () => {
  const clock = new ManualClock();
  let called = 0;
  clock.createTimer(() => {
    throw new Error("no");
  }).enable(10);
  clock.createTimer(() => called++).enable(10);
  assert.throws(() => clock.advance(10), "no");
  clock.advance(0);
  assert.is(called, 1);
  assert.is(clock.armedTimers, 0);
});

test.run();
