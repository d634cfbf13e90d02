// test/host/cli/main.test.ts: exit codes and what is said with them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { wasmFilter, webConfig } from "../../e2e/support.ts";
import { freePorts, ROOT, runNuncio } from "../../support/proxy_process.ts";
import { watFilter } from "../../support/wat_filter.ts";
import { runHere } from "../../support/run_here.ts";

const folder = mkdtempSync(join(tmpdir(), "nuncio-cli-"));
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test("--version names the version of package.json and the runtime", async () => {
  const { code, stdout, stderr } = await runNuncio(["--version"]);
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  assert.is(code, 0);
  assert.is(stderr, "");
  assert.match(
    stdout,
    new RegExp(`^nuncio ${version.replaceAll(".", "\\.")} \\((?:node|deno) [\\d.]+, v8 [\\d.]+.*\\)\n$`),
  );
});

test("--help fits 80 columns and names every flag", async () => {
  const { code, stdout } = await runNuncio(["--help"]);
  assert.is(code, 0);
  assert.equal(stdout.split("\n").filter((line) => line.length > 80), []);
  assert.match(stdout, "-c, --config-path TEXT");
  assert.match(stdout, "nuncio filter new|build|test");
});

test("no configuration: the help and what is missing, exit 1", async () => {
  const { code, stdout, stderr } = await runNuncio([]);
  assert.is(code, 1);
  assert.is(stdout, "");
  assert.match(stderr, "Configuration:");
  assert.match(stderr, "nuncio: no configuration: give -c FILE or --config-yaml TEXT\n");
});

test("bad usage: exit 2 with a suggestion, nothing else", async () => {
  const { code, stderr } = await runNuncio(["--concurency", "2"]);
  assert.is(code, 2);
  assert.is(
    stderr,
    "nuncio: unknown flag --concurency; a flag with a similar name exists: --concurrency\nnuncio --help lists all flags\n",
  );
});

for (
  const [args, text] of [
    [["-l", "loud"], "-l loud: expected trace, debug, info, warning, error, critical or off"],
    [["--component-log-level", "upstrem:debug"], "there is no component 'upstrem'"],
    [["--stats-tag", "none"], "--stats-tag none: expected NAME:VALUE"],
  ] as const
) {
  test(`${args.join(" ")}: exit 2`, async () => {
    const { code, stderr } = await runHere(["--config-yaml", "{}", ...args]);
    assert.is(code, 2);
    assert.match(stderr, text);
  });
}

test("a configuration file that is not there: exit 1", async () => {
  const { code, stderr } = await runHere(["-c", join(folder, "nothing.yaml")]);
  assert.is(code, 1);
  assert.match(stderr, "nothing.yaml");
});

test("a bad configuration: every problem with its position, exit 1, nothing started", async () => {
  const [port] = await freePorts(1) as [number];
  const path = file(
    "bad.yaml",
    `static_resources:
  listeners:
  - name: web
    adress: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    address: { socket_address: { address: 127.0.0.1, port_value: 70000 } }
  clusters:
  - name: a
    connect_timeout: 1 second
  - name: a
    lb_policy: ROUND_ROBBIN
`,
  );
  const { code, stdout, stderr } = await runNuncio(["-c", path]);
  assert.is(code, 1);
  assert.is(stdout, "");
  for (const place of [`${path}:4:5`, `${path}:5:`, `${path}:8:`, `${path}:10:`]) assert.match(stderr, place);
  assert.match(stderr, "a field with a similar name exists: address");
  assert.not.match(stderr, "all workers accept connections");
});

test("--mode validate: 0 and a word for a good configuration, 1 for a bad one", async () => {
  const good = await runHere(["--mode", "validate", "-c", file("good.yaml", webConfig({ port: 0 }))]);
  assert.is(good.code, 0);
  assert.match(good.stdout, /configuration OK\n$/);
  const bad = await runHere(["--mode", "validate", "--config-yaml", "static_resources: { listenrs: [] }"]);
  assert.is(bad.code, 1);
  assert.is(bad.stdout, "");
  assert.match(bad.stderr, "listenrs");
});

test("--mode validate shows what is accepted without effect", async () => {
  const { code, stdout, stderr } = await runHere([
    "--mode",
    "validate",
    "--config-yaml",
    "{ enable_dispatcher_stats: true, static_resources: {} }",
  ]);
  assert.is(code, 0);
  assert.match(stderr, "enable_dispatcher_stats");
  assert.match(stderr, "there is no dispatcher to measure");
  assert.match(stdout, "configuration OK");
});

test("--skip-deprecated-logs keeps warnings of deprecated fields back", async () => {
  const yaml = "static_resources: { clusters: [{ name: a, connect_timeout: 1s, max_requests_per_connection: 10 }] }";
  const args = ["--mode", "validate", "--config-yaml", yaml];
  const said = await runHere(args);
  assert.match(said.stderr, "config/deprecated-field");
  const silent = await runHere([...args, "--skip-deprecated-logs"]);
  assert.is(silent.stderr, "");
  assert.match(silent.stdout, "configuration OK");
});

test("--mode init_only starts, stops and exits 0", async () => {
  const [port] = await freePorts(1) as [number];
  const { code } = await runNuncio(["--mode", "init_only", "-c", file("init.yaml", webConfig({ port }))]);
  assert.is(code, 0);
});

for (const concurrency of ["1", "2"]) {
  test(`a port that is taken: exit 3, and which one (${concurrency} workers)`, async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const path = file("taken.yaml", webConfig({ port }));
    const { code, stderr } = await runNuncio(["-c", path, "--concurrency", concurrency]);
    taken.close();
    assert.is(code, 3);
    assert.match(stderr, "failed to start");
    assert.match(stderr, `listener 'web': cannot bind '127.0.0.1:${port}'`);
  });
}

test("an admin port that is taken: exit 3", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const adminPort = (taken.address() as AddressInfo).port;
  const path = file("admin_taken.yaml", webConfig({ port: 0, adminPort }));
  const { code, stderr } = await runNuncio(["-c", path, "--concurrency", "1"]);
  taken.close();
  assert.is(code, 3);
  assert.match(stderr, `admin: cannot listen on 127.0.0.1:${adminPort}: the address is in use`);
});

test("two listeners on one address: the configuration is rejected", async () => {
  const [port] = await freePorts(1) as [number];
  const config = JSON.parse(webConfig({ port })) as { static_resources: { listeners: { name: string }[] } };
  const [web] = config.static_resources.listeners as [{ name: string }];
  config.static_resources.listeners.push({ ...web, name: "again" });
  const { code, stderr } = await runHere(["-c", file("twice.json", JSON.stringify(config))]);
  assert.is(code, 1);
  assert.match(stderr, `listener 'again' has duplicate address '127.0.0.1:${port}' as existing listener 'web'`);
});

const HEADER = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

for (
  const [name, code, texts] of [
    ["missing", null, ["cannot be read", "missing.wasm"]],
    ["text", new TextEncoder().encode("hello"), ["not a WebAssembly module (5 bytes"]],
    ["truncated", watFilter().subarray(0, 200), ["failed to compile the Wasm module"]],
    ["no-abi", watFilter({ withoutAbi: true }), ["Missing or unknown Proxy-Wasm ABI version"]],
    ["empty-module", HEADER, ["Missing or unknown Proxy-Wasm ABI version"]],
    [
      "imports",
      watFilter({ imports: '(import "env" "nothing" (func)) (import "elsewhere" "neither" (func))' }),
      ["missing import: env.nothing", "missing import: elsewhere.neither"],
    ],
    ["refuses", watFilter({ configures: false }), ["on_configure"]],
    ["traps", watFilter({ onConfigure: "(unreachable)" }), ["unreachable"]],
  ] as const
) {
  test(`a wasm module that cannot run (${name}): the configuration is rejected where the plugin is`, async () => {
    const wasm = join(folder, `${name}.wasm`);
    if (code !== null) writeFileSync(wasm, code);
    const [port] = await freePorts(1) as [number];
    const path = file(
      `${name}.json`,
      JSON.stringify(JSON.parse(webConfig({ port, filters: [wasmFilter("guard", wasm)] })), null, 1),
    );
    const message = code === null ? /"code": \{/ : /"config": \{/;
    const line = readFileSync(path, "utf8").split("\n").findIndex((each) => message.test(each)) + 2;
    const outcome = await runHere(["-c", path]);
    assert.is(outcome.code, 1);
    for (const text of texts) assert.match(outcome.stderr, text);
    assert.match(outcome.stderr, `${path}:${line}:`);
    assert.not.match(outcome.stderr, "all workers accept connections");
  });
}

test.run();
