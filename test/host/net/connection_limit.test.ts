// test/host/net/connection_limit.test.ts: limits that listeners, or workers, share.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CountedConnectionLimit } from "../../../host/net/connection_limit.ts";
import { LocalCount } from "../../../host/upstream/circuit_breaker.ts";

test("a count that several share is one count", () => {
  const count = new LocalCount();
  const one = new CountedConnectionLimit({ current: 2 }, count);
  const two = new CountedConnectionLimit({ current: 2 }, count);
  assert.equal([one.tryAcquire(), two.tryAcquire(), one.tryAcquire(), two.tryAcquire()], [true, true, false, false]);
  two.release();
  assert.ok(one.tryAcquire());
});

test("what came without a limit counts when there is one", () => {
  const most = { current: Infinity };
  const limit = new CountedConnectionLimit(most, new LocalCount());
  for (let i = 0; i < 3; i++) assert.ok(limit.tryAcquire());
  most.current = 3;
  assert.not(limit.tryAcquire());
  limit.release();
  assert.ok(limit.tryAcquire());
});

test.run();
