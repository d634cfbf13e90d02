// test/host/extensions/common/expressions/cel_print.test.ts: values of CEL as Envoy 1.40 prints them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compileExpression } from "../../../../../host/extensions/common/expressions/cel.ts";
import { printCel, typedCel } from "../../../../../host/extensions/common/expressions/cel_print.ts";
import { CHECK_EXPRESSIONS } from "../../../../../host/extensions/common/expressions/stream_expressions.ts";
import { JsonText } from "../../../../../host/observe/formatter/command.ts";

function valueOf(text: string): unknown {
  const compiled = compileExpression(text);
  assert.ok(compiled.ok);
  const result = compiled.expression.evaluate(() => null);
  assert.ok(result.ok, text);
  return result.value;
}

const TEXTS: readonly [string, string][] = [
  ["'é'", "\xc3\xa9"],
  ["b'\\xff'", "\xff"],
  ["1", "1"],
  ["18446744073709551615u", "18446744073709551615"],
  ["1e6", "1e+06"],
  ["0.00001", "1e-05"],
  ["1.0 / 0.0", "inf"],
  ["-1.0 / 0.0", "-inf"],
  ["null", "NULL"],
  ["duration('0s')", "0"],
  ["duration('0.000000007s')", "7ns"],
  ["duration('0.0015s')", "1.5ms"],
  ["duration('3600s')", "1h"],
  ["duration('-3661.25s')", "-1h1m1.25s"],
  ["timestamp('2020-01-02T03:04:05Z')", "2020-01-02T03:04:05+00:00"],
];

for (const [expression, text] of TEXTS) {
  test(`as text: ${expression}`, () => assert.is(printCel(valueOf(expression)), text));
}

const TYPED: readonly [string, unknown][] = [
  ["1u", 1],
  ["true", true],
  ["b'bytes'", "Ynl0ZXM="],
  ["[1, 'a', null]", new JsonText('[1,"a",null]')],
  ["{'b': {1: 2.5}, 'a': [false]}", new JsonText('{"a":[false],"b":{"1":2.5}}')],
  ["duration('1.0005s')", "1.000500s"],
  ["timestamp('2020-01-02T03:04:05Z')", "2020-01-02T03:04:05Z"],
];

for (const [expression, value] of TYPED) {
  test(`with its type: ${expression}`, () => assert.equal(typedCel(valueOf(expression)), value));
}

test("what is wrong with an expression is said when it is compiled", () => {
  assert.type(CHECK_EXPRESSIONS.compile("request.path"), "object");
  assert.match(CHECK_EXPRESSIONS.compile("1 +") as string, /./);
  assert.match(CHECK_EXPRESSIONS.compile("nothing(1)") as string, "there is no function nothing");
});

test.run();
