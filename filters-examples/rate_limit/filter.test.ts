// filters-examples/rate_limit/filter.test.ts: counting, windows, keys, and workers that count together.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FilterHost, type FilterOptions, type HttpStream, loadFilter } from "../../host/testing/mod.ts";

/** A quarter of a second into a window of one second. */
const START_MS = 1_800_000_000_250;

function load(config: Record<string, unknown>, options: FilterOptions = {}): Promise<FilterHost> {
  return loadFilter(import.meta, { rootId: "rate_limit", config, nowMs: START_MS, ...options });
}

/** One request with its response. */
function ask(filter: FilterHost, headers: Record<string, string> = {}): HttpStream {
  const stream = filter.http().requestHeaders(headers);
  if (stream.request.forwarded) stream.responseHeaders({}, true);
  stream.finish();
  return stream;
}

test("requests above the limit are answered 429 until the window is over", async () => {
  const filter = await load({ limit: 2, window_ms: 1000 });
  assert.is(ask(filter).response.header("x-ratelimit-remaining"), "1");
  assert.is(ask(filter).response.header("x-ratelimit-remaining"), "0");

  const refused = ask(filter);
  assert.not(refused.request.forwarded);
  assert.equal(refused.local, { status: 429, details: "rate_limited" });
  assert.is(refused.response.header("retry-after"), "1");
  assert.is(refused.response.header("content-type"), "application/json");
  assert.is(refused.response.text, '{"error":"too many requests"}\n');
  assert.is(filter.counter("rate_limit.limited"), 1);

  filter.advance(749);
  assert.is(ask(filter).local?.status, 429);
  filter.advance(1);
  assert.is(ask(filter).response.header("x-ratelimit-remaining"), "1");
});

test("clients have counts of their own, by address without port", async () => {
  const config = { limit: 1, window_ms: 1000 };
  const first = await load(config, { clientAddress: "10.0.0.1:1000" });
  const other = await load(config, { clientAddress: "10.0.0.1:2000", shared: first.shared });
  const v6 = await load(config, { clientAddress: "[2001:db8::1]:1000", shared: first.shared });
  assert.is(ask(first).local, null);
  assert.is(ask(other).local?.status, 429, "the same client from another port");
  assert.is(ask(v6).local, null);
  assert.is(ask(v6).local?.status, 429);
});

test("the key header tells clients apart, and the address those without it", async () => {
  const filter = await load({ limit: 1, window_ms: 1000, key_header: "x-api-key" });
  assert.is(ask(filter, { "x-api-key": "a" }).local, null);
  assert.is(ask(filter, { "x-api-key": "b" }).local, null);
  assert.is(ask(filter).local, null);
  assert.is(ask(filter, { "x-api-key": "a" }).local?.status, 429);
  assert.is(ask(filter).local?.status, 429);
});

test("workers count together", async () => {
  const one = await load({ limit: 3, window_ms: 60_000 });
  const two = await load({ limit: 3, window_ms: 60_000 }, { shared: one.shared });
  assert.is(ask(one).response.header("x-ratelimit-remaining"), "2");
  assert.is(ask(two).response.header("x-ratelimit-remaining"), "1");
  assert.is(ask(one).response.header("x-ratelimit-remaining"), "0");
  assert.is(ask(two).local?.status, 429);
});

test("a bad configuration is refused", async () => {
  const refusals: [config: Record<string, unknown>, message: RegExp][] = [
    [{ limit: 0 }, /limit: must be at least 1/],
    [{ limit: "10" }, /limit: expected an integer, found the string "10"/],
    [{ limit: 1.5 }, /limit: expected an integer, found 1\.5/],
    [{ window_ms: -1 }, /window_ms: must be at least 1/],
    [{ limits: 1 }, /limits: unknown key, expected one of limit, window_ms, key_header/],
  ];
  for (const [config, message] of refusals) {
    const filter = await load(config);
    assert.not(filter.configured);
    assert.match(filter.refusal, message);
  }
});

test("memory stays flat over many streams", async () => {
  const filter = await load({ limit: 1_000_000_000, window_ms: 1000 });
  const run = (count: number) => {
    for (let i = 0; i < count; i++) ask(filter);
    return filter.memoryBytes;
  };
  const before = run(2000);
  assert.is(run(20_000), before);
});

test.run();
