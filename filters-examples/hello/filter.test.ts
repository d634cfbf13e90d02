// filters-examples/hello/filter.test.ts: every response carries the greeting, and nothing else changes.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadFilter } from "../../host/testing/mod.ts";

const GREETING = "from a WebAssembly filter";

test("a response carries the greeting", async () => {
  const filter = await loadFilter(import.meta, { rootId: "hello" });
  const stream = filter.http();
  stream.requestHeaders({ ":path": "/a", "x-client": "1" });
  assert.equal(stream.request.headers?.entries().slice(-1), [["x-client", "1"]]);
  assert.ok(stream.request.forwarded);

  stream.responseHeaders({ "content-type": "text/plain" });
  stream.responseBody("hello");
  assert.is(stream.response.header("x-hello"), GREETING);
  assert.is(stream.response.header("content-type"), "text/plain");
  assert.is(stream.response.text, "hello");
  assert.ok(stream.response.ended);
  stream.finish();
});

test("an upstream that greets by itself is overruled", async () => {
  const filter = await loadFilter(import.meta, { rootId: "hello" });
  const stream = filter.http().requestHeaders({});
  stream.responseHeaders([["x-hello", "one"], ["x-hello", "two"]], true);
  assert.equal(stream.response.headers?.getAll("x-hello"), [GREETING]);
  stream.finish();
});

test("memory stays flat over many streams", async () => {
  const filter = await loadFilter(import.meta, { rootId: "hello" });
  const run = (count: number) => {
    for (let i = 0; i < count; i++) filter.http().requestHeaders({}).responseHeaders({}, true).finish();
    return filter.memoryBytes;
  };
  const before = run(1000);
  assert.is(run(20_000), before);
  assert.is(filter.liveStreams, 0);
});

test.run();
