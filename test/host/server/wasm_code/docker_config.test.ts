// test/host/server/wasm_code/docker_config.test.ts: credentials as `docker login` keeps them.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { findCredentials } from "../../../../host/server/wasm_code/docker_config.ts";
import { utf8 } from "./support.ts";

function find(registry: string, config: unknown, env: Readonly<Record<string, string>> = { DOCKER_CONFIG: "/d" }) {
  const path = env["DOCKER_CONFIG"] !== undefined ? "/d/config.json" : "/home/me/.docker/config.json";
  return findCredentials({
    env: (name) => env[name],
    readFile: (asked) =>
      asked === path && config !== null
        ? { ok: true, bytes: utf8(typeof config === "string" ? config : JSON.stringify(config)) }
        : { ok: false, code: asked === path ? "ENOENT" : "EACCES", message: "no" },
  }, registry);
}

test("user and password, by the forms that there are", () => {
  const basic = { credentials: { kind: "basic", user: "me", password: "a:b" }, note: null };
  assert.equal(find("ghcr.io", { auths: { "ghcr.io": { auth: btoa("me:a:b") } } }), basic);
  assert.equal(find("ghcr.io", { auths: { "https://ghcr.io/v2/": { username: "me", password: "a:b" } } }), basic);
  assert.equal(find("localhost:5000", { auths: { "localhost:5000": { auth: btoa("me:a:b") } } }), basic);
  assert.equal(find("docker.io", { auths: { "https://index.docker.io/v1/": { auth: btoa("me:a:b") } } }), basic);
  const home = find("ghcr.io", { auths: { "ghcr.io": { auth: btoa("me:a:b") } } }, { HOME: "/home/me" });
  assert.equal(home, basic);
});

test("tokens", () => {
  const entry = (value: object) => find("a.example", { auths: { "a.example": value } }).credentials;
  assert.equal(entry({ auth: btoa("<token>:"), identitytoken: "i" }), { kind: "refresh", token: "i" });
  assert.equal(entry({ registrytoken: "r", identitytoken: "i" }), { kind: "bearer", token: "r" });
});

test("none, and why", () => {
  const none = (config: unknown, env?: Record<string, string>) => {
    const { credentials, note } = find("a.example", config, env);
    assert.is(credentials.kind, "none");
    return note;
  };
  assert.is(none(null), null);
  assert.is(none({}, {}), null);
  assert.is(none({ auths: { "b.example": { auth: btoa("me:x") } } }), null);
  assert.is(none({ auths: { "a.example": { auth: "?" } } }), null);
  assert.is(none({ auths: { "a.example": { auth: btoa("nocolon") } } }), null);
  assert.is(
    none({ auths: { "a.example.evil": { auth: btoa("me:x") }, "http://x/a.example": { auth: btoa("me:x") } } }),
    null,
  );
  assert.match(none("{")!, "is not JSON");
  assert.match(none({ auths: { "a.example": {} }, credsStore: "pass" })!, "docker-credential-pass, which is not run");
  assert.match(none({ credHelpers: { "a.example": "ecr-login" } })!, "docker-credential-ecr-login");
  assert.is(none({ credHelpers: { "b.example": "ecr-login" } }), null);
  assert.match(
    findCredentials({ env: () => "/d", readFile: () => ({ ok: false, code: "EACCES", message: "denied" }) }, "a").note!,
    "cannot be read: denied",
  );
});

test.run();
