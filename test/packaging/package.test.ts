// test/packaging/package.test.ts: what `npm pack` makes, installed: the command, the modules, a filter project.
/** @module */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { get, wasmFilter, webConfig } from "../e2e/support.ts";
import { freePorts, nuncioCommand, startProxy } from "../support/proxy_process.ts";
import { watFilter } from "../support/wat_filter.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const test = suite("package");
const folder = mkdtempSync(join(tmpdir(), "nuncio-package-"));
const installed = join(folder, "node_modules/nuncio");
const command = join(installed, "dist/host/cli/main.js");

// Packing writes to `dist/`, so two cannot go on at once; what Deno would pack is the same.
const isNode = !("Deno" in globalThis);
const onNode = isNode ? test : test.skip;

test.before(async () => {
  if (!isNode) return;
  await run("npm", ["pack", "--pack-destination", folder], ROOT);
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  await run("tar", ["xzf", archive], folder);
  mkdirSync(dirname(installed), { recursive: true });
  await run("mv", ["package", installed], folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { nuncio: "*" } }));
  // The dependencies of the installed package are those of the repository; nothing else of it is in reach.
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
  };
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link);
  }
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

onNode("the command runs and knows its version", async () => {
  assert.match((await run(process.execPath, [command, "--version"], folder)).stdout, /^nuncio \d+\.\d+\.\d+ \(/);
});

onNode("a configuration is checked against the packed schema", async () => {
  const yaml = "static_resources: { listeners: [{ name: a, adress: {} }] }";
  const result = await run(process.execPath, [command, "--mode", "validate", "--config-yaml", yaml], folder, 1);
  assert.match(result.stderr + result.stdout, /adress/);
  assert.match(result.stderr + result.stdout, /address/);
});

onNode("what the package exports is there, with its types", async () => {
  const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
    exports: Record<string, string | { types: string; default: string }>;
  };
  for (const [name, target] of Object.entries(exports)) {
    for (const file of typeof target === "string" ? [target] : [target.types, target.default]) {
      if (!file.includes("*")) readFileSync(join(installed, file));
    }
    if (!/^\.(\/(wasm|testing|abi))?$/.test(name)) continue;
    const specifier = "nuncio" + name.slice(1);
    const script = `import(${JSON.stringify(specifier)}).then((module) => console.log(Object.keys(module).length > 0))`;
    assert.is((await run(process.execPath, ["-e", script], folder)).stdout, "true\n", specifier);
  }
});

onNode("a filter project is made and compiled with the packed SDK", async () => {
  await run(process.execPath, [command, "filter", "new", "mine"], folder);
  await run(process.execPath, [command, "filter", "build", "mine"], folder);
  const module = readFileSync(join(folder, "mine/build/filter.wasm"));
  assert.is(module.toString("latin1", 0, 4), "\0asm");
});

for (const runtime of ["node", "deno"]) {
  onNode(`the installed proxy serves on ${runtime}: two workers, a filter that was tried first`, async () => {
    writeFileSync(join(folder, "filter.wasm"), watFilter({ version: "packed" }));
    const [port] = await freePorts(1) as [number];
    const yaml = webConfig({ port, filters: [wasmFilter("packed", join(folder, "filter.wasm"))] });
    const proxy = await startProxy(yaml, {
      proxy: {
        command: runtime,
        args: [...(runtime === "deno" ? ["run", "-A", "--quiet", "--node-modules-dir=manual"] : []), command],
        readyText: nuncioCommand().readyText,
      },
      args: ["--concurrency", "2"],
    });
    try {
      const response = await get(port, "/direct");
      assert.is(response.status, 200);
      assert.match(response.head, /^x-version: packed\r$/m);
    } finally {
      assert.is((await proxy.stop()).code, 0);
    }
  });
}

onNode("npx finds the command", async () => {
  const { bin } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { bin: Record<string, string> };
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(join(installed, bin["nuncio"]!), join(folder, "node_modules/.bin/nuncio"));
  assert.match((await run("npx", ["--no", "--", "nuncio", "--version"], folder)).stdout, /^nuncio \d/);
});

test("package.json and deno.json export the same code", () => {
  const exportsOf = (file: string) =>
    (JSON.parse(readFileSync(join(ROOT, file), "utf8")) as { exports: Record<string, string | { default: string }> })
      .exports;
  const code = Object.entries(exportsOf("package.json")).flatMap(([name, target]) => {
    if (typeof target === "string" || !target.default.startsWith("./dist/")) return [];
    return [[name, target.default.replace("./dist/", "./").replace(/\.js$/, ".ts")]];
  });
  assert.ok(code.length >= 4);
  assert.equal(exportsOf("deno.json"), Object.fromEntries(code));
});

onNode("nothing that only development needs is packed", () => {
  const files = readdirSync(installed, { recursive: true }).map(String);
  assert.equal(files.filter((name) => /(^|\/)(test|bench|docs|node_modules|\.git)(\/|$)/.test(name)), []);
});

function run(file: string, args: string[], cwd: string, expected = 0): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === expected) resolve({ stdout, stderr });
      else reject(new Error(`${file} ${args.join(" ")}: exit ${code}, expected ${expected}\n${stdout}${stderr}`));
    });
  });
}

test.run();
