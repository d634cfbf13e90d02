// test/conformance/hostcalls/conformance.ts: compares probes on nuncio with what they did in the real Envoy.
/**
 * A test file hands its cases over. What they do in Envoy is recorded in `recorded/<name>.json`; they must do the
 * same here, but for what `supersets.ts` declares.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ProxyCommand, ROOT } from "../../support/proxy_process.ts";
import { type Case, type CaseObservation, type Play, playCases, playsOf } from "./play.ts";
import { type Superset, SUPERSETS } from "./supersets.ts";

const FOLDER: string = join(ROOT, "test/conformance/hostcalls/recorded");

export interface Recording {
  readonly envoy: string;
  readonly digest: string;
  readonly cases: readonly CaseObservation[];
}

/** The environment variable by which `record.ts` has a test file record instead of test. */
export const RECORD_VARIABLE = "NUNCIO_RECORD_WITH";

/** Makes the tests of a host function or callback. */
export function conform(name: string, cases: readonly Case[]): void {
  const plays = playsOf(cases);
  const recorder = process.env[RECORD_VARIABLE];
  if (recorder !== undefined) {
    void record(name, cases, plays, recorder);
    return;
  }
  const recording = readRecording(name);
  test(`${name}: the recording is of these cases`, () => {
    assert.ok(recording !== null, `there is no recorded/${name}.json: run record.ts`);
    assert.is(recording!.digest, digestOf(cases), `recorded/${name}.json is out of date: run record.ts ${name}`);
    assert.is(new Set(cases.map((each) => each.name)).size, cases.length, "two cases have one name");
  });
  if (recording !== null) {
    let played: Promise<CaseObservation[]> | null = null;
    const expected = plays.map((play, i) => expectation(name, play, recording.cases[i]!));
    plays.forEach((play, i) => {
      test(titleOf(name, play), async () => {
        played ??= playCases(plays, { expectedLines: ({ id }) => expected[Number(id.slice(1))]!.lines });
        const actual = plain((await played)[i]!);
        assert.equal(actual, plain(expected[i]!));
        for (const superset of supersetsOf(name, play)) {
          const unchanged = plain(recording.cases[i]!);
          assert.not.equal(
            plain(superset.apply(structuredClone(recording.cases[i]!))),
            unchanged,
            `"${superset.title}" is declared and is no difference`,
          );
        }
      });
    });
  }
  test.run();
}

function titleOf(name: string, play: Play): string {
  return `${name}: ${play.row.name} (${play.version})`;
}

function supersetsOf(name: string, play: Play): readonly Superset[] {
  return SUPERSETS.filter((each) => each.cases.includes(`${name}: ${play.row.name}`));
}

/** What nuncio should do: what Envoy did, with what is declared. */
function expectation(name: string, play: Play, recorded: CaseObservation): CaseObservation {
  return supersetsOf(name, play).reduce((so, superset) => superset.apply(structuredClone(so)), recorded);
}

export function readRecording(name: string): Recording | null {
  const file = join(FOLDER, `${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) as Recording : null;
}

/** Changes when the cases do. */
function digestOf(cases: readonly Case[]): string {
  const text = JSON.stringify(cases, (_key, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof RegExp) return value.source;
    return value instanceof Uint8Array ? Array.from(value) : value;
  });
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Without members that are undefined, which JSON does not keep. */
function plain(observation: CaseObservation): unknown {
  return JSON.parse(JSON.stringify(observation));
}

/** Plays the cases on the real Envoy and writes down what they do. */
async function record(name: string, cases: readonly Case[], plays: readonly Play[], recorder: string): Promise<void> {
  const { command, version, check } = JSON.parse(recorder) as { command: string; version: string; check: boolean };
  const proxy = { command, args: ["--use-dynamic-base-id"], readyText: "starting main dispatch loop" };
  let observations: CaseObservation[];
  try {
    observations = await playCases(plays, { proxy });
  } catch {
    // One of them took Envoy down: each gets an Envoy of its own.
    observations = [];
    for (const play of plays) observations.push(await playAlone(play, proxy));
  }
  const recording: Recording = { envoy: version, digest: digestOf(cases), cases: observations };
  const written = `${JSON.stringify(recording, null, 2)}\n`;
  const file = join(FOLDER, `${name}.json`);
  if (!check) writeFileSync(file, written);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== written) {
    console.error(`${name}: Envoy ${version} does something else than what is recorded`);
    process.exitCode = 1;
  }
  console.log(`${name}: ${observations.length} cases`);
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
