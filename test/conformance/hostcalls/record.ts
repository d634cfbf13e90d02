// test/conformance/hostcalls/record.ts: plays the cases of host functions and callbacks on the real Envoy.
/**
 * `node test/conformance/hostcalls/record.ts [--envoy PATH] [--check] [NAME…]`
 *
 * Writes `recorded/<name>.json`, with which the tests compare nuncio; no Envoy is needed to run them. Which Envoy it
 * is: see `test/support/envoy.ts`. `--check` says whether a new recording would be the same, and writes nothing.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { findEnvoy, keepRecording } from "../../support/envoy.ts";
import type { ProxyCommand } from "../../support/proxy_process.ts";
import { loadInEnvoy, MODULES } from "./modules.ts";
import { type CaseObservation, type Play, playCases, playsOf } from "./play.ts";
import { CASE_FILES, casesOf, digestOf, recordingFile } from "./recording.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { envoy: { type: "string" }, check: { type: "boolean", default: false } },
});
const { version, ...proxy } = findEnvoy(values.envoy);
const isWanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

for (const name of CASE_FILES.filter(isWanted)) {
  const cases = await casesOf(name);
  const observed = await play(playsOf(cases));
  keepRecording(
    name,
    recordingFile(name),
    { envoy: version, digest: digestOf(cases), cases: observed },
    values.check,
  );
  console.log(`${name}: ${observed.length} cases`);
}
if (isWanted("modules")) {
  const modules: Record<string, string> = {};
  for (const module of MODULES) modules[module.name] = await loadInEnvoy(proxy, module.text);
  keepRecording("modules", recordingFile("modules"), { envoy: version, modules }, values.check);
  console.log(`modules: ${MODULES.length} cases`);
}

/** All in one Envoy; when one of them takes it down, each in an Envoy of its own. */
async function play(plays: readonly Play[]): Promise<CaseObservation[]> {
  try {
    return await playCases(plays, { proxy });
  } catch {
    const observations: CaseObservation[] = [];
    for (const each of plays) observations.push(await playAlone(each, proxy));
    return observations;
  }
}

async function playAlone(play: Play, proxy: ProxyCommand): Promise<CaseObservation> {
  const crash: CaseObservation = { name: play.row.name, version: play.version, lines: [], client: [], crashed: true };
  try {
    const [observation] = await playCases([play], { proxy });
    return observation!;
  } catch (error) {
    if (!/Caught Segmentation fault|Caught Aborted|the proxy came down/.test(String(error))) throw error;
    return crash;
  }
}
