// test/host/extensions/common/wasm/foreign_functions/compress.test.ts: compress, uncompress.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { deflateSync, inflateSync } from "node:zlib";
import { MAX_UNCOMPRESSED_BYTES } from "../../../../../../host/extensions/common/wasm/foreign_functions/compress.ts";
import { Caller, Status } from "./fake_call.ts";

test("what is compressed is a zlib stream of what was given", () => {
  const caller = new Caller();
  for (const text of ["", "a", "aaaaa".repeat(1000)]) {
    const bytes = caller.result("compress", text);
    assert.is(bytes[0], 0x78);
    assert.is(inflateSync(bytes).toString(), text);
    assert.is(new TextDecoder().decode(caller.result("uncompress", bytes)), text);
  }
});

test("what follows a stream is ignored; what is none is refused", () => {
  const caller = new Caller();
  const stream = new Uint8Array(deflateSync("text"));
  assert.is(new TextDecoder().decode(caller.result("uncompress", Uint8Array.of(...stream, 1, 2, 3))), "text");
  const broken = stream.slice();
  broken[broken.length - 1]! ^= 1;
  for (const bytes of ["", "text", stream.subarray(0, stream.length - 1), stream.subarray(0, 3), broken]) {
    assert.is(caller.call("uncompress", bytes), Status.SerializationFailure);
  }
});

test("a bomb does not go off", () => {
  const caller = new Caller();
  const full = new Uint8Array(deflateSync(new Uint8Array(MAX_UNCOMPRESSED_BYTES)));
  assert.is(caller.result("uncompress", full).length, MAX_UNCOMPRESSED_BYTES);
  assert.ok(caller.charged > MAX_UNCOMPRESSED_BYTES);
  const bomb = new Uint8Array(deflateSync(new Uint8Array(MAX_UNCOMPRESSED_BYTES + 1)));
  caller.charged = 0;
  assert.is(caller.call("uncompress", bomb), Status.SerializationFailure);
  assert.ok(caller.charged > MAX_UNCOMPRESSED_BYTES);
  assert.match(caller.explained.join(), /more than 16777216 bytes/);
});

test("a guest pays for what is compressed, and does not compress without end", () => {
  const caller = new Caller();
  caller.call("compress", new Uint8Array(1000));
  assert.ok(caller.charged >= 10_000);
  assert.is(caller.call("compress", new Uint8Array(MAX_UNCOMPRESSED_BYTES + 1)), Status.SerializationFailure);
});

test.run();
