// host/server/wasm_code/attempts.ts: tries something again and again, with back-off.
/** @module */
import { BackOff } from "../../base/back_off.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { CodeRetryPlan } from "../../extensions/common/wasm/plugin_plan.ts";

export type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  /** `final`: another attempt would fail alike. */
  | { readonly ok: false; readonly message: string; readonly final: boolean };

export interface AttemptPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted: no further attempt, and the waiting ends. */
  readonly signal: AbortSignal;
  /** An attempt failed and there will be another one. */
  onRetry(message: string, delayMs: number): void;
}

export async function attempt<T>(
  plan: CodeRetryPlan,
  ports: AttemptPorts,
  once: (index: number) => Promise<Attempt<T>>,
): Promise<Attempt<T>> {
  const backOff = new BackOff(plan.baseMs, plan.maxMs, ports.random);
  for (let index = 0;; index++) {
    const result = await once(index);
    if (result.ok || result.final || index >= plan.retries || ports.signal.aborted) return result;
    const delayMs = backOff.nextMs();
    ports.onRetry(result.message, delayMs);
    await pause(ports.clock, delayMs, ports.signal);
    if (ports.signal.aborted) return result;
  }
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.createTimer(end);
    function end(): void {
      timer.disable();
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end);
    timer.enable(delayMs);
  });
}
