// test/host/http/hash_policy.test.ts: parts of hash policies that no exchange with Envoy shows.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromLatin1 } from "../../../host/base/bytes.ts";
import { xxHash64, xxHashReady } from "../../../host/base/xxhash.ts";
import { pipeAddress } from "../../../host/net/address.ts";
import { HashPolicy, type HashPolicyPlan } from "../../../host/http/hash_policy.ts";
import { ask, infoOf, planned, requestOf, tableOfRoutes } from "../router/support.ts";

await xxHashReady;

const never = () => assert.unreachable();

function hash(plans: readonly HashPolicyPlan[], headers: readonly (readonly [string, string])[], info = infoOf()) {
  return new HashPolicy(plans).hash(requestOf({ headers }), info, never);
}

test("nothing to hash, no hash", () => {
  const plans: HashPolicyPlan[] = [
    { kind: "header", name: "x", rewrite: null, terminal: true },
    { kind: "cookie", name: "x", ttlSeconds: null, path: "", attributes: [], terminal: true },
    { kind: "queryParameter", name: "x", terminal: true },
    { kind: "filterState", key: "envoy.hashable_string", terminal: true },
  ];
  assert.is(hash(plans, []), null);
  assert.is(hash([], []), null);
});

test("a terminal policy ends the list as soon as there is a hash, be it of policies before it", () => {
  const header = (name: string, terminal: boolean): HashPolicyPlan => ({
    kind: "header",
    name,
    rewrite: null,
    terminal,
  });
  const plans = [header("a", false), header("b", true), header("c", false)];
  assert.is(hash(plans, [["a", "1"], ["c", "3"]]), xxHash64("1"));
  assert.is(hash(plans, [["c", "3"]]), xxHash64("3"));
});

test("the values of a header in whichever order", () => {
  const plans: HashPolicyPlan[] = [{ kind: "header", name: "x", rewrite: null, terminal: false }];
  const expected = xxHash64("b", xxHash64("a"));
  assert.is(hash(plans, [["x", "a"], ["x", "b"]]), expected);
  assert.is(hash(plans, [["x", "b"], ["x", "a"]]), expected);
});

test("two equal policies are not nothing", () => {
  const plan: HashPolicyPlan = { kind: "header", name: "x", rewrite: null, terminal: false };
  const once = hash([plan], [["x", "1"]])!;
  const twice = hash([plan, plan], [["x", "1"]])!;
  assert.is(once, xxHash64("1"));
  assert.is(twice, BigInt.asUintN(64, once << 1n | once >> 63n) ^ once);
  assert.is.not(twice, 0n);
});

test("filter state", () => {
  const info = infoOf();
  info.filterState.set("envoy.hashable_string", { value: fromLatin1("abc"), readOnly: true });
  info.filterState.set("other", { value: fromLatin1("abc"), readOnly: true });
  const of = (key: string) => hash([{ kind: "filterState", key, terminal: false }], [], info);
  assert.is(of("envoy.hashable_string"), xxHash64("abc"));
  assert.is(of("other"), null);
});

test("a client on a unix socket has no address to hash", () => {
  const info = infoOf({ client: pipeAddress("/run/x") });
  assert.is(hash([{ kind: "sourceIp", terminal: false }], [], info), null);
});

test("a route has its policy, and one without has none", () => {
  const table = tableOfRoutes([
    { match: { path: "/a" }, route: { cluster: "c", hash_policy: [{ header: { header_name: "X-A" } }] } },
    { match: { path: "/b" }, route: { cluster: "c" } },
    { match: { path: "/c" }, route: { cluster: "c", hash_policy: [{ connection_properties: {} }] } },
  ]);
  const hashOf = (path: string) =>
    ask(table, path)!.hashPolicy?.hash(requestOf({ headers: [["x-a", "1"]] }), infoOf(), never);
  assert.is(hashOf("/a"), xxHash64("1"));
  assert.is(hashOf("/b"), undefined);
  assert.is(hashOf("/c"), undefined);
});

test("state that cannot be hashed is a warning at its place", () => {
  const { problems } = planned({
    virtual_hosts: [{
      name: "v",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, route: { cluster: "c", hash_policy: [{ filter_state: { key: "k" } }] } }],
    }],
  });
  assert.equal(problems.map(({ severity, code }) => `${severity} ${code}`), ["warning router/no-effect"]);
});

test.run();
