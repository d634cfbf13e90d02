// test/conformance/differential/record.ts: plays the groups on the real Envoy and writes down what it does.
/**
 * `node test/conformance/differential/record.ts [--envoy PATH] [--check] [GROUP…]`
 *
 * Which Envoy it is: see `test/support/envoy.ts`. The recordings are committed: the tests here compare nuncio
 * with them, so that no Envoy is needed. `--check` says whether a new
 * recording would be the same, and writes nothing.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findEnvoy, keepRecording } from "../../support/envoy.ts";
import { ROOT } from "../../support/proxy_process.ts";
import { GROUPS } from "./cases/mod.ts";
import { playGroup } from "./play.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { envoy: { type: "string" }, check: { type: "boolean", default: false } },
});
const { version, ...envoy } = findEnvoy(values.envoy);
const proxy = { ...envoy, args: [...envoy.args, "-l", "info"] };

for (const group of GROUPS) {
  if (positionals.length > 0 && !positionals.includes(group.name)) continue;
  const observed = await playGroup(group, { proxy });
  const file = join(ROOT, `test/conformance/differential/recorded/${group.name}.json`);
  keepRecording(group.name, file, { envoy: version, ...observed }, values.check);
  console.log(`${group.name}: ${observed.exchanges.length} exchanges`);
}
