// bench/compare.ts: this tree beside an earlier commit of it, in one run.
/**
 * `node bench/compare.ts [--before REVISION] [--only NAME,…] [--runtime node|deno] [--rounds N] [--seconds S]`
 *
 * What a change to a hot path costs or saves: both trees serve the same scenarios of `bench/run.ts` and are loaded
 * in turn, round after round. The CPU time per unit after the change over that before it is printed for every
 * round's pair: median, least and greatest. The earlier tree is checked out into a temporary folder and uses
 * the packages and the generated files of this one.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { load } from "./macro/load.ts";
import { denoProxy, nodeProxy, type Proxy, type Tree } from "./macro/proxies.ts";
import { type Scenario, SCENARIOS } from "./macro/scenarios.ts";
import { startUpstream } from "./macro/start_upstream.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const { values } = parseArgs({
  options: {
    before: { type: "string", default: "HEAD" },
    only: { type: "string", default: "http1_router" },
    runtime: { type: "string", default: "node" },
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "3" },
  },
});
const chosen = SCENARIOS.filter((each) => values.only.split(",").includes(each.name));
if (chosen.length === 0) {
  console.error(`--only ${values.only}: expected some of ${SCENARIOS.map((each) => each.name).join(", ")}`);
  process.exit(2);
}
const startProxy = values.runtime === "deno" ? denoProxy : nodeProxy;

const before: Tree = { label: "before", root: checkOut(values.before) };
const upstream = await startUpstream();
try {
  for (const scenario of chosen) await compare(scenario);
} finally {
  upstream.stop();
  execFileSync("git", ["worktree", "remove", "--force", before.root], { cwd: ROOT });
}

async function compare(scenario: Scenario): Promise<void> {
  const yaml = await scenario.yaml(upstream.ports);
  const pair = [await startProxy(yaml, before), await startProxy(yaml)] as const;
  const micros: (readonly [number, number])[] = [];
  try {
    for (const proxy of pair) await load(proxy, scenario, 1);
    for (let round = 0; round < Number(values.rounds); round++) micros.push(await oneRound(scenario, pair, round));
  } finally {
    await Promise.all(pair.map((proxy) => proxy.stop()));
  }
  const ratios = micros.map(([earlier, later]) => later / earlier).sort((a, b) => a - b);
  const column = (index: 0 | 1) => middle(micros.map((each) => each[index]).sort((a, b) => a - b)).toFixed(1);
  console.log(
    `${scenario.name} ${values.runtime}: before ${column(0)}, after ${column(1)} us/${scenario.unit}; ratio ` +
      `${middle(ratios).toFixed(3)} (${ratios[0]!.toFixed(3)}-${ratios.at(-1)!.toFixed(3)})`,
  );
}

/** CPU time per unit before and after; every other round begins with the other tree. */
async function oneRound(
  scenario: Scenario,
  [earlier, later]: readonly [Proxy, Proxy],
  round: number,
): Promise<readonly [number, number]> {
  const micros = async (proxy: Proxy) => (await load(proxy, scenario, Number(values.seconds))).cpuMicros;
  if (round % 2 === 0) return [await micros(earlier), await micros(later)];
  const second = await micros(later);
  return [await micros(earlier), second];
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** A commit of this repository in a folder of its own, ready to run. */
function checkOut(revision: string): string {
  const root = mkdtempSync(join(tmpdir(), "nuncio-before-"));
  rmSync(root, { recursive: true });
  execFileSync("git", ["worktree", "add", "--quiet", "--detach", root, revision], { cwd: ROOT, stdio: "inherit" });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  cpSync(join(ROOT, "host/api/gen"), join(root, "host/api/gen"), { recursive: true });
  return root;
}
