// test/e2e/remote_code.test.ts: proxies whose filters come from servers and registries.
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  concat,
  OCI_LAYER,
  RAW_LAYER,
  sha256,
  Shelf,
  tar,
  TestServer,
  utf8,
} from "../host/server/wasm_code/support.ts";
import { runHere } from "../support/run_here.ts";
import { freePorts, type ProxyOptions, type ProxyProcess, spawnProxy, startProxy } from "../support/proxy_process.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, socketAddress, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-remote-code-"));
test.after(() => rmSync(folder, { recursive: true }));

/** A filter whose code is `remote`. */
function remoteFilter(remote: object): unknown {
  return wasmFilter("guard", "", "", { vm_config: { vm_id: "guard", code: { remote } } });
}

function image(uri: string): object {
  return { http_uri: { uri, cluster: "_", timeout: "5s" }, sha256: "nil" };
}

/** A listener `web`, and the cluster `store` at a server. */
function config(port: number, adminPort: number, storePort: number, remote: object): string {
  const all = JSON.parse(webConfig({ port, adminPort, filters: [remoteFilter(remote)] })) as {
    static_resources: { clusters: unknown[] };
  };
  all.static_resources.clusters.push({
    name: "store",
    connect_timeout: "1s",
    type: "STRICT_DNS",
    load_assignment: {
      cluster_name: "store",
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(storePort) } }] }],
    },
  });
  return JSON.stringify(all);
}

async function withProxy(
  remote: object,
  storePort: number,
  options: ProxyOptions,
  run: (proxy: ProxyProcess, port: number, adminUrl: string) => Promise<void>,
): Promise<void> {
  const [port, adminPort] = await freePorts(2) as [number, number];
  const proxy = await startProxy(config(port, adminPort, storePort, remote), options);
  try {
    await run(proxy, port, `http://127.0.0.1:${adminPort}`);
  } finally {
    await proxy.stop();
  }
}

// deno-lint-ignore no-explicit-any
async function json(url: string, method = "GET"): Promise<any> {
  return await (await fetch(url, { method })).json();
}

function version(head: string): string | undefined {
  return /^x-version: (\S+)\r$/m.exec(head)?.[1];
}

test("a module through a cluster of the configuration; the next start needs no server", async () => {
  const module = watFilter({ version: "remote" });
  const server = await TestServer.start((_request, response) => {
    if (server.requests.length === 1) response.writeHead(503).end();
    else response.end(module);
  });
  const remote = {
    http_uri: { uri: "http://modules.example/guard.wasm?key=secret", cluster: "store", timeout: "5s" },
    sha256: sha256(module),
    retry_policy: { num_retries: 3, retry_back_off: { base_interval: "0.01s" } },
  };
  const options = { args: ["--concurrency", "2", "--wasm-cache-path", join(folder, "cache")] };
  try {
    await withProxy(remote, server.port, options, async (proxy, port, adminUrl) => {
      assert.is(version((await get(port, "/direct")).head), "remote");
      assert.equal(server.requests, ["GET /guard.wasm?key=secret", "GET /guard.wasm?key=secret"]);
      assert.is(server.heads[0]!.host, "modules.example");
      const [filter] = (await json(`${adminUrl}/filters`)).filters;
      assert.is(filter.source, "http://modules.example/guard.wasm?key=***");
      assert.equal([filter.file, filter.image_digest, filter.sha256], [null, null, sha256(module)]);
      const stats = await (await fetch(`${adminUrl}/stats?filter=remote_load`)).text();
      assert.equal(stats.trim().split("\n").sort(), [
        "wasm.remote_load_cache_hits: 0",
        "wasm.remote_load_cache_misses: 1",
        "wasm.remote_load_fetch_failures: 1",
        "wasm.remote_load_fetch_successes: 1",
      ]);
      // Its digest says what it is: there is nothing new to load.
      const reload = await json(`${adminUrl}/filters/reload?name=guard`, "POST");
      assert.is(reload.filters[0].changed, false);
      assert.not.match(proxy.output(), "secret");
    });
    server.requests.length = 0;
    await withProxy(remote, server.port, options, async (_proxy, port) => {
      assert.is(version((await get(port, "/direct")).head), "remote");
    });
    assert.equal(server.requests, []);
  } finally {
    await server.stop();
  }
});

test("an image whose tag moves: a reload pulls it anew, a rollback goes back", async () => {
  const shelf = new Shelf();
  const server = await TestServer.start((request, response) => shelf.serve(request, response));
  const packed = gzipSync(tar({ path: "./plugin.wasm", bytes: watFilter({ version: "1" }) }));
  const first = shelf.image(packed, OCI_LAYER, "stable");
  const uri = `oci://${server.host}/team/guard:stable`;
  try {
    await withProxy(
      image(uri),
      1,
      { args: ["--concurrency", "1", "--wasm-cache-path", ""] },
      async (_proxy, port, adminUrl) => {
        const state = async () => {
          const [filter] = (await json(`${adminUrl}/filters`)).filters;
          return [version((await get(port, "/direct")).head), filter.source, filter.image_digest];
        };
        assert.equal(await state(), ["1", uri, first]);
        const second = shelf.image(watFilter({ version: "2" }), RAW_LAYER, "stable");
        const reload = await json(`${adminUrl}/filters/reload?name=guard`, "POST");
        assert.is(reload.filters[0].changed, true);
        assert.equal(await state(), ["2", uri, second]);
        // A tag that points to something broken changes nothing.
        shelf.image(utf8("broken"), RAW_LAYER, "stable");
        const refused = await fetch(`${adminUrl}/filters/reload?name=guard`, { method: "POST" });
        assert.is(refused.status, 422);
        await refused.body?.cancel();
        assert.equal(await state(), ["2", uri, second]);
        await json(`${adminUrl}/filters/rollback?name=guard`, "POST");
        assert.equal(await state(), ["1", uri, first]);
      },
    );
  } finally {
    await server.stop();
  }
});

test("code that does not come: the configuration is rejected where the code is, after the retries", async () => {
  const server = await TestServer.start();
  const [port, adminPort] = await freePorts(2) as [number, number];
  const remote = {
    http_uri: { uri: "http://modules.example/guard.wasm", cluster: "store", timeout: "5s" },
    sha256: "0".repeat(64),
    retry_policy: { num_retries: 2, retry_back_off: { base_interval: "0.01s" } },
  };
  try {
    const text = JSON.stringify(JSON.parse(config(port, adminPort, server.port, remote)), null, 1);
    const proxy = spawnProxy(text, { args: ["--wasm-cache-path", ""] });
    try {
      assert.equal(await proxy.exited, { code: 1, signal: null });
      const line = text.split("\n").findIndex((each) => /"code": \{/.test(each)) + 2;
      assert.match(proxy.output(), `bootstrap.yaml:${line}:`);
      assert.match(proxy.output(), "http://modules.example/guard.wasm cannot be fetched: the server answers 404");
      assert.is(server.requests.length, 3);
    } finally {
      await proxy.stop();
    }
  } finally {
    await server.stop();
  }
});

test("the end of the process does not wait for code", async () => {
  let proxy: ProxyProcess | null = null;
  const server = await TestServer.start(() => proxy!.kill("SIGTERM"));
  const [port, adminPort] = await freePorts(2) as [number, number];
  const remote = {
    http_uri: { uri: "http://modules.example/guard.wasm", cluster: "store", timeout: "600s" },
    sha256: "0".repeat(64),
    retry_policy: { num_retries: 100 },
  };
  try {
    proxy = spawnProxy(config(port, adminPort, server.port, remote), { args: ["--wasm-cache-path", ""] });
    assert.equal(await proxy.exited, { code: 0, signal: null });
    assert.is(server.requests.length, 1);
  } finally {
    await proxy?.stop();
    await server.stop();
  }
});

test("with keys a filter must be signed", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const keyFile = join(folder, "key.pem");
  writeFileSync(keyFile, publicKey.export({ type: "spki", format: "pem" }));
  const args = ["--concurrency", "1", "--wasm-public-key", keyFile];
  const module = watFilter({ version: "signed" });
  const digest = createHash("sha512").update("WasmSignature\0\0\0\0").update(module).digest();
  const signature = concat(Uint8Array.of(2, 0, 0, 0), Uint8Array.from(sign(null, digest, privateKey)));
  const signedModule = concat(module, Uint8Array.of(0, 78, 9), utf8("signature"), signature);
  const run = async (
    bytes: Uint8Array,
    use: (proxy: ProxyProcess, port: number, adminPort: number) => Promise<void>,
  ) => {
    const [port, adminPort] = await freePorts(2) as [number, number];
    const file = join(folder, "signed.wasm");
    writeFileSync(file, bytes);
    const proxy = spawnProxy(webConfig({ port, adminPort, filters: [wasmFilter("guard", file)] }), { args });
    try {
      await use(proxy, port, adminPort);
    } finally {
      await proxy.stop();
    }
  };
  await run(signedModule, async (proxy, port, adminPort) => {
    await proxy.waitForOutput("all workers accept connections");
    assert.is(version((await get(port, "/direct")).head), "signed");
    const [filter] = (await json(`http://127.0.0.1:${adminPort}/filters`)).filters;
    assert.is(filter.signed_by, publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex"));
  });
  await run(module, async (proxy) => {
    assert.is((await proxy.exited).code, 1);
    assert.match(proxy.output(), "signed.wasm is refused: it is not signed");
  });
});

test("flags that cannot be", async () => {
  const bad = join(folder, "bad.pem");
  writeFileSync(bad, "no key");
  for (
    const [args, text] of [
      [["--wasm-public-key", bad], `--wasm-public-key ${bad}: expected an Ed25519 public key`],
      [["--wasm-public-key", "/nowhere"], "--wasm-public-key /nowhere: "],
    ] as const
  ) {
    const { code, stderr } = await runHere(["--config-yaml", "{}", ...args]);
    assert.is(code, 2);
    assert.match(stderr, text);
  }
});

test.run();
