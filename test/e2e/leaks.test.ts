// test/e2e/leaks.test.ts: many requests through two filters leave nothing behind.
/**
 * `REQUESTS=200000 node test/run.ts test/e2e/leaks.test.ts --timeout 600` is the full figure.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildFilter } from "../../host/testing/filter_build/build_filter.ts";
import { startEmbedded } from "../support/embedded.ts";
import { watFilter } from "../support/wat_filter.ts";
import { type Footprint, footprint, Load, mebibytes } from "./load.ts";
import { wasmFilter, webConfig } from "./support.ts";

const REQUESTS = Number(process.env["REQUESTS"] ?? 20_000);
const CLIENTS = 32;
const ROUNDS = 10;

test(`${REQUESTS} requests through two filters: the second half adds no memory, VM, context, socket or timer`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-leaks-"));
  const hello = await buildFilter({ path: fileURLToPath(new URL("../../filters-examples/hello", import.meta.url)) });
  assert.not.ok(hello.diagnostics.hasErrors);
  const file = join(folder, "version.wasm");
  writeFileSync(file, watFilter({ version: "1" }));
  await using load = await Load.start();
  const filters = [wasmFilter("hello", hello.outFile), wasmFilter("version", file)];
  const proxy = await startEmbedded(webConfig({ port: 0, upstreamPort: load.upstreamPort, filters }));
  try {
    // Equal rounds, each on new connections; what is compared is what is left when a round is over.
    const rounds: Footprint[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const end = load.begin({ port: proxy.port("web"), connections: CLIENTS, requests: REQUESTS / ROUNDS });
      const report = await end();
      assert.equal(report.bad, []);
      assert.is(report.requests, REQUESTS / ROUNDS);
      await proxy.statIs("http.web.downstream_cx_active", 0);
      rounds.push(await footprint(proxy));
    }
    const halfway = rounds.slice(0, ROUNDS / 2);
    const rest = rounds.slice(ROUNDS / 2);
    const least = (all: readonly Footprint[], of: (each: Footprint) => number) => Math.min(...all.map(of));
    const memory = least(rest.slice(-2), (each) => each.memoryBytes) - halfway.at(-1)!.memoryBytes;
    const heap = least(rest.slice(-2), (each) => each.heapBytes) - halfway.at(-1)!.heapBytes;
    const last = rounds.at(-1)!;
    console.log(
      `${REQUESTS} requests, second half: memory ${mebibytes(memory)}, heap ${mebibytes(heap)}; ` +
        `${last.vms} VMs, ${last.timers} timers`,
    );
    assert.ok(memory <= 10 * 1024 * 1024, `memory grew by ${mebibytes(memory)}`);
    assert.ok(heap <= 10 * 1024 * 1024, `heap grew by ${mebibytes(heap)}`);
    for (const each of rest) {
      assert.is(each.vms, 2);
      assert.is(each.connections, 0);
      assert.is(each.streams, 0);
      assert.ok(each.timers <= halfway.at(-1)!.timers, `${each.timers} timers, ${halfway.at(-1)!.timers} halfway`);
    }
    const [plugins] = await proxy.server.callAll("plugins", undefined);
    assert.equal(plugins!.map((plugin) => plugin.streams), [0, 0]);
    assert.is(proxy.stat("http.web.downstream_rq_total"), REQUESTS);
    assert.is(proxy.stat("http.web.downstream_rq_active"), 0);
    assert.is(proxy.stat("cluster.upstream.upstream_rq_active"), 0);
  } finally {
    await proxy.stop();
    rmSync(folder, { recursive: true });
  }
});

test.run();
