// test/conformance/hostcalls/conformance.ts: compares probes on nuncio with what they did in the real Envoy.
/**
 * What the cases of a file do in Envoy is recorded in `recorded/<name>.json`; they must do the same here, but for
 * what `supersets.ts` declares. Each file of cases has a proxy of its own, and many files one process.
 *
 * @module
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Case, type CaseObservation, type Play, playCases, playsOf } from "./play.ts";
import { CASE_FILES, casesOf, digestOf, readRecording, type Recording } from "./recording.ts";
import { type Superset, SUPERSETS } from "./supersets.ts";

/** Makes and runs the tests of the files of cases that have such names. */
export async function conform(belongs: (name: string) => boolean): Promise<void> {
  for (const name of CASE_FILES.filter(belongs)) conformTo(name, await casesOf(name));
  test.run();
}

function conformTo(name: string, cases: readonly Case[]): void {
  const plays = playsOf(cases);
  const recording = readRecording(name);
  test(`${name}: the recording is of these cases`, () => {
    assert.ok(recording !== null, `there is no recorded/${name}.json: run record.ts`);
    assert.is(recording!.digest, digestOf(cases), `recorded/${name}.json is out of date: run record.ts ${name}`);
    assert.is(new Set(cases.map((each) => each.name)).size, cases.length, "two cases have one name");
  });
  if (recording === null) return;
  const asEnvoy = plays.flatMap((play, i) => {
    const switchable = supersetsOf(name, play).some((superset) => superset.always !== true);
    return switchable ? [{ ...play, id: `e${i}`, asEnvoy: true } as const] : [];
  });
  const all = [...plays, ...asEnvoy];
  const expected = new Map(all.map((play) => [play.id, expectation(name, play, recordedOf(recording, play))]));
  let played: Promise<CaseObservation[]> | null = null;
  all.forEach((play, i) => {
    test(titleOf(name, play), async () => {
      played ??= playCases(all, { expectedLines: ({ id }) => expected.get(id)!.lines });
      assert.equal(plain((await played)[i]!), plain(expected.get(play.id)!));
      for (const superset of supersetsOf(name, play)) {
        assert.not.equal(
          plain(superset.apply(structuredClone(recordedOf(recording, play)))),
          plain(recordedOf(recording, play)),
          `"${superset.title}" is declared and is no difference`,
        );
      }
    });
  });
}

function titleOf(name: string, play: Play): string {
  return `${name}: ${play.row.name} (${play.version}${play.asEnvoy === true ? ", compat: envoy" : ""})`;
}

function supersetsOf(name: string, play: Play): readonly Superset[] {
  return SUPERSETS.filter((each) =>
    each.cases.includes(`${name}: ${play.row.name}`) && (play.asEnvoy !== true || each.always === true)
  );
}

/** Ids are a letter and the number of the play. */
function recordedOf(recording: Recording, { id }: Play): CaseObservation {
  return recording.cases[Number(id.slice(1))]!;
}

/** What nuncio should do: what Envoy did, with what is declared. */
function expectation(name: string, play: Play, recorded: CaseObservation): CaseObservation {
  return supersetsOf(name, play).reduce((so, superset) => superset.apply(structuredClone(so)), recorded);
}

/** Without members that are undefined, which JSON does not keep. */
function plain(observation: CaseObservation): unknown {
  return JSON.parse(JSON.stringify(observation));
}
