// test/host/net/connection_ids.test.ts: no number is given twice.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ConnectionIds } from "../../../host/net/connection_ids.ts";

function take(ids: ConnectionIds, count: number): number[] {
  return Array.from({ length: count }, () => ids.next());
}

test("a thread counts up from zero", () => {
  assert.equal(take(new ConnectionIds(new Int32Array(1)), 3000), Array.from({ length: 3000 }, (_, index) => index));
});

test("threads that share memory share no number, nor does one that comes later", () => {
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const [first, second] = [new ConnectionIds(taken), new ConnectionIds(taken)];
  const given = [...take(first, 1500), ...take(second, 700), ...take(first, 900), ...take(new ConnectionIds(taken), 5)];
  assert.is(new Set(given).size, given.length);
});

test("numbers stay whole and positive when blocks are counted beyond 31 bits", () => {
  const taken = new Int32Array([-2]);
  assert.equal(take(new ConnectionIds(taken), 2), [(2 ** 32 - 2) * 1024, (2 ** 32 - 2) * 1024 + 1]);
});

test.run();
