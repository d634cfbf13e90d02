// bench/micro/budget.ts: runs a file's benchmarks, and says which of them cost more than they may.
/** @module */
import { run } from "mitata";

/** Nanoseconds by the name of the benchmark; those that are not here cost what they cost. Medians count. */
export type BudgetsNs = Readonly<Record<string, number>>;

export async function runWithin(budgets: BudgetsNs): Promise<void> {
  const { benchmarks } = await run();
  const medians = new Map<string, number>();
  for (const { runs } of benchmarks) for (const { name, stats } of runs) if (stats) medians.set(name, stats.p50);
  console.log();
  for (const [name, budget] of Object.entries(budgets)) {
    const median = medians.get(name);
    if (median === undefined) throw new Error(`nothing measured "${name}"`);
    const kept = median <= budget ? "ok" : "OVER";
    console.log(`${kept.padEnd(4)} ${median.toFixed(0).padStart(5)} of ${budget} ns: ${name}`);
  }
}
