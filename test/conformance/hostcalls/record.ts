// test/conformance/hostcalls/record.ts: plays the cases of host functions and callbacks on the real Envoy.
/**
 * `node test/conformance/hostcalls/record.ts [--envoy PATH] [--check] [NAME…]`
 *
 * Writes `recorded/<name>.json`, with which the tests compare nuncio; no Envoy is needed to run them. Which Envoy it
 * is, is found as in `test/conformance/differential/record.ts`. `--check` says whether a new recording would be the
 * same, and writes nothing.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "../../support/proxy_process.ts";
import { RECORD_VARIABLE } from "./conformance.ts";

const FOLDER = join(ROOT, "test/conformance/hostcalls");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { envoy: { type: "string" }, check: { type: "boolean", default: false } },
});
const command = values.envoy ?? process.env["NUNCIO_ENVOY"] ?? "envoy";
const version = /(\d+\.\d+)\.\d+/.exec(spawnSync(command, ["--version"], { encoding: "utf8" }).stdout ?? "");
if (version === null) {
  console.error(`${command} is not Envoy: give --envoy PATH`);
  process.exit(2);
}
const recorder = JSON.stringify({ command, version: version[1], check: values.check });
for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".test.ts")).sort()) {
  const name = file.slice(0, -".test.ts".length);
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { status } = spawnSync(process.execPath, [join(FOLDER, file)], {
    stdio: "inherit",
    env: { ...process.env, [RECORD_VARIABLE]: recorder },
  });
  if (status !== 0) process.exitCode = 1;
}
