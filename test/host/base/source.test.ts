// test/host/base/source.test.ts: offsets, lines, excerpts, redaction.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SourceText } from "../../../host/base/source.ts";

test("offsets and positions are each other's inverse, also past surrogate pairs", () => {
  const source = new SourceText("s", "ab\n😀c\r\n\nend");
  assert.equal(source.position(0), { line: 1, column: 1 });
  assert.equal(source.position(source.text.indexOf("c")), { line: 2, column: 2 });
  assert.equal(source.position(source.text.length), { line: 4, column: 4 });
  for (const at of [0, 1, 3, 5, 8, 9, 11]) {
    const { line, column } = source.position(at);
    assert.is(source.offset(line, column), at);
  }
  assert.is(source.offset(99, 1), source.text.length);
  assert.is(source.lineCount, 4);
});

test("an excerpt ends where the line ends", () => {
  const source = new SourceText("s", "one two\r\nthree");
  assert.equal(source.excerpt(4, 12), { line: 1, text: "one two", from: 4, to: 7 });
  assert.is(source.lineText(2), "three");
  assert.is(source.lineText(3), null);
  assert.is(new SourceText("s", "a\n  \nb").lineText(2), null);
});

test("a long line is cut around the range", () => {
  const source = new SourceText("s", `${"a".repeat(500)}HERE${"b".repeat(500)}`);
  const { text, from, to } = source.excerpt(500, 504);
  assert.is(text.slice(from, to), "HERE");
  assert.ok(text.startsWith("…") && text.endsWith("…"));
  assert.ok(text.length <= 122);
  const early = source.excerpt(0, 1000);
  assert.is(early.from, 0);
  assert.ok(early.to <= 120);
});

test("a redacted range is never shown, whatever line is asked for", () => {
  const text = "key: hunter2\nnext: x";
  const source = new SourceText("s", text);
  source.redact(5, 12);
  assert.is(source.lineText(1), "key: *******");
  assert.is(source.excerpt(7, 9).text, "key: *******");
  assert.ok(source.isRedacted(11, 12));
  assert.not(source.isRedacted(12, 14));
});

test.run();
