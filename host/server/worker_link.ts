// host/server/worker_link.ts: calls to a worker, in process or in its own thread.
/** @module */
import type { Platform, WorkerHandle } from "../platform/mod.ts";
import type { StatsHandle } from "../observe/stats.ts";
import type { SharedStoreHandle } from "../wasm/mod.ts";
import type { LogSettings } from "./logging.ts";
import type { LogLevels } from "../observe/log.ts";
import type { Worker } from "./worker.ts";
import type { AccessLogSettings } from "./worker_environment.ts";
import type { CallArgument, CallName, CallResult, WorkerEvent, WorkerLink } from "./worker_protocol.ts";

/** What a worker thread is started with. */
export interface WorkerSeed {
  readonly index: number;
  readonly concurrency: number;
  readonly stats: StatsHandle;
  readonly shared: SharedStoreHandle;
  readonly localAddress: string;
  readonly logLevels: LogLevels;
  readonly logSettings: LogSettings;
  readonly accessLog: AccessLogSettings;
  readonly drainTimeMs: number;
  /** Blocks of connection ids that workers took. */
  readonly connectionIds: SharedArrayBuffer;
  /** One Int32 per worker, which the worker counts up while it lives. */
  readonly heartbeat: SharedArrayBuffer;
}

export type ToWorker = { readonly id: number; readonly name: CallName; readonly argument: unknown };
export type FromWorker =
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly message: string }
  | { readonly kind: "event"; readonly event: WorkerEvent };

/** A worker on this very thread (`--concurrency 1`, embedding, tests). */
export class InlineWorkerLink implements WorkerLink {
  readonly index = 0;
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
  }

  call<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>> {
    return this.#worker.handle(name, argument);
  }

  terminate(): Promise<void> {
    this.#worker.stop();
    return Promise.resolve();
  }
}

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A worker thread. Calls to a thread that is gone fail. */
export class ThreadWorkerLink implements WorkerLink {
  readonly index: number;
  readonly #handle: WorkerHandle<ToWorker, FromWorker>;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 1;
  #gone: string | null = null;

  constructor(
    platform: Platform,
    seed: WorkerSeed,
    callbacks: { onEvent(event: WorkerEvent): void; onExit(reason: string): void },
  ) {
    this.index = seed.index;
    this.#handle = platform.spawnWorker<ToWorker, FromWorker>(new URL(workerEntry(import.meta.url), import.meta.url), {
      name: `worker_${seed.index}`,
      data: seed,
    });
    let error = "";
    this.#handle.onMessage((message) => {
      if (message.kind === "event") return callbacks.onEvent(message.event);
      const call = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.kind === "result") call?.resolve(message.value);
      else call?.reject(new Error(message.message));
    });
    this.#handle.onError((cause) => error = cause.stack ?? cause.message);
    this.#handle.onExit((code) => {
      this.#gone = error === "" ? `exited with code ${code}` : error;
      for (const call of this.#pending.values()) call.reject(new Error(`worker ${this.index} ${this.#gone}`));
      this.#pending.clear();
      callbacks.onExit(this.#gone);
    });
  }

  call<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>> {
    if (this.#gone !== null) return Promise.reject(new Error(`worker ${this.index} ${this.#gone}`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#handle.post({ id, name, argument });
    });
  }

  terminate(): Promise<void> {
    return this.#handle.terminate();
  }
}

/** Sources run as `.ts`, the published package as `.js`. */
function workerEntry(self: string): string {
  return self.endsWith(".ts") ? "./worker_main.ts" : "./worker_main.js";
}
