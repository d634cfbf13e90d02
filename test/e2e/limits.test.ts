// test/e2e/limits.test.ts: limits of plugins, as the runtime of a configuration sets them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startEmbedded } from "../support/embedded.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-limits-"));
test.after(() => rmSync(folder, { recursive: true }));

/** A filter that turns 5000 times for each request. */
function turning(name: string): unknown {
  const file = join(folder, `${name}.wasm`);
  const turns =
    "(local $i i32) (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000))))";
  writeFileSync(file, watFilter({ onRequestHeaders: turns }));
  return wasmFilter(name, file);
}

test("a plugin is held to its own budget, others to that of all", async () => {
  const runtime = { nuncio: { wasm: { cpu_budget: 10_000, plugins: { poor: { cpu_budget: 4000 } } } } };
  const rich = await startEmbedded(webConfig({ port: 0, filters: [turning("rich")], runtime }));
  const poor = await startEmbedded(webConfig({ port: 0, filters: [turning("poor")], runtime }));
  try {
    assert.match((await get(rich.port("web"), "/direct")).head, /^HTTP\/1.1 200 /);
    assert.match((await get(poor.port("web"), "/direct")).head, /^HTTP\/1.1 503 /);
    assert.match(poor.log, 'cpu budget exhausted: plugin \\"poor\\" has spent the 4000 units of this call');
  } finally {
    await rich.stop();
    await poor.stop();
  }
});

test("a module that wants more memory than it may have is refused", async () => {
  const file = join(folder, "large.wasm");
  writeFileSync(file, watFilter({ pages: 20 }));
  const runtime = { "nuncio.wasm.max_memory_bytes": 10 * 65536 };
  const config = webConfig({ port: 0, filters: [wasmFilter("large", file)], runtime });
  const refusal = await startEmbedded(config).then(() => "started", (error: unknown) => String(error));
  assert.match(refusal, "its memory begins with 20, at most 10 are allowed");
});

test.run();
