// test/host/net/dispatch.test.ts: when writes that wait go out.
import { setImmediate } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { enterDispatch, type Flushable, flushLater, leaveDispatch } from "../../../host/net/dispatch.ts";

const flushed: string[] = [];

function target(name: string, pendingBytes: number, onFlush: () => void = () => {}): Flushable {
  return {
    pendingBytes,
    flush() {
      flushed.push(name);
      onFlush();
    },
  };
}

/** One event in which all of them are written to. */
function event(...targets: readonly Flushable[]): void {
  enterDispatch();
  try {
    for (const each of targets) flushLater(each);
  } finally {
    leaveDispatch();
  }
}

test.before.each(() => void (flushed.length = 0));

test("small writes of all events of a turn go out together, in order, after the last", async () => {
  event(target("a", 100));
  event(target("b", 4096), target("c", 1));
  assert.equal(flushed, []);
  await setImmediate();
  assert.equal(flushed, ["a", "b", "c"]);
  await setImmediate();
  assert.equal(flushed, ["a", "b", "c"]);
});

test("a large write goes out when its event ends", async () => {
  event(target("small", 100), target("large", 4097));
  assert.equal(flushed, ["large"]);
  await setImmediate();
  assert.equal(flushed, ["large", "small"]);
});

test("an event within an event does not send what the outer one wrote", () => {
  enterDispatch();
  flushLater(target("outer", 5000));
  event(target("inner", 5000));
  assert.equal(flushed, []);
  leaveDispatch();
  assert.equal(flushed, ["outer", "inner"]);
});

test("a turn with very many small writes sends them in portions", async () => {
  for (let i = 0; i < 31; i++) event(target(`${i}`, 1));
  assert.equal(flushed.length, 0);
  event(target("31", 1));
  assert.equal(flushed.length, 32);
  event(target("32", 1));
  assert.equal(flushed.length, 32);
  await setImmediate();
  assert.equal(flushed.at(-1), "32");
});

test("what flushing causes to be written goes out too", async () => {
  event(target("first", 1, () => event(target("second", 1), target("large", 5000))));
  await setImmediate();
  assert.equal(flushed, ["first", "large", "second"]);
});

test("a flush that throws keeps nobody's writes for the next turn", async () => {
  const later = target("later", 5000);
  assert.throws(() =>
    event(target("broken", 5000, () => {
      throw new Error("broken");
    }))
  );
  event(later);
  assert.equal(flushed, ["broken", "later"]);
  await setImmediate();
  assert.equal(flushed, ["broken", "later"]);
});

test.run();
