// test/host/http/grpc_timeout.test.ts: the grpc-timeout header.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatGrpcTimeout, parseGrpcTimeoutMs } from "../../../host/http/grpc_timeout.ts";

test("units, and parts of a millisecond rounded up", () => {
  const rows: readonly (readonly [string, number])[] = [
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3000],
    ["4m", 4],
    ["5u", 1],
    ["1500u", 2],
    ["1n", 1],
    ["0S", 0],
    ["99999999m", 99_999_999],
  ];
  for (const [text, ms] of rows) assert.is(parseGrpcTimeoutMs(text), ms, text);
});

test("what is no timeout", () => {
  for (const text of [null, "", "1", "S", "1s", "-1S", "1.5S", "123456789S", " 1S", "1S "]) {
    assert.is(parseGrpcTimeoutMs(text), null, String(text));
  }
});

test("written in the finest unit that has room", () => {
  assert.is(formatGrpcTimeout(300), "300m");
  assert.is(formatGrpcTimeout(99_999_999), "99999999m");
  assert.is(formatGrpcTimeout(100_000_000), "100000S");
  assert.is(formatGrpcTimeout(99_999_999_000 + 1000), "1666666M");
});

test.run();
