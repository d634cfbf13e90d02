// test/conformance/component/misuse.test.ts: values that are none, calls at the wrong time, handles of nobody.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ask } from "./component.ts";
import { ANSWER, BAD, OUT, type TextGuest, textHost } from "./text_guest.ts";

const LOG = `(import "nuncio:filter/logging@0.1.0" "log" (func $log (param i32 i32 i32)))`;
const NOW = `(import "nuncio:filter/clock@0.1.0" "now-nanos" (func $now (result i64)))`;
const GET = `(import "nuncio:filter/properties@0.1.0" "get" (func $get (param i32 i32 i32)))`;
const SHARED = `(import "nuncio:filter/shared@0.1.0" "get" (func $shared (param i32 i32 i32)))`;
const POP = `(import "nuncio:filter/shared@0.1.0" "pop" (func $pop (param i32 i32)))`;
const SEND = `(import "nuncio:filter/callout@0.1.0" "send" (func $send (param i32 i32 i32 i32 i32 i32 i32 i32)))`;

const answer = `(i32.const ${ANSWER})`;

/** An answer that goes on with one edit: its case, its name, its value. */
function edit(action: number, name: readonly [number, number], value: readonly [number, number]): string {
  const words = [...name, ...value].map((word, index) =>
    `(i32.store (i32.const ${0x504 + index * 4}) (i32.const ${word}))`
  );
  return `(i32.store8 (i32.const 0x500) (i32.const ${action})) ${words.join("")}
    (i32.store (i32.const ${ANSWER + 4}) (i32.const 0x500)) (i32.store (i32.const ${
    ANSWER + 8
  }) (i32.const 1)) ${answer}`;
}

const CASES: Readonly<Record<string, readonly [guest: TextGuest, message: string]>> = {
  "an answer out of bounds": [{ headers: `(i32.const ${BAD})` }, "out of bounds"],
  "an answer that is not aligned": [{ headers: `(i32.const ${ANSWER + 1})` }, "not aligned"],
  "an answer at the end of memory": [{ headers: "(i32.const 131064)" }, "out of bounds"],
  "a case that there is not": [
    { headers: `(i32.store8 ${answer} (i32.const 3)) ${answer}` },
    "case 3 of a type that has 3",
  ],
  "edits out of bounds": [
    {
      headers: `(i32.store (i32.const ${ANSWER + 4}) (i32.const ${BAD})) (i32.store (i32.const ${
        ANSWER + 8
      }) (i32.const 1)) ${answer}`,
    },
    "out of bounds",
  ],
  "more edits than there is memory": [
    { headers: `(i32.store (i32.const ${ANSWER + 8}) (i32.const -1)) ${answer}` },
    "out of bounds",
  ],
  "an edit that there is not": [{ headers: edit(3, [0, 0], [0, 0]) }, "case 3 of a type that has 3"],
  "a name out of bounds": [{ headers: edit(2, [BAD, 3], [0, 0]) }, "out of bounds"],
  "a value longer than memory": [
    { headers: edit(0, [0x700, 3], [0x700, 0x7fffffff]), fields: `(data (i32.const 0x700) "x-a")` },
    "out of bounds",
  ],
  "a value that is not UTF-8": [
    {
      headers: edit(0, [0x700, 3], [0x710, 2]),
      fields: `(data (i32.const 0x700) "x-a") (data (i32.const 0x710) "\\ff\\fe")`,
    },
    "not UTF-8",
  ],
  "an allocator whose address is out of bounds": [{ realloc: `(i32.const ${BAD})` }, "its allocator gave"],
  "an allocator whose address is not aligned": [{ realloc: "(i32.const 0x1001)" }, "its allocator gave"],
  "an allocator that traps": [{ realloc: "(unreachable)" }, "unreachable"],
  "an allocator that calls the host": [
    { fields: NOW, realloc: "(drop (call $now)) (i32.const 0x1000)" },
    "clock.now-nanos was called while the guest allocates",
  ],
  "a clean-up that calls the host": [
    { fields: NOW, postReturn: "(drop (call $now))" },
    "clock.now-nanos was called",
  ],
  "a clean-up that traps": [{ postReturn: "(unreachable)" }, "unreachable"],
  "a constructor that gives a handle of nobody": [
    { constructor_: "(i32.const 77)" },
    "handle 77, which it does not have",
  ],
  "a constructor that gives away what it has dropped": [
    {
      constructor_:
        "(local $handle i32) (local.set $handle (call $new (local.get $id))) (call $drop (local.get $handle)) (local.get $handle)",
    },
    "which it does not have",
  ],
  "what a handle of nobody stands for": [{ headers: `(drop (call $rep (i32.const 9))) ${answer}` }, "handle 9"],
  "a handle dropped twice": [{ headers: `(call $drop (i32.const 1)) ${answer}` }, "handle 1"],
  "a level that there is not": [
    { fields: LOG, headers: `(call $log (i32.const 6) (i32.const 0) (i32.const 0)) ${answer}` },
    "case 6 of a type that has 6",
  ],
  "a message out of bounds": [
    { fields: LOG, headers: `(call $log (i32.const 2) (i32.const ${BAD}) (i32.const 10)) ${answer}` },
    "out of bounds",
  ],
  "a path out of bounds": [
    { fields: GET, headers: `(call $get (i32.const ${BAD}) (i32.const 1) (i32.const ${OUT})) ${answer}` },
    "out of bounds",
  ],
  "a place for the result out of bounds": [
    { fields: SHARED, headers: `(call $shared (i32.const 0) (i32.const 0) (i32.const ${BAD})) ${answer}` },
    "out of bounds",
  ],
  "a place for a message out of bounds": [
    { fields: POP, headers: `(call $pop (i32.const 1) (i32.const ${BAD})) ${answer}` },
    "out of bounds",
  ],
  "a callout whose result has no place": [
    {
      fields: SEND,
      headers: `(call $send ${"(i32.const 0) ".repeat(7)} (i32.const ${BAD})) ${answer}`,
    },
    "out of bounds",
  ],
};

for (const [name, [guest, message]] of Object.entries(CASES)) {
  test(name, async () => {
    const on = await textHost(guest);
    const { stream, filter } = ask(on, "");
    assert.match(on.plugin.status().failure?.diagnostic.message ?? "it went well", message);
    assert.equal(stream.replies.map((reply) => reply.status), [503]);
    filter.onDestroy!();
    assert.is(on.plugin.status().streams, 0);
  });
}

test("what is not misused goes well", async () => {
  const fields = `${LOG}${NOW}${GET}${SHARED}${POP}${SEND} (data (i32.const 0x700) "x-a")`;
  const on = await textHost({ fields, headers: edit(0, [0x700, 3], [0x700, 3]) });
  assert.is(ask(on, "").stream.requestHeaders!.get("x-a"), "x-a");
  assert.is(on.plugin.status().failure, null);
});

test.run();
