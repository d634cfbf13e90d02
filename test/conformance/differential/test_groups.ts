// test/conformance/differential/test_groups.ts: nuncio does what the real Envoy did, but for what is declared.
/** @module */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { closeProxyHosts } from "../../support/hosted_proxy.ts";
import { ROOT } from "../../support/proxy_process.ts";
import { DIFFERENCES } from "./differences.ts";
import type { Group, GroupObservation, Observation } from "./exchange.ts";
import { digestOf, playGroup } from "./play.ts";

const FOLDER = join(ROOT, "test/conformance/differential/recorded");
const declared = new Map(DIFFERENCES.flatMap((each) => each.cases.map((name) => [name, each] as const)));

/** Groups wait more than they work: the next one begins with each. */
const plays = new Map<Group, Promise<GroupObservation>>();

function play(groups: readonly Group[], index: number): Promise<GroupObservation> {
  begin(groups, index + 1);
  return begin(groups, index)!;
}

function begin(groups: readonly Group[], index: number): Promise<GroupObservation> | null {
  const group = groups[index];
  if (group === undefined) return null;
  const begun = plays.get(group);
  if (begun !== undefined) return begun;
  const recording = read(group.name);
  if (recording === null) return null;
  const playing = playInTime(group, recording);
  // Whoever awaits it is told.
  playing.catch(() => {});
  plays.set(group, playing);
  return playing;
}

/** A time-out that a test waits for, and a peer that pauses: what is to be faster can be late on a busy machine. */
const SHORT_TIME = /: 0\.\d+s/;
const PAUSE = /"pause":/;
const PLAYS_IN_TIME = 3;

/**
 * Peers and proxy are processes with clocks of their own. Where a group has short times, a machine that stood still
 * for a moment gives another course of things, so such a group is played again: the whole of one play has to be as
 * recorded.
 */
async function playInTime(group: Group, recording: GroupObservation): Promise<GroupObservation> {
  const expectedLines = (exchange: string) => expectation(group.name, recording, exchange).log.length;
  const isTimed = SHORT_TIME.test(group.yaml) || PAUSE.test(JSON.stringify(group.exchanges));
  for (let plays = isTimed ? PLAYS_IN_TIME : 1;; plays--) {
    const observed = await playGroup(group, { expectedLines });
    const late = plays === 1 ? null : firstDifference(group, recording, observed);
    if (late === null) return observed;
    console.log(`${group.name}: played again, "${late}" was not as recorded`);
  }
}

function firstDifference(group: Group, recording: GroupObservation, observed: GroupObservation): string | null {
  const other = observed.exchanges.find((each) =>
    !isDeepStrictEqual(plain(each), plain(expectation(group.name, recording, each.name)))
  );
  if (other !== undefined) return other.name;
  return isDeepStrictEqual(observed.stats, expectedStats(group.name, recording.stats)) ? null : "statistics";
}

/** Makes the tests of some groups: every exchange, then the statistics. */
export function testGroups(groups: readonly Group[]): void {
  test.after(closeProxyHosts);
  for (const [index, group] of groups.entries()) {
    const recording = read(group.name);

    test(`${group.name}: the recording is of these exchanges`, () => {
      assert.ok(recording !== null, `there is no recorded/${group.name}.json: run record.ts`);
      assert.is(recording!.digest, digestOf(group), `recorded/${group.name}.json is out of date: run record.ts`);
    });
    if (recording === null) continue;

    for (const expected of recording.exchanges) {
      const name = `${group.name}: ${expected.name}`;
      test(name, async () => {
        const actual = (await play(groups, index)).exchanges.find((each) => each.name === expected.name);
        assert.ok(actual !== undefined, "the exchange was not played");
        assert.equal(plain(actual!), plain(expectation(group.name, recording, expected.name)));
        const difference = declared.get(name);
        if (difference !== undefined) {
          assert.not.equal(plain(actual!), plain(expected), `"${difference.title}" is declared and is no difference`);
        }
      });
    }

    test(`${group.name}: statistics`, async () => {
      const { stats } = await play(groups, index);
      assert.equal(stats, expectedStats(group.name, recording.stats));
    });
  }
}

/** What the statistics of a group should be: Envoy's, with what declared differences add. */
function expectedStats(group: string, recorded: Readonly<Record<string, number>>): Record<string, number> {
  const stats: Record<string, number> = { ...recorded };
  for (const difference of DIFFERENCES) {
    const times = difference.cases.filter((name) => name.startsWith(`${group}: `)).length;
    for (const [name, change] of Object.entries(difference.stats ?? {})) {
      stats[name] = (stats[name] ?? 0) + times * change;
      if (stats[name] === 0) delete stats[name];
    }
  }
  return Object.fromEntries(Object.entries(stats).sort(([a], [b]) => a < b ? -1 : 1));
}

/** What nuncio should do: what Envoy did, with what is declared. */
function expectation(group: string, recording: GroupObservation, exchange: string): Observation {
  const recorded = recording.exchanges.find(({ name }) => name === exchange)!;
  const difference = declared.get(`${group}: ${exchange}`);
  return difference?.apply === undefined ? recorded : difference.apply(structuredClone(recorded));
}

function read(group: string): GroupObservation | null {
  const file = join(FOLDER, `${group}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) as GroupObservation : null;
}

/** Without members that are undefined, which JSON does not keep. */
function plain(observation: Observation): unknown {
  return JSON.parse(JSON.stringify(observation));
}
