// filters-examples/add_header/filter.test.ts: the configured changes, both ways, and bad configurations.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadFilter } from "../../host/testing/mod.ts";

const CONFIG = {
  request: { set: { "x-gateway": "nuncio" }, remove: ["x-internal"] },
  response: { set: { "x-frame-options": "DENY" }, add: { vary: "origin" }, remove: ["x-powered-by"] },
};

test("requests and responses are changed as configured", async () => {
  const filter = await loadFilter(import.meta, { rootId: "add_header", config: CONFIG });
  const stream = filter.http();
  stream.requestHeaders({ "x-internal": "secret", "x-gateway": "client", "x-other": "stays" });
  assert.is(stream.request.header("x-internal"), null);
  assert.is(stream.request.header("x-gateway"), "nuncio");
  assert.is(stream.request.header("x-other"), "stays");

  stream.responseHeaders({ vary: "accept", "x-powered-by": "php", "x-other": "stays" }, true);
  assert.equal(stream.response.headers?.getAll("vary"), ["accept,origin"]);
  assert.is(stream.response.header("x-frame-options"), "DENY");
  assert.is(stream.response.header("x-powered-by"), null);
  assert.is(stream.response.header("x-other"), "stays");
  stream.finish();
});

test("a set replaces every value", async () => {
  const config = { response: { set: { "x-a": "new" } } };
  const filter = await loadFilter(import.meta, { rootId: "add_header", config });
  const stream = filter.http().requestHeaders({});
  stream.responseHeaders([["x-a", "1"], ["x-a", "2"]], true);
  assert.equal(stream.response.headers?.getAll("x-a"), ["new"]);
  stream.finish();
});

test("without a configuration nothing changes", async () => {
  const filter = await loadFilter(import.meta, { rootId: "add_header" });
  const stream = filter.http().requestHeaders({ "x-internal": "1" });
  stream.responseHeaders({ "x-powered-by": "php" }, true);
  assert.is(stream.request.header("x-internal"), "1");
  assert.is(stream.response.header("x-powered-by"), "php");
  stream.finish();
});

test("a bad configuration is refused, with its place", async () => {
  const refusals: [config: string, message: RegExp][] = [
    ["{", /add_header: line 1, column 2: expected a key in double quotes, found the end/],
    ['{"request": {"set": {"x-a": 1}}}', /add_header: request\.set\.x-a: expected a string, found 1/],
    ['{"requests": {}}', /add_header: requests: unknown key, expected one of request, response/],
    ['{"request": {"remove": "x-a"}}', /request\.remove: expected an array of strings, found the string "x-a"/],
  ];
  for (const [config, message] of refusals) {
    const filter = await loadFilter(import.meta, { rootId: "add_header", config });
    assert.not(filter.configured, config);
    assert.match(filter.refusal, message);
  }
});

test("memory stays flat over many streams", async () => {
  const filter = await loadFilter(import.meta, { rootId: "add_header", config: CONFIG });
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      filter.http().requestHeaders({ "x-internal": "1" }).responseHeaders({ vary: "a" }, true).finish();
    }
    return filter.memoryBytes;
  };
  const before = run(1000);
  assert.is(run(20_000), before);
});

test.run();
