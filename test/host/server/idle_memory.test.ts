// test/host/server/idle_memory.test.ts: when a thread collects its garbage by itself.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { detectPlatform } from "../../../host/platform/detect.ts";
import { IdleMemory } from "../../../host/server/idle_memory.ts";

const MIB = 1024 * 1024;

class Thread {
  readonly clock: ManualClock = new ManualClock();
  heapMib = 100;
  /** What is left of the heap by a collection. */
  liveMib = 40;
  events = 0;
  collections = 0;

  memoryUsage(): { rssBytes: number; heapUsedBytes: number; heapTotalBytes: number; externalBytes: number } {
    return { rssBytes: 0, heapUsedBytes: 0, heapTotalBytes: this.heapMib * MIB, externalBytes: 0 };
  }

  collectGarbage(): void {
    this.collections++;
    this.heapMib = this.liveMib;
  }
}

test("a quiet thread collects once, and again when its heap has grown", () => {
  const thread = new Thread();
  const memory = new IdleMemory(thread, () => thread.events);
  thread.clock.advance(9999);
  assert.is(thread.collections, 0);
  thread.clock.advance(1);
  assert.is(thread.collections, 1);
  thread.clock.advance(100_000);
  assert.is(thread.collections, 1);
  thread.heapMib = thread.liveMib + 15;
  thread.clock.advance(100_000);
  assert.is(thread.collections, 1, "little is not worth it");
  thread.heapMib = thread.liveMib + 16;
  thread.clock.advance(10_000);
  assert.is(thread.collections, 2);
  memory.stop();
  thread.heapMib = 500;
  thread.clock.advance(100_000);
  assert.is(thread.collections, 2);
  assert.is(thread.clock.armedTimers, 0);
});

test("a busy thread does not; a few events, as of health checks, are no work", () => {
  const thread = new Thread();
  new IdleMemory(thread, () => thread.events);
  for (let i = 0; i < 5; i++) {
    thread.events += 50;
    thread.clock.advance(10_000);
  }
  assert.is(thread.collections, 0);
  thread.events += 49;
  thread.clock.advance(10_000);
  assert.is(thread.collections, 1);
});

test("the runtime collects when it is told to", () => {
  const platform = detectPlatform();
  let garbage: number[][] | null = Array.from({ length: 200 }, () => new Array(10_000).fill(1.5));
  assert.is(garbage.length, 200);
  platform.collectGarbage();
  const before = platform.memoryUsage().heapUsedBytes;
  garbage = null;
  platform.collectGarbage();
  assert.ok(platform.memoryUsage().heapUsedBytes < before - 10 * MIB);
});

test.run();
