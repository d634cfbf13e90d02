// test/host/extensions/filters/http/stateful_session/cookie_value.test.ts: addresses in cookies, ours and others'.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeBase64 } from "../../../../../../host/base/base64.ts";
import {
  decodeCookieValue,
  encodeCookieValue,
} from "../../../../../../host/extensions/filters/http/stateful_session/cookie_value.ts";

const ADDRESS = "10.0.0.1:80";

test("an address and its end come back", () => {
  for (const expires of [1, 127, 128, 16_384, 4_000_000_000, 2 ** 40]) {
    const value = encodeCookieValue(ADDRESS, expires);
    assert.is(decodeCookieValue(value, expires), ADDRESS);
    assert.is(decodeCookieValue(value, expires + 1), null);
  }
  assert.is(decodeCookieValue(encodeCookieValue(ADDRESS, 0), 2 ** 50), ADDRESS);
  assert.is(decodeCookieValue(encodeCookieValue("/tmp/ü", 0), 0), "/tmp/ü");
});

test("the bytes are those of the message", () => {
  assert.is(encodeCookieValue(ADDRESS, 300), encodeBase64("\x0a\x0b10.0.0.1:80\x10\xac\x02"));
});

test("fields in any order, unknown ones, the last of several", () => {
  const of = (text: string) => decodeCookieValue(encodeBase64(text), 5);
  assert.is(of("\x10\x05\x0a\x01a"), "a");
  assert.is(of("\x0a\x01a\x1a\x02xx\x20\x01\x2d1234\x3112345678"), "a");
  assert.is(of("\x0a\x01a\x0a\x01b"), "b");
  assert.is(of("\x10\x05"), null, "no address");
});

test("bytes that are no message are an address themselves", () => {
  const of = (text: string) => decodeCookieValue(encodeBase64(text), 5);
  assert.is(of("127.0.0.1:5000"), "127.0.0.1:5000");
  assert.is(of("\0\x01"), "\0\x01");
  assert.is(of("\x0a\x01\xff"), "\x0a\x01\xff");
});

test("no base64, no address", () => {
  assert.is(decodeCookieValue("10.0.0.1:80", 0), null);
  assert.is(decodeCookieValue("", 0), null);
});

test.run();
