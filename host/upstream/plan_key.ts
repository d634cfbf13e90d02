// host/upstream/plan_key.ts: what tells the plans of clusters apart.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { xxHash64 } from "../base/xxhash.ts";
import type { ClusterPlan } from "./plan.ts";

/** At the start of a worker that is alone nobody asks; later some ask for the same plan again and again. */
const keys = new WeakMap<ClusterPlan, string>();

/** Text that is equal for plans that are. */
export function planKey(plan: ClusterPlan): string {
  let key = keys.get(plan);
  if (key === undefined) keys.set(plan, key = textOf(plan));
  return key;
}

/** What workers call a cluster when they speak of it: one of the same name with another plan is another one. */
export function sharedClusterId(plan: ClusterPlan): string {
  return `${plan.name} ${xxHash64(planKey(plan)).toString(16)}`;
}

function textOf(plan: ClusterPlan): string {
  const { eds } = plan;
  return JSON.stringify(eds === null ? plan : { ...plan, eds: { ...eds, initial: null } }, sortKeys);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (value === Infinity) return "Infinity";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) sorted[key] = (value as Record<string, unknown>)[key];
  return sorted;
}
