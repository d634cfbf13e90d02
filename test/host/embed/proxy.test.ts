// test/host/embed/proxy.test.ts: a proxy inside another program.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NuncioError } from "../../../host/base/error.ts";
import { type BootstrapJson, createProxy, type Proxy, ProxyBuilder } from "../../../host/mod.ts";
import { get, isFree, overloadManager, RawClient, Upstream, wasmFilter, webConfig } from "../../e2e/support.ts";
import { freePorts } from "../../support/proxy_process.ts";
import { watFilter } from "../../support/wat_filter.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-mod-"));
test.after(() => rmSync(folder, { recursive: true }));

for (const concurrency of [1, 2]) {
  test(`it serves, counts, drains and stops (${concurrency} workers)`, async () => {
    const upstream = await Upstream.start();
    const proxy = await createProxy({ yaml: webConfig({ port: 0, upstreamPort: upstream.port }) }, { concurrency });
    assert.equal(proxy.addresses("web"), []);
    await proxy.start();
    const [address] = proxy.addresses("web") as [string];
    const port = Number(address.split(":")[1]);
    assert.equal(proxy.addresses("nothing"), []);
    assert.is(proxy.adminUrl, null);
    assert.is(await (await fetch(`http://${address}/direct`)).text(), "direct\n");
    assert.is(proxy.stat("http.web.downstream_rq_total"), 1);
    assert.is(proxy.stat("http.web.no_such_thing"), null);
    assert.is((await proxy.stats())["http.web.downstream_rq_2xx"], 1);

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
  assert.is(proxy.adminUrl, null);
  await proxy.start();
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

test("runtime values are set by the program, where the configuration has a layer for them", async () => {
  const runtime_fraction = { runtime_key: "new", default_value: { numerator: 0 } };
  const routes = [
    { match: { prefix: "/", runtime_fraction }, direct_response: { status: 200 } },
    { match: { prefix: "/" }, direct_response: { status: 404 } },
  ];
  const config = (layers: readonly object[]) =>
    webConfig({ port: 0, routes, bootstrap: { layered_runtime: { layers } } });
  const proxy = await createProxy({ yaml: config([{ name: "admin", admin_layer: {} }]) });
  const refusal = (values: Record<string, string>) =>
    proxy.modifyRuntime(values).then(() => null, (error: unknown) => (error as Error).message);
  assert.match((await refusal({ new: "100" }))!, "the proxy is");
  await proxy.start();
  const status = async () => (await get(portOf(proxy), "/")).status;
  assert.is(await status(), 404);
  await proxy.modifyRuntime({ new: "100" });
  assert.is(await status(), 200);
  assert.match((await refusal({ new: "a: b: c" }))!, "not YAML");
  await proxy.modifyRuntime({ new: "" });
  assert.is(await status(), 404);
  await proxy.reload({ yaml: config([{ name: "static", static_layer: { new: 100 } }]) });
  assert.is(await status(), 200);
  assert.is(await refusal({ new: "0" }), "No admin layer specified");
  await proxy.stop();
});

test("a bad configuration and a taken port are errors with their text", async () => {
  const codes: string[] = [];
  const refuse = async (yaml: string, text: string) => {
    try {
      await (await createProxy({ yaml }, { logLevel: "off" })).start();
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

test("another overload manager: other thresholds leave connections alone, other actions make listeners anew", async () => {
  const pressure = join(folder, "pressure");
  writeFileSync(pressure, "0.5");
  const config = (action: string, threshold: number) =>
    webConfig({
      port: 0,
      bootstrap: {
        overload_manager: overloadManager(pressure, action, threshold),
      },
    });
  const proxy = await createProxy({ yaml: webConfig({ port: 0 }) }, { logLevel: "off" });
  await proxy.start();
  await proxy.reload({ yaml: config("stop_accepting_requests", 0.9) });
  const client = await RawClient.connect(portOf(proxy));
  assert.is((await client.get("/direct")).status, 200);
  await proxy.reload({ yaml: config("stop_accepting_requests", 0.4) });
  while (proxy.stat("overload.injected.pressure") !== 50) await new Promise((resolve) => setImmediate(resolve));
  assert.is((await client.get("/direct")).status, 503);
  await proxy.reload({ yaml: config("disable_http_keepalive", 0.9) });
  const last = await client.get("/direct");
  assert.is(last.status, 200);
  assert.match(last.head, /^connection: close\r$/m);
  await client.closed();
  assert.is((await get(portOf(proxy), "/direct")).status, 200);
  assert.not.ok("overload.envoy.overload_actions.stop_accepting_requests.active" in await proxy.stats());
  await proxy.stop();
});

test("it is started once, and stopped before or after", async () => {
  const never = await createProxy({ yaml: webConfig({ port: 0 }) });
  await never.stop();
  await never.stop();
  await assertCode(never.start(), "server/not-started");
  const proxy = await createProxy(JSON.parse(webConfig({ port: 0 })) as BootstrapJson);
  await assertCode(proxy.reload({ yaml: webConfig({ port: 0 }) }), "server/not-reloaded");
  await proxy.start();
  await assertCode(proxy.start(), "server/not-started");
  const port = portOf(proxy);
  await proxy[Symbol.asyncDispose]();
  assert.ok(await isFree(port));
  await assertCode(proxy.reload({ yaml: webConfig({ port: 0 }) }), "server/not-reloaded");
});

test("a configuration that comes while the proxy ends does not serve", async () => {
  for (const end of ["stop", "drain"] as const) {
    for (const turns of [0, 1, 2]) {
      const [port] = await freePorts(1) as [number];
      const proxy = await createProxy({ yaml: webConfig({ port: 0 }) }, { logLevel: "off" });
      await proxy.start();
      const reload = proxy.reload({ yaml: webConfig({ port }) }).catch((error: unknown) => error);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      const over = proxy[end]();
      const outcome = await reload;
      if (outcome !== undefined) assert.is((outcome as NuncioError).code, "server/not-reloaded");
      await over;
      assert.ok(await isFree(port), `${end} after ${turns} turns`);
      await proxy.stop();
    }
  }
});

test("a start that is not over when the proxy is stopped leaves nothing", async () => {
  for (const turns of [0, 1]) {
    const [port] = await freePorts(1) as [number];
    const proxy = await createProxy({ yaml: webConfig({ port }) }, { logLevel: "off" });
    const refused = assertCode(proxy.start(), "server/not-started");
    for (let turn = 0; turn < turns; turn++) await null;
    await proxy.stop();
    await refused;
    assert.ok(await isFree(port));
  }
});

test("a configuration that waits for its clusters does not keep the proxy from ending", async () => {
  const upstream = await Upstream.start();
  const proxy = await createProxy({ yaml: webConfig({ port: 0 }) }, { logLevel: "off" });
  await proxy.start();
  const check = { timeout: "100s", interval: "100s", unhealthy_threshold: 1, healthy_threshold: 1 };
  const reload = proxy.reload({
    yaml: webConfig({
      port: 0,
      upstreamPort: upstream.port,
      cluster: { health_checks: [{ ...check, http_health_check: { path: "/hold" } }] },
    }),
  });
  const refused = assertCode(reload, "server/not-reloaded");
  await upstream.held();
  await proxy.stop();
  await refused;
  await upstream.stop();
});

for (const concurrency of [1, 2]) {
  test(`another configuration: what stays, what goes, what comes (${concurrency} workers)`, async () => {
    const upstream = await Upstream.start();
    const [otherPort] = await freePorts(1) as [number];
    const extra = (port: number, body: string) =>
      new ProxyBuilder()
        .listener("extra", `127.0.0.1:${port}`, (l) => l.http((http) => http.route("/", (r) => r.reply(200, body))));
    const listenerOf = (builder: ProxyBuilder) =>
      (JSON.parse(JSON.stringify(builder)) as { static_resources: { listeners: unknown[] } }).static_resources
        .listeners[0];
    const first = webConfig({
      port: 0,
      upstreamPort: upstream.port,
      listeners: [listenerOf(extra(otherPort, "one"))],
    });
    const proxy = await createProxy({ yaml: first }, { concurrency, logLevel: "off" });
    await proxy.start();
    const port = portOf(proxy);
    const client = await RawClient.connect(port);
    const held = client.get("/hold");
    await upstream.held();

    // Another route for /direct: the listener is replaced, its port and the request under way stay.
    const routes = [{ match: { prefix: "/" }, direct_response: { status: 201 } }];
    await proxy.reload({ yaml: webConfig({ port: 0, routes, listeners: [listenerOf(extra(otherPort, "two"))] }) });
    assert.is(portOf(proxy), port);
    assert.is((await get(port, "/direct")).status, 201);
    assert.is((await get(otherPort, "/")).body, "two");
    assert.is(proxy.stat("server.config_reload"), 1);
    assert.not.ok("cluster.upstream.upstream_cx_total" in await proxy.stats(), "of a cluster that is gone");
    upstream.release();
    const answer = await held;
    assert.is(answer.status, 200);
    assert.match(answer.head, /^connection: close\r$/m);

    // Errors change nothing: one that the loader finds, one that only binding finds.
    await assertCode(proxy.reload({ yaml: "static_resources: { listenrs: [] }" }), "config/invalid");
    const taken = listenerOf(extra(upstream.port, "taken"));
    await assertCode(proxy.reload({ yaml: webConfig({ port: 0, listeners: [taken] }) }), "server/not-reloaded");
    assert.is((await get(port, "/direct")).status, 201);
    assert.is((await get(otherPort, "/")).body, "two");
    assert.is(proxy.stat("server.config_reload_rejected"), 2);

    await proxy.reload(extra(0, "three"));
    assert.ok(await isFree(port));
    assert.is((await get(portOf(proxy, "extra"), "/")).body, "three");
    await proxy.stop();
    await client.closed();
    await upstream.stop();
  });
}

test("plugins: those that stay keep their code and state, those that go are gone", async () => {
  const [one, two] = ["one", "two"].map((name) => {
    const file = join(folder, `${name}.wasm`);
    writeFileSync(file, watFilter({ version: name }));
    return wasmFilter(name, file);
  });
  const [adminPort] = await freePorts(1) as [number];
  const proxy = await createProxy({ yaml: webConfig({ port: 0, adminPort, filters: [one] }) });
  await proxy.start();
  const created = proxy.stat("wasm.envoy.wasm.runtime.v8.created")!;
  const bad = wasmFilter("bad", join(folder, "nowhere.wasm"));
  await assertCode(proxy.reload({ yaml: webConfig({ port: 0, adminPort, filters: [one, bad] }) }), "config/invalid");
  assert.is(proxy.stat("wasm.envoy.wasm.runtime.v8.created"), created);
  await proxy.reload({ yaml: webConfig({ port: 0, adminPort, filters: [one, two] }) });
  assert.is(proxy.stat("wasm.envoy.wasm.runtime.v8.created"), created + 1);
  assert.match((await get(portOf(proxy), "/direct")).head, "x-version: ");
  const listed = async () =>
    (await (await fetch(`${proxy.adminUrl}/filters?format=json`)).json() as { filters: { name: string }[] }).filters
      .map((each) => each.name);
  assert.equal(await listed(), ["one", "two"]);
  assert.match(await (await fetch(`${proxy.adminUrl}/config_dump`)).text(), "two.wasm");
  await proxy.reload({ yaml: webConfig({ port: 0, adminPort, filters: [two] }) });
  assert.equal(await listed(), ["two"]);
  await proxy.stop();
});

test("configurations that are given at once are served one after the other, whichever takes longer to load", async () => {
  const file = join(folder, "slow.wasm");
  writeFileSync(file, watFilter({ version: "slow" }));
  const proxy = await createProxy({ yaml: webConfig({ port: 0 }) }, { logLevel: "off" });
  await proxy.start();
  const bad = wasmFilter("bad", join(folder, "nowhere.wasm"));
  const outcomes = await Promise.allSettled([
    proxy.reload({ yaml: webConfig({ port: 0, filters: [wasmFilter("slow", file)] }) }),
    proxy.reload({ yaml: webConfig({ port: 0, filters: [bad] }) }),
    proxy.reload({
      yaml: webConfig({ port: 0, routes: [{ match: { prefix: "/" }, direct_response: { status: 201 } }] }),
    }),
  ]);
  assert.equal(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  const last = await get(portOf(proxy), "/direct");
  assert.is(last.status, 201);
  assert.not.match(last.head, "x-version");
  assert.is(proxy.stat("server.config_reload"), 2);
  await proxy.stop();
});

test("requests over kept connections while the configuration changes again and again: none is lost", async () => {
  const upstream = await Upstream.start();
  const config = (version: number) =>
    new ProxyBuilder()
      .cluster("app", (app) => app.endpoint(`127.0.0.1:${upstream.port}`).connectTimeoutMs(1000 + version % 2))
      .listener("web", "127.0.0.1:0", (web) =>
        web.http((http) =>
          http.route("/", (route) =>
            route.to("app").setResponseHeader("x-version", String(version)))
        ));
  const proxy = await createProxy(config(0), { concurrency: 2 });
  await proxy.start();
  const port = portOf(proxy);
  let version = 0;
  let answers = 0;
  const failures: string[] = [];
  const load = Array.from({ length: 8 }, async () => {
    let client = await RawClient.connect(port);
    while (version < 20) {
      const answer = await client.get("/");
      if (answer.status !== 200) failures.push(answer.head);
      answers++;
      if (!/^connection: close\r$/m.test(answer.head)) continue;
      await client.closed();
      client = await RawClient.connect(port);
    }
    client.close();
  });
  while (version < 20) {
    await proxy.reload(config(version + 1));
    // Until somebody was served by it.
    while (!(await get(port, "/")).head.includes(`x-version: ${version + 1}`)) { /* An old worker's connection. */ }
    version++;
  }
  await Promise.all(load);
  assert.equal(failures, []);
  assert.ok(answers >= 20);
  assert.is(proxy.stat("server.config_reload"), 20);
  await proxy.stop();
  await upstream.stop();
});

function portOf(proxy: Proxy, listener = "web"): number {
  return Number(proxy.addresses(listener)[0]!.split(":")[1]);
}

async function assertCode(promise: Promise<unknown>, code: string): Promise<void> {
  const error: unknown = await promise.then(() => null, (reason: unknown) => reason);
  assert.instance(error, NuncioError);
  assert.is((error as NuncioError).code, code);
}

test.run();
