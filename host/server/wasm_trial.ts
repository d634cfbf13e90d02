// host/server/wasm_trial.ts: tries a wasm module in a thread of its own, which is thrown away.
/**
 * A module is parsed, compiled, started and configured where it can do no harm: not on the main thread, not
 * on a worker that serves. A module that does not come to an end is stopped by the wall clock.
 *
 * @see Envoy: source/extensions/common/wasm/wasm.cc (the canary VM)
 * @module
 */
import type { Timer } from "../base/clock.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import type { WasmPluginPlan } from "../extensions/common/wasm/plugin_plan.ts";
import type { Platform, WorkerHandle } from "../platform/mod.ts";
import { looksLikeComponent, type WasmModule } from "../wasm/mod.ts";
import type { NodeIdentity } from "./snapshot.ts";
import type { ValidComponents } from "./wasm_code/valid_components.ts";

/** How long a module may take to start and to accept its configuration. */
const TRIAL_LIMIT_MS = 30_000;
/** What the thread may take besides: to start, to parse, to compile. */
const THREAD_LIMIT_MS = 30_000;
/** How long the thread stays when nothing is to be tried: one build changes many files, and one update many plugins. */
const IDLE_MS = 2000;

export interface TrialOptions {
  readonly limitMs?: number;
  /** Components that are known to be valid; without it each is validated each time. */
  readonly validComponents?: ValidComponents;
  readonly idleMs?: number;
}

/** What is tried. */
export interface TrialRequest {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly plan: WasmPluginPlan;
  readonly node: NodeIdentity;
  /** Clusters that the guest may call. */
  readonly clusterNames: readonly string[];
  /** How long the guest may run. */
  readonly limitMs: number;
  /** Digests of components that need not be validated again; none when the bytes are no component. */
  readonly validComponents: readonly string[];
}

export type TrialResult =
  | { readonly ok: true; readonly module: WasmModule }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export interface TrialReply {
  readonly id: number;
  readonly result: TrialResult;
  /** What the guest logged while it was tried, from warnings up. */
  readonly log: readonly string[];
  /** The digest of a component that is valid, whatever else may be wrong with it. */
  readonly validComponent?: string | null;
}

/** Tries modules one after the other in a thread that ends when none has come for a while. */
export class WasmTrial {
  readonly #platform: Platform;
  readonly #limitMs: number;
  readonly #idleMs: number;
  readonly #validComponents: ValidComponents | null;
  #thread: WorkerHandle<TrialRequest, TrialReply> | null = null;
  readonly #queue: Waiting[] = [];
  #current: Waiting | null = null;
  readonly #timer: Timer;
  readonly #idleTimer: Timer;
  #nextId = 1;

  constructor(platform: Platform, options: TrialOptions = {}) {
    this.#platform = platform;
    this.#limitMs = options.limitMs ?? TRIAL_LIMIT_MS;
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#validComponents = options.validComponents ?? null;
    this.#timer = platform.clock.createTimer(() => {
      this.#fail(`the module was not ready after ${(THREAD_LIMIT_MS + this.#limitMs) / 1000} s`);
    });
    this.#idleTimer = platform.clock.createTimer(() => this.#end());
  }

  /** Compiles, starts and configures a plugin; the module when it accepts. */
  try(request: Omit<TrialRequest, "id" | "limitMs" | "validComponents">): Promise<TrialReply> {
    return new Promise((resolve) => {
      const id = this.#nextId++;
      this.#queue.push({
        request: { id, limitMs: this.#limitMs, validComponents: [], ...request },
        settle: resolve,
      });
      this.#next();
    });
  }

  /** Ends the thread; what waits has failed. */
  close(): void {
    const waiting = [...(this.#current === null ? [] : [this.#current]), ...this.#queue.splice(0)];
    this.#current = null;
    this.#end();
    for (const each of waiting) each.settle(failed(each.request.id, "the proxy is ending"));
  }

  #next(): void {
    if (this.#current !== null) return;
    const next = this.#queue.shift();
    if (next === undefined) return this.#idleTimer.enable(this.#idleMs);
    this.#idleTimer.disable();
    this.#current = next;
    this.#timer.enable(THREAD_LIMIT_MS + this.#limitMs);
    // Asked only now: the one before may have been the same.
    const known = looksLikeComponent(next.request.bytes) ? this.#validComponents?.digests ?? [] : [];
    this.#open().post({ ...next.request, validComponents: known });
  }

  #open(): WorkerHandle<TrialRequest, TrialReply> {
    if (this.#thread !== null) return this.#thread;
    const self = import.meta.url;
    const entry = new URL(self.endsWith(".ts") ? "./wasm_trial_main.ts" : "./wasm_trial_main.js", self);
    const thread = this.#platform.spawnWorker<TrialRequest, TrialReply>(entry, { name: "wasm_trial" });
    let error = "";
    thread.onMessage((reply) => {
      if (typeof reply.validComponent === "string") void this.#validComponents?.add(reply.validComponent);
      if (this.#current?.request.id === reply.id) this.#settle(reply);
    });
    thread.onError((cause) => error = cause.message);
    thread.onExit(() => {
      if (this.#thread === thread) this.#fail(error === "" ? "the thread that tried the module ended" : error);
    });
    return this.#thread = thread;
  }

  #settle(reply: TrialReply): void {
    const current = this.#current;
    this.#current = null;
    this.#timer.disable();
    current?.settle(reply);
    this.#next();
  }

  /** The thread is of no use any more; what waits gets another one. */
  #fail(message: string): void {
    this.#end();
    if (this.#current !== null) this.#settle(failed(this.#current.request.id, message));
  }

  #end(): void {
    this.#timer.disable();
    this.#idleTimer.disable();
    const thread = this.#thread;
    this.#thread = null;
    if (thread !== null) void thread.terminate();
  }
}

interface Waiting {
  readonly request: TrialRequest;
  settle(reply: TrialReply): void;
}

function failed(id: number, message: string): TrialReply {
  const diagnostic: Diagnostic = { code: "wasm/trial-failed", severity: "error", message };
  return { id, result: { ok: false, diagnostics: [diagnostic] }, log: [] };
}
