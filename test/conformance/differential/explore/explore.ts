// test/conformance/differential/explore/explore.ts: looks for differences from the real Envoy by chance.
/**
 * `node test/conformance/differential/explore/explore.ts [--envoy PATH] [--seed N] [--rounds N] [KIND…]`
 *
 * Each round makes a configuration and exchanges from its seed, plays them on Envoy and on nuncio, and prints
 * what differs: the first `--most` exchanges of a round. `--show` prints the configuration of a round that differs,
 * too. What it finds becomes a case of a group (`cases/`), which is recorded.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { findEnvoy } from "../../../support/envoy.ts";
import { closeProxyHosts } from "../../../support/hosted_proxy.ts";
import type { Group, GroupObservation, Observation } from "../exchange.ts";
import { playGroup, type PlayOptions } from "../play.ts";
import { exploreAttempts } from "./attempts.ts";
import { Chance } from "./chance.ts";
import { exploreChoices } from "./choices.ts";
import { exploreFormats } from "./formats.ts";
import { exploreMessages } from "./messages.ts";
import { exploreOutliers } from "./outliers.ts";
import { exploreRoutes } from "./routes.ts";
import { exploreTrees } from "./trees.ts";

const KINDS: Readonly<Record<string, (chance: Chance, seed: number) => Group>> = {
  routes: exploreRoutes,
  attempts: exploreAttempts,
  choices: exploreChoices,
  trees: exploreTrees,
  formats: exploreFormats,
  messages: exploreMessages,
  outliers: exploreOutliers,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    envoy: { type: "string" },
    seed: { type: "string", default: "1" },
    rounds: { type: "string", default: "10" },
    most: { type: "string", default: "3" },
    show: { type: "boolean", default: false },
  },
});
const { version: _version, ...envoy } = findEnvoy(values.envoy);

/** What is left of a request's time, which no two runs have in common. */
const TIME_LEFT = /(x-envoy-expected-rq-timeout-ms: )\d+/;

/** Whether an upstream's close was seen before the next request came; which subset's table was made last. */
const CHANCE_STATS = /^cluster\..*\.(?:upstream_(?:rq_pending|cx)_|maglev_lb\.)/;

/** What a proxy did, or why it did not start. */
async function play(group: Group, options: PlayOptions): Promise<GroupObservation | string> {
  try {
    return await playGroup(group, { ...options, expectedLines: () => 1 });
  } catch (error) {
    return String(error).split("\n").filter((line) => /error|critical|rror:/i.test(line)).slice(0, 6).join("\n");
  }
}

/** The members of two objects that differ, a line each. */
function compare(expected: unknown, actual: unknown, path: string, into: string[]): void {
  if (JSON.stringify(expected) === JSON.stringify(actual)) return;
  if (typeof expected === "object" && typeof actual === "object" && expected !== null && actual !== null) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      compare(
        (expected as Record<string, unknown>)[key],
        (actual as Record<string, unknown>)[key],
        `${path}/${key}`,
        into,
      );
    }
    return;
  }
  if (typeof expected === "string" && typeof actual === "string") {
    if (expected.replace(TIME_LEFT, "$1") === actual.replace(TIME_LEFT, "$1")) return;
  }
  into.push(`    ${path}\n      envoy  ${JSON.stringify(expected)}\n      nuncio ${JSON.stringify(actual)}`);
}

function withoutLog(observation: Observation): Observation {
  return { ...observation, log: [] };
}

function logOf({ exchanges }: GroupObservation): string[] {
  return exchanges.flatMap(({ log }) => log);
}

function statsOf({ stats }: GroupObservation): Record<string, number> {
  return Object.fromEntries(Object.entries(stats).filter(([name]) => !CHANCE_STATS.test(name)));
}

let differing = 0;
let refused = 0;
const kinds = positionals.length > 0 ? positionals : Object.keys(KINDS);
for (let round = 0; round < Number(values.rounds); round++) {
  const seed = Number(values.seed) + round;
  for (const kind of kinds) {
    const group = KINDS[kind]!(new Chance(seed), seed);
    const [expected, actual] = await Promise.all([play(group, { proxy: envoy }), play(group, {})]);
    const lines: string[] = [];
    if (typeof expected === "string" || typeof actual === "string") {
      if (typeof expected === typeof actual) {
        refused++;
        if (values.show) console.log(`${kind}, seed ${seed}: ${expected}`);
      } else {
        lines.push(`  envoy  ${typeof expected === "string" ? expected : "starts"}`);
        lines.push(`  nuncio ${typeof actual === "string" ? actual : "starts"}`);
      }
    } else {
      let found = 0;
      for (const [index, exchange] of expected.exchanges.entries()) {
        const differences: string[] = [];
        compare(withoutLog(exchange), withoutLog(actual.exchanges[index]!), "", differences);
        if (differences.length === 0) continue;
        found++;
        if (found > Number(values.most)) continue;
        const { client, upstreams } = group.exchanges[index]!;
        lines.push(`  ${exchange.name}: ${JSON.stringify(client)}`);
        if (upstreams !== undefined) lines.push(`    upstreams: ${JSON.stringify(upstreams)}`);
        lines.push(...differences);
      }
      // A request of several lines may be followed by the next one before the last of them is there.
      if (lines.length === 0) compare(logOf(expected), logOf(actual), "log", lines);
      if (lines.length === 0) compare(statsOf(expected), statsOf(actual), "statistics", lines);
    }
    if (lines.length > 0) {
      differing++;
      console.log(`${kind}, seed ${seed}:\n${lines.join("\n")}`);
      if (values.show) console.log(group.yaml);
    }
  }
}
closeProxyHosts();
console.log(`${values.rounds} rounds, ${differing} with differences, ${refused} configurations that both refuse`);
