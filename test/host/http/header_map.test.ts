// test/host/http/header_map.test.ts: the header map as codecs and filters use it.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap, isWireSafeField, isWireSafeValue, nameBit } from "../../../host/http/header_map.ts";

function request(): HeaderMap {
  return HeaderMap.of({ ":method": "GET", ":path": "/", ":authority": "a", "x": "1" });
}

test("pseudo-headers stand first, fields keep their order", () => {
  const headers = new HeaderMap();
  headers.add("b", "1");
  headers.add(":status", "200");
  headers.add("a", "2");
  headers.add("b", "3");
  assert.equal(headers.entries(), [[":status", "200"], ["b", "1"], ["a", "2"], ["b", "3"]]);
  assert.is(headers.size, 4);
  assert.is(headers.fieldCount, 3);
  assert.is(headers.byteSize, ":status".length + 3 + 6);
});

test("get, getAll, getJoined", () => {
  const headers = HeaderMap.of([["a", "1"], ["b", "2"], ["a", "3"]]);
  assert.is(headers.get("a"), "1");
  assert.is(headers.get("c"), null);
  assert.equal(headers.getAll("a"), ["1", "3"]);
  assert.is(headers.getJoined("a"), "1,3");
  assert.is(headers.getJoined("c"), null);
  assert.ok(headers.has("b"));
});

test("set overwrites the first and removes the others", () => {
  const headers = HeaderMap.of([["a", "1"], ["b", "2"], ["a", "3"]]);
  headers.set("a", "4");
  assert.equal(headers.entries(), [["a", "4"], ["b", "2"]]);
  headers.set("c", "5");
  assert.equal(headers.entries(), [["a", "4"], ["b", "2"], ["c", "5"]]);
});

test("remove and removeWhere", () => {
  const headers = HeaderMap.of([["a", "1"], ["b", "2"], ["a", "3"]]);
  assert.ok(headers.remove("a"));
  assert.not(headers.remove("a"));
  assert.equal(headers.entries(), [["b", "2"]]);
  headers.removeWhere((name) => name === "b");
  assert.is(headers.size, 0);
});

test("host is another name of a request's authority, as in Envoy", () => {
  const headers = request();
  assert.is(headers.get("host"), "a");
  assert.is(headers.getJoined("host"), "a");
  assert.equal(headers.getAll("host"), ["a"]);
  headers.set("host", "b");
  assert.is(headers.authority, "b");
  headers.add("host", "c");
  assert.is(headers.authority, "c");
  assert.equal(headers.getAll("host"), ["c"]);
  assert.ok(headers.remove("host"));
  assert.is(headers.authority, null);
  assert.is(headers.get("host"), null);
  assert.not(headers.remove("host"));
});

test("host is an ordinary header of a response", () => {
  const headers = HeaderMap.of({ ":status": "200", "host": "a" });
  assert.is(headers.get("host"), "a");
  assert.is(headers.authority, null);
  assert.ok(headers.remove("host"));
});

test("a status that is no number leaves the old one", () => {
  const headers = HeaderMap.of({ ":status": "200" });
  for (const value of ["", "20", "2000", "abc", "0x1", "099"]) {
    headers.set(":status", value);
    assert.is(headers.status, 200);
  }
});

test("names that differ but share a bit are told apart", () => {
  const names = ["a-b", "abb", "axb"];
  for (const name of names) assert.is(nameBit(name), nameBit("a-b"));
  const headers = HeaderMap.of(names.map((name) => [name, name] as const));
  for (const name of names) assert.is(headers.get(name), name);
  assert.is(headers.get("a?b"), null);
});

test("what HTTP/1 cannot carry is noticed when it is put", () => {
  assert.ok(request().isWireSafe);
  for (
    const [name, value] of [["a", "b\r"], ["a", "b\n"], ["a", "\0"], ["a", "\u0100"], ["a b", "c"], ["A", "b"]] as const
  ) {
    assert.not(isWireSafeField(name, value));
    const added = request();
    added.add(name, value);
    assert.not(added.isWireSafe);
    assert.not(added.clone().isWireSafe);
    const set = request();
    set.set(name, value);
    assert.not(set.isWireSafe);
    set.clear();
    assert.ok(set.isWireSafe);
  }
  const long = "x".repeat(20);
  for (const bad of ["\r", "\n", "\0", "\u0100", "\u{1f600}"]) {
    assert.not(isWireSafeValue(bad));
    assert.not(isWireSafeValue(long + bad + long));
  }
  assert.ok(isWireSafeValue(long + "\t \x01\x7f\xff" + long));
  for (const value of ["", "a b", "\t", "\x7f", "\x80\xff", "\x01"]) assert.ok(isWireSafeValue(value));
});

test("a clone is independent", () => {
  const headers = request();
  const copy = headers.clone();
  copy.add("y", "2");
  copy.authority = "z";
  assert.is(headers.get("y"), null);
  assert.is(headers.authority, "a");
  assert.equal(copy.entries().slice(-2), [["x", "1"], ["y", "2"]]);
});

test("fields of which there is one take further values into it", () => {
  const map = new HeaderMap();
  const bit = nameBit("accept");
  map.appendInline("accept", "a", bit);
  map.append("x-other", "1", nameBit("x-other"));
  map.appendInline("accept", "", bit);
  map.appendInline("accept", "b", bit);
  assert.equal(map.entries(), [["accept", "a,b"], ["x-other", "1"]]);
  const empty = new HeaderMap();
  empty.appendInline("accept", "", bit);
  empty.appendInline("accept", "b", bit);
  assert.equal(empty.entries(), [["accept", "b"]]);
});

test("what is added to a field of which there is one, in requests and in responses", () => {
  const request = HeaderMap.of({ ":method": "GET", "accept": "a", "vary": "a", "cookie": "a" });
  const response = HeaderMap.of({ ":status": "200", "accept": "a", "vary": "a", "set-cookie": "a" });
  const trailers = HeaderMap.of({ "vary": "a" });
  for (const map of [request, response, trailers]) {
    for (const name of ["accept", "vary", "cookie", "set-cookie"]) map.add(name, "b");
  }
  assert.equal(request.entries().slice(1), [
    ["accept", "a,b"],
    ["vary", "a"],
    ["cookie", "a"],
    ["vary", "b"],
    ["cookie", "b"],
    ["set-cookie", "b"],
  ]);
  assert.equal([response.getAll("accept"), response.getAll("vary"), response.getAll("set-cookie")], [
    ["a", "b"],
    ["a,b"],
    ["a", "b"],
  ]);
  assert.equal(trailers.getAll("vary"), ["a", "b"]);
});

test.run();
