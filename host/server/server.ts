// host/server/server.ts: the control plane: start, ready, drain, stop.
/**
 * The main thread plans and supervises; workers serve. States are Envoy's: INITIALIZING until every worker
 * accepts, LIVE, DRAINING, and PRE_INITIALIZING before all that.
 *
 * @see Envoy: source/server/server.cc
 * @module
 */
import type { Timer } from "../base/clock.ts";
import { ipAddress } from "../net/address.ts";
import { probeBind } from "../net/bind.ts";
import type { ListenerPlan } from "../net/plan.ts";
import type { Logger, LogLevels, LogRegistry } from "../observe/log.ts";
import { StatsStore } from "../observe/stats.ts";
import type { Platform } from "../platform/mod.ts";
import { SharedStore } from "../wasm/mod.ts";
import type { DrainStrategy } from "./drain.ts";
import type { LogSettings } from "./logging.ts";
import type { BootstrapPlan } from "./plan/bootstrap.ts";
import type { PluginRegistry } from "./plugin_registry.ts";
import type { NodeIdentity, Snapshot } from "./snapshot.ts";
import { type AccessLogSettings, Worker } from "./worker.ts";
import { createWorkerEnvironment } from "./worker_environment.ts";
import { InlineWorkerLink, type WorkerSeed } from "./worker_link.ts";
import { WorkerPool } from "./worker_pool.ts";
import type { CallArgument, CallName, CallResult, WorkerActivity, WorkerEvent, WorkerLink } from "./worker_protocol.ts";
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";

export type ServerState = "PRE_INITIALIZING" | "INITIALIZING" | "LIVE" | "DRAINING";

export interface ServerOptions {
  readonly platform: Platform;
  readonly logs: LogRegistry;
  readonly logSettings: LogSettings;
  readonly logLevels: LogLevels;
  readonly concurrency: number;
  /** `--drain-time-s`; null when it was not given. */
  readonly drainTimeMs: number | null;
  readonly drainStrategy: DrainStrategy;
  readonly accessLog: AccessLogSettings;
  readonly localAddress: string;
  readonly plugins: PluginRegistry;
}

export type StartResult = { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] };

/** Until a drain ends by itself: connections without a request are closed after this long. */
const IDLE_CLOSE_MS = 5000;
/** A drain on a signal ends after this long whatever is still open, unless `--drain-time-s` says another time. */
const HARD_STOP_MS = 30_000;
const DEFAULT_DRAIN_MS = 600_000;
const ACTIVITY_CHECK_MS = 50;

export class Server {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly stats: StatsStore;
  readonly #shared: SharedStore;
  readonly #flushTimer: Timer;
  #flushIntervalMs = 5000;
  #pool: WorkerPool | null = null;
  #links: readonly WorkerLink[] = [];
  #snapshot: Snapshot | null = null;
  #generation = 0;
  #state: ServerState = "PRE_INITIALIZING";
  readonly #startMs: number;
  #workersReady = 0;
  #onWorkersReady: (() => void) | null = null;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { platform } = options;
    this.#logger = options.logs.logger("main");
    this.#startMs = platform.clock.nowMs();
    // Column 0 is this thread's; the workers' follow.
    this.stats = StatsStore.create(options.concurrency + 1);
    this.#shared = SharedStore.create(platform.clock);
    this.#flushTimer = platform.clock.createTimer(() => this.#flushStats());
  }

  get state(): ServerState {
    return this.#state;
  }

  get uptimeMs(): number {
    return this.#options.platform.clock.nowMs() - this.#startMs;
  }

  get concurrency(): number {
    return this.#options.concurrency;
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get node(): NodeIdentity | null {
    return this.#snapshot?.node ?? null;
  }

  get plugins(): PluginRegistry {
    return this.#options.plugins;
  }

  /** Serves a plan. With problems nothing is left running. */
  async start(plan: BootstrapPlan): Promise<StartResult> {
    this.#state = "INITIALIZING";
    this.#flushIntervalMs = plan.statsFlushIntervalMs;
    const bound = await this.#resolvePorts(plan.listeners);
    if (!bound.ok) return bound;
    this.#snapshot = {
      generation: ++this.#generation,
      node: plan.node,
      listeners: bound.listeners,
      clusters: plan.clusters,
      plugins: this.#options.plugins.snapshots,
      extensions: plan.extensions,
    };
    await this.#startWorkers();
    const problems = await this.#applyAll(this.#snapshot);
    if (problems.length > 0) {
      await this.stop();
      return { ok: false, problems };
    }
    this.#state = "LIVE";
    this.#registerServerStats();
    this.#flushTimer.enable(this.#flushIntervalMs);
    return { ok: true };
  }

  /** Calls every worker. */
  async callAll<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>[]> {
    if (this.#pool !== null) return await this.#pool.callAll(name, argument);
    return await Promise.all(this.#links.map((link) => link.call(name, argument)));
  }

  /** Gives a plugin's new code to all workers, or to none. */
  async publishPlugin(next: WasmPluginSnapshot, previous: WasmPluginSnapshot): Promise<string | null> {
    const outcomes = await this.callAll("swapPlugin", next);
    const refusal = outcomes.find((outcome) => !outcome.ok);
    if (refusal === undefined) {
      this.#replacePlugin(next);
      return null;
    }
    // Some have it and some do not: all go back, under a version that none has seen.
    await this.callAll("swapPlugin", { ...previous, version: next.version + 1 });
    return refusal.ok ? null : refusal.message;
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

  /** `/drain_listeners`: gradually over the drain time, or at once. */
  async drainListeners(graceful: boolean, inboundOnly: boolean): Promise<void> {
    const durationMs = this.#options.drainTimeMs ?? DEFAULT_DRAIN_MS;
    await this.callAll("drain", {
      strategy: graceful ? this.#options.drainStrategy : "immediate",
      durationMs,
      inboundOnly,
      stopAccepting: !graceful,
    });
    if (graceful) {
      const timer = this.#options.platform.clock.createTimer(() => {
        void this.callAll("drain", { strategy: "immediate", durationMs: 0, inboundOnly, stopAccepting: true });
      });
      timer.enable(durationMs);
    }
  }

  /**
   * The end on a signal: no new connections, the next response on each is its last. Settles once no stream
   * is active, at the latest after the drain time; nothing is stopped yet.
   */
  async drainForExit(): Promise<void> {
    const { platform, drainTimeMs } = this.#options;
    this.#state = "DRAINING";
    await this.callAll("drain", { strategy: "immediate", durationMs: 0, inboundOnly: false, stopAccepting: true });
    const startMs = platform.clock.nowMs();
    const hardStopMs = drainTimeMs ?? HARD_STOP_MS;
    const idleCloseMs = Math.min(IDLE_CLOSE_MS, drainTimeMs ?? IDLE_CLOSE_MS);
    let idleClosed = false;
    for (;;) {
      const { streams } = await this.activity();
      if (streams === 0) return;
      const elapsedMs = platform.clock.nowMs() - startMs;
      if (elapsedMs >= hardStopMs) {
        this.#logger.warn("the drain time is over: streams are cut", { streams });
        return;
      }
      if (!idleClosed && elapsedMs >= idleCloseMs) {
        idleClosed = true;
        await this.callAll("closeIdle", undefined);
      }
      await delay(platform, ACTIVITY_CHECK_MS);
    }
  }

  async stop(): Promise<void> {
    this.#flushTimer.disable();
    await this.callAll("stop", undefined);
    await this.#pool?.close();
    this.#options.plugins.close();
    this.#options.logs.flushRepeats();
  }

  async setLogLevels(levels: LogLevels): Promise<void> {
    this.#options.logs.setLevels(levels);
    if (this.#pool !== null) await this.callAll("setLogLevels", levels);
  }

  /**
   * Port 0 becomes one port for all workers, and a port that is taken is found before anything starts.
   * Listeners that cannot be shared make the server refuse more than one worker.
   */
  async #resolvePorts(
    plans: readonly ListenerPlan[],
  ): Promise<
    { readonly ok: true; readonly listeners: ListenerPlan[] } | { readonly ok: false; readonly problems: string[] }
  > {
    const problems: string[] = [];
    const listeners: ListenerPlan[] = [];
    for (const plan of plans) {
      const addresses = [];
      for (const address of plan.bindToPort ? plan.addresses : []) {
        if (address.address.startsWith("/") || address.address.startsWith("@")) {
          addresses.push(address);
          continue;
        }
        const probe = await probeBind({
          address: ipAddress(address.address, address.port),
          reusePort: plan.reusePort,
          backlog: plan.backlog,
          ipv4Compat: address.ipv4Compat,
          mode: address.mode,
        });
        if (!probe.ok) problems.push(`listener '${plan.name}': ${probe.message}`);
        else addresses.push({ ...address, port: probe.address.port });
      }
      listeners.push({ ...plan, addresses: plan.bindToPort ? addresses : plan.addresses });
    }
    return problems.length > 0 ? { ok: false, problems } : { ok: true, listeners };
  }

  async #startWorkers(): Promise<void> {
    const { platform, logs, logSettings, logLevels, accessLog, localAddress, concurrency } = this.#options;
    if (concurrency === 1) {
      const worker = new Worker(createWorkerEnvironment({
        platform,
        index: 0,
        concurrency,
        stats: this.stats,
        shared: this.#shared,
        localAddress,
        logLevels,
        logSettings,
        accessLog,
        logs,
        emit: (event) => this.#onWorkerEvent(0, event),
      }));
      this.#links = [new InlineWorkerLink(worker)];
      return;
    }
    const ready = new Promise<void>((resolve) => this.#onWorkersReady = resolve);
    this.#pool = new WorkerPool({
      platform,
      logger: this.#logger,
      concurrency,
      seed: (index, heartbeat): WorkerSeed => ({
        index,
        concurrency,
        stats: this.stats.handle(index + 1),
        shared: this.#shared.handle,
        localAddress,
        logLevels: logs.levels(),
        logSettings,
        accessLog,
        heartbeat,
      }),
      onEvent: (index, event) => this.#onWorkerEvent(index, event),
      prepare: async (link) => {
        const outcome = await link.call("apply", this.#snapshot!);
        if (!outcome.ok) {
          this.#logger.error("a replacement worker refuses the configuration", { problems: outcome.problems });
        }
      },
      onWorkerGone: (index) => this.stats.dropGauges(index + 1),
    });
    await ready;
  }

  async #applyAll(snapshot: Snapshot): Promise<string[]> {
    const links = this.#pool?.links ?? this.#links;
    const problems = new Set<string>();
    await Promise.all(links.map(async (link) => {
      const shared = snapshot.listeners.filter((plan) => link.index === 0 || isShared(plan));
      try {
        const outcome = await link.call("apply", { ...snapshot, listeners: shared });
        if (!outcome.ok) { for (const problem of outcome.problems) problems.add(problem); }
      } catch (error) {
        problems.add(error instanceof Error ? error.message : String(error));
      }
    }));
    return [...problems];
  }

  #onWorkerEvent(_index: number, event: WorkerEvent): void {
    if (event.kind === "ready" && ++this.#workersReady >= this.#options.concurrency) {
      this.#onWorkersReady?.();
      this.#onWorkersReady = null;
    }
    if (event.kind === "bug") this.stats.counter("server.nuncio_bug").inc();
  }

  #replacePlugin(next: WasmPluginSnapshot): void {
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    const plugins = snapshot.plugins.map((each) => each.key === next.key ? next : each);
    this.#snapshot = { ...snapshot, generation: ++this.#generation, plugins };
  }

  #registerServerStats(): void {
    const scope = this.stats.scope("server");
    scope.gauge("concurrency").set(this.#options.concurrency);
    scope.gauge("live").set(1);
    scope.gauge("state").set(0);
    this.stats.scope("listener_manager").gauge("workers_started").set(1);
    this.stats.scope("listener_manager").gauge("total_listeners_active").set(this.#snapshot?.listeners.length ?? 0);
    this.#updateGauges();
  }

  #updateGauges(): void {
    const scope = this.stats.scope("server");
    const memory = this.#options.platform.memoryUsage();
    scope.gauge("uptime").set(Math.floor(this.uptimeMs / 1000));
    scope.gauge("memory_allocated").set(memory.heapUsedBytes + memory.externalBytes);
    scope.gauge("memory_heap_size").set(memory.heapTotalBytes);
    scope.gauge("memory_physical_size").set(memory.rssBytes);
    scope.gauge("days_until_first_cert_expiring").set(4_294_967_295);
  }

  #flushStats(): void {
    this.#updateGauges();
    this.stats.flush();
    this.#flushTimer.enable(this.#flushIntervalMs);
  }
}

/** A unix socket belongs to one worker; so does what was asked not to be shared. */
function isShared(plan: ListenerPlan): boolean {
  return plan.reusePort &&
    plan.addresses.every((each) => !each.address.startsWith("/") && !each.address.startsWith("@"));
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

function delay(platform: Platform, ms: number): Promise<void> {
  return new Promise((resolve) => platform.clock.createTimer(resolve).enable(ms));
}
