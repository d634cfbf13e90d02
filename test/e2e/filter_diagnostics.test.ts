// test/e2e/filter_diagnostics.test.ts: what a running proxy tells authors: lines of traps, traced calls, statistics.
import { writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SourceFilter } from "../sdk/support.ts";
import { freePorts, type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { get, type RawResponse, wasmFilter, webConfig } from "./support.ts";

const filter = await SourceFilter.build(`
import { HeadersStatus, HttpFilter, registerHttpFilter, RequestHeaders } from "nuncio/sdk";

class Tenants extends HttpFilter {
  onRequestHeaders(headers: RequestHeaders, endOfStream: bool): HeadersStatus {
    const parts = headers.getOr("x-tenant", "").split("/");
    headers.set("x-tenant-name", parts[1]);
    return HeadersStatus.Continue;
  }
}

registerHttpFilter<Tenants>("tenants");
`);
test.after(() => filter.dispose());

interface Running {
  readonly proxy: ProxyProcess;
  request(tenant: string): Promise<RawResponse>;
  ask(path: string, method?: string): Promise<string>;
}

async function withProxy(args: readonly string[], run: (running: Running) => Promise<void>): Promise<void> {
  const [port, adminPort] = await freePorts(2) as [number, number];
  const config = webConfig({
    port,
    adminPort,
    filters: [wasmFilter("tenants", filter.wasmFile, "", { failure_policy: "FAIL_RELOAD" })],
  });
  const proxy = await startProxy(config, { args: ["--log-format", "%v", ...args] });
  try {
    await run({
      proxy,
      request: (tenant) => get(port, "/direct", `x-tenant: ${tenant}\r\n`),
      ask: async (path, method = "GET") =>
        await (await fetch(`http://127.0.0.1:${adminPort}${path}`, { method })).text(),
    });
  } finally {
    await proxy.stop();
  }
}

test("a trap: file, line and column in the log and in /filters, counted once, also with several workers", async () => {
  await withProxy(["--concurrency", "2"], async ({ proxy, request, ask }) => {
    assert.is((await request("a/b")).status, 200);
    assert.is((await request("a")).status, 503);
    await proxy.waitForOutput("in-VM backtrace");
    assert.match(proxy.output(), "abort: Index out of range at ~lib/array.ts:");
    assert.match(proxy.output(), /filter\/Tenants#onRequestHeaders \(filter\.ts:8:\d+\)/);
    const [plugin] = JSON.parse(await ask("/filters")).filters;
    assert.is(plugin.workers.length, 2);
    const failed = plugin.workers.filter((worker: { last_failure: unknown }) => worker.last_failure !== null);
    assert.is(failed.length, 1);
    assert.is(failed[0].instances[0].state, "failed");
    assert.match(failed[0].last_failure.backtrace.join("\n"), /onRequestHeaders \(filter\.ts:8:\d+\)/);
    assert.match(failed[0].last_failure.notes[0], "its last words: abort: Index out of range");
    assert.ok(plugin.calls > 0 && plugin.fuel_spent > plugin.calls);
    const stats = await ask("/stats?filter=^wasm.tenants");
    assert.match(stats, "wasm.tenants.traps: 1\n");
    assert.match(stats, `wasm.tenants.calls: ${plugin.calls}\n`);
    assert.match(stats, `wasm.tenants.fuel_spent: ${plugin.fuel_spent}\n`);
    assert.match(stats, `wasm.tenants.memory_bytes: ${plugin.memory_bytes}\n`);
  });
});

test("calls traced from the start: lengths, or values where they are asked for", async () => {
  for (const [flag, shown] of [["--wasm-trace", "value 8 bytes"], ["--wasm-trace=values", 'value="a/sesame"']]) {
    await withProxy(["--concurrency", "1", flag!], async ({ proxy, request }) => {
      assert.is((await request("a/sesame")).status, 200);
      assert.match(proxy.output(), /#\d+ > proxy_on_request_headers\(num_headers=\d+, end_of_stream=true\) /);
      assert.match(
        proxy.output(),
        `proxy_get_header_map_value(map=HttpRequestHeaders, key="x-tenant") = Ok, ${shown}, `,
      );
      assert.match(proxy.output(), /#\d+ < proxy_on_request_headers = Continue, \d+ µs /);
      assert.is(proxy.output().includes("sesame"), flag !== "--wasm-trace");
    });
  }
});

test("calls traced for a while, on all workers", async () => {
  await withProxy(["--concurrency", "2"], async ({ proxy, request, ask }) => {
    const lines = () => proxy.output().split("> proxy_on_request_headers").length - 1;
    await request("a/b");
    assert.is(lines(), 0);
    const on = JSON.parse(await ask("/filters/trace?name=tenants&enable=true", "POST"));
    assert.is(on.filters[0].changed, true);
    assert.is(JSON.parse(await ask("/filters")).filters[0].trace, "lengths");
    for (let i = 0; i < 8; i++) assert.is((await request("a/b")).status, 200);
    while (lines() < 8) await new Promise((resolve) => setTimeout(resolve, 5));
    await ask("/filters/trace?name=tenants&enable=false", "POST");
    assert.is((await request("a/b")).status, 200);
    assert.is(JSON.parse(await ask("/filters")).filters[0].trace, "off");
    assert.is(lines(), 8);
  });
});

test("a map that cannot be used is told of once, and the filter runs", async () => {
  writeFileSync(`${filter.wasmFile}.map`, "{}");
  await withProxy(["--concurrency", "2"], async ({ proxy, request }) => {
    assert.is((await request("a/b")).status, 200);
    assert.is((await request("a")).status, 503);
    assert.is(proxy.output().split('filter.debug.wasm.map" is not used: it is not of version 3').length - 1, 1);
  });
});

test.run();
