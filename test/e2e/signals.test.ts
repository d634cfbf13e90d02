// test/e2e/signals.test.ts: how a running proxy ends: by signals to itself, to npm and to `deno task`.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  freePorts,
  nuncioCommand,
  type ProxyCommand,
  type ProxyProcess,
  spawnProxy,
  startProxy,
} from "../support/proxy_process.ts";
import { watFilter } from "../support/wat_filter.ts";
import { get, isFree, RawClient, Upstream, wasmFilter, webConfig } from "./support.ts";

const isDeno = "Deno" in globalThis;
const { readyText } = nuncioCommand();

/** The script that people run: `npm start` on Node, `deno task start` on Deno. */
const SCRIPT: ProxyCommand = isDeno
  // Through a shell: Deno takes a child that is itself for a call of `node`, and changes its arguments.
  ? { command: "sh", args: ["-c", 'exec deno task --quiet start "$@"', "sh"], readyText }
  : { command: "npm", args: ["start", "--silent", "--"], readyText };

interface Running {
  readonly proxy: ProxyProcess;
  readonly port: number;
  readonly upstream: Upstream;
}

interface Options {
  readonly proxy?: ProxyCommand;
  /** One unless said otherwise: most of a start is that of threads. */
  readonly workers?: number;
  readonly args?: readonly string[];
  readonly http?: object;
}

async function withProxy(
  { workers = 1, args = [], http, ...options }: Options,
  run: (running: Running) => Promise<void>,
): Promise<void> {
  const upstream = await Upstream.start();
  let proxy: ProxyProcess | null = null;
  try {
    const [port] = await freePorts(1) as [number];
    proxy = await startProxy(webConfig({ port, upstreamPort: upstream.port, http: { ...http } }), {
      ...options,
      args: ["--concurrency", String(workers), ...args],
    });
    await run({ proxy, port, upstream });
  } finally {
    await proxy?.stop();
    await upstream.stop();
  }
}

/** A request in flight and an idle keep-alive connection; the signal; the request's end. */
async function drains({ proxy, port, upstream }: Running, signal: "SIGTERM" | "SIGINT"): Promise<void> {
  const idle = await RawClient.connect(port);
  assert.is((await idle.get("/direct")).status, 200);
  const busy = await RawClient.connect(port);
  const response = busy.get("/hold");
  response.catch(() => {});
  await upstream.held();

  proxy.kill(signal);
  await proxy.waitForOutput("draining: no new connections");
  upstream.release();

  const { status, head, body } = await response;
  assert.is(status, 200);
  assert.is(body, "held\n");
  assert.match(head, /^connection: close\r$/m);
  assert.equal(await proxy.exited, { code: 0, signal: null });
  await idle.closed();
  assert.ok(await isFree(port), "the port is free");
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal}: the request in flight finishes, the port is free, exit 0`, async () => {
    await withProxy({}, (running) => drains(running, signal));
  });
}

test("several workers drain, too", async () => {
  await withProxy({ workers: 2 }, (running) => drains(running, "SIGTERM"));
});

test(`SIGTERM to ${isDeno ? "deno task" : "npm"} reaches the proxy`, async () => {
  await withProxy({ proxy: SCRIPT }, (running) => drains(running, "SIGTERM"));
});

test(`Ctrl-C in a terminal, which ${isDeno ? "deno task" : "npm"} and the proxy both get, drains`, async () => {
  // A session of its own, as a terminal has one.
  const job: ProxyCommand = { ...SCRIPT, command: "setsid", args: [SCRIPT.command, ...SCRIPT.args] };
  await withProxy({ proxy: job }, async ({ proxy, port, upstream }) => {
    const busy = await RawClient.connect(port);
    const response = busy.get("/hold");
    response.catch(() => {});
    await upstream.held();
    process.kill(-proxy.pid, "SIGINT");
    await proxy.waitForOutput("draining: no new connections");
    upstream.release();
    assert.is((await response).status, 200);
    await proxy.exited;
    assert.ok(await isFree(port));
  });
});

test("while draining nothing new is accepted", async () => {
  await withProxy({}, async ({ proxy, port, upstream }) => {
    const busy = await RawClient.connect(port);
    const response = busy.get("/hold");
    response.catch(() => {});
    await upstream.held();
    proxy.kill("SIGTERM");
    await proxy.waitForOutput("draining: no new connections");
    assert.ok(await isFree(port));
    upstream.release();
    assert.is((await response).status, 200);
    assert.equal(await proxy.exited, { code: 0, signal: null });
  });
});

test("a second signal exits at once with 130", async () => {
  await withProxy({}, async ({ proxy, port, upstream }) => {
    const busy = await RawClient.connect(port);
    const response = busy.get("/hold").then(() => "answered", () => "cut");
    await upstream.held();
    proxy.kill("SIGTERM");
    await proxy.waitForOutput("draining: no new connections");
    proxy.kill("SIGINT");
    assert.equal(await proxy.exited, { code: 130, signal: null });
    assert.is(await response, "cut");
  });
});

test("streams that do not end are cut after --drain-time-s, exit 0", async () => {
  await withProxy({ args: ["--drain-time-s", "1"] }, async ({ proxy, port, upstream }) => {
    const busy = await RawClient.connect(port);
    const response = busy.get("/hold").then(() => "answered", () => "cut");
    await upstream.held();
    const begin = performance.now();
    proxy.kill("SIGTERM");
    assert.equal(await proxy.exited, { code: 0, signal: null });
    const elapsedMs = performance.now() - begin;
    assert.ok(elapsedMs > 950, `it waited: ${elapsedMs} ms`);
    assert.is(await response, "cut");
    assert.match(proxy.output(), "the drain time is over: streams are cut");
  });
});

test("--sigterm envoy exits at once", async () => {
  await withProxy({ args: ["--sigterm", "envoy"] }, async ({ proxy, port, upstream }) => {
    const busy = await RawClient.connect(port);
    const response = busy.get("/hold").then(() => "answered", () => "cut");
    await upstream.held();
    proxy.kill("SIGTERM");
    assert.equal(await proxy.exited, { code: 0, signal: null });
    assert.is(await response, "cut");
  });
});

test("SIGUSR1 reopens access logs", async () => {
  const accessLog = [{
    name: "file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path: "FOLDER/access.log",
      log_format: { text_format_source: { inline_string: "%REQ(:PATH)%\n" } },
    },
  }];
  await withProxy(
    { http: { access_log: accessLog }, args: ["--file-flush-interval-msec", "5"] },
    async ({ proxy, port }) => {
      const file = `${proxy.folder}/access.log`;
      await get(port, "/direct/before");
      await contains(file, "/direct/before\n");
      renameSync(file, `${file}.1`);
      process.kill(proxy.pid, "SIGUSR1");
      await proxy.waitForOutput("access logs are reopened");
      await get(port, "/direct/after");
      await contains(file, "/direct/after\n");
      assert.is(readFileSync(`${file}.1`, "latin1"), "/direct/before\n");
      assert.is(readFileSync(file, "latin1"), "/direct/after\n");
    },
  );
});

test("SIGHUP reads the configuration again: one that is wrong changes nothing, a good one loses no request", async () => {
  await withProxy({}, async ({ proxy, port, upstream }) => {
    const reloadWith = (config: string): void => {
      writeFileSync(join(proxy.folder, "bootstrap.yaml"), config);
      process.kill(proxy.pid, "SIGHUP");
    };
    const reply = (text: string) => [
      { match: { prefix: "/direct" }, direct_response: { status: 200, body: { inline_string: text } } },
    ];
    const busy = await RawClient.connect(port);
    const held = busy.get("/hold");
    await upstream.held();

    reloadWith(webConfig({ port, routes: reply("wrong"), bootstrap: { admni: {} } }));
    await proxy.waitForOutput("a configuration was refused: the one before goes on");
    await proxy.waitForOutput("error[config/unknown-field]");
    assert.is((await get(port, "/direct")).body, "direct\n");

    reloadWith(webConfig({ port, routes: reply("reloaded\n") }));
    await proxy.waitForOutput("another configuration serves");
    assert.is((await get(port, "/direct")).body, "reloaded\n");
    upstream.release();
    assert.is((await held).body, "held\n");
  });
});

test("SIGTERM while a plugin takes its time to start: exit 0", async () => {
  const folder = mkdtempSync(join(tmpdir(), "nuncio-signals-"));
  const file = join(folder, "slow.wasm");
  writeFileSync(file, watFilter({ onConfigure: "(loop $for_ever (br $for_ever))" }));
  const [port, adminPort] = await freePorts(2) as [number, number];
  const proxy = spawnProxy(webConfig({ port, adminPort, filters: [wasmFilter("slow", file)] }), {
    args: ["-l", "debug"],
  });
  await proxy.waitForOutput("a wasm plugin is tried");
  proxy.kill("SIGTERM");
  assert.equal(await proxy.exited, { code: 0, signal: null });
  await proxy.stop();
  rmSync(folder, { recursive: true });
});

test("a configuration without listeners runs until it is told to end", async () => {
  const proxy = await startProxy("static_resources: {}");
  // It would be gone before a second answer from the operating system if nothing kept it.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  proxy.kill("SIGTERM");
  assert.equal(await proxy.exited, { code: 0, signal: null });
  assert.match(proxy.output(), '"msg":"ending"');
  await proxy.stop();
});

/** Settles when a file has this text; the test's own limit ends it otherwise. */
async function contains(file: string, text: string): Promise<void> {
  for (;;) {
    try {
      if (readFileSync(file, "latin1").includes(text)) return;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test.run();
