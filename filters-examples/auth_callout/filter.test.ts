// filters-examples/auth_callout/filter.test.ts: what is asked, what the answers do, and what silence does.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FilterHost, loadFilter } from "../../host/testing/mod.ts";

const CONFIG = { cluster: "authz", path: "/check", timeout_ms: 500, copy_headers: ["x-user", "x-scope"] };

function load(config: Record<string, unknown> = CONFIG, clusters = ["authz"]): Promise<FilterHost> {
  return loadFilter(import.meta, { rootId: "auth_callout", config, clusters });
}

const TOKEN = { authorization: "Bearer t" };

test("a request waits for the verdict and then goes on, with what the service says", async () => {
  const filter = await load();
  const stream = filter.http();
  stream.requestHeaders({ ...TOKEN, ":method": "POST", ":path": "/a?b", "x-user": "root" }, false);
  stream.requestBody("payload");
  assert.ok(stream.requestHeld);
  assert.not(stream.request.forwarded);

  const call = filter.calls[0]!;
  assert.is(call.cluster, "authz");
  assert.is(call.timeoutMs, 500);
  assert.equal(Object.fromEntries(call.headers.entries()), {
    ":method": "GET",
    ":path": "/check",
    ":authority": "authz",
    authorization: "Bearer t",
    "x-original-method": "POST",
    "x-original-path": "/a?b",
  });

  filter.advance(7);
  call.respond(200, { "x-user": "ann", "x-other": "not copied" });
  assert.ok(stream.request.forwarded);
  assert.is(stream.request.header("x-user"), "ann");
  assert.is(stream.request.header("x-other"), null);
  assert.is(stream.request.text, "payload");
  assert.ok(stream.request.ended);
  assert.equal(filter.samples("auth_callout.latency_ms"), [7]);
  assert.is(filter.counter("auth_callout.allowed"), 1);
  stream.finish();
});

test("a client cannot say what the service is to say", async () => {
  const filter = await load();
  const stream = filter.http().requestHeaders({ ...TOKEN, "x-user": "root", "x-scope": "all" });
  filter.calls[0]!.respond(200);
  assert.is(stream.request.header("x-user"), null);
  assert.is(stream.request.header("x-scope"), null);
  stream.finish();
});

test("a denial becomes the answer", async () => {
  const filter = await load();
  const forbidden = filter.http().requestHeaders(TOKEN);
  filter.calls[0]!.respond(403, {}, "no entry");
  assert.equal(forbidden.local, { status: 403, details: "auth_callout_denied" });
  assert.is(forbidden.response.text, "no entry");
  assert.not(forbidden.request.forwarded);

  const unknown = filter.http().requestHeaders(TOKEN);
  filter.calls[0]!.respond(404);
  assert.is(unknown.local?.status, 401);
  assert.is(unknown.response.text, "denied\n");
  assert.is(filter.counter("auth_callout.denied"), 2);
});

test("without a token nobody is asked", async () => {
  const filter = await load();
  const stream = filter.http().requestHeaders({});
  assert.is(stream.local?.status, 401);
  assert.is(stream.response.header("www-authenticate"), "Bearer");
  assert.is(filter.calls.length, 0);
});

test("no verdict is a 503, or lets requests pass when so configured", async () => {
  for (const failOpen of [false, true]) {
    const filter = await load({ ...CONFIG, fail_open: failOpen });
    const results = [
      () => filter.advance(500),
      () => filter.calls[0]!.fail(),
      () => filter.calls[0]!.respond(500),
    ].map((happen) => {
      const stream = filter.http().requestHeaders(TOKEN);
      happen();
      assert.is(filter.calls.length, 0);
      return stream.request.forwarded ? "forwarded" : stream.local?.status;
    });
    assert.equal(results, failOpen ? ["forwarded", "forwarded", "forwarded"] : [503, 503, 503]);
    assert.is(filter.counter("auth_callout.failed"), 3);
  }
});

test("a cluster that does not exist is a 503 and an error in the log", async () => {
  const filter = await load(CONFIG, []);
  assert.is(filter.http().requestHeaders(TOKEN).local?.status, 503);
  assert.match(filter.messages("error").join("\n"), 'refuses to call cluster "authz"');
  const open = await load({ ...CONFIG, fail_open: true }, []);
  assert.ok(open.http().requestHeaders(TOKEN).request.forwarded);
});

test("a client that goes away while the call is under way harms nobody", async () => {
  const filter = await load();
  const gone = filter.http().requestHeaders(TOKEN);
  const stays = filter.http().requestHeaders(TOKEN);
  const [first, second] = filter.calls;
  gone.finish();
  first!.respond(200, { "x-user": "gone" });
  assert.ok(stays.requestHeld);
  second!.respond(200, { "x-user": "ann" });
  assert.is(stays.request.header("x-user"), "ann");
  stays.finish();
  assert.is(filter.failure, null);
  assert.is(filter.liveStreams, 0);
});

test("answers reach the request that asked, whatever their order", async () => {
  const filter = await load();
  const streams = ["ann", "bob", "cid"].map(() => filter.http().requestHeaders(TOKEN));
  const [a, b, c] = filter.calls;
  c!.respond(200, { "x-user": "cid" });
  a!.respond(200, { "x-user": "ann" });
  b!.respond(200, { "x-user": "bob" });
  assert.equal(streams.map((stream) => stream.request.header("x-user")), ["ann", "bob", "cid"]);
});

test("denials are reported now and then", async () => {
  const filter = await load({ ...CONFIG, report_every_ms: 1000 });
  filter.advance(5000);
  assert.equal(filter.messages("info"), []);
  filter.http().requestHeaders({}).finish();
  filter.advance(1000);
  filter.advance(1000);
  assert.equal(filter.messages("info"), ["auth_callout: denied 1 requests so far"]);
});

test("a bad configuration is refused", async () => {
  for (const config of [{ timeout_ms: 0 }, { timeout_ms: "1s" }, { fail_open: 1 }, { clusters: "a" }]) {
    assert.not((await load(config)).configured, JSON.stringify(config));
  }
});

test("memory stays flat over many streams", async () => {
  const filter = await load();
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      const stream = filter.http().requestHeaders(TOKEN);
      if (i % 3 !== 0) filter.calls[0]!.respond(i % 3 === 1 ? 200 : 403, { "x-user": "ann" });
      stream.finish();
      // A call whose stream is gone is answered too.
      filter.calls[0]?.respond(200);
    }
    return filter.memoryBytes;
  };
  const before = run(2000);
  assert.is(run(20_000), before);
});

test.run();
