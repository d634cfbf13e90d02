// test/abi/pairs.test.ts: the wire format of header maps against its golden vectors.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFileSync } from "node:fs";
import { decodePairs, encodePairs, MAX_PAIRS, MAX_PAIRS_BYTES, type Pair, pairsSize } from "../../abi/mod.ts";

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly pairs: Pair[];
}
const vectors = JSON.parse(readFileSync(new URL("../../abi/vectors/pairs.json", import.meta.url), "utf8")) as {
  good: Vector[];
  decodeOnly: Vector[];
  bad: Vector[];
};

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

for (const vector of vectors.good) {
  test(`both ways: ${vector.name}`, () => {
    assert.equal(encodePairs(vector.pairs), bytesOf(vector.hex));
    assert.is(pairsSize(vector.pairs), bytesOf(vector.hex).length);
    assert.equal(decodePairs(bytesOf(vector.hex)), vector.pairs);
  });
}
for (const vector of vectors.decodeOnly) {
  test(`decodes ${vector.name}`, () => assert.equal(decodePairs(bytesOf(vector.hex)), vector.pairs));
}
for (const vector of vectors.bad) {
  test(`refuses ${vector.name}`, () => assert.is(decodePairs(bytesOf(vector.hex)), null));
}

test("refuses more pairs and bytes than Envoy takes", () => {
  const many = (count: number): Pair[] => Array.from({ length: count }, (): Pair => ["k", "v"]);
  assert.is(decodePairs(encodePairs(many(MAX_PAIRS)))!.length, MAX_PAIRS);
  assert.is(decodePairs(encodePairs(many(MAX_PAIRS + 1))), null);
  const fitting = "v".repeat(MAX_PAIRS_BYTES - 4 - 10 - 1);
  assert.is(decodePairs(encodePairs([["k", fitting]]))![0]![1].length, fitting.length);
  assert.is(decodePairs(encodePairs([["k", fitting + "v"]])), null);
});

test("reads a view into a larger buffer", () => {
  const inner = encodePairs([["a", "b"]]);
  const outer = new Uint8Array(inner.length + 6).fill(255);
  outer.set(inner, 3);
  assert.equal(decodePairs(outer.subarray(3, 3 + inner.length)), [["a", "b"]]);
});

test.run();
