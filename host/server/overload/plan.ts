// host/server/overload/plan.ts: what is measured, and what comes of it, as plain data.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: api/envoy/config/overload/v3/overload.proto
 * @module
 */
import type { LoadShedPoint, OverloadAction, ScaledTimerPlan } from "../../net/overload.ts";

export interface OverloadPlan {
  readonly refreshIntervalMs: number;
  readonly monitors: readonly MonitorPlan[];
  readonly actions: readonly TriggeredPlan<OverloadAction>[];
  readonly points: readonly TriggeredPlan<LoadShedPoint>[];
  readonly timers: readonly ScaledTimerPlan[];
  /** Streams that hold two to the power of this many bytes or more may be reset; 0 for none. */
  readonly minimumAccountToTrackPowerOfTwo: number;
  /** How often memory is given back while `shrink_heap` is saturated. */
  readonly shrinkHeapIntervalMs: number;
}

/** Something that is measured; `name` is how triggers call it. */
export type MonitorPlan = { readonly name: string } & ResourcePlan;

export type ResourcePlan =
  /** `runtimeKey` is of a number that takes the place of the other; "" for none. */
  | { readonly kind: "fixed_heap"; readonly maxBytes: number; readonly runtimeKey: string }
  | { readonly kind: "injected_resource"; readonly path: string }
  | { readonly kind: "downstream_connections"; readonly max: number }
  | { readonly kind: "cpu_utilization"; readonly mode: "HOST" | "CONTAINER" }
  /** `maxBytes` is Infinity where only the cgroup sets a limit. */
  | { readonly kind: "cgroup_memory"; readonly maxBytes: number };

export interface TriggeredPlan<Name extends string> {
  readonly name: Name;
  readonly triggers: readonly TriggerPlan[];
}

export interface TriggerPlan {
  /** The monitor's name. */
  readonly resource: string;
  /** At or below it nothing happens; null for a trigger that knows only all or nothing. */
  readonly scalingThreshold: number | null;
  readonly saturationThreshold: number;
}
