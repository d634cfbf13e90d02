// filters-examples/basic_auth/filter.test.ts: who gets in, who does not, and what the upstream sees.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type FilterHost, loadFilter } from "../../host/testing/mod.ts";

const CONFIG = { realm: "office", users: { ann: "secret", "bob": "pass:word" }, open_paths: ["/health", "/public/"] };

function load(): Promise<FilterHost> {
  return loadFilter(import.meta, { rootId: "basic_auth", config: CONFIG });
}

function basic(credentials: string): string {
  return `Basic ${btoa(credentials)}`;
}

test("the right credentials pass; the upstream gets the name and not the password", async () => {
  const filter = await load();
  const stream = filter.http();
  stream.requestHeaders({ authorization: basic("ann:secret"), "x-user": "root" });
  assert.ok(stream.request.forwarded);
  assert.is(stream.request.header("x-user"), "ann");
  assert.is(stream.request.header("authorization"), null);
  assert.is(filter.counter("basic_auth.allowed"), 1);
  stream.finish();
});

test("a password may contain colons, and the scheme any case", async () => {
  const filter = await load();
  const stream = filter.http().requestHeaders({ authorization: basic("bob:pass:word").replace("Basic", "bAsIc") });
  assert.is(stream.request.header("x-user"), "bob");
  stream.finish();
});

test("everything else is answered 401 and does not reach the upstream", async () => {
  const filter = await load();
  const wrong = [
    {},
    { authorization: basic("ann:wrong") },
    { authorization: basic("ann:secret ") },
    { authorization: basic("ann:secre") },
    { authorization: basic("eve:secret") },
    { authorization: basic("ann") },
    { authorization: basic("") },
    { authorization: "Basic" },
    { authorization: "Basic %%%" },
    { authorization: "Bearer secret" },
  ];
  for (const headers of wrong) {
    const stream = filter.http().requestHeaders(headers);
    assert.not(stream.request.forwarded, JSON.stringify(headers));
    assert.equal(stream.local, { status: 401, details: "basic_auth_denied" });
    assert.is(stream.response.header("www-authenticate"), 'Basic realm="office", charset="UTF-8"');
    assert.is(stream.response.text, "user name and password, please\n");
    stream.finish();
  }
  assert.is(filter.counter("basic_auth.denied"), wrong.length);
});

test("open paths need no password, and nobody can pass as a user there", async () => {
  const filter = await load();
  for (const path of ["/health", "/health?full=1", "/public/", "/public/a/b.css"]) {
    const stream = filter.http().requestHeaders({ ":path": path, "x-user": "root" });
    assert.ok(stream.request.forwarded, path);
    assert.is(stream.request.header("x-user"), null);
    stream.finish();
  }
  for (const path of ["/healthy", "/health/x", "/public", "/", "/x?y=/public/"]) {
    const stream = filter.http().requestHeaders({ ":path": path });
    assert.is(stream.local?.status, 401, path);
    stream.finish();
  }
});

test("a bad configuration is refused", async () => {
  const refusals: [config: Record<string, unknown>, message: RegExp][] = [
    [{}, /users: at least one user is needed/],
    [{ users: {} }, /users: at least one user is needed/],
    [{ users: { ann: 1 } }, /users\.ann: expected a string, found 1/],
    [{ users: { ann: "a" }, realm: 'a"b' }, /realm: must not contain a double quote/],
    [{ user: { ann: "a" } }, /user: unknown key/],
  ];
  for (const [config, message] of refusals) {
    const filter = await loadFilter(import.meta, { rootId: "basic_auth", config });
    assert.not(filter.configured);
    assert.match(filter.refusal, message);
  }
});

test("memory stays flat over many streams", async () => {
  const filter = await load();
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      filter.http().requestHeaders({ authorization: basic(i % 2 === 0 ? "ann:secret" : "ann:wrong") }).finish();
    }
    return filter.memoryBytes;
  };
  const before = run(2000);
  assert.is(run(20_000), before);
});

test.run();
