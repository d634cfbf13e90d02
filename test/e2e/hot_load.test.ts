// test/e2e/hot_load.test.ts: filters that change while the proxy serves.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { freePorts, type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type FilterOptions, watFilter } from "../support/wat_filter.ts";
import { type Footprint, footprint, Load, mebibytes } from "./load.ts";
import { get, RawClient, Upstream, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-hot-load-"));
test.after(() => rmSync(folder, { recursive: true }));

/** Swaps in the test under load; `SWAPS=1000 WORKERS=2` for more. */
const SWAPS = Number(process.env["SWAPS"] ?? 100);
const WORKERS = Number(process.env["WORKERS"] ?? 1);
const CLIENTS = 64;
const READINGS = 10;

/** Puts a module in place as compilers and Kubernetes do: all at once. */
function install(file: string, options: FilterOptions): void {
  writeFileSync(`${file}.new`, watFilter(options));
  renameSync(`${file}.new`, file);
}

function version(head: string): string | null {
  return /^x-version: (\S+)\r$/m.exec(head)?.[1] ?? null;
}

interface AdminAnswer {
  readonly status: number;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

function admin(port: number, method: string, path: string): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, method, path, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
      response.on("end", () => resolve({ status: response.statusCode!, json: JSON.parse(text) as unknown }));
    });
    call.on("error", reject);
    call.end();
  });
}

async function withFilter(
  name: string,
  args: readonly string[],
  run: (all: { proxy: ProxyProcess; file: string; port: number; adminPort: number }) => Promise<void>,
): Promise<void> {
  const file = join(folder, `${name}.wasm`);
  install(file, { version: "1" });
  const [port, adminPort] = await freePorts(2) as [number, number];
  const proxy = await startProxy(webConfig({ port, adminPort, filters: [wasmFilter(name, file)] }), { args });
  try {
    await run({ proxy, file, port, adminPort });
  } finally {
    await proxy.stop();
  }
}

for (const concurrency of ["1", "2"]) {
  test(`a file that changes is loaded by itself (${concurrency} workers)`, async () => {
    await withFilter("changes", ["--concurrency", concurrency], async ({ proxy, file, port }) => {
      assert.is(version((await get(port, "/direct")).head), "1");
      install(file, { version: "2" });
      await proxy.waitForOutput("a wasm plugin was reloaded");
      for (let i = 0; i < 8; i++) assert.is(version((await get(port, "/direct")).head), "2");
    });
  });
}

test("reload, rollback and refusals over the admin port", async () => {
  await withFilter("guard", ["--concurrency", "2"], async ({ proxy, file, port, adminPort }) => {
    const [first] = (await admin(adminPort, "GET", "/filters")).json.filters;
    assert.is(first.name, "guard");
    assert.is(first.file, file);
    assert.is(first.version, 1);
    assert.is(first.previous_sha256, null);
    assert.is(first.workers.length, 2);
    assert.is(first.vms, 2);

    // Written in place: the watch must not be what loads it.
    install(file, { version: "2" });
    const reload = await admin(adminPort, "POST", "/filters/reload?name=guard");
    assert.is(reload.status, 200);
    const [swap] = reload.json.filters;
    assert.is(swap.old_sha256, first.sha256);
    assert.is.not(swap.new_sha256, first.sha256);
    assert.is(version((await get(port, "/direct")).head), "2");

    const rollback = await admin(adminPort, "POST", "/filters/rollback?name=guard");
    assert.is(rollback.status, 200);
    assert.is(rollback.json.filters[0].new_sha256, first.sha256);
    assert.is(version((await get(port, "/direct")).head), "1");

    const unknown = await admin(adminPort, "POST", "/filters/reload?name=gard");
    assert.is(unknown.status, 404);
    assert.equal(unknown.json.known, ["guard"]);
    assert.match(unknown.json.help, "guard");

    install(file, { version: "3", configures: false });
    const refused = await admin(adminPort, "POST", "/filters/reload?name=guard");
    assert.is(refused.status, 422);
    assert.match(refused.json.filters[0].error, "wasm plugin 'guard' from");
    assert.match(refused.json.filters[0].error, "on_configure");
    assert.is(version((await get(port, "/direct")).head), "1", "the old one serves on");
    const [after] = (await admin(adminPort, "GET", "/filters")).json.filters;
    assert.match(after.last_error, "on_configure");
    assert.is(after.sha256, first.sha256);
    assert.is(after.vms, 2, "no VM is left over");
    await proxy.waitForOutput("a wasm plugin was not reloaded: the old code goes on");

    install(file, { version: "4" });
    assert.is((await admin(adminPort, "POST", "/filters/reload?name=guard")).status, 200);
    assert.is((await admin(adminPort, "GET", "/filters")).json.filters[0].last_error, null);
    assert.is(version((await get(port, "/direct")).head), "4");
  });
});

for (
  const [name, content] of [
    ["truncated", () => watFilter({ version: "2" }).subarray(0, 300)],
    ["text", () => new TextEncoder().encode("<html>404</html>")],
    ["imports", () => watFilter({ imports: '(import "env" "nothing" (func))' })],
  ] as const
) {
  test(`a bad module on disk (${name}) leaves the old one serving`, async () => {
    await withFilter(name, ["--concurrency", "1"], async ({ proxy, file, port }) => {
      writeFileSync(`${file}.new`, content());
      renameSync(`${file}.new`, file);
      await proxy.waitForOutput("a wasm plugin was not reloaded: the old code goes on");
      assert.is(version((await get(port, "/direct")).head), "1");
    });
  });
}

async function withEmbedded(
  yaml: string,
  options: Parameters<typeof startEmbedded>[1],
  run: (proxy: Embedded) => Promise<void>,
): Promise<void> {
  const proxy = await startEmbedded(yaml, options);
  try {
    await run(proxy);
  } finally {
    await proxy.stop();
  }
}

test("a module that never comes back from on_configure is refused in time, and no worker waits for it", async () => {
  const file = join(folder, "endless.wasm");
  install(file, { version: "1" });
  const config = webConfig({ port: 0, filters: [wasmFilter("endless", file)] });
  await withEmbedded(config, { trialLimitMs: 500 }, async (proxy) => {
    install(file, { version: "2", onConfigure: "(loop $for_ever (br $for_ever))" });
    const reports = proxy.plugins.reload("endless")!;
    let settled = false;
    void reports.then(() => settled = true);
    let served = 0;
    while (!settled) {
      assert.is(version((await get(proxy.port("web"), "/direct")).head), "1");
      served++;
    }
    assert.ok(served > 10, `requests while it was tried: ${served}`);
    const [report] = await reports;
    assert.not.ok(report!.ok);
    assert.match(report!.ok ? "" : report!.error, "within 0.5 s");
  });
});

test("two plugins that change at once are both loaded", async () => {
  const files = ["left", "right"].map((name) => join(folder, `${name}.wasm`));
  for (const file of files) install(file, { version: "1" });
  const filters = ["left", "right"].map((name, i) => wasmFilter(name, files[i]!));
  await withEmbedded(webConfig({ port: 0, filters }), {}, async (proxy) => {
    for (const file of files) install(file, { version: "2" });
    const reports = await Promise.all([proxy.plugins.reloadFile(files[0]!), proxy.plugins.reloadFile(files[1]!)]);
    assert.equal(reports.flat().map((report) => report!.ok && report!.changed), [true, true]);
  });
});

test("streams in flight finish on the old code, whose VM is then freed", async () => {
  const upstream = await Upstream.start();
  const file = join(folder, "flight.wasm");
  install(file, { version: "1" });
  const config = webConfig({ port: 0, upstreamPort: upstream.port, filters: [wasmFilter("flight", file)] });
  await withEmbedded(config, {}, async (proxy) => {
    const client = await RawClient.connect(proxy.port("web"));
    const held = client.get("/hold");
    await upstream.held();
    install(file, { version: "2" });
    await proxy.plugins.reload("flight");
    assert.is(proxy.stat("wasm.envoy.wasm.runtime.v8.active"), 2);
    assert.is(version((await get(proxy.port("web"), "/direct")).head), "2");
    upstream.release();
    assert.is(version((await held).head), "1");
    client.close();
    await proxy.statIs("wasm.envoy.wasm.runtime.v8.active", 1);
  });
  await upstream.stop();
});

test(`${SWAPS} swaps under the load of ${CLIENTS} connections lose no request and leave nothing behind`, async () => {
  await using load = await Load.start();
  const file = join(folder, "load.wasm");
  install(file, { version: "0" });
  const config = webConfig({ port: 0, upstreamPort: load.upstreamPort, filters: [wasmFilter("load", file)] });
  await withEmbedded(config, { concurrency: WORKERS }, async (proxy) => {
    const before = await footprint(proxy);
    const begin = performance.now();
    const end = load.begin({ port: proxy.port("web"), connections: CLIENTS, requests: 0, pauseMs: 25 });
    await proxy.statIs("http.web.downstream_cx_active", CLIENTS);
    // The least of several readings: what the allocators hold on to goes up and down by 10 MiB.
    const halfway: Footprint[] = [];
    const atEnd: Footprint[] = [];
    for (let i = 1; i <= SWAPS; i++) {
      // Two builds, by turns, as a developer goes back and forth.
      install(file, { version: String(i % 2) });
      const [report] = await proxy.plugins.reload("load")!;
      assert.ok(report!.ok && report!.changed, JSON.stringify(report));
      if (i > SWAPS / 2 - READINGS && i <= SWAPS / 2) halfway.push(await footprint(proxy));
      if (i > SWAPS - READINGS) atEnd.push(await footprint(proxy));
    }
    const { requests, bad, badCount, versions } = await end();
    const least = (all: readonly Footprint[], of: (each: Footprint) => number) => Math.min(...all.map(of));
    const grown = least(atEnd, (each) => each.memoryBytes) - least(halfway, (each) => each.memoryBytes);
    const heapGrown = least(atEnd, (each) => each.heapBytes) - least(halfway, (each) => each.heapBytes);
    console.log(
      `${SWAPS} swaps in ${
        ((performance.now() - begin) / 1000).toFixed(1)
      } s, ${requests} requests, ${badCount} lost, ` +
        `second half: memory ${mebibytes(grown)}, heap ${mebibytes(heapGrown)}`,
    );
    assert.equal(bad, []);
    assert.equal(versions, ["0", "1"]);
    assert.ok(requests > SWAPS * 5, `requests: ${requests}`);
    assert.equal(new Set(atEnd.map((each) => each.connections)), new Set([CLIENTS]));
    assert.ok(grown <= 10 * 1024 * 1024, `memory grew by ${mebibytes(grown)}`);
    assert.ok(heapGrown <= 10 * 1024 * 1024, `heap grew by ${mebibytes(heapGrown)}`);

    await proxy.statIs("http.web.downstream_cx_active", 0);
    await proxy.statIs("wasm.envoy.wasm.runtime.v8.active", WORKERS);
    const after = await footprint(proxy);
    assert.is(after.vms, before.vms);
    assert.is(after.connections, 0);
    assert.is(after.streams, 0);
    for (const plugins of await proxy.server.callAll("plugins", undefined)) {
      assert.is(plugins[0]!.streams, 0);
      assert.is(plugins[0]!.liveVms, 1);
    }
    assert.is(proxy.stat("http.web.downstream_rq_active"), 0);
    assert.is(proxy.stat("cluster.upstream.upstream_rq_active"), 0);
    assert.not.match(proxy.log, '"level":"error"');
  });
});

test.run();
