// test/host/wasm/context_table.test.ts: contexts by id, compared with a map.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SeededRandom } from "../../../host/base/random.ts";
import type { Context } from "../../../host/wasm/context.ts";
import { ContextTable } from "../../../host/wasm/context_table.ts";

function context(id: number): Context {
  return { id } as Context;
}

test("finds what was added, and nothing after it was removed", () => {
  const table = new ContextTable();
  const one = context(1);
  table.add(one);
  assert.is(table.get(1), one);
  assert.is(table.get(17), null);
  assert.is(table.size, 1);
  table.remove(one);
  assert.is(table.get(1), null);
  table.remove(one);
  assert.is(table.size, 0);
});

test("ids that share a place, up to the last id", () => {
  const table = new ContextTable();
  const all = [0xffffffff, 15, 31, 47, 0, 16].map(context);
  for (const each of all) table.add(each);
  table.remove(all[1]!);
  table.remove(all[4]!);
  assert.equal([15, 0, 31, 47, 16, 0xffffffff].map((id) => table.get(id)?.id ?? null), [
    ...[null, null, 31, 47, 16, 0xffffffff],
  ]);
});

test("does what a map does", () => {
  const random = new SeededRandom(7);
  const table = new ContextTable();
  const map = new Map<number, Context>();
  let nextId = 0xffffff00;
  for (let step = 0; step < 20_000; step++) {
    const live = [...map.values()];
    if (live.length < 40 + 30 * Math.sin(step / 500) && random.fraction() < 0.6) {
      nextId = (nextId + 1) >>> 0;
      const added = context(nextId);
      map.set(nextId, added);
      table.add(added);
    } else if (live.length > 0) {
      const gone = live[Math.floor(random.fraction() * live.length)]!;
      map.delete(gone.id);
      table.remove(gone);
      assert.is(table.get(gone.id), null);
    }
    assert.is(table.size, map.size);
    if (step % 100 === 0) {
      for (const each of map.values()) assert.is(table.get(each.id), each);
      assert.equal(new Set(table.all()), new Set(map.values()));
    }
  }
});

test.run();
