// test/host/http/h1/name_table.test.ts: names are interned, and no peer can make the table grow or lie.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FieldKind, fieldNameAt, hashStep } from "../../../../host/http/h1/name_table.ts";
import type { FieldName } from "../../../../host/http/h1/name_table.ts";
import { bytes } from "./harness.ts";

function find(text: string): FieldName {
  let hash = 0;
  for (const character of text.toLowerCase()) hash = hashStep(hash, character.charCodeAt(0));
  return fieldNameAt(bytes(text), 0, text.length, hash);
}

const CODEC_NAMES: readonly [string, FieldKind][] = [
  ["host", FieldKind.Host],
  ["content-length", FieldKind.ContentLength],
  ["transfer-encoding", FieldKind.TransferEncoding],
  ["connection", FieldKind.Connection],
  ["keep-alive", FieldKind.KeepAlive],
  ["proxy-connection", FieldKind.ProxyConnection],
  ["upgrade", FieldKind.Upgrade],
  ["te", FieldKind.Te],
];

test("the codec's own names are found in any letter case, and have slots of their own", () => {
  for (const [text, kind] of CODEC_NAMES) {
    for (const written of [text, text.toUpperCase(), text[0]!.toUpperCase() + text.slice(1)]) {
      const name = find(written);
      assert.is(name.kind, kind, written);
      assert.is(name.text, text);
      assert.is(name, find(text), "the same object each time");
    }
  }
});

test("met names are interned while their slot is theirs", () => {
  assert.is(find("X-My-Header"), find("x-my-header"));
  assert.is(find("x-my-header").text, "x-my-header");
  assert.is(find("x-my-header").kind, FieldKind.Plain);
  assert.ok(find("x_under").hasUnderscore);
  assert.not(find("x-under").hasUnderscore);
});

test("names of the same hash are told apart", () => {
  // "aa" and "bB" in lower case do not collide; these do, by 31 * 'a' + 'b' == 31 * ('a' + 1) + ('b' - 31).
  const left = "xa~", right = "xb_";
  assert.is(hashStep(hashStep(0, 97), 126), hashStep(hashStep(0, 98), 95));
  for (let i = 0; i < 3; i++) {
    assert.is(find(left).text, left);
    assert.is(find(right).text, right);
  }
});

test("a flood of names displaces met names only", () => {
  const host = find("host");
  const known = find("user-agent");
  for (let i = 0; i < 20_000; i++) assert.is(find(`x-flood-${i}`).text, `x-flood-${i}`);
  assert.is(find("host"), host);
  assert.is(find("user-agent"), known);
  for (const [text, kind] of CODEC_NAMES) assert.is(find(text).kind, kind);
});

test("a long name is not kept", () => {
  const text = "x".repeat(100);
  assert.is(find(text).text, text);
  assert.is.not(find(text), find(text));
});

test("names of the language's own objects mean nothing", () => {
  for (const text of ["__proto__", "constructor", "tostring", "hasownproperty", "valueof"]) {
    assert.is(find(text).kind, FieldKind.Plain);
    assert.is(find(text).text, text);
  }
});

test.run();
