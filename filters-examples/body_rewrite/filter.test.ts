// filters-examples/body_rewrite/filter.test.ts: what is rewritten, what is not, and what it holds back.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FilterHost, type FilterOptions, type HttpStream, loadFilter } from "../../host/testing/mod.ts";

const CONFIG = { rules: [{ from: "hello", to: "héllo→" }, { from: "world", to: "" }] };
const TEXT = { "content-type": "text/plain; charset=utf-8" };

function load(config: Record<string, unknown> = CONFIG, options: FilterOptions = {}): Promise<FilterHost> {
  return loadFilter(import.meta, { rootId: "body_rewrite", config, ...options });
}

function open(filter: FilterHost, headers: Record<string, string>): HttpStream {
  return filter.http().requestHeaders({}).responseHeaders(headers);
}

test("words are replaced wherever the body was cut", async () => {
  const filter = await load();
  const stream = open(filter, { ...TEXT, "content-length": "11", etag: '"1"' });
  assert.is(stream.response.header("content-length"), null);
  assert.is(stream.response.header("etag"), null);
  stream.responseBody("hel", false);
  stream.responseBody("lo wor", false);
  assert.is(stream.response.text, "", "nothing is sent before the end");
  stream.responseBody("ld, hello", true);
  assert.is(stream.response.text, "héllo→ , héllo→");
  assert.ok(stream.response.ended);
  assert.is(filter.counter("body_rewrite.rewritten"), 1);
  stream.finish();
});

test("a body without any of the words stays as it is", async () => {
  const filter = await load();
  const stream = open(filter, TEXT).responseBody("nothing here");
  assert.is(stream.response.text, "nothing here");
  assert.is(filter.counter("body_rewrite.rewritten"), 0);
});

test("other types and encoded bodies pass piece by piece", async () => {
  const filter = await load();
  for (const headers of [{ "content-type": "image/png" }, { ...TEXT, "content-encoding": "gzip" }, {}]) {
    const stream = open(filter, { ...headers, "content-length": "10" }).responseBody("hello", false);
    assert.is(stream.response.text, "hello");
    assert.is(stream.response.header("content-length"), "10");
    stream.responseBody("world");
    assert.is(stream.response.text, "helloworld");
  }
});

test("the types are configured", async () => {
  const filter = await load({ ...CONFIG, content_types: ["application/json"] });
  assert.is(open(filter, { "content-type": "Application/JSON" }).responseBody("hello").response.text, "héllo→");
  assert.is(open(filter, TEXT).responseBody("hello").response.text, "hello");
});

test("requests ask for plain and whole bodies", async () => {
  const filter = await load();
  const stream = filter.http().requestHeaders({ "accept-encoding": "gzip", range: "bytes=0-3", accept: "*/*" });
  assert.is(stream.request.header("accept-encoding"), null);
  assert.is(stream.request.header("range"), null);
  assert.is(stream.request.header("accept"), "*/*");
});

test("a response without a body keeps its headers", async () => {
  const filter = await load();
  const stream = filter.http().requestHeaders({ ":method": "HEAD" });
  stream.responseHeaders({ ...TEXT, "content-length": "5" }, true);
  assert.is(stream.response.header("content-length"), "5");
});

test("a body beyond the buffer limit cuts the response off: its headers are on their way already", async () => {
  const filter = await load(CONFIG, { bufferLimitBytes: 1000 });
  const stream = open(filter, TEXT).responseBody("x".repeat(2000), false);
  assert.is(stream.reset, "response_payload_too_large");
  assert.is(stream.response.text, "");
  assert.not(stream.response.ended);
});

test("a bad configuration is refused", async () => {
  const refusals: [config: Record<string, unknown>, message: RegExp][] = [
    [{}, /rules: at least one rule is needed/],
    [{ rules: [{ to: "a" }] }, /rules: from: must not be empty/],
    [{ rules: [{ from: "a", with: "b" }] }, /rules\[0\]\.with: unknown key, expected one of from, to/],
    [{ rules: [{ from: 1 }] }, /rules\[0\]\.from: expected a string, found 1/],
  ];
  for (const [config, message] of refusals) {
    const filter = await load(config);
    assert.not(filter.configured);
    assert.match(filter.refusal, message);
  }
});

test("memory stays flat over many streams", async () => {
  const filter = await load();
  const body = "hello world ".repeat(200);
  const run = (count: number) => {
    for (let i = 0; i < count; i++) open(filter, TEXT).responseBody(body, false).responseBody(body).finish();
    return filter.memoryBytes;
  };
  const before = run(1000);
  assert.is(run(5000), before);
});

test.run();
