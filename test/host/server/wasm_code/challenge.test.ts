// test/host/server/wasm_code/challenge.test.ts: WWW-Authenticate headers and tokens.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseChallenges, readToken } from "../../../../host/server/wasm_code/challenge.ts";

function challenges(header: string): unknown[] {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test("a bearer challenge as registries send it", () => {
  assert.equal(
    challenges(
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    ),
    [["bearer", {
      realm: "https://auth.docker.io/token",
      service: "registry.docker.io",
      scope: "repository:a/b:pull,push",
    }]],
  );
});

test("several challenges, spaces, tokens, quotes, no parameters", () => {
  assert.equal(challenges('Basic realm="a \\"b\\"" , Bearer realm = "c", Service=d,Negotiate'), [
    ["basic", { realm: 'a "b"' }],
    ["bearer", { realm: "c", service: "d" }],
    ["negotiate", {}],
  ]);
  assert.equal(challenges(""), []);
  assert.equal(challenges(",,"), []);
});

test("what cannot be read ends the list", () => {
  assert.equal(challenges('Basic realm="open'), []);
  assert.equal(challenges('Basic realm="a", Bearer realm="open'), [["basic", { realm: "a" }]]);
  assert.equal(challenges('Bearer realm="a" ??? Basic realm="b"'), []);
  assert.equal(challenges('realm="nobody"'), []);
  const started = performance.now();
  parseChallenges("Bearer " + 'a="b\\'.repeat(20_000));
  parseChallenges(" ,".repeat(20_000));
  parseChallenges("a ".repeat(20_000));
  assert.ok(performance.now() - started < 2000);
});

test("tokens", () => {
  assert.is(readToken('{"token":"a.b","access_token":"c"}'), "a.b");
  assert.is(readToken('{"token":"","access_token":"c"}'), "c");
  for (const bad of ["", "null", "[]", '{"token":7}', '{"token":"a\\r\\nb: c"}', '{"token":""}']) {
    assert.is(readToken(bad), null, bad);
  }
});

test.run();
