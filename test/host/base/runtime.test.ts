// test/host/base/runtime.test.ts: what a runtime value is read as, and when it is read again.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Runtime, runtimeFraction, runtimeInteger, RuntimeValue } from "../../../host/base/runtime.ts";
import { runtimeEntryOfJson, runtimeEntryOfText } from "../../../host/config/runtime_entry.ts";
import { runtimeEntries } from "./runtime_fixture.ts";

const HALF = { numerator: 1, denominator: 2 };

test("whole numbers are cut off and not negative, others are as they are", () => {
  const runtime = new Runtime(runtimeEntries({ a: 3.9, b: -2, c: "12", d: "x", e: true }));
  assert.equal([..."abcdef"].map((key) => runtime.integer(key, 7)), [3, 7, 12, 7, 7, 7]);
  assert.equal([..."abcdef"].map((key) => runtime.number(key, null)), [3.9, -2, 12, null, null, null]);
});

test("a fraction may be a number of percent; what it is not leaves the configured one", () => {
  const runtime = new Runtime(
    runtimeEntries({
      a: { numerator: 5, denominator: "MILLION" },
      b: 30,
      c: "text",
      d: { numerator: 1, x: 2 },
      e: 1000,
    }),
  );
  assert.equal([..."abcd"].map((key) => runtime.fraction(key, HALF)), [
    { numerator: 5, denominator: 1_000_000 },
    { numerator: 30, denominator: 100 },
    HALF,
    HALF,
  ]);
  assert.equal(runtime.fraction("", HALF), HALF);
  const takes = runtimeFraction({ ...HALF, runtimeKey: "e" }, runtime);
  assert.ok(takes(99), "more than the whole is always");
});

test("what was read by a key is read again once the values are others, and then alone", () => {
  const runtime = new Runtime();
  let reads = 0;
  const value = new RuntimeValue(runtime, (now) => {
    reads++;
    return now.integer("a", 1);
  });
  const limit = runtimeInteger({ value: 5, runtimeKey: "a" }, runtime);
  const fixed = runtimeInteger({ value: 5, runtimeKey: "" }, runtime);
  const takes = runtimeFraction({ numerator: 0, denominator: 100, runtimeKey: "a" }, runtime);
  assert.equal([value.current, value.current, limit(), fixed(), takes(1)], [1, 1, 5, 5, false]);
  assert.is(reads, 1);
  runtime.replace(runtimeEntries({ a: 2, "": 9 }));
  assert.equal([value.current, value.current, limit(), fixed(), takes(1)], [2, 2, 2, 5, true]);
  assert.is(reads, 2);
  runtime.replace(runtimeEntries({}));
  assert.equal([value.current, limit(), takes(1)], [1, 5, false]);
});

test("texts are YAML, and stay as they were written", () => {
  const read = (text: string) => {
    const entry = runtimeEntryOfText(text);
    return "problem" in entry ? entry.problem : [entry.text, entry.number, entry.fraction];
  };
  assert.equal(read("10"), ["10", 10, null]);
  assert.equal(read(" 7"), [" 7", 7, null]);
  assert.equal(read("0x10"), ["0x10", 16, null]);
  assert.equal(read("1.5e3"), ["1.5e3", 1500, null]);
  assert.equal(read('"5"'), ['"5"', null, null]);
  assert.equal(read("yes"), ["yes", null, null]);
  assert.equal(read(""), ["", null, null]);
  assert.equal(read("[1]"), ["[1]", null, null]);
  assert.equal(read("{numerator: 3}"), ["{numerator: 3}", null, { numerator: 3, denominator: 100 }]);
  assert.equal(read("numerator: 3\ndenominator: TEN_THOUSAND"), [
    "numerator: 3\ndenominator: TEN_THOUSAND",
    null,
    { numerator: 3, denominator: 10_000 },
  ]);
  assert.equal(read("{numerator: 3, denominator: DOZEN}"), ["{numerator: 3, denominator: DOZEN}", null, null]);
  assert.match(String(read("a: b: c")), /^this is not YAML/);
});

test("numbers of a configuration are shown with six digits", () => {
  const shown = [0, 5, -3, 1.5, 123456, 1234567, 10_000_000, 0.0001, 0.00001234].map((n) => runtimeEntryOfJson(n).text);
  assert.equal(shown, ["0", "5", "-3", "1.5", "123456", "1.23457e+06", "1e+07", "0.0001", "1.234e-05"]);
  assert.equal(runtimeEntryOfJson(true).text, "true");
  assert.equal(runtimeEntryOfJson({ numerator: 5 }).text, '{"numerator":5}');
});

test.run();
