// host/cli/commands/filter_test.ts: `nuncio filter test`: builds a filter and runs its test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { NuncioError } from "../../base/error.ts";
import type { CommandOutput } from "./command_output.ts";
import { buildAndReport } from "./filter_build.ts";

export async function filterTest(args: string[], output: CommandOutput): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { debug: { type: "boolean", default: false } },
  });
  let failed = false;
  for (const path of positionals.length > 0 ? positionals : ["."]) {
    const { diagnostics } = await buildAndReport({ path, target: values.debug ? "debug" : "release" }, output);
    failed = diagnostics.hasErrors || await runTest(testFileOf(path)) !== 0 || failed;
  }
  return failed ? 1 : 0;
}

function testFileOf(path: string): string {
  const folder = statSync(path).isFile() ? dirname(path) : path;
  const file = join(folder, "filter.test.ts");
  if (!existsSync(file)) throw new NuncioError("filter/no-test", `${path}: has no filter.test.ts`);
  return file;
}

/** Runs a test file on the runtime that this process runs on; gives its exit code. */
async function runTest(file: string): Promise<number> {
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", "--quiet"] : [];
  const child = spawn(process.execPath, [...flags, file], { stdio: "inherit" });
  const [code] = await once(child, "exit") as [number | null];
  return code ?? 1;
}
