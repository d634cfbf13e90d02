// test/e2e/admin.test.ts: the admin port of a running proxy with two workers.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { freePorts, type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, isFree, RawClient, Upstream, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-admin-"));
test.after(() => rmSync(folder, { recursive: true }));

interface Running {
  readonly proxy: ProxyProcess;
  readonly port: number;
  readonly upstream: Upstream;
  ask(path: string, method?: string): Promise<string>;
}

async function start(args: readonly string[], filters: readonly unknown[] = []): Promise<Running> {
  const upstream = await Upstream.start();
  const [port, adminPort] = await freePorts(2) as [number, number];
  const config = webConfig({ port, adminPort, upstreamPort: upstream.port, filters });
  const proxy = await startProxy(config, { args: ["--concurrency", "2", ...args] });
  const ask = async (path: string, method = "GET") =>
    await (await fetch(`http://127.0.0.1:${adminPort}${path}`, { method })).text();
  return { proxy, port, upstream, ask };
}

async function stop({ proxy, upstream }: Running): Promise<void> {
  await proxy.stop();
  await upstream.stop();
}

async function withProxy(args: readonly string[], run: (running: Running) => Promise<void>): Promise<void> {
  const running = await start(args);
  try {
    await run(running);
  } finally {
    await stop(running);
  }
}

const addressFile = join(folder, "admin.txt");
const guest = join(folder, "speaks.wasm");
writeFileSync(
  guest,
  watFilter({
    version: "a-guest-at-debug",
    imports: '(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))',
    onRequestHeaders: "(drop (call $log (i32.const 1) (i32.const 64) (i32.const 16)))",
  }),
);

/** The proxy of the tests that leave it as it was. The first of them sees what it counts. */
let shared: Running;
test.before(async () => {
  shared = await start(
    ["--admin-address-path", addressFile, "--stats-tag", "region:eu"],
    [wasmFilter("speaks", guest)],
  );
});
test.after(() => stop(shared));

/** Connections on which one request was answered. Enough for both workers to have some. */
async function connections(port: number, count = 24): Promise<RawClient[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const client = await RawClient.connect(port);
    assert.is((await client.get("/upstream")).status, 200);
    return client;
  }));
}

/** How many of the connections are told to close by their next response. */
async function told(clients: readonly RawClient[]): Promise<number> {
  const heads = await Promise.all(clients.map((client) => client.get("/direct")));
  return heads.filter(({ head }) => /^connection: close\r$/m.test(head)).length;
}

test("what it shows is the sum over workers", async () => {
  const { port, upstream, ask } = shared;
  const clients = await connections(port);
  assert.is(await ask("/ready"), "LIVE\n");
  assert.is(await ask("/listeners"), `web::127.0.0.1:${port}\n`);
  assert.match(await ask("/stats?filter=http.web.downstream_rq_total"), "http.web.downstream_rq_total: 24\n");
  assert.match(await ask("/stats?filter=http.web.downstream_cx_active"), "http.web.downstream_cx_active: 24\n");
  assert.match(await ask("/clusters"), `upstream::127.0.0.1:${upstream.port}::rq_total::24\n`);
  assert.match(await ask("/stats/prometheus?filter=downstream_rq_total"), 'region="eu"');
  const info = JSON.parse(await ask("/server_info")) as {
    state: string;
    command_line_options: { concurrency: number; stats_tag: string[]; drain_time: string };
  };
  assert.is(info.state, "LIVE");
  assert.is(info.command_line_options.concurrency, 2);
  assert.equal(info.command_line_options.stats_tag, ["region:eu"]);
  assert.is(info.command_line_options.drain_time, "600s");
  const dump = JSON.parse(await ask("/config_dump")) as { configs: { "@type": string }[] };
  assert.match(dump.configs[0]!["@type"], "BootstrapConfigDump");
  assert.match(JSON.stringify(dump), `"port_value":${port}`);
  const address = readFileSync(addressFile, "latin1");
  assert.is(await (await fetch(`http://${address}/ready`)).text(), "LIVE\n");
  for (const client of clients) client.close();
});

test("/healthcheck/fail turns clients away until /healthcheck/ok", async () => {
  const { port, ask } = shared;
  const clients = await connections(port);
  assert.is(await told(clients), 0);
  assert.is(await ask("/healthcheck/fail", "POST"), "OK\n");
  assert.is(await ask("/ready"), "DRAINING\n");
  assert.match(await ask("/stats?filter=server.live"), "server.live: 0\n");
  assert.is(await told(await connectionsThatLive(port)), 8, "new connections, too");
  assert.is(await told(clients), clients.length);
  assert.is(await ask("/healthcheck/ok", "POST"), "OK\n");
  assert.is(await ask("/ready"), "LIVE\n");
  assert.is(await told(await connectionsThatLive(port)), 0);
});

async function connectionsThatLive(port: number): Promise<RawClient[]> {
  return await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(port)));
}

test("/drain_listeners stops accepting and leaves connections as they are", async () => {
  await withProxy([], async ({ port, ask }) => {
    const clients = await connections(port);
    assert.is(await ask("/drain_listeners", "POST"), "OK\n");
    assert.ok(await isFree(port));
    assert.is(await told(clients), 0);
    assert.is(await ask("/ready"), "LIVE\n");
  });
});

test("/drain_listeners?graceful turns all away over the drain time, then stops accepting", async () => {
  await withProxy(["--drain-time-s", "1"], async ({ port, ask }) => {
    assert.is(await ask("/drain_listeners?graceful", "POST"), "OK\n");
    assert.not.ok(await isFree(port), "it still listens");
    while (!await isFree(port)) { /* Each try is a round through the event loop. */ }
  });
});

test("--drain-strategy immediate: every connection is turned away at once", async () => {
  await withProxy(["--drain-strategy", "immediate"], async ({ port, ask }) => {
    const clients = await connections(port);
    assert.is(await ask("/drain_listeners?graceful&skip_exit", "POST"), "OK\n");
    assert.is(await told(clients), clients.length);
    assert.is((await get(port, "/direct")).status, 200, "it still listens");
  });
});

test("log levels reach all threads", async () => {
  const { proxy, port, ask } = shared;
  await connections(port);
  assert.not.match(proxy.output(), "a-guest-at-debug");
  const levels = await ask("/logging?wasm=debug", "POST");
  assert.match(levels, "  wasm: debug\n");
  assert.match(levels, "  main: info\n");
  // Lines of debug are never held back, so each request leaves one, whichever thread it was on.
  const clients = await connections(port);
  await proxy.waitForOutput("a-guest-at-debug");
  while (proxy.output().split("a-guest-at-debug").length <= clients.length) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test("/quitquitquit drains as SIGTERM does", async () => {
  await withProxy([], async ({ proxy, port, upstream, ask }) => {
    const client = await RawClient.connect(port);
    const held = client.get("/hold");
    await upstream.held();
    assert.is(await ask("/quitquitquit", "POST"), "OK\n");
    await proxy.waitForOutput("draining: no new connections");
    upstream.release();
    assert.is((await held).status, 200);
    assert.equal(await proxy.exited, { code: 0, signal: null });
  });
});

test("what changes something wants POST", async () => {
  const { ask } = shared;
  assert.is(await ask("/quitquitquit"), "Method GET not allowed, POST required.");
  assert.is(await ask("/ready"), "LIVE\n");
});

test.run();
