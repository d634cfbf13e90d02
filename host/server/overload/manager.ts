// host/server/overload/manager.ts: measures what is used, and tells workers how much to refuse.
/**
 * Each resource has a pressure, each trigger makes a state of it, and an action or point has the highest state of
 * its triggers. Workers read the states in shared memory.
 *
 * @see Envoy: source/server/overload_manager_impl.cc
 * @module
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { ACTION_PREFIX, cellOfAction, cellOfPoint, POINT_PREFIX, SATURATED } from "../../net/overload.ts";
import type { Logger } from "../../observe/log.ts";
import { type Counter, type Gauge, type Histogram, HistogramUnit, type StatsScope } from "../../observe/stats.ts";
import { createMonitor, type MeasuredPlatform, type MeasuredProxy, type ResourceMonitor } from "./monitors.ts";
import type { OverloadPlan, TriggeredPlan, TriggerPlan } from "./plan.ts";

export interface OverloadManagerOptions {
  readonly plan: OverloadPlan;
  /** What workers read. */
  readonly cells: SharedArrayBuffer;
  readonly platform: MeasuredPlatform;
  readonly proxy: MeasuredProxy;
  /** The root. */
  readonly stats: StatsScope;
  readonly logger: Logger;
  /** `shrink_heap` is saturated: memory is to be given back. */
  readonly onShrinkHeap: () => void;
}

export class OverloadManager {
  readonly #clock: Clock;
  readonly #resources: readonly Resource[];
  readonly #triggered: readonly Triggered[];
  readonly #shrink: Triggered | null;
  readonly #refreshDelay: Histogram;
  readonly #timer: Timer;
  readonly #shrinkTimer: Timer;
  readonly #onShrinkHeap: () => void;
  readonly #plan: OverloadPlan;
  readonly #logger: Logger;
  #lastMs = 0;

  constructor({ plan, cells, platform, proxy, stats, logger, onShrinkHeap }: OverloadManagerOptions) {
    const { actions, points, monitors } = plan;
    this.#plan = plan;
    this.#clock = platform.clock;
    this.#logger = logger;
    this.#onShrinkHeap = onShrinkHeap;
    const view = new Int32Array(cells);
    const shrink = actions.findIndex((each) => each.name === "shrink_heap");
    const ofActions = actions.map((each) =>
      new Triggered(each, ACTION_PREFIX, true, stats, view, cellOfAction(each.name))
    );
    this.#shrink = ofActions[shrink] ?? null;
    this.#triggered = [
      ...ofActions,
      ...points.map((each) => new Triggered(each, POINT_PREFIX, false, stats, view, cellOfPoint(each.name))),
    ];
    this.#resources = monitors.map((each) => new Resource(each.name, createMonitor(each, platform, proxy), stats));
    this.#refreshDelay = stats.histogram("overload.refresh_interval_delay", HistogramUnit.Milliseconds);
    this.#timer = platform.clock.createTimer(() => this.refresh());
    this.#shrinkTimer = platform.clock.createTimer(() => this.#shrinkHeap());
  }

  /** Whether it was made with a plan like this one. */
  hasPlan(plan: OverloadPlan | null): boolean {
    return plan !== null && keyOf(plan) === keyOf(this.#plan);
  }

  start(): void {
    this.#lastMs = this.#clock.nowMs();
    this.#timer.enable(this.#plan.refreshIntervalMs);
    if (this.#shrink !== null) this.#shrinkTimer.enable(this.#plan.shrinkHeapIntervalMs);
  }

  /** Nothing is to be refused any more. */
  stop(): void {
    this.#timer.disable();
    this.#shrinkTimer.disable();
    for (const triggered of this.#triggered) triggered.clear();
  }

  /** Measures everything once. */
  refresh(): void {
    for (const resource of this.#resources) {
      const pressure = resource.measure();
      if (typeof pressure === "string") {
        this.#logger.info("a resource cannot be measured", { resource: resource.name, reason: pressure });
        continue;
      }
      for (const triggered of this.#triggered) triggered.onPressure(resource.name, pressure);
    }
    const now = this.#clock.nowMs();
    this.#refreshDelay.record(now - this.#lastMs);
    this.#lastMs = now;
    this.#timer.enable(this.#plan.refreshIntervalMs);
  }

  #shrinkHeap(): void {
    if (this.#shrink!.state >= 1) this.#onShrinkHeap();
    this.#shrinkTimer.enable(this.#plan.shrinkHeapIntervalMs);
  }
}

/** Text that is equal for plans that are. */
function keyOf(plan: OverloadPlan): string {
  return JSON.stringify(plan, (_name, value) => value === Infinity ? "Infinity" : value as unknown);
}

class Resource {
  readonly name: string;
  readonly #monitor: ResourceMonitor;
  readonly #pressure: Gauge;
  readonly #failedUpdates: Counter;

  constructor(name: string, monitor: ResourceMonitor, stats: StatsScope) {
    this.name = name;
    this.#monitor = monitor;
    this.#pressure = stats.gauge(`overload.${name}.pressure`);
    this.#failedUpdates = stats.counter(`overload.${name}.failed_updates`);
    // Here a measurement is never still under way when the next one is due.
    stats.counter(`overload.${name}.skipped_updates`);
  }

  measure(): number | string {
    const pressure = this.#monitor.measure();
    if (typeof pressure === "string") this.#failedUpdates.inc();
    else this.#pressure.set(Math.trunc(pressure * 100));
    return pressure;
  }
}

/** An action or point, with the states of its triggers. */
class Triggered {
  state = 0;
  readonly #states = new Map<string, number>();
  readonly #triggers: readonly TriggerPlan[];
  readonly #active: Gauge | null;
  readonly #scalePercent: Gauge;
  readonly #cells: Int32Array;
  readonly #index: number;

  constructor(
    { name, triggers }: TriggeredPlan<string>,
    prefix: string,
    isAction: boolean,
    stats: StatsScope,
    cells: Int32Array,
    index: number,
  ) {
    this.#triggers = triggers;
    this.#cells = cells;
    this.#index = index;
    this.#active = isAction ? stats.gauge(`overload.${prefix}${name}.active`) : null;
    this.#scalePercent = stats.gauge(`overload.${prefix}${name}.scale_percent`);
    if (!isAction) stats.counter(`overload.${prefix}${name}.shed_load_count`);
  }

  clear(): void {
    this.#active?.set(0);
    this.#scalePercent.set(0);
    Atomics.store(this.#cells, this.#index, 0);
  }

  onPressure(resource: string, pressure: number): void {
    const trigger = this.#triggers.find((each) => each.resource === resource);
    if (trigger === undefined) return;
    const state = stateOf(trigger, pressure);
    if (state === (this.#states.get(resource) ?? 0)) return;
    this.#states.set(resource, state);
    this.state = Math.max(...this.#states.values());
    // Gauges of an action are of the trigger that changed, as in Envoy.
    this.#active?.set(state >= 1 ? 1 : 0);
    this.#scalePercent.set(Math.trunc(100 * (this.#active === null ? this.state : state)));
    Atomics.store(this.#cells, this.#index, Math.round(this.state * SATURATED));
  }
}

function stateOf({ scalingThreshold, saturationThreshold }: TriggerPlan, pressure: number): number {
  if (scalingThreshold === null) return pressure >= saturationThreshold ? 1 : 0;
  if (pressure <= scalingThreshold) return 0;
  if (pressure >= saturationThreshold) return 1;
  // Envoy has 32 bits for it.
  return Math.fround((pressure - scalingThreshold) / (saturationThreshold - scalingThreshold));
}
