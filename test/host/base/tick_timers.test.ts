// test/host/base/tick_timers.test.ts: timers that fall due together.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";

/** A clock that notes when what fell due. */
function setUp(): { clock: ManualClock; fired: string[]; note(name: string): () => void } {
  const clock = new ManualClock();
  const fired: string[] = [];
  return { clock, fired, note: (name) => () => void fired.push(`${name} ${clock.nowMs()}`) };
}

test("what is due within a tick is due at once, by one timer below", () => {
  const { clock, fired, note } = setUp();
  clock.advance(1);
  clock.createTickTimer(note("a")).enable(1000);
  clock.advance(2);
  clock.createTickTimer(note("b")).enable(1000);
  clock.advance(5);
  clock.createTickTimer(note("c")).enable(1000);
  clock.advance(5);
  clock.createTickTimer(note("d")).enable(1000);
  assert.is(clock.armedTimers, 2);
  clock.advance(2000);
  assert.equal(fired, ["a 1000", "b 1000", "c 1000", "d 1020"]);
  assert.is(clock.armedTimers, 0);
});

test("a short delay is kept to one percent of it", () => {
  const { clock, fired, note } = setUp();
  clock.advance(1003);
  clock.createTickTimer(note("at once")).enable(0);
  clock.createTickTimer(note("50 ms")).enable(50);
  clock.createTickTimer(note("200 ms")).enable(200);
  clock.createTickTimer(note("500 ms")).enable(500);
  clock.advance(1000);
  assert.equal(fired, ["at once 1003", "50 ms 1053", "200 ms 1204", "500 ms 1500"]);
});

test("a timer that was disabled does not fire, and one that was armed anew fires once", () => {
  const { clock, fired, note } = setUp();
  const off = clock.createTickTimer(note("off"));
  const again = clock.createTickTimer(note("again"));
  off.enable(100);
  again.enable(100);
  assert.ok(off.enabled);
  off.disable();
  assert.not(off.enabled);
  again.enable(200);
  assert.is(clock.armedTimers, 1);
  clock.advance(300);
  assert.equal(fired, ["again 200"]);
  assert.not(again.enabled);
});

test("a callback can take another of its tick out, and arm itself anew", () => {
  const { clock, fired, note } = setUp();
  const other = clock.createTickTimer(note("other"));
  const self = clock.createTickTimer(() => {
    note("self")();
    other.disable();
    if (fired.length < 3) self.enable(100);
  });
  self.enable(100);
  other.enable(100);
  clock.advance(1000);
  assert.equal(fired, ["self 100", "self 200", "self 300"]);
});

test("a callback that throws does not take those of its tick with it", () => {
  const { clock, fired, note } = setUp();
  clock.createTickTimer(() => {
    throw new Error("callback");
  }).enable(100);
  clock.createTickTimer(note("next")).enable(100);
  assert.throws(() => clock.advance(100), "callback");
  clock.advance(1);
  assert.equal(fired, ["next 100"]);
});

test.run();
