// test/host/base/base64.test.ts: base64 comes back as what it was; what nobody writes is refused.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeBase64, encodeBase64 } from "../../../host/base/base64.ts";

test("bytes come back", () => {
  for (const text of ["a", "ab", "abc", "abcd", "\0\xff\x80", "1.2.3.4:80"]) {
    assert.is(decodeBase64(encodeBase64(text)), text);
  }
  assert.is(encodeBase64("1.2.3.4:80"), "MS4yLjMuNDo4MA==");
});

test("what is no base64, or is in a form that nobody writes, is refused", () => {
  const refused = [
    "",
    "a",
    "ab",
    "abc",
    "YQ",
    "YR==",
    "YQ=",
    "=YQ=",
    "Y===",
    "====",
    "YW I=",
    "YWJ\n",
    "YW-_",
    "YQ==YQ==",
  ];
  for (const text of refused) assert.is(decodeBase64(text), null, JSON.stringify(text));
});

test.run();
