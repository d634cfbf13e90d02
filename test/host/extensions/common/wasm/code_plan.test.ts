// test/host/extensions/common/wasm/code_plan.test.ts: every field that says where code comes from.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBootstrap, loadRegistry } from "../../../../../host/config/load.ts";
import { unreadFields } from "../../../../../host/config/unread.ts";
import type { PlanContext } from "../../../../../host/extensions/define.ts";
import { planCode } from "../../../../../host/extensions/common/wasm/code_plan.ts";
import type { WasmCodePlan } from "../../../../../host/extensions/common/wasm/plugin_plan.ts";

const registry = loadRegistry();
const SHA256 = "0a".repeat(32);
const URI = "http://modules.example/a.wasm";
const TARGET = `http_uri: { uri: "${URI}", cluster: store, timeout: 2.5s }`;

interface Planned {
  readonly plan: WasmCodePlan | null;
  /** Place, code and message. */
  readonly problems: readonly string[];
}

function plan(code: string): Planned {
  const { root, diagnostics } = loadBootstrap({
    registry,
    yaml: `code: ${code}`,
    typeName: "envoy.extensions.wasm.v3.VmConfig",
  });
  if (root === null) return { plan: null, problems: diagnostics.all.map((each) => each.message) };
  const context = {
    clusterNames: new Set(["store", "other"]),
    readDataSource: (node: { string(name: string): string }) => new TextEncoder().encode(node.string("inline_string")),
  } as unknown as PlanContext;
  const planned = planCode(root, context);
  diagnostics.addAll(unreadFields(root, { lenient: false }));
  return {
    plan: planned,
    problems: diagnostics.all.map((each) => `${each.severity} ${each.code}: ${each.message} ${each.help ?? ""}`),
  };
}

test("files, watched, and inline code", () => {
  assert.equal(plan("{ local: { filename: /a.wasm } }").plan, { kind: "file", path: "/a.wasm" });
  const inline = plan("{ local: { inline_string: x } }").plan;
  assert.ok(inline?.kind === "inline" && inline.bytes[0] === 0x78);
});

test("remote code, and what is not said of it", () => {
  const { plan: planned, problems } = plan(`{ remote: { ${TARGET}, sha256: ${SHA256.toUpperCase()} } }`);
  assert.equal(problems, []);
  assert.equal(planned, {
    kind: "http",
    uri: URI,
    cluster: "store",
    timeoutMs: 2500,
    sha256: SHA256,
    retry: { retries: 1, baseMs: 1000, maxMs: 10_000 },
  });
});

test("retries", () => {
  const retry = (text: string) => {
    const { plan: planned, problems } = plan(`{ remote: { ${TARGET}, sha256: ${SHA256}, retry_policy: ${text} } }`);
    return [planned?.kind === "http" ? planned.retry : null, problems];
  };
  assert.equal(retry("{ num_retries: 0 }"), [{ retries: 0, baseMs: 1000, maxMs: 10_000 }, []]);
  assert.equal(retry("{ num_retries: 7, retry_back_off: { base_interval: 0.2s } }"), [
    { retries: 7, baseMs: 200, maxMs: 2000 },
    [],
  ]);
  assert.equal(retry("{ retry_back_off: { base_interval: 2s, max_interval: 3s } }"), [
    { retries: 1, baseMs: 2000, maxMs: 3000 },
    [],
  ]);
  const [none, problems] = retry("{ retry_back_off: { base_interval: 2s, max_interval: 1s } }") as [null, string[]];
  assert.is(none, null);
  assert.match(problems[0]!, "config/out-of-range: max_interval (1000 ms) is below base_interval (2000 ms)");
  const [, ignored] = retry("{ retry_on: 5xx, host_selection_retry_max_attempts: 3 }") as [unknown, string[]];
  assert.ok(
    ignored.length === 2 && ignored.every((each) => each.includes("config/accepted-without-effect")),
    ignored.join(),
  );
});

test("images", () => {
  const image = (uri: string, sha256: string, cluster = "_") => {
    const { plan: planned, problems } = plan(
      `{ remote: { http_uri: { uri: "${uri}", cluster: ${cluster}, timeout: 1s }, sha256: ${sha256} } }`,
    );
    return planned?.kind === "oci" ? [planned.uri, planned.sha256, planned.cluster] : problems.join();
  };
  const uri = "oci://ghcr.io/team/guard:v1";
  assert.equal(image(uri, "nil"), [uri, null, null]);
  assert.equal(image(uri, SHA256, "store"), [uri, SHA256, "store"]);
  assert.match(image(uri, "latest") as string, "'latest' is no SHA-256 digest: expected 64 hexadecimals write nil");
  assert.match(image("oci://ghcr.io/Team/guard", "nil") as string, "cannot be read: 'Team/guard' is no repository");
});

test("what is wrong is said where it is", () => {
  const problem = (code: string) => {
    const { plan: planned, problems } = plan(code);
    assert.is(planned, null, code);
    return problems.join("\n");
  };
  const remote = (uri: string, sha256: string = SHA256, cluster = "store") =>
    `{ remote: { http_uri: { uri: "${uri}", cluster: ${cluster}, timeout: 1s }, sha256: ${sha256} } }`;
  assert.match(problem(remote("ftp://a.example/a.wasm")), "none of http://, https:// and oci://");
  assert.match(problem(remote("/a.wasm")), "none of http://");
  assert.match(problem(remote("http:///")), "none of http://");
  assert.match(problem(remote(URI, "nil")), "'nil' is no SHA-256 digest");
  assert.match(problem(remote(URI, "abc")), "take the first word of what sha256sum says");
  assert.match(
    problem(remote(URI, SHA256, "stor")),
    "unknown cluster 'stor' a cluster with a similar name exists: store",
  );
  assert.match(problem(remote(URI, SHA256, "elsewhere")), "write _ to reach the host of the uri straight");
  // All of them at once.
  const all = problem(remote("ftp://x", "abc", "elsewhere"));
  for (const text of ["none of http", "no SHA-256", "unknown cluster"]) assert.match(all, text);
  // Envoy's own rules.
  for (const code of ["{}", `{ remote: { sha256: ${SHA256} } }`, `{ remote: { ${TARGET} } }`]) problem(code);
});

test.run();
