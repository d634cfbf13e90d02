// test/e2e/workers.test.ts: several workers: who serves, what they share, what becomes of one that dies.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildFilter } from "../../host/testing/filter_build/build_filter.ts";
import { detectPlatform } from "../../host/platform/detect.ts";
import { freePorts, startProxy } from "../support/proxy_process.ts";
import { type Embedded, startEmbedded } from "../support/embedded.ts";
import { NameServer } from "../support/name_server.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, RawClient, Upstream, wasmFilter, webConfig } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-workers-"));
test.after(() => rmSync(folder, { recursive: true }));

async function withProxy(
  yaml: string,
  options: { readonly stallLimitMs?: number },
  run: (proxy: Embedded) => Promise<void>,
): Promise<void> {
  const proxy = await startEmbedded(yaml, { concurrency: 2, ...options });
  try {
    await run(proxy);
  } finally {
    await proxy.stop();
  }
}

function connections(proxy: Embedded, worker: number, suffix = "total"): number {
  const { statPrefix } = proxy.server.snapshot!.listeners[0]!;
  return proxy.stat(`listener.${statPrefix.replaceAll(":", "_")}.worker_${worker}.downstream_cx_${suffix}`);
}

/** Connections to the first listener until each worker has at least `count`, by worker. */
async function spread(proxy: Embedded, count: number): Promise<[RawClient[], RawClient[]]> {
  const clients: [RawClient[], RawClient[]] = [[], []];
  const port = proxy.port("web");
  // Each connection is worker 0's with probability 1/2: 200 are enough for any machine.
  for (let tries = 0; tries < 200 && (clients[0].length < count || clients[1].length < count); tries++) {
    const before = connections(proxy, 0);
    const client = await RawClient.connect(port);
    assert.is((await client.get("/direct")).status, 200);
    clients[connections(proxy, 0) > before ? 0 : 1].push(client);
  }
  assert.ok(clients[0].length >= count && clients[1].length >= count, "both workers serve");
  return clients;
}

function closeAll(clients: readonly (readonly RawClient[])[]): void {
  for (const client of clients.flat()) client.close();
}

test("both workers serve one port, also port 0, and their statistics add up", async () => {
  await withProxy(webConfig({ port: 0 }), {}, async (proxy) => {
    const clients = await spread(proxy, 3);
    const all = clients.flat();
    for (const client of all) assert.is((await client.get("/direct")).status, 200);
    assert.is(proxy.stat("http.web.downstream_rq_total"), 2 * all.length);
    assert.is(proxy.stat("http.web.downstream_cx_active"), all.length);
    assert.is(connections(proxy, 0, "active") + connections(proxy, 1, "active"), all.length);
    closeAll(clients);
    await proxy.statIs("http.web.downstream_cx_active", 0);
  });
});

test("a unix socket belongs to one worker", async () => {
  const path = join(folder, "web.sock");
  const config = webConfig({ port: 0, listener: { address: { pipe: { path } } } });
  await withProxy(config, {}, async (proxy) => {
    for (let i = 0; i < 8; i++) assert.is((await get(path, "/direct")).status, 200);
    assert.is(connections(proxy, 0), 8);
    assert.is(connections(proxy, 1), 0);
  });
});

test("a worker that dies is replaced; the other one's streams and the counts are unharmed", async () => {
  const upstream = await Upstream.start();
  await withProxy(webConfig({ port: 0, upstreamPort: upstream.port }), {}, async (proxy) => {
    const clients = await spread(proxy, 2);
    const [doomed, spared] = clients;
    const lost = doomed.map((client) => client.get("/hold").then(() => "answered", () => "lost"));
    const kept = spared.map((client) => client.get("/hold"));
    await upstream.held(doomed.length + spared.length);
    assert.is(proxy.stat("http.web.downstream_rq_active"), doomed.length + spared.length);

    const worker = proxy.threads.find((thread) => thread.name === "worker_0")!;
    await worker.handle.terminate();
    await proxy.logged("a worker ended and is replaced");
    assert.equal(new Set(await Promise.all(lost)), new Set(["lost"]));
    assert.is(proxy.stat("http.web.downstream_rq_active"), spared.length, "what it had open is not counted any more");
    assert.is(proxy.stat("http.web.downstream_cx_active"), spared.length);
    upstream.release();
    for (const response of await Promise.all(kept)) assert.is(response.status, 200);

    await proxy.logged("a replacement worker serves");
    assert.is(proxy.stat("server.worker_replaced"), 1);
    assert.is(proxy.threads.filter((thread) => thread.name === "worker_0").length, 2);
    const again = await spread(proxy, 1);
    closeAll([...clients, ...again]);
    await proxy.statIs("http.web.downstream_cx_active", 0);
    await proxy.statIs("http.web.downstream_rq_active", 0);
    assert.is(proxy.stat("cluster.upstream.upstream_rq_active"), 0);
  });
  await upstream.stop();
});

test("one worker looks up a name for all, and its successor does so again", async () => {
  const upstream = await Upstream.start();
  const names = new NameServer({ "app.example": { a: ["127.0.0.1"] } });
  const [address, port] = (await names.start()).split(":");
  const config = webConfig({
    port: 0,
    upstreamPort: upstream.port,
    cluster: {
      type: "STRICT_DNS",
      dns_lookup_family: "V4_ONLY",
      typed_dns_resolver_config: {
        name: "cares",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
          resolvers: [{ socket_address: { address, port_value: Number(port) } }],
        },
      },
      // Answers are not asked for again within the test.
      dns_refresh_rate: "3600s",
      load_assignment: {
        cluster_name: "upstream",
        endpoints: [{
          lb_endpoints: [{
            endpoint: { address: { socket_address: { address: "app.example", port_value: upstream.port } } },
          }],
        }],
      },
    },
  });
  await withProxy(config, {}, async (proxy) => {
    const ask = async (clients: readonly (readonly RawClient[])[]) =>
      new Set(await Promise.all(clients.flat().map(async (client) => (await client.get("/")).body)));
    const clients = await spread(proxy, 1);
    assert.equal(await ask(clients), new Set(["upstream\n"]));
    assert.equal(names.asked, ["app.example A"]);
    assert.is(proxy.stat("cluster.upstream.update_attempt"), 1);

    await proxy.threads.find((thread) => thread.name === "worker_1")!.handle.terminate();
    await proxy.logged("a replacement worker serves");
    const second = await spread(proxy, 1);
    assert.equal(await ask(second), new Set(["upstream\n"]));
    assert.equal(names.asked.length, 1, "it was told");

    await proxy.threads.find((thread) => thread.name === "worker_0")!.handle.terminate();
    await proxy.logged("a replacement worker serves", 2);
    const third = await spread(proxy, 1);
    assert.equal(await ask(third), new Set(["upstream\n"]));
    assert.equal(names.asked.length, 2, "who looks up for all asks anew");
    closeAll([...clients, ...second, ...third]);
  });
  names.close();
  await upstream.stop();
});

test("a runtime value counts on all workers once it is set, and on one that comes later", async () => {
  const runtime_fraction = { runtime_key: "new", default_value: { numerator: 0 } };
  const answering = (match: object, text: string) => ({
    match: { prefix: "/", ...match },
    direct_response: { status: 200, body: { inline_string: text } },
  });
  const config = webConfig({
    port: 0,
    routes: [answering({ runtime_fraction }, "new"), answering({}, "old")],
    bootstrap: { layered_runtime: { layers: [{ name: "admin", admin_layer: {} }] } },
  });
  await withProxy(config, {}, async (proxy) => {
    const clients = await spread(proxy, 1);
    const answers = async (all: readonly (readonly RawClient[])[]) =>
      new Set(await Promise.all(all.flat().map(async (client) => (await client.get("/")).body)));
    assert.equal(await answers(clients), new Set(["old"]));
    assert.is(await proxy.server.modifyRuntime([["new", "100"]]), null);
    assert.equal(await answers(clients), new Set(["new"]));

    const worker = proxy.threads.find((thread) => thread.name === "worker_0")!;
    await worker.handle.terminate();
    await proxy.logged("a replacement worker serves");
    const again = await spread(proxy, 1);
    assert.equal(await answers(again), new Set(["new"]));

    const limit = "envoy.resource_limits.listener.web.connection_limit";
    await proxy.server.modifyRuntime([["new", ""], [limit, "0"]]);
    assert.equal(await answers(again), new Set(["old"]));
    const refused = await RawClient.connect(proxy.port("web"));
    await refused.closed();
    await proxy.server.modifyRuntime([[limit, ""]]);
    assert.is((await get(proxy.port("web"), "/")).body, "old");
    closeAll([...clients, ...again]);
  });
});

const SPIN = "(loop $for_ever (br $for_ever))";

function spinConfig(spinPort: number, port: number): string {
  const file = join(folder, "spin.wasm");
  writeFileSync(file, watFilter({ onRequestHeaders: SPIN }));
  const spinning = JSON.parse(webConfig({ port: spinPort, filters: [wasmFilter("spin", file)] })) as {
    static_resources: { listeners: object[] };
  };
  return webConfig({
    port,
    listeners: [{ ...spinning.static_resources.listeners[0], name: "spin" }],
    // With its budget the filter would be stopped instead.
    runtime: { "nuncio.wasm.plugins.spin.metering": false },
  });
}

if (detectPlatform().stopsBusyWorkers) {
  test("a worker that hangs in a filter is stopped and replaced; the other one serves on", async () => {
    await withProxy(spinConfig(0, 0), { stallLimitMs: 1500 }, async (proxy) => {
      const hung = get(proxy.port("spin"), "/").then(() => "answered", () => "lost");
      await proxy.logged("a worker does not answer and is stopped");
      assert.is(await hung, "lost");
      await proxy.logged("a replacement worker serves");
      assert.is(proxy.stat("server.worker_replaced"), 1);
      const clients = await spread(proxy, 1);
      closeAll(clients);
    });
  });
} else {
  test("a worker that hangs in a filter ends the process after a drain, as its thread cannot be stopped", async () => {
    const [spinPort, port] = await freePorts(2) as [number, number];
    const proxy = await startProxy(spinConfig(spinPort, port), { args: ["--concurrency", "2"] });
    const hung = get(spinPort, "/").then(() => "answered", () => "lost");
    await proxy.waitForOutput("this runtime cannot stop a thread that hangs");
    assert.equal(await proxy.exited, { code: 1, signal: null });
    assert.is(await hung, "lost");
    await proxy.stop();
  });
}

test("ids of connections are the process's: no worker repeats another one's, nor what the one in its place gave", async () => {
  const routes = [{
    match: { prefix: "/direct" },
    direct_response: { status: 200 },
    response_headers_to_add: [{ header: { key: "x-connection", value: "%CONNECTION_ID%" } }],
  }];
  await withProxy(webConfig({ port: 0, routes }), {}, async (proxy) => {
    const before = await spread(proxy, 2);
    const ids = await connectionIds(before);
    await proxy.threads.find((thread) => thread.name === "worker_0")!.handle.terminate();
    await proxy.logged("a replacement worker serves");
    const after = await spread(proxy, 2);
    ids.push(...await connectionIds(after));
    assert.is(new Set(ids).size, ids.length, `unlike ones: ${ids.join(" ")}`);
    closeAll([...before, ...after]);
  });
});

async function connectionIds(clients: readonly (readonly RawClient[])[]): Promise<string[]> {
  const answers = await Promise.all(clients.flat().map((client) => client.get("/direct")));
  return answers.map(({ head }) => /^x-connection: (\d+)\r$/m.exec(head)![1]!);
}

test("circuit breakers count for all workers together", async () => {
  const upstream = await Upstream.start();
  const config = webConfig({
    port: 0,
    upstreamPort: upstream.port,
    cluster: { circuit_breakers: { thresholds: [{ max_requests: 1 }] } },
  });
  await withProxy(config, {}, async (proxy) => {
    const clients = await spread(proxy, 1);
    const [[first], [second]] = clients as [[RawClient], [RawClient]];
    const held = first.get("/hold");
    await upstream.held();
    const refused = await second.get("/upstream");
    assert.is(refused.status, 503);
    assert.match(refused.head, /^x-envoy-overloaded: true\r$/m);
    upstream.release();
    assert.is((await held).status, 200);
    assert.is((await second.get("/upstream")).status, 200);
    const names = proxy.server.stats.values().map((each) => each.name);
    assert.equal(names.filter((name) => name.includes("shared_counts")), [], "the shared counts are in no listing");
    closeAll(clients);
  });
  await upstream.stop();
});

test("wasm filters share data across workers: the rate_limit example counts once", async () => {
  const built = await buildFilter({
    path: fileURLToPath(new URL("../../filters-examples/rate_limit", import.meta.url)),
  });
  assert.not.ok(built.diagnostics.hasErrors);
  const filter = wasmFilter("rate_limit", built.outFile, '{"limit": 7, "window_ms": 600000}');
  const routes = [
    {
      match: { prefix: "/direct" },
      direct_response: { status: 200 },
      typed_per_filter_config: {
        rate_limit: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", disabled: true },
      },
    },
    { match: { prefix: "/" }, direct_response: { status: 200 } },
  ];
  await withProxy(webConfig({ port: 0, filters: [filter], routes }), {}, async (proxy) => {
    const clients = await spread(proxy, 4);
    const statuses: number[] = [];
    for (let round = 0; round < 4; round++) {
      statuses.push(
        (await clients[0][round]!.get("/limited")).status,
        (await clients[1][round]!.get("/limited")).status,
      );
    }
    assert.equal(statuses, [200, 200, 200, 200, 200, 200, 200, 429]);
    closeAll(clients);
  });
});

test("a worker that cannot start is a failed start", async () => {
  const path = join(folder, "nowhere", "web.sock");
  try {
    await startEmbedded(webConfig({ port: 0, listener: { address: { pipe: { path } } } }), { concurrency: 2 });
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), "listener 'web'");
  }
});

test.run();
