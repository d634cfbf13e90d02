// test/conformance/config/verdicts/record.ts: asks the real Envoy what it takes.
/**
 * `node test/conformance/config/verdicts/record.ts [--envoy PATH] [--check]`
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findEnvoy, keepRecording, validateWithEnvoy } from "../../../support/envoy.ts";
import { withAnyPorts } from "../../differential/bootstrap.ts";
import { VERDICT_CASES } from "./cases.ts";

const { values } = parseArgs({ options: { envoy: { type: "string" }, check: { type: "boolean", default: false } } });
const envoy = findEnvoy(values.envoy);
const folder = mkdtempSync(join(tmpdir(), "nuncio-verdicts-"));
const verdicts = VERDICT_CASES.map(({ name, yaml }) => {
  const file = join(folder, "bootstrap.yaml");
  writeFileSync(file, withAnyPorts(yaml, "/tmp"));
  const { takes, output } = validateWithEnvoy(envoy, file);
  const says = takes ? "" : /bootstrap\.yaml'?: (.*)/.exec(output)?.[1] ?? output.trim();
  // What follows differs from process to process.
  return { name, yaml, takes, says: says.replace(/ goo\.gle\/.*/, "") };
});
rmSync(folder, { recursive: true });
const file = join(import.meta.dirname, "recorded.json");
keepRecording("verdicts", file, { envoy: envoy.version, verdicts }, values.check);
console.log(`${verdicts.length} configurations`);
