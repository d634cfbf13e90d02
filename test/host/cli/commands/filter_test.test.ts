// test/host/cli/commands/filter_test.test.ts: `nuncio filter test`: what a failing test shows of its filter's trap.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { QUICK_BUILD } from "../../../support/quick_build.ts";

const MAIN = fileURLToPath(new URL("../../../../host/cli/main.ts", import.meta.url));
const TESTING = new URL("../../../../host/testing/mod.ts", import.meta.url).href;

// The trap is in line 7.
const FILTER = `export * from "nuncio/sdk/entry/http";
import { HeadersStatus, HttpFilter, registerHttpFilter, RequestHeaders } from "nuncio/sdk";

class Tenants extends HttpFilter {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    const parts = headers.getOr("x-tenant", "").split("/");
    headers.set("x-tenant-name", parts[1]);
    return HeadersStatus.Continue;
  }
}

registerHttpFilter<Tenants>("tenants");
`;

/** A test that has its filter trap; `WHAT` says what it does then. */
const TEST = `import { loadFilter } from ${JSON.stringify(TESTING)};
const filter = await loadFilter(import.meta, { rootId: "tenants" });
const stream = filter.http().requestHeaders({ "x-tenant": "a" });
const what = process.env.WHAT;
console.log("local " + stream.local?.details);
if (what === "look") console.log("looked at " + filter.failure.code);
if (what !== "pass") process.exitCode = 1;
`;

const folder = mkdtempSync(join(tmpdir(), "nuncio-filter-test-"));
test.after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "filter.ts"), FILTER);
writeFileSync(join(folder, "filter.test.ts"), TEST);
writeFileSync(join(folder, "asconfig.json"), QUICK_BUILD);

async function run(what: string, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", "--quiet"] : [];
  const child = spawn(process.execPath, [...flags, MAIN, "filter", "test", folder, ...args], {
    env: { ...process.env, WHAT: what },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "", err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  const [code] = await once(child, "close") as [number | null];
  return { code, out, err };
}

test("a failing test shows the trap with file, line and column, and the filter's last words", async () => {
  const { code, out, err } = await run("fail");
  assert.is(code, 1, err);
  assert.match(out, "local wasm_fail_stream");
  assert.match(err, "error[wasm/trap]: Function: proxy_on_request_headers failed: unreachable");
  assert.match(err, /filter\/Tenants#onRequestHeaders \(filter\.ts:7:\d+\)/);
  assert.match(err, "its last words: abort: Index out of range at ~lib/array.ts:");
  assert.ok(existsSync(join(folder, "build/filter.debug.wasm.map")));
  assert.not.ok(existsSync(join(folder, "build/filter.wasm")));
});

test("nothing is shown of a trap that the test has looked at, nor when it passes", async () => {
  for (const what of ["look", "pass"]) {
    const { code, out, err } = await run(what);
    assert.is(code, what === "pass" ? 0 : 1);
    assert.match(out, "local wasm_fail_stream");
    assert.not.match(err, "wasm/trap");
  }
});

test("--release tests what is shipped, and excludes --debug", async () => {
  const { code, err } = await run("fail", "--release");
  assert.is(code, 1);
  assert.match(err, /stack: function \d+ \(0x[0-9a-f]+\)/);
  assert.ok(existsSync(join(folder, "build/filter.wasm")));
  assert.is((await run("fail", "--release", "--debug")).code, 2);
});

test.run();
