// test/host/base/error.test.ts: what is thrown, and who hears of bugs.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { bug, isBug, NuncioError } from "../../../host/base/error.ts";

test("an error keeps its code and cause", () => {
  const cause = new Error("inner");
  const error = new NuncioError("cli/unknown-flag", "no such flag", { cause });
  assert.is(error.code, "cli/unknown-flag");
  assert.is(error.cause, cause);
  assert.is(String(error), "NuncioError: no such flag");
});

test("a broken invariant is thrown, a kept one is not", () => {
  bug(false, "fine");
  assert.throws(() => bug(true, "stream written after its end"), (error: unknown) => isBug(error));
  assert.not(isBug(new Error("x")));
});

test.run();
