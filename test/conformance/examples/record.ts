// test/conformance/examples/record.ts: runs the examples on the real Envoy and writes down what it does.
/**
 * `node test/conformance/examples/record.ts [--envoy PATH]`
 *
 * Which Envoy it is: see `test/support/envoy.ts`. The recording is committed; `examples.test.ts` plays the same
 * against nuncio and compares.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { renderText } from "../../../host/base/diagnostic_render.ts";
import { buildFilter } from "../../../host/testing/filter_build/build_filter.ts";
import { findEnvoy, keepRecording } from "../../support/envoy.ts";
import { PLAYS } from "./exchanges.ts";
import { playName, type PlayObservation, playThrough } from "./play.ts";
import { ROOT } from "./proxy.ts";

const { values } = parseArgs({ options: { envoy: { type: "string" } } });
const { command, args, version } = findEnvoy(values.envoy);

const plays: Record<string, PlayObservation> = {};
for (const play of PLAYS) {
  const { diagnostics } = await buildFilter({ path: join(ROOT, "filters-examples", play.example) });
  if (diagnostics.hasErrors) throw new Error(renderText(diagnostics));
  plays[playName(play)] = await playThrough({
    command,
    args: ["--concurrency", "2", ...args, "-l", "warn"],
  }, play);
  console.log(playName(play));
}
const file = join(ROOT, `test/conformance/examples/envoy-${version}.json`);
keepRecording("examples", file, { proxy: `Envoy ${version}`, plays }, false);
console.log(file);
