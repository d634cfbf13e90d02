// test/filters-examples/emptied.test.ts: the examples' tests notice when a filter does nothing.
/**
 * A copy of each example is built with the bodies of its callbacks taken out; its test must fail then. The
 * copies lie two folders below the root, where their imports mean the same.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderText } from "../../host/base/diagnostic_render.ts";
import { buildFilter } from "../../host/testing/mod.ts";
import { QUICK_BUILD } from "../support/quick_build.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLES = join(ROOT, "filters-examples");
/** What an empty method of each type returns. */
const EMPTY_RESULT: Readonly<Record<string, string>> = {
  HeadersStatus: "return HeadersStatus.Continue;",
  DataStatus: "return DataStatus.Continue;",
  StreamStatus: "return StreamStatus.Continue;",
  bool: "return true;",
  void: "",
};

/** The source with the bodies of all callbacks (`onRequestHeaders`, `onConfigure`, …) taken out, and their names. */
function emptyCallbacks(source: string): { emptied: string; names: string[] } {
  const names: string[] = [];
  const emptied = source.replace(
    /^ {2}(on[A-Z]\w*)(\([^)]*\)): (\w+) \{\n[\s\S]*?\n {2}\}$/gm,
    (_, name: string, parameters: string, type: string) => {
      names.push(name);
      return `  ${name}${parameters}: ${type} {\n    ${EMPTY_RESULT[type]}\n  }`;
    },
  );
  return { emptied, names };
}

async function runTest(file: string): Promise<{ code: number; output: string }> {
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", "--quiet"] : [];
  const child = spawn(process.execPath, [...flags, file], { env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  child.stdout.on("data", (data: Uint8Array) => output += data);
  child.stderr.on("data", (data: Uint8Array) => output += data);
  const [code] = await once(child, "close") as [number | null];
  return { code: code ?? -1, output };
}

const names = readdirSync(EXAMPLES).filter((name) => existsSync(join(EXAMPLES, name, "filter.ts")));

test("there are examples", () => assert.ok(names.length >= 7));

for (const name of names) {
  test(`${name}: its test fails when the callbacks are empty`, async () => {
    mkdirSync(join(ROOT, "build"), { recursive: true });
    const folder = mkdtempSync(join(ROOT, `build/${name}-`));
    try {
      for (const file of ["filter.test.ts", "nuncio.yaml"]) cpSync(join(EXAMPLES, name, file), join(folder, file));
      const { emptied, names } = emptyCallbacks(readFileSync(join(EXAMPLES, name, "filter.ts"), "utf8"));
      assert.ok(names.length > 0, "found no callback");
      writeFileSync(join(folder, "filter.ts"), emptied);
      writeFileSync(join(folder, "asconfig.json"), QUICK_BUILD);
      // So that the compiler is loaded once for all of them: their tests find what is built.
      const { diagnostics } = await buildFilter({ path: folder });
      assert.not(diagnostics.hasErrors, renderText(diagnostics));
      const { code, output } = await runTest(join(folder, "filter.test.ts"));
      assert.is(code, 1, output);
      assert.match(output, "Expected");
      assert.not.match(output, "filter/compile");
      assert.match(output, /Total: +[1-9]/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test.run();
