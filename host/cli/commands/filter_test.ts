// host/cli/commands/filter_test.ts: `nuncio filter test`: builds a filter and runs its test.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { NuncioError } from "../../base/error.ts";
import { type CommandOutput, USAGE_ERROR } from "./command_output.ts";
import { buildAndReport } from "./filter_build.ts";

export async function filterTest(args: string[], output: CommandOutput): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    // With names and lines, unless what is shipped is to be tested.
    options: {
      component: { type: "boolean", default: false },
      debug: { type: "boolean", default: false },
      release: { type: "boolean", default: false },
    },
  });
  if (values.debug && values.release) throw new NuncioError(USAGE_ERROR, "--debug and --release exclude each other");
  const target = values.release ? "release" : "debug";
  let failed = false;
  for (const path of positionals.length > 0 ? positionals : ["."]) {
    const { component } = values;
    const { diagnostics } = await buildAndReport({ path, target, component }, output);
    failed = diagnostics.hasErrors || await runTest(testFileOf(path), target, component) !== 0 || failed;
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
async function runTest(file: string, target: string, component: boolean): Promise<number> {
  const flags = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", "--quiet"] : [];
  const child = spawn(process.execPath, [...flags, file], {
    stdio: "inherit",
    env: { ...process.env, NUNCIO_FILTER_TARGET: target, NUNCIO_FILTER_COMPONENT: component ? "1" : "0" },
  });
  const [code] = await once(child, "exit") as [number | null];
  return code ?? 1;
}
