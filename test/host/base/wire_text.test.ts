// test/host/base/wire_text.test.ts: text on the wire.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { asciiLower, percentDecode, toWireText } from "../../../host/base/wire_text.ts";

test("configured text becomes the bytes of its UTF-8", () => {
  assert.is(toWireText("plain"), "plain");
  assert.is(toWireText("\u00e9"), "\xc3\xa9");
});

test("only A to Z have a lower case", () => {
  assert.is(asciiLower("ABC\xc3\x89"), "abc\xc3\x89");
});

test("escapes are undone, what is none stays", () => {
  assert.is(percentDecode("%41%c3%A9+%zz%4"), "A\xc3\xa9+%zz%4");
  assert.is(percentDecode("%2541"), "%41");
});

test.run();
