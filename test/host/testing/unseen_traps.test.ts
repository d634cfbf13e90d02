// test/host/testing/unseen_traps.test.ts: which traps are told of in the end.
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Diagnostic } from "../../../host/base/diagnostic.ts";
import { UnseenTraps } from "../../../host/testing/unseen_traps.ts";

function trap(message: string): Diagnostic {
  return { code: "wasm/trap", severity: "error", message, stack: ["work (filter.ts:8:5)"], notes: ["a note"] };
}

test("the first trap of each host that was not looked at, equal ones once", () => {
  const traps = new UnseenTraps();
  assert.is(traps.text(false), "");
  const [a, b, c, d] = [{}, {}, {}, {}];
  traps.add(a!, trap("first"));
  traps.add(a!, trap("later"));
  traps.add(b!, trap("looked at"));
  traps.add(c!, trap("first"));
  traps.add(d!, trap("other"));
  traps.delete(b!);
  traps.delete({});
  assert.is(
    traps.text(false),
    ["first", "other"].map((message) => `
error[wasm/trap]: ${message}
     = stack: work (filter.ts:8:5)
     = note: a note
`).join(""),
  );
  assert.match(traps.text(true), "\x1b[");
});

test("a test that makes filters trap by the thousand has a few of them told", () => {
  const traps = new UnseenTraps();
  for (let i = 0; i < 10_000; i++) traps.add({}, trap(`number ${i}`));
  assert.is(traps.text(false).split("error[").length - 1, 20);
});

test.run();
