// test/conformance/component/proxy.test.ts: a running proxy whose filters are components.
import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RawClient, socketAddress, Upstream, wasmFilter, webConfig } from "../../e2e/support.ts";
import { componentFile } from "../../guests/component/build.ts";
import { freePorts, spawnProxy, startProxy } from "../../support/proxy_process.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-component-"));
test.after(() => rmSync(folder, { recursive: true }));

/** What was found valid is kept there, not where the user's things are. */
const CACHE = ["--wasm-cache-path", join(folder, "cache")];

/** Puts a guest in place all at once. */
function install(file: string, guest: string): void {
  copyFileSync(componentFile(guest), `${file}.new`);
  renameSync(`${file}.new`, file);
}

function header(head: string, name: string): string | null {
  return new RegExp(`^${name}: (.*)\\r$`, "im").exec(head)?.[1] ?? null;
}

/** One filter of the admin port's list. */
function filterOf(adminPort: number): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: adminPort, path: "/filters", agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
      response.on("end", () => resolve((JSON.parse(text) as { filters: Record<string, unknown>[] }).filters[0]!));
    });
    call.on("error", reject);
    call.end();
  });
}

test("a component serves, is replaced by another one, on two workers", async () => {
  const file = join(folder, "guard.wasm");
  install(file, "rust_http");
  const [port, adminPort] = await freePorts(2) as [number, number];
  const upstream = await Upstream.start();
  const config = webConfig({
    port,
    adminPort,
    upstreamPort: upstream.port,
    filters: [wasmFilter("guard", file, "hello")],
  });
  const proxy = await startProxy(config, { args: ["--concurrency", "2", ...CACHE] });
  try {
    for (let i = 0; i < 4; i++) {
      const client = await RawClient.connect(port);
      const response = await client.get("/", "x-test: upper\r\n");
      assert.is(response.status, 200);
      assert.is(header(response.head, "x-response"), "200");
      assert.match(response.body, /UPSTREAM/);
      assert.is((await client.get("/", "x-test: reply\r\n")).status, 418);
      client.close();
    }
    const listed = await filterOf(adminPort);
    assert.is(listed["abi_version"], "nuncio:filter@0.1.0");
    assert.is(listed["vms"], 2);

    install(file, "js_http");
    await proxy.waitForOutput("a wasm plugin was reloaded");
    const client = await RawClient.connect(port);
    assert.is(header((await client.get("/", "x-test: upper\r\n")).head, "x-response"), "seen");
    client.close();

    // By the admin port: back to the version before, with what it has cost so far.
    const admin = `http://127.0.0.1:${adminPort}`;
    const rollback = await fetch(`${admin}/filters/rollback?name=guard`, { method: "POST" });
    assert.is(rollback.status, 200);
    await rollback.body?.cancel();
    const again = await RawClient.connect(port);
    assert.is(header((await again.get("/", "x-test: upper\r\n")).head, "x-response"), "200");
    again.close();
    const stats = await (await fetch(`${admin}/stats?filter=^wasm.guard`)).text();
    for (const name of ["calls", "fuel_spent", "memory_bytes"]) {
      assert.match(stats, new RegExp(`wasm.guard.${name}: [1-9]`));
    }
    assert.match(stats, "wasm.guard.traps: 0");
  } finally {
    await proxy.stop();
    await upstream.stop();
  }
});

test("a component that traps: 503, and its reload", async () => {
  const [port] = await freePorts(1) as [number];
  const filter = wasmFilter("guard", componentFile("rust_http"), "", { failure_policy: "FAIL_RELOAD" });
  const proxy = await startProxy(webConfig({ port, filters: [filter] }), { args: ["--concurrency", "1", ...CACHE] });
  try {
    const client = await RawClient.connect(port);
    assert.is((await client.get("/direct", "x-test: loop\r\n")).status, 503);
    await proxy.waitForOutput("cpu budget exhausted");
    assert.is((await client.get("/direct", "x-test: trap\r\n")).status, 503);
    client.close();
  } finally {
    await proxy.stop();
  }
});

test("a network filter", async () => {
  const echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const [port] = await freePorts(1) as [number];
  const filter = wasmFilter("gate", componentFile("rust_tcp")) as { typed_config: Record<string, unknown> };
  const type = "type.googleapis.com/envoy.extensions.filters.network";
  const config = JSON.stringify({
    static_resources: {
      listeners: [{
        name: "tcp",
        address: socketAddress(port),
        filter_chains: [{
          filters: [
            { name: "gate", typed_config: { ...filter.typed_config, "@type": `${type}.wasm.v3.Wasm` } },
            {
              name: "tcp",
              typed_config: { "@type": `${type}.tcp_proxy.v3.TcpProxy`, stat_prefix: "tcp", cluster: "echo" },
            },
          ],
        }],
      }],
      clusters: [{
        name: "echo",
        connect_timeout: "1s",
        load_assignment: {
          cluster_name: "echo",
          endpoints: [{
            lb_endpoints: [{ endpoint: { address: socketAddress((echo.address() as AddressInfo).port) } }],
          }],
        },
      }],
    },
  });
  const proxy = await startProxy(config, { args: ["--concurrency", "1", ...CACHE] });
  try {
    const socket = connect(port, "127.0.0.1");
    socket.setEncoding("latin1");
    const answer = new Promise<string>((resolve) => socket.on("data", (text) => resolve(String(text))));
    socket.write("upper case\n");
    assert.is(await answer, "> UPPER CASE\n");
    socket.destroy();
  } finally {
    await proxy.stop();
    echo.close();
  }
});

test("a component that is refused keeps the proxy from starting, and says why", async () => {
  const [port] = await freePorts(1) as [number];
  const proxy = spawnProxy(webConfig({ port, filters: [wasmFilter("guard", componentFile("rust_http"), "refuse")] }), {
    args: CACHE,
  });
  const { code } = await proxy.exited;
  assert.is(code, 1);
  assert.match(proxy.output(), "the configuration says so");
});

test.run();
