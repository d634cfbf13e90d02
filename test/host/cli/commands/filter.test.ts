// test/host/cli/commands/filter.test.ts: `nuncio filter`: exit codes, new projects, builds.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "js-yaml";
import { filterCommand } from "../../../../host/cli/commands/filter.ts";

const test = suite<{ folder: string }>("nuncio filter");
test.before.each((context) => void (context.folder = mkdtempSync(join(tmpdir(), "nuncio-filter-"))));
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "", err = "";
  const code = await filterCommand(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    color: false,
  });
  return { code, out, err };
}

test("help, and what is not understood", async () => {
  assert.is((await run("--help")).code, 0);
  assert.match((await run("--help")).out, "nuncio filter build");
  for (const args of [[], ["frob"], ["build", "--frob"], ["new"], ["new", "a", "b"], ["new", "Bad Name"]]) {
    const { code, err, out } = await run(...args);
    assert.is(code, 2, args.join(" "));
    assert.ok(err.length > 0);
    assert.is(out, "");
  }
  assert.match((await run("new", "a", "--kind", "udp")).err, "expected http or tcp");
  assert.match((await run("new", "a", "--from", "nothing")).err, "expected one of add_header, ");
});

test("new makes a project that builds, under its own name", async ({ folder }) => {
  const path = join(folder, "my_gate");
  const made = await run("new", path, "--kind", "tcp");
  assert.is(made.code, 0, made.err);
  assert.equal(readdirSync(path).sort(), [
    ".gitignore",
    "README.md",
    "asconfig.json",
    "deno.json",
    "filter.test.ts",
    "filter.ts",
    "nuncio.yaml",
    "package.json",
    "tsconfig.json",
  ]);
  const source = readFileSync(join(path, "filter.ts"), "utf8");
  assert.match(source, '("my_gate")');
  assert.match(source, '"my_gate.open"');
  assert.not.match(source, "tcp_gate");
  assert.match(readFileSync(join(path, "filter.test.ts"), "utf8"), 'from "nuncio/testing"');
  const yaml = readFileSync(join(path, "nuncio.yaml"), "utf8");
  const filter = (load(yaml) as {
    static_resources: { listeners: { filter_chains: { filters: { typed_config: { config: unknown } }[] }[] }[] };
  }).static_resources.listeners[0]!.filter_chains[0]!.filters[0]!.typed_config.config as Record<string, unknown>;
  assert.is(filter["root_id"], "my_gate");
  assert.match(yaml, "filename: build/filter.wasm");
  const { devDependencies } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  assert.match(devDependencies.assemblyscript, /^0\.28\./);
  assert.match(devDependencies.nuncio, /^\^\d/);

  const built = await run("build", path, "--debug");
  assert.is(built.code, 0, built.err);
  assert.match(built.out, /build\/filter\.debug\.wasm: \d+\.\d KiB/);
  assert.match((await run("build", path, "--debug")).out, "is up to date");
});

test("new leaves a folder alone that has something in it", async ({ folder }) => {
  const path = join(folder, "mine");
  mkdirSync(path);
  writeFileSync(join(path, "keep"), "");
  const { code, err } = await run("new", path);
  assert.is(code, 1);
  assert.match(err, "filter/folder-not-empty");
  assert.equal(readdirSync(path), ["keep"]);
});

test("build shows the place of an error and ends with 1", async ({ folder }) => {
  writeFileSync(join(folder, "filter.ts"), 'export * from "nuncio/sdk/entry";\nlet a: i32 = "text";\n');
  const { code, err, out } = await run("build", folder, "--debug");
  assert.is(code, 1);
  assert.is(out, "");
  assert.match(err, /filter\.ts:2:14/);
  assert.match(err, 'let a: i32 = "text";');
  assert.match(err, "1 error");
  assert.is((await run("build", join(folder, "none"))).code, 1);
  assert.is((await run("build", folder, folder, "--out", "x.wasm")).code, 2);
});

test("test needs a test", async ({ folder }) => {
  writeFileSync(join(folder, "filter.ts"), 'export * from "nuncio/sdk/entry";\n');
  const { code, err } = await run("test", folder, "--debug");
  assert.is(code, 1);
  assert.match(err, "filter/no-test");
});

test.run();
