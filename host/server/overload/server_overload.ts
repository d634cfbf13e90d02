// host/server/overload/server_overload.ts: the overload manager of the configuration that serves.
/**
 * Envoy's is set once, by the bootstrap. Here another configuration may bring another one: workers go on reading the
 * same memory, so that what is only measured otherwise concerns no connection; listeners are made anew where there
 * are other actions or points.
 *
 * @module
 */
import { createOverloadCells, type OverloadHandle } from "../../net/overload.ts";
import type { StatsStore } from "../../observe/stats.ts";
import { OverloadManager, type OverloadManagerOptions } from "./manager.ts";
import type { OverloadPlan } from "./plan.ts";

export interface ServerOverloadOptions extends Omit<OverloadManagerOptions, "plan" | "cells" | "stats"> {
  readonly stats: StatsStore;
}

export class ServerOverload {
  readonly #options: ServerOverloadOptions;
  readonly #cells = createOverloadCells();
  /** Null where nothing is measured. */
  #manager: OverloadManager | null = null;

  constructor(options: ServerOverloadOptions) {
    this.#options = options;
  }

  /** What workers are told of a plan. */
  handleOf(plan: OverloadPlan | null): OverloadHandle | null {
    if (plan === null) return null;
    return {
      actions: plan.actions.map((each) => each.name),
      points: plan.points.map((each) => each.name),
      cells: this.#cells,
      timers: plan.timers,
      minimumAccountToTrackPowerOfTwo: plan.minimumAccountToTrackPowerOfTwo,
      refreshIntervalMs: plan.refreshIntervalMs,
    };
  }

  /** Workers serve this plan: measures what it says. */
  adopt(plan: OverloadPlan | null): void {
    const before = this.#manager;
    if (before === null ? plan === null : before.hasPlan(plan)) return;
    const { stats } = this.#options;
    before?.stop();
    if (before !== null) stats.hide("overload.");
    this.#manager = plan === null ? null : new OverloadManager({ ...this.#options, plan, cells: this.#cells });
    this.#manager?.start();
    // What was refused a moment ago does not come in between.
    if (before !== null) this.#manager?.refresh();
  }

  stop(): void {
    this.#manager?.stop();
  }
}
