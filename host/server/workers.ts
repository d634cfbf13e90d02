// host/server/workers.ts: all workers of the process, and what each of them is to be.
/**
 * One worker runs in this thread; more have threads of their own. What all are told here a worker that comes later,
 * in the place of one that died, is told too.
 *
 * @module
 */
import type { NativeFilters } from "../extensions/common/native/filter.ts";
import type { Logger, LogLevels, LogRegistry } from "../observe/log.ts";
import type { StatsStore } from "../observe/stats.ts";
import type { Platform } from "../platform/mod.ts";
import { SharedStore } from "../wasm/mod.ts";
import type { LogSettings } from "./logging.ts";
import { hostHealthRelay, nameRelay } from "./relay.ts";
import type { Snapshot } from "./snapshot.ts";
import { Worker } from "./worker.ts";
import { type AccessLogSettings, createWorkerEnvironment } from "./worker_environment.ts";
import { InlineWorkerLink, type WorkerSeed } from "./worker_link.ts";
import { WorkerPool } from "./worker_pool.ts";
import type {
  CallArgument,
  CallName,
  CallResult,
  DrainOrder,
  WorkerActivity,
  WorkerEvent,
  WorkerLink,
} from "./worker_protocol.ts";
import { snapshotFor } from "./worker_snapshot.ts";

/** How workers are, whatever they serve. */
export interface WorkerSettings {
  readonly platform: Platform;
  readonly logs: LogRegistry;
  readonly logSettings: LogSettings;
  readonly logLevels: LogLevels;
  readonly concurrency: number;
  readonly accessLog: AccessLogSettings;
  readonly localAddress: string;
  /** Native filters of this thread, for a worker in process. */
  readonly nativeFilters?: NativeFilters;
  /** The process should end, after a drain, and be started again. */
  readonly onFatal?: () => void;
  /** How long a worker may be silent; tests shorten it. */
  readonly stallLimitMs?: number;
}

export interface WorkersOptions {
  readonly settings: WorkerSettings;
  /** How long the connections of a listener that was replaced or removed may take to end. */
  readonly drainTimeMs: number;
  readonly stats: StatsStore;
  readonly logger: Logger;
  /** A worker contained a bug. */
  onBug(): void;
  onWorkerReplaced(): void;
}

export class Workers {
  readonly #options: WorkersOptions;
  readonly #shared: SharedStore;
  readonly #connectionIds = new SharedArrayBuffer(4);
  readonly #hostHealth = hostHealthRelay();
  readonly #names = nameRelay();
  /** Null where the worker runs in this thread. */
  #pool: WorkerPool | null = null;
  #inline: readonly WorkerLink[] = [];
  #generation = 0;
  #snapshot: Snapshot | null = null;
  #healthChecksFail = false;
  #ending: DrainOrder | null = null;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#shared = SharedStore.create(options.settings.platform.clock);
  }

  /** What all workers serve, or are about to. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get healthChecksFail(): boolean {
    return this.#healthChecksFail;
  }

  get links(): readonly WorkerLink[] {
    return this.#pool?.links ?? this.#inline;
  }

  /** Settles when all are there, or with what kept one from starting. */
  async start(): Promise<string[]> {
    const { settings, drainTimeMs, stats, logger } = this.#options;
    const { platform, logs, logSettings, accessLog, localAddress, concurrency } = settings;
    const facts = { concurrency, localAddress, logSettings, accessLog, drainTimeMs };
    if (concurrency === 1) {
      const worker = new Worker(createWorkerEnvironment({
        ...facts,
        platform,
        index: 0,
        stats,
        shared: this.#shared,
        logLevels: settings.logLevels,
        ...(settings.nativeFilters && { nativeFilters: settings.nativeFilters }),
        logs,
        emit: (event) => this.#onEvent(0, event),
      }));
      this.#inline = [new InlineWorkerLink(worker)];
      return [];
    }
    this.#pool = new WorkerPool({
      platform,
      logger,
      concurrency,
      ...(settings.stallLimitMs !== undefined && { stallLimitMs: settings.stallLimitMs }),
      seed: (index, heartbeat): WorkerSeed => ({
        ...facts,
        index,
        stats: stats.handle(index + 1),
        shared: this.#shared.handle,
        connectionIds: this.#connectionIds,
        logLevels: logs.levels(),
        heartbeat,
      }),
      onEvent: (index, event) => this.#onEvent(index, event),
      prepare: (link) => this.#prepareReplacement(link),
      onWorkerStuck: (index) => {
        logger.critical("this runtime cannot stop a thread that hangs: only a new process helps", { worker: index });
        settings.onFatal?.();
      },
      onWorkerGone: (index) => {
        this.#options.onWorkerReplaced();
        this.#hostHealth.dismiss(index);
        this.#names.dismiss(index);
        stats.dropGauges(index + 1);
      },
    });
    const problems = await this.#pool.start();
    for (const link of this.#pool.links) this.#welcome(link);
    return problems;
  }

  /** Has all workers serve something else; settles when they do, or with what is wrong with it. */
  async apply(content: Omit<Snapshot, "generation">): Promise<string[]> {
    const snapshot = this.#snapshot = { ...content, generation: ++this.#generation };
    const problems = new Set<string>();
    await Promise.all(this.links.map(async (link) => {
      try {
        const outcome = await link.call("apply", snapshotFor(link.index, snapshot));
        if (!outcome.ok) { for (const problem of outcome.problems) problems.add(problem); }
      } catch (error) {
        problems.add(error instanceof Error ? error.message : String(error));
      }
    }));
    if (this.#ending !== null) await this.callAll("drain", this.#ending);
    return [...problems];
  }

  /** Notes what has been changed by other calls than `apply`, for workers to come. */
  amend(part: Partial<Pick<Snapshot, "clusters" | "plugins" | "runtime">>): void {
    if (this.#snapshot !== null) this.#snapshot = { ...this.#snapshot, ...part, generation: ++this.#generation };
  }

  /** Calls every worker. */
  async callAll<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>[]> {
    return (await this.callEach(name, argument)).map((each) => each.value);
  }

  /** Calls every worker, and says which of them gave which answer. A worker that died meanwhile gives none. */
  async callEach<Name extends CallName>(
    name: Name,
    argument: CallArgument<Name>,
  ): Promise<{ readonly worker: number; readonly value: CallResult<Name> }[]> {
    const settled = await Promise.allSettled(this.links.map((link) => link.call(name, argument)));
    return settled.flatMap((each, worker) => each.status === "fulfilled" ? [{ worker, value: each.value }] : []);
  }

  async failHealthChecks(fail: boolean): Promise<void> {
    this.#healthChecksFail = fail;
    await this.callAll("failHealthChecks", fail);
  }

  /** The beginning of the end: also workers, and listeners, to come only finish what is left. */
  async end(order: DrainOrder): Promise<void> {
    this.#ending = order;
    await this.callAll("drain", order);
  }

  async setLogLevels(levels: LogLevels): Promise<void> {
    // A worker in this thread has its loggers from the same registry.
    if (this.#pool !== null) await this.callAll("setLogLevels", levels);
  }

  /** Has threads of workers give back memory that they do not use. */
  shrinkHeaps(): void {
    if (this.#pool !== null) void this.callAll("shrinkHeap", undefined);
  }

  async activity(): Promise<WorkerActivity> {
    const all = await this.callAll("activity", undefined);
    return {
      connections: sum(all, (each) => each.connections),
      streams: sum(all, (each) => each.streams),
      drainingClusters: sum(all, (each) => each.drainingClusters),
      armedTimers: sum(all, (each) => each.armedTimers),
    };
  }

  /** Ends threads. */
  async close(): Promise<void> {
    await this.#pool?.close();
  }

  /** Brings a new worker to where the others are, also when that changes meanwhile. */
  async #prepareReplacement(link: WorkerLink): Promise<void> {
    this.#welcome(link);
    await link.call("setLogLevels", this.#options.settings.logs.levels());
    if (this.#healthChecksFail) await link.call("failHealthChecks", true);
    for (let done: Snapshot | null = null; done !== this.#snapshot;) {
      done = this.#snapshot!;
      const outcome = await link.call("apply", snapshotFor(link.index, done));
      if (!outcome.ok) {
        this.#options.logger.error("a replacement worker refuses the configuration", { problems: outcome.problems });
      }
    }
    if (this.#ending !== null) await link.call("drain", this.#ending);
  }

  /** Tells a worker what the others found. */
  #welcome(link: WorkerLink): void {
    this.#hostHealth.welcome(link);
    this.#names.welcome(link);
  }

  #onEvent(worker: number, event: WorkerEvent): void {
    if (event.kind === "bug") this.#options.onBug();
    else if (event.kind === "hostHealth") this.#hostHealth.forward(worker, event.changes);
    else if (event.kind === "names") this.#names.forward(worker, event.changes);
  }
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}
