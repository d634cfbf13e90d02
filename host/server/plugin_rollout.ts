// host/server/plugin_rollout.ts: gives a plugin's new code to all workers, or to none.
/** @module */
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { StatsScope } from "../observe/stats.ts";
import { runsOn } from "./worker_snapshot.ts";
import type { Workers } from "./workers.ts";

/**
 * Gives a plugin's new code to all workers. When one refuses it, a text says why, and then all have the previous one
 * as `next.version + 1`.
 */
export async function rollOutPlugin(
  workers: Workers,
  stats: StatsScope,
  next: WasmPluginSnapshot,
  previous: WasmPluginSnapshot,
): Promise<string | null> {
  const asked = new Set(workers.links);
  const swap = async (to: WasmPluginSnapshot) => {
    const links = workers.links.filter((link) => runsOn(link.index, to));
    const settled = await Promise.allSettled(links.map((link) => link.call("swapPlugin", to)));
    return settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  };
  const outcomes = await swap(next);
  const refusal = outcomes.find((outcome) => !outcome.ok);
  if (refusal === undefined || refusal.ok) {
    replace(workers, next);
    if (next.module.digest !== previous.module.digest) stats.scope(`wasm.${next.plan.name}`).counter("reloads").inc();
  } else {
    // Some have it and some do not: all go back, under a version that none has seen.
    next = { ...previous, version: next.version + 1 };
    await swap(next);
    replace(workers, next);
  }
  // A worker that came meanwhile may have begun with the code of before.
  const late = workers.links.filter((link) => !asked.has(link) && runsOn(link.index, next));
  await Promise.allSettled(late.map((link) => link.call("swapPlugin", next)));
  return refusal === undefined || refusal.ok ? null : refusal.message;
}

function replace(workers: Workers, next: WasmPluginSnapshot): void {
  const plugins = workers.snapshot?.plugins.map((each) => each.key === next.key ? next : each);
  if (plugins !== undefined) workers.amend({ plugins });
}
