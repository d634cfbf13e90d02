// test/host/router/strict_headers.test.ts: what the router understands of what it is told.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeaderMap } from "../../../host/http/header_map.ts";
import { invalidHeader } from "../../../host/router/strict_headers.ts";

const ROWS: readonly (readonly [string, string, boolean])[] = [
  ["x-envoy-max-retries", "3", true],
  ["x-envoy-max-retries", " +3 ", true],
  ["x-envoy-max-retries", "", false],
  ["x-envoy-max-retries", "-1", false],
  ["x-envoy-max-retries", "3x", false],
  ["x-envoy-max-retries", "18446744073709551615", true],
  ["x-envoy-max-retries", "18446744073709551616", false],
  ["x-envoy-retry-on", "5xx , connect-failure", true],
  ["x-envoy-retry-on", "5xx,nothing", false],
  ["x-envoy-retry-on", "cancelled", false],
  ["x-envoy-retry-on", "", true],
  ["x-envoy-retry-grpc-on", "cancelled,unavailable", true],
  ["x-envoy-retry-grpc-on", "5xx", false],
];

for (const [name, value, isUnderstood] of ROWS) {
  test(`${name}: ${value}`, () => {
    const headers = HeaderMap.of([[name, value]]);
    assert.equal(invalidHeader([name], headers), isUnderstood ? null : { name, value });
  });
}

test("the order of the configuration counts, and headers that are absent do not", () => {
  const headers = HeaderMap.of([["x-envoy-retry-on", "a"], ["x-envoy-max-retries", "b"]]);
  const names = ["x-envoy-upstream-rq-timeout-ms", "x-envoy-max-retries", "x-envoy-retry-on"];
  assert.is(invalidHeader(names, headers)!.name, "x-envoy-max-retries");
  assert.is(invalidHeader([], headers), null);
});

test.run();
