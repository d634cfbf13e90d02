// host/server/wasm_trial.ts: tries a wasm module in a thread of its own, which is thrown away.
/**
 * A module is parsed, compiled, started and configured where it can do no harm: not on the main thread, not
 * on a worker that serves. A module that does not come to an end is stopped by the wall clock.
 *
 * @see Envoy: source/extensions/common/wasm/wasm.cc (the canary VM)
 * @module
 */
import type { Diagnostic } from "../base/diagnostic.ts";
import type { WasmPluginPlan } from "../extensions/common/wasm/plugin_plan.ts";
import type { Platform, WorkerHandle } from "../platform/mod.ts";
import type { WasmModule } from "../wasm/mod.ts";
import type { NodeIdentity } from "./snapshot.ts";

export const TRIAL_TIMEOUT_MS = 30_000;

/** What is tried. */
export interface TrialRequest {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly plan: WasmPluginPlan;
  readonly node: NodeIdentity;
  /** Clusters that the guest may call. */
  readonly clusterNames: readonly string[];
}

export type TrialResult =
  | { readonly ok: true; readonly module: WasmModule }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export interface TrialReply {
  readonly id: number;
  readonly result: TrialResult;
  /** What the guest logged while it was tried, from warnings up. */
  readonly log: readonly string[];
}

/** Tries modules one after the other; the thread starts with the first and ends with `close`. */
export class WasmTrial {
  readonly #platform: Platform;
  #thread: WorkerHandle<TrialRequest, TrialReply> | null = null;
  readonly #waiting = new Map<number, (reply: TrialReply) => void>();
  #nextId = 1;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Compiles, starts and configures a plugin; the module when it accepts. */
  try(request: Omit<TrialRequest, "id">): Promise<TrialReply> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = this.#platform.clock.createTimer(() => {
        this.#fail(`the module did not start within ${TRIAL_TIMEOUT_MS / 1000} s`);
      });
      timer.enable(TRIAL_TIMEOUT_MS);
      this.#waiting.set(id, (reply) => {
        timer.disable();
        resolve(reply);
      });
      this.#open().post({ id, ...request });
    });
  }

  close(): void {
    const thread = this.#thread;
    this.#thread = null;
    if (thread !== null) void thread.terminate();
  }

  #open(): WorkerHandle<TrialRequest, TrialReply> {
    if (this.#thread !== null) return this.#thread;
    const self = import.meta.url;
    const entry = new URL(self.endsWith(".ts") ? "./wasm_trial_main.ts" : "./wasm_trial_main.js", self);
    const thread = this.#platform.spawnWorker<TrialRequest, TrialReply>(entry, { name: "wasm_trial" });
    let error = "";
    thread.onMessage((reply) => {
      const settle = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      settle?.(reply);
    });
    thread.onError((cause) => error = cause.message);
    thread.onExit(() => {
      if (this.#thread === thread) this.#fail(error === "" ? "the thread that tried the module ended" : error);
    });
    this.#thread = thread;
    return thread;
  }

  /** The thread is of no use any more: everything that waits for it fails. */
  #fail(message: string): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.close();
    for (const [id, settle] of waiting) {
      const diagnostic: Diagnostic = { code: "wasm/trial-failed", severity: "error", message };
      settle({ id, result: { ok: false, diagnostics: [diagnostic] }, log: [] });
    }
  }
}
