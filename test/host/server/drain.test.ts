// test/host/server/drain.test.ts: which responses are a connection's last one.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ManualClock } from "../../../host/base/clock.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { DrainManager } from "../../../host/server/drain.ts";

function share(manager: DrainManager): number {
  let closed = 0;
  for (let i = 0; i < 1000; i++) if (manager.drainClose()) closed++;
  return closed / 1000;
}

test("none before a drain, every one in an immediate drain", () => {
  const manager = new DrainManager(new ManualClock(), new SeededRandom(1));
  assert.is(share(manager), 0);
  manager.start("immediate", 600_000);
  assert.is(share(manager), 1);
});

test("a gradual drain takes ever more, in proportion to the time", () => {
  const clock = new ManualClock();
  const manager = new DrainManager(clock, new SeededRandom(1));
  manager.start("gradual", 1000);
  assert.is(share(manager), 0);
  clock.advance(250);
  assert.ok(Math.abs(share(manager) - 0.25) < 0.05);
  clock.advance(500);
  assert.ok(Math.abs(share(manager) - 0.75) < 0.05);
  clock.advance(250);
  assert.is(share(manager), 1);
});

test("a second order does not begin a gradual drain again; an immediate one overrides it for good", () => {
  const clock = new ManualClock();
  const manager = new DrainManager(clock, new SeededRandom(1));
  manager.start("gradual", 1000);
  clock.advance(500);
  manager.start("gradual", 1000);
  assert.ok(Math.abs(share(manager) - 0.5) < 0.05);
  manager.start("immediate", 0);
  manager.start("gradual", 1000);
  assert.is(share(manager), 1);
});

test("a listener of MODIFY_ONLY does not care for health checks, and drains all the same", () => {
  const manager = new DrainManager(new ManualClock(), new SeededRandom(1), "MODIFY_ONLY");
  manager.healthChecksFail = true;
  assert.is(share(manager), 0);
  manager.start("immediate", 0);
  assert.is(share(manager), 1);
});

test("while health checks fail every one, and none after", () => {
  const manager = new DrainManager(new ManualClock(), new SeededRandom(1));
  manager.healthChecksFail = true;
  assert.is(share(manager), 1);
  manager.healthChecksFail = false;
  assert.is(share(manager), 0);
});

test.run();
