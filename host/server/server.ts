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
import { holdBind } from "../net/bind.ts";
import { EndpointFiles } from "./endpoint_files.ts";
import { createFileWatcher } from "./file_watcher.ts";
import type { EndpointsPlan } from "../upstream/plan.ts";
import type { ListenAddressPlan, ListenerPlan } from "../net/plan.ts";
import type { Logger, LogLevels, LogRegistry } from "../observe/log.ts";
import { type Counter, StatsStore } from "../observe/stats.ts";
import type { Platform } from "../platform/mod.ts";
import { SharedStore } from "../wasm/mod.ts";
import type { DrainStrategy } from "./drain.ts";
import { HostHealthRelay } from "./host_health_relay.ts";
import type { LogSettings } from "./logging.ts";
import type { BootstrapPlan } from "./plan/bootstrap.ts";
import { OverloadManager } from "./overload/manager.ts";
import type { OverloadPlan } from "./overload/plan.ts";
import type { RuntimeLayer } from "./plan/runtime.ts";
import type { PluginRegistry } from "./plugin_registry.ts";
import type { NodeIdentity, Snapshot } from "./snapshot.ts";
import { openConnectionsIn } from "./shared_counts.ts";
import { Worker } from "./worker.ts";
import { type AccessLogSettings, createWorkerEnvironment } from "./worker_environment.ts";
import { InlineWorkerLink, type WorkerSeed } from "./worker_link.ts";
import { WorkerPool } from "./worker_pool.ts";
import type { CallArgument, CallName, CallResult, WorkerActivity, WorkerEvent, WorkerLink } from "./worker_protocol.ts";
import type { NativeFilters } from "../extensions/common/native/filter.ts";
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
  /** Native filters of this thread, for a worker in process. */
  readonly nativeFilters?: NativeFilters;
  /** The process should end, after a drain, and be started again. */
  readonly onFatal?: () => void;
  /** How long a worker may be silent; tests shorten it. */
  readonly stallLimitMs?: number;
}

export type StartResult = { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] };

/** Until a drain ends by itself: connections without a request are closed after this long. */
const IDLE_CLOSE_MS = 5000;
/** A drain on a signal ends after this long whatever is still open, unless `--drain-time-s` says another time. */
const HARD_STOP_MS = 30_000;
const DEFAULT_DRAIN_MS = 600_000;
const ACTIVITY_CHECK_MS = 50;
/** Workers that do not answer in this time are left out of statistics that are asked for. */
const STATS_LIMIT_MS = 200;
/** A worker that does not stop by itself within this time is ended. */
const STOP_LIMIT_MS = 1000;

export class Server {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly stats: StatsStore;
  readonly #stats: {
    readonly bug: Counter;
    readonly workerReplaced: Counter;
    readonly configReload: Counter;
    readonly configReloadRejected: Counter;
  };
  readonly #shared: SharedStore;
  readonly #flushTimer: Timer;
  #flushIntervalMs = 5000;
  readonly #hostHealth = new HostHealthRelay();
  #pool: WorkerPool | null = null;
  #links: readonly WorkerLink[] = [];
  #snapshot: Snapshot | null = null;
  #generation = 0;
  #state: ServerState = "PRE_INITIALIZING";
  readonly #startMs: number;
  #healthChecksFail = false;
  #runtimeLayers: readonly RuntimeLayer[] = [];
  /** What the system gave for port 0, by listener and address. */
  #chosenPorts: ReadonlyMap<string, number> = new Map();
  /** Null where nothing is measured. It stays what it was at the start, as in Envoy. */
  #overload: { readonly manager: OverloadManager; readonly key: string } | null = null;
  readonly #endpointFiles: EndpointFiles;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { platform } = options;
    this.#logger = options.logs.logger("main");
    this.#startMs = platform.clock.nowMs();
    // Column 0 is this thread's; the workers' follow.
    this.stats = StatsStore.create(options.concurrency + 1);
    const scope = this.stats.scope("server");
    this.#stats = {
      bug: scope.counter("nuncio_bug"),
      workerReplaced: scope.counter("worker_replaced"),
      configReload: scope.counter("config_reload"),
      configReloadRejected: scope.counter("config_reload_rejected"),
    };
    this.#endpointFiles = new EndpointFiles({
      watcher: createFileWatcher(platform, this.#logger),
      logger: this.#logger,
      stats: this.stats,
      onEndpoints: (clusterName, endpoints) => void this.#updateEndpoints(clusterName, endpoints),
    });
    this.#shared = SharedStore.create(platform.clock);
    this.#flushTimer = platform.clock.createTimer(() => this.#flushStats());
  }

  /** Failing health checks look like a drain from outside, as in Envoy. */
  get state(): ServerState {
    return this.#state === "LIVE" && this.#healthChecksFail ? "DRAINING" : this.#state;
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

  get runtimeLayers(): readonly RuntimeLayer[] {
    return this.#runtimeLayers;
  }

  /** Serves a plan. With problems nothing is left running. */
  async start(plan: BootstrapPlan): Promise<StartResult> {
    // Clusters that warm may have nothing but timers, which keep no process.
    const hold = this.#options.platform.holdProcess();
    try {
      return await this.#start(plan);
    } finally {
      hold.close();
    }
  }

  async #start(plan: BootstrapPlan): Promise<StartResult> {
    this.#state = "INITIALIZING";
    this.#flushIntervalMs = plan.statsFlushIntervalMs;
    this.#runtimeLayers = plan.runtimeLayers;
    const bound = await this.#resolvePorts(plan.listeners);
    if (!bound.ok) return bound;
    this.#options.plugins.commit();
    this.#overload = this.#createOverloadManager(plan.overload);
    this.#snapshot = this.#snapshotOf(plan, bound.listeners);
    const problems = await this.#startWorkers();
    if (problems.length === 0) problems.push(...await this.#applyAll(this.#snapshot));
    if (problems.length > 0) {
      await this.stop();
      return { ok: false, problems };
    }
    this.#state = "LIVE";
    this.#endpointFiles.watch(plan.clusters);
    this.#registerServerStats();
    this.#options.plugins.countFetchesIn(this.stats.scope("wasm"));
    this.#flushTimer.enable(this.#flushIntervalMs);
    this.#overload?.manager.start();
    return { ok: true };
  }

  /**
   * Serves the plan that was loaded last instead of the one before. What did not change goes on untouched; listeners
   * that did keep their sockets, and their connections drain. With problems everything is as it was. One at a time.
   */
  async reload(plan: BootstrapPlan): Promise<StartResult> {
    const before = this.#snapshot;
    if (before === null || this.#state !== "LIVE") {
      return this.#refuseReload([`the server is ${this.#state}: only one that is LIVE takes a configuration`]);
    }
    if ((this.#overload?.key ?? null) !== overloadKey(plan.overload)) {
      return this.#refuseReload(["overload_manager is what it was when the process started: restart to change it"]);
    }
    const bound = await this.#resolvePorts(plan.listeners);
    if (!bound.ok) return this.#refuseReload(bound.problems);
    const restorePlugins = this.#options.plugins.commit();
    this.#snapshot = this.#snapshotOf(plan, bound.listeners);
    const problems = await this.#applyAll(this.#snapshot);
    if (problems.length > 0) {
      restorePlugins();
      this.#snapshot = { ...before, generation: ++this.#generation, plugins: this.#options.plugins.snapshots };
      await this.#applyAll(this.#snapshot);
      return this.#refuseReload(problems);
    }
    this.#flushIntervalMs = plan.statsFlushIntervalMs;
    this.#runtimeLayers = plan.runtimeLayers;
    this.#endpointFiles.watch(plan.clusters);
    this.#stats.configReload.inc();
    this.stats.scope("listener_manager").gauge("total_listeners_active").set(bound.listeners.length);
    this.#hideStatsOf(before, this.#snapshot);
    this.#logger.info("another configuration serves", { generation: this.#generation });
    return { ok: true };
  }

  #createOverloadManager(plan: OverloadPlan | null) {
    if (plan === null) return null;
    const { platform, logs } = this.#options;
    const open = openConnectionsIn(this.stats);
    const manager = new OverloadManager({
      plan,
      platform,
      stats: this.stats,
      logger: logs.logger("main"),
      openConnections: () => open.value,
      onShrinkHeap: () => {
        platform.collectGarbage();
        if (this.#pool !== null) void this.callAll("shrinkHeap", undefined);
      },
    });
    return { manager, key: overloadKey(plan)! };
  }

  #refuseReload(problems: readonly string[]): StartResult {
    this.#stats.configReloadRejected.inc();
    this.#logger.error("a configuration was refused: the one before goes on", { problems });
    return { ok: false, problems };
  }

  #snapshotOf(plan: BootstrapPlan, listeners: readonly ListenerPlan[]): Snapshot {
    return {
      generation: ++this.#generation,
      node: plan.node,
      localClusterName: plan.localClusterName,
      listeners,
      clusters: plan.clusters,
      plugins: this.#options.plugins.snapshots,
      outlierEventLog: plan.outlierEventLog,
      globalConnectionLimit: plan.globalConnectionLimit,
      overload: this.#overload?.manager.handle ?? null,
      extensions: plan.extensions,
      nativeModules: plan.nativeModules,
    };
  }

  /** Leaves out of listings what clusters and listeners that are gone had counted. */
  #hideStatsOf(before: Snapshot, after: Snapshot): void {
    const kept = new Set(statPrefixes(after));
    for (const name of statPrefixes(before)) if (!kept.has(name)) this.stats.hide(this.stats.scope(name).prefix);
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
    const settled = await Promise.allSettled(this.#workerLinks.map((link) => link.call(name, argument)));
    return settled.flatMap((each, worker) => each.status === "fulfilled" ? [{ worker, value: each.value }] : []);
  }

  get #workerLinks(): readonly WorkerLink[] {
    return this.#pool?.links ?? this.#links;
  }

  /** Gives a plugin's new code to all workers, or to none: then they have the previous one as `next.version + 1`. */
  async publishPlugin(next: WasmPluginSnapshot, previous: WasmPluginSnapshot): Promise<string | null> {
    const asked = new Set(this.#workerLinks);
    const swap = async (to: WasmPluginSnapshot) => {
      const links = this.#workerLinks.filter((link) => runsOn(link.index, to));
      const settled = await Promise.allSettled(links.map((link) => link.call("swapPlugin", to)));
      return settled.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
    };
    const outcomes = await swap(next);
    const refusal = outcomes.find((outcome) => !outcome.ok);
    if (refusal === undefined || refusal.ok) {
      this.#replacePlugin(next);
      if (next.module.digest !== previous.module.digest) {
        this.stats.scope(`wasm.${next.plan.name}`).counter("reloads").inc();
      }
    } else {
      // Some have it and some do not: all go back, under a version that none has seen.
      next = { ...previous, version: next.version + 1 };
      await swap(next);
      this.#replacePlugin(next);
    }
    // A worker that came meanwhile may have begun with the code of before.
    const late = this.#workerLinks.filter((link) => !asked.has(link) && runsOn(link.index, next));
    await Promise.allSettled(late.map((link) => link.call("swapPlugin", next)));
    return refusal === undefined || refusal.ok ? null : refusal.message;
  }

  /** Gives all workers other endpoints of a cluster, and those that come later. */
  async #updateEndpoints(clusterName: string, endpoints: EndpointsPlan): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    const clusters = snapshot.clusters.map((plan) =>
      plan.name === clusterName && plan.eds !== null ? { ...plan, eds: { ...plan.eds, initial: endpoints } } : plan
    );
    this.#snapshot = { ...snapshot, clusters };
    await this.callAll("updateEndpoints", { clusterName, endpoints });
  }

  /** Has workers bring up to date what they count for themselves. */
  async refreshStats(): Promise<void> {
    await this.#within(STATS_LIMIT_MS, this.callAll("publishStats", undefined));
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

  /**
   * `/drain_listeners`. At once: listeners close and what is connected goes on. Graceful: ever more responses
   * are a connection's last one, and listeners close after the drain time; with `keepListening` they never do.
   */
  async drainListeners(
    order: { readonly graceful: boolean; readonly inboundOnly: boolean; readonly keepListening: boolean },
  ): Promise<void> {
    const { graceful, inboundOnly, keepListening } = order;
    const durationMs = this.#options.drainTimeMs ?? DEFAULT_DRAIN_MS;
    const strategy = graceful || keepListening ? this.#options.drainStrategy : null;
    await this.callAll("drain", { strategy, durationMs, inboundOnly, stopAccepting: !graceful && !keepListening });
    if (!graceful || keepListening) return;
    const timer = this.#options.platform.clock.createTimer(() => {
      void this.callAll("drain", { strategy: null, durationMs: 0, inboundOnly, stopAccepting: true });
    });
    timer.enable(durationMs);
  }

  /** `/healthcheck/fail` and `/healthcheck/ok`: while they fail, every response is its connection's last one. */
  async failHealthChecks(fail: boolean): Promise<void> {
    this.#healthChecksFail = fail;
    this.stats.scope("server").gauge("live").set(fail ? 0 : 1);
    await this.callAll("failHealthChecks", fail);
  }

  /**
   * The end on a signal: no new connections, the next response on each is its last. Settles once no stream
   * is active, at the latest after the drain time; nothing is stopped yet.
   */
  async drainForExit(): Promise<void> {
    const { platform, drainTimeMs } = this.#options;
    this.#state = "DRAINING";
    const startMs = platform.clock.nowMs();
    const hardStopMs = drainTimeMs ?? HARD_STOP_MS;
    // A worker that hangs must not keep the process: every answer is waited for until the hard stop at most.
    const order = { strategy: "immediate", durationMs: 0, inboundOnly: false, stopAccepting: true } as const;
    await this.#within(hardStopMs, this.callAll("drain", order));
    this.#logger.info("draining: no new connections", { limit_ms: hardStopMs });
    const idleCloseMs = Math.min(IDLE_CLOSE_MS, drainTimeMs ?? IDLE_CLOSE_MS);
    let idleClosed = false;
    for (;;) {
      const leftMs = hardStopMs - (platform.clock.nowMs() - startMs);
      const streams = (await this.#within(leftMs, this.activity()))?.streams ?? null;
      if (streams === 0) return;
      const elapsedMs = platform.clock.nowMs() - startMs;
      if (elapsedMs >= hardStopMs) {
        this.#logger.warn("the drain time is over: streams are cut", { streams: streams ?? "unknown" });
        return;
      }
      if (!idleClosed && elapsedMs >= idleCloseMs) {
        idleClosed = true;
        await this.#within(hardStopMs - elapsedMs, this.callAll("closeIdle", undefined));
      }
      await delay(platform, Math.min(ACTIVITY_CHECK_MS, hardStopMs - elapsedMs));
    }
  }

  async stop(): Promise<void> {
    this.#flushTimer.disable();
    this.#overload?.manager.stop();
    this.#endpointFiles.close();
    await this.#within(STOP_LIMIT_MS, this.callAll("stop", undefined));
    await this.#pool?.close();
    this.#options.plugins.close();
    this.#options.logs.flushRepeats();
  }

  async setLogLevels(levels: LogLevels): Promise<void> {
    this.#options.logs.setLevels(levels);
    if (this.#pool !== null) await this.callAll("setLogLevels", levels);
  }

  /** What `call` gives, or null when that takes too long. */
  async #within<T>(limitMs: number, call: Promise<T>): Promise<T | null> {
    const { promise, resolve } = Promise.withResolvers<null>();
    const timer = this.#options.platform.clock.createTimer(() => resolve(null));
    timer.enable(Math.max(0, limitMs));
    const first = await Promise.race([call, promise]);
    timer.disable();
    return first;
  }

  /**
   * Port 0 becomes one port for all workers, the same as before where there was one, and a port that is taken is
   * found before anything starts. Listeners that cannot be shared make the server refuse more than one worker.
   */
  async #resolvePorts(
    plans: readonly ListenerPlan[],
  ): Promise<
    { readonly ok: true; readonly listeners: ListenerPlan[] } | { readonly ok: false; readonly problems: string[] }
  > {
    const problems: string[] = [];
    const listeners: ListenerPlan[] = [];
    const chosen = new Map<string, number>();
    const ours = new Set(this.#snapshot?.listeners.flatMap((listener) => listener.addresses.map(addressKey)));
    // Ports that the system chose: held until all are known, or it might give one to two listeners.
    const held: (() => Promise<void>)[] = [];
    for (const plan of plans) {
      const addresses: ListenAddressPlan[] = [];
      for (const [index, asked] of (plan.bindToPort ? plan.addresses : []).entries()) {
        const key = `${plan.name} ${index} ${asked.address}`;
        const port = asked.port === 0 ? this.#chosenPorts.get(key) ?? 0 : asked.port;
        if (asked.port === 0 && port !== 0) chosen.set(key, port);
        const address = { ...asked, port };
        if (isPath(address.address) || (port !== 0 && ours.has(addressKey(address)))) {
          addresses.push(address);
          continue;
        }
        const probe = await holdBind({
          address: ipAddress(address.address, port),
          reusePort: plan.reusePort,
          backlog: plan.backlog,
          ipv4Compat: address.ipv4Compat,
          mode: address.mode,
        });
        if (!probe.ok) {
          problems.push(`listener '${plan.name}': ${probe.message}`);
          continue;
        }
        if (port === 0) {
          held.push(probe.release);
          chosen.set(key, probe.address.port);
        } else await probe.release();
        addresses.push({ ...address, port: probe.address.port });
      }
      listeners.push({ ...plan, addresses: plan.bindToPort ? addresses : plan.addresses });
    }
    await Promise.all(held.map((release) => release()));
    if (problems.length > 0) return { ok: false, problems };
    this.#chosenPorts = chosen;
    return { ok: true, listeners };
  }

  async #startWorkers(): Promise<string[]> {
    const { platform, logs, logSettings, logLevels, accessLog, localAddress, concurrency } = this.#options;
    const drainTimeMs = this.#options.drainTimeMs ?? DEFAULT_DRAIN_MS;
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
        drainTimeMs,
        ...(this.#options.nativeFilters && { nativeFilters: this.#options.nativeFilters }),
        logs,
        emit: (event) => this.#onWorkerEvent(0, event),
      }));
      this.#links = [new InlineWorkerLink(worker)];
      return [];
    }
    this.#pool = new WorkerPool({
      platform,
      logger: this.#logger,
      concurrency,
      ...(this.#options.stallLimitMs !== undefined && { stallLimitMs: this.#options.stallLimitMs }),
      seed: (index, heartbeat): WorkerSeed => ({
        index,
        concurrency,
        stats: this.stats.handle(index + 1),
        shared: this.#shared.handle,
        localAddress,
        logLevels: logs.levels(),
        logSettings,
        accessLog,
        drainTimeMs,
        heartbeat,
      }),
      onEvent: (index, event) => this.#onWorkerEvent(index, event),
      prepare: (link) => this.#prepareReplacement(link),
      onWorkerStuck: (index) => {
        this.#logger.critical("this runtime cannot stop a thread that hangs: only a new process helps", {
          worker: index,
        });
        this.#options.onFatal?.();
      },
      onWorkerGone: (index) => {
        this.#stats.workerReplaced.inc();
        this.#hostHealth.dismiss(index);
        this.stats.dropGauges(index + 1);
      },
    });
    const problems = await this.#pool.start();
    for (const link of this.#pool.links) this.#hostHealth.welcome(link);
    return problems;
  }

  /** Brings a new worker to where the others are, also when that changes meanwhile. */
  async #prepareReplacement(link: WorkerLink): Promise<void> {
    this.#hostHealth.welcome(link);
    await link.call("setLogLevels", this.#options.logs.levels());
    if (this.#healthChecksFail) await link.call("failHealthChecks", true);
    for (let done: Snapshot | null = null; done !== this.#snapshot;) {
      done = this.#snapshot!;
      const outcome = await link.call("apply", snapshotFor(link.index, done));
      if (!outcome.ok) {
        this.#logger.error("a replacement worker refuses the configuration", { problems: outcome.problems });
      }
    }
    if (this.#state === "DRAINING") {
      await link.call("drain", { strategy: "immediate", durationMs: 0, inboundOnly: false, stopAccepting: true });
    }
  }

  async #applyAll(snapshot: Snapshot): Promise<string[]> {
    const problems = new Set<string>();
    await Promise.all(this.#workerLinks.map(async (link) => {
      try {
        const outcome = await link.call("apply", snapshotFor(link.index, snapshot));
        if (!outcome.ok) { for (const problem of outcome.problems) problems.add(problem); }
      } catch (error) {
        problems.add(error instanceof Error ? error.message : String(error));
      }
    }));
    return [...problems];
  }

  #onWorkerEvent(worker: number, event: WorkerEvent): void {
    if (event.kind === "bug") this.#stats.bug.inc();
    else if (event.kind === "hostHealth") this.#hostHealth.forward(worker, event.changes);
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
    void this.callAll("publishStats", undefined);
    this.#updateGauges();
    this.stats.flush();
    this.#flushTimer.enable(this.#flushIntervalMs);
  }
}

/** Text that is equal for plans that are. */
function overloadKey(plan: OverloadPlan | null): string | null {
  return plan === null
    ? null
    : JSON.stringify(plan, (_name, value) => value === Infinity ? "Infinity" : value as unknown);
}

/** A generation as one worker gets it. */
function snapshotFor(worker: number, snapshot: Snapshot): Snapshot {
  if (worker === 0) return snapshot;
  return {
    ...snapshot,
    listeners: snapshot.listeners.filter(isShared),
    plugins: snapshot.plugins.filter((plugin) => runsOn(worker, plugin)),
  };
}

/** Singletons are the first worker's. */
function runsOn(worker: number, plugin: WasmPluginSnapshot): boolean {
  return worker === 0 || plugin.plan.singleton !== true;
}

/** A unix socket belongs to one worker; so does what was asked not to be shared. */
function isShared(plan: ListenerPlan): boolean {
  return plan.reusePort && plan.addresses.every((each) => !isPath(each.address));
}

function isPath(address: string): boolean {
  return address.startsWith("/") || address.startsWith("@");
}

function addressKey({ address, port }: ListenAddressPlan): string {
  return `${address} ${port}`;
}

function statPrefixes({ clusters, listeners }: Snapshot): string[] {
  return [
    ...clusters.map((cluster) => `cluster.${cluster.statName}`),
    ...listeners.map((listener) => `listener.${listener.statPrefix}`),
  ];
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}

function delay(platform: Platform, ms: number): Promise<void> {
  return new Promise((resolve) => platform.clock.createTimer(resolve).enable(ms));
}
