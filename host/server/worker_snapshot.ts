// host/server/worker_snapshot.ts: the part of a generation that one worker gets.
/** @module */
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import { isPipe } from "../net/address.ts";
import type { ListenerPlan } from "../net/plan.ts";
import type { Snapshot } from "./snapshot.ts";

/** A generation as one worker gets it: the first has what cannot be shared. */
export function snapshotFor(worker: number, snapshot: Snapshot): Snapshot {
  if (worker === 0) return snapshot;
  return {
    ...snapshot,
    listeners: snapshot.listeners.filter(isShared),
    plugins: snapshot.plugins.filter((plugin) => runsOn(worker, plugin)),
  };
}

/** Singletons are the first worker's. */
export function runsOn(worker: number, plugin: WasmPluginSnapshot): boolean {
  return worker === 0 || plugin.plan.singleton !== true;
}

/** A unix socket belongs to one worker; so does what was asked not to be shared. */
function isShared(plan: ListenerPlan): boolean {
  return plan.reusePort && plan.addresses.every((each) => !isPipe(each));
}
