// host/server/drain.ts: decides, response by response, whether a connection should end.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: source/server/drain_manager_impl.cc
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { DrainDecision } from "../http/conn_manager/conn_manager_config.ts";
import type { ListenerPlan } from "../net/plan.ts";

export type DrainStrategy = "gradual" | "immediate";

export class DrainManager implements DrainDecision {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #drainType: ListenerPlan["drainType"];
  #strategy: DrainStrategy | null = null;
  #startMs = 0;
  #durationMs = 0;
  /** Failing health checks: clients are sent away, as nobody should come. Not by a listener of MODIFY_ONLY. */
  healthChecksFail = false;

  constructor(clock: Clock, random: Random, drainType: ListenerPlan["drainType"] = "DEFAULT") {
    this.#drainType = drainType;
    this.#clock = clock;
    this.#random = random;
  }

  get draining(): boolean {
    return this.#strategy !== null;
  }

  /** Gradual: over `durationMs` ever more responses are a connection's last one. Immediate: every response is. */
  start(strategy: DrainStrategy, durationMs: number): void {
    if (this.#strategy === "immediate") return;
    if (this.#strategy === null) this.#startMs = this.#clock.nowMs();
    this.#strategy = strategy;
    this.#durationMs = durationMs;
  }

  drainClose(): boolean {
    if (this.healthChecksFail && this.#drainType === "DEFAULT") return true;
    if (this.#strategy === null) return false;
    if (this.#strategy === "immediate" || this.#durationMs <= 0) return true;
    const elapsed = this.#clock.nowMs() - this.#startMs;
    return this.#random.fraction() * this.#durationMs < elapsed;
  }
}
