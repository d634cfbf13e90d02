// test/host/mod.test.ts: a proxy inside another program.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NuncioError } from "../../host/base/error.ts";
import { createProxy } from "../../host/mod.ts";
import { get, isFree, RawClient, Upstream, wasmFilter, webConfig } from "../e2e/support.ts";
import { freePorts } from "../support/proxy_process.ts";
import { watFilter } from "../support/wat_filter.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-mod-"));
test.after(() => rmSync(folder, { recursive: true }));

for (const concurrency of [1, 2]) {
  test(`it serves, counts, drains and stops (${concurrency} workers)`, async () => {
    const upstream = await Upstream.start();
    const proxy = await createProxy({ yaml: webConfig({ port: 0, upstreamPort: upstream.port }), concurrency });
    const [address] = proxy.addresses("web") as [string];
    const port = Number(address.split(":")[1]);
    assert.equal(proxy.addresses("nothing"), []);
    assert.is(proxy.adminUrl, null);
    assert.is(await (await fetch(`http://${address}/direct`)).text(), "direct\n");
    assert.is(proxy.stat("http.web.downstream_rq_total"), 1);
    assert.is(proxy.stat("http.web.no_such_thing"), null);

    const client = await RawClient.connect(port);
    const held = client.get("/hold");
    await upstream.held();
    let drained = false;
    const drain = proxy.drain().then(() => drained = true);
    while (!await isFree(port)) { /* Each try is a round through the event loop. */ }
    assert.not.ok(drained);
    upstream.release();
    assert.is((await held).status, 200);
    await drain;
    await proxy.stop();
    await client.closed();
    await upstream.stop();
  });
}

test("the admin interface and the watching of files run here, too", async () => {
  const file = join(folder, "filter.wasm");
  writeFileSync(file, watFilter({ version: "1" }));
  const [adminPort] = await freePorts(1) as [number];
  const proxy = await createProxy({ yaml: webConfig({ port: 0, adminPort, filters: [wasmFilter("f", file)] }) });
  const port = Number(proxy.addresses("web")[0]!.split(":")[1]);
  assert.is(proxy.adminUrl, `http://127.0.0.1:${adminPort}`);
  assert.is(await (await fetch(`${proxy.adminUrl}/ready`)).text(), "LIVE\n");

  writeFileSync(`${file}.new`, watFilter({ version: "2" }));
  renameSync(`${file}.new`, file);
  while (!(await get(port, "/direct")).head.includes("x-version: 2")) { /* The watch waits until the file rests. */ }
  await proxy.stop();
  assert.ok(await isFree(adminPort));
  assert.ok(await isFree(port));
});

test("a bad configuration and a taken port are errors with their text", async () => {
  const codes: string[] = [];
  const refuse = async (yaml: string, text: string) => {
    try {
      await createProxy({ yaml, logLevel: "off" });
      assert.unreachable("it started");
    } catch (error) {
      assert.instance(error, NuncioError);
      codes.push((error as NuncioError).code);
      assert.match((error as NuncioError).message, text);
    }
  };
  await refuse("static_resources: { listenrs: [] }", "listenrs");
  const upstream = await Upstream.start();
  await refuse(webConfig({ port: upstream.port }), `127.0.0.1:${upstream.port}`);
  await refuse(webConfig({ port: 0, adminPort: upstream.port }), "admin");
  await upstream.stop();
  assert.equal(codes, ["config/invalid", "server/not-started", "server/not-started"]);
});

test.run();
