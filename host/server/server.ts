// host/server/server.ts: the control plane: start, reload, stop.
/**
 * The main thread plans and supervises; workers serve. States are Envoy's: INITIALIZING until every worker
 * accepts, LIVE, DRAINING, and PRE_INITIALIZING before all that.
 *
 * @see Envoy: source/server/server.cc
 * @module
 */
import { Runtime } from "../base/runtime.ts";
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { ListenerPlan } from "../net/plan.ts";
import type { Logger, LogLevels } from "../observe/log.ts";
import { StatsStore } from "../observe/stats.ts";
import type { EndpointsPlan } from "../upstream/plan.ts";
import type { DrainStrategy } from "./drain.ts";
import { EndpointFiles } from "./endpoint_files.ts";
import { createFileWatcher, createLinkWatcher } from "./file_watcher.ts";
import { ListenPorts } from "./listen_ports.ts";
import { ServerOverload } from "./overload/server_overload.ts";
import type { BootstrapPlan } from "./plan/bootstrap.ts";
import type { PluginRegistry } from "./plugin_registry.ts";
import { rollOutPlugin } from "./plugin_rollout.ts";
import { RuntimeLayers } from "./runtime/runtime_layers.ts";
import { DEFAULT_DRAIN_MS, type ListenerDrain, ServerDrain } from "./server_drain.ts";
import { ServerStats } from "./server_stats.ts";
import { openConnectionsIn } from "./shared_counts.ts";
import type { NodeIdentity, Snapshot } from "./snapshot.ts";
import { within } from "./time_limit.ts";
import type { CallArgument, CallName, CallResult, WorkerActivity } from "./worker_protocol.ts";
import { Workers, type WorkerSettings } from "./workers.ts";

export type ServerState = "PRE_INITIALIZING" | "INITIALIZING" | "LIVE" | "DRAINING";

export interface ServerOptions extends WorkerSettings {
  /** `--drain-time-s`; null when it was not given. */
  readonly drainTimeMs: number | null;
  readonly drainStrategy: DrainStrategy;
  readonly plugins: PluginRegistry;
}

export interface StartFailure {
  readonly ok: false;
  readonly problems: readonly string[];
}
export type StartResult = { readonly ok: true } | StartFailure;

const STOPPED: StartFailure = { ok: false, problems: ["the server was stopped meanwhile"] };

/** Workers that do not answer in this time are left out of statistics that are asked for. */
const STATS_LIMIT_MS = 200;
/** A worker that does not stop by itself within this time is ended. */
const STOP_LIMIT_MS = 1000;

export class Server {
  readonly #options: ServerOptions;
  readonly #logger: Logger;
  readonly stats: StatsStore;
  readonly #serverStats: ServerStats;
  readonly #workers: Workers;
  readonly #ports = new ListenPorts();
  readonly #drain: ServerDrain;
  readonly #endpointFiles: EndpointFiles;
  readonly runtime: RuntimeLayers;
  readonly #overload: ServerOverload;
  #state: ServerState = "PRE_INITIALIZING";
  #stopped = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    const { platform, concurrency, drainTimeMs } = options;
    const logger = this.#logger = options.logs.logger("main");
    // Column 0 is this thread's; the workers' follow.
    this.stats = StatsStore.create(concurrency + 1);
    const serverStats = this.#serverStats = new ServerStats(
      platform,
      this.stats,
      () => void this.callAll("publishStats", undefined),
    );
    this.#workers = new Workers({
      settings: options,
      drainTimeMs: drainTimeMs ?? DEFAULT_DRAIN_MS,
      stats: this.stats,
      logger,
      onBug: () => serverStats.bug.inc(),
      onWorkerReplaced: () => serverStats.workerReplaced.inc(),
    });
    this.#drain = new ServerDrain({
      clock: platform.clock,
      logger,
      workers: this.#workers,
      drainTimeMs,
      strategy: options.drainStrategy,
    });
    const open = openConnectionsIn(this.stats);
    this.#overload = new ServerOverload({
      platform,
      stats: this.stats,
      logger,
      proxy: {
        openConnections: () => open.value,
        runtimeInteger: (key, otherwise) => new Runtime(this.runtime.values).integer(key, otherwise),
      },
      onShrinkHeap: () => {
        platform.collectGarbage();
        this.#workers.shrinkHeaps();
      },
    });
    this.#endpointFiles = new EndpointFiles({
      watcher: createFileWatcher(platform, logger),
      logger,
      stats: this.stats,
      onEndpoints: (clusterName, endpoints) => void this.#updateEndpoints(clusterName, endpoints),
    });
    this.runtime = new RuntimeLayers({
      platform,
      watcher: createLinkWatcher(platform, logger),
      logger: options.logs.logger("runtime"),
      stats: this.stats,
      onChange: () => void this.#publishRuntime(),
    });
  }

  /** Failing health checks look like a drain from outside, as in Envoy. */
  get state(): ServerState {
    return this.#state === "LIVE" && this.#workers.healthChecksFail ? "DRAINING" : this.#state;
  }

  get uptimeMs(): number {
    return this.#serverStats.uptimeMs;
  }

  get concurrency(): number {
    return this.#options.concurrency;
  }

  get snapshot(): Snapshot | null {
    return this.#workers.snapshot;
  }

  get node(): NodeIdentity | null {
    return this.snapshot?.node ?? null;
  }

  get plugins(): PluginRegistry {
    return this.#options.plugins;
  }

  /** Serves a plan. With problems nothing is left running. */
  async start(plan: BootstrapPlan): Promise<StartResult> {
    // Clusters that warm may have nothing but timers, which keep no process.
    const hold = this.#options.platform.holdProcess();
    try {
      const started = await this.#start(plan);
      if (!started.ok) await this.stop();
      return started;
    } finally {
      hold.close();
    }
  }

  async #start(plan: BootstrapPlan): Promise<StartResult> {
    this.#state = "INITIALIZING";
    const bound = await this.#ports.resolve(plan.listeners, []);
    if (!bound.ok) return bound;
    try {
      return await this.#serve(plan, bound.listeners);
    } finally {
      await bound.release();
    }
  }

  async #serve(plan: BootstrapPlan, listeners: readonly ListenerPlan[]): Promise<StartResult> {
    if (this.#stopped) return STOPPED;
    this.plugins.commit();
    this.runtime.use(plan.runtimeLayers, plan.node.cluster);
    const problems = await this.#workers.start();
    if (problems.length === 0) problems.push(...await this.#workers.apply(this.#contentOf(plan, listeners)));
    if (problems.length > 0) return { ok: false, problems };
    if (this.#stopped) return STOPPED;
    this.#state = "LIVE";
    this.#adopt(plan);
    this.#serverStats.start(this.concurrency, this.snapshot!);
    this.plugins.countFetchesIn(this.stats.scope("wasm"));
    return { ok: true };
  }

  /**
   * Serves the plan that was loaded last instead of the one before. What did not change goes on untouched; listeners
   * that did keep their sockets, and their connections drain. With problems everything is as it was. One at a time.
   */
  async reload(plan: BootstrapPlan): Promise<StartResult> {
    const bound = await this.#ports.resolve(plan.listeners, this.snapshot?.listeners ?? []);
    if (!bound.ok) return this.refuseReload(bound.problems);
    try {
      return await this.#replace(plan, bound.listeners);
    } finally {
      await bound.release();
    }
  }

  async #replace(plan: BootstrapPlan, listeners: readonly ListenerPlan[]): Promise<StartResult> {
    const before = this.snapshot;
    if (before === null || this.#state !== "LIVE") {
      return this.refuseReload([`the server is ${this.#state}: only one that is LIVE takes a configuration`]);
    }
    const restorePlugins = this.plugins.commit();
    const restoreRuntime = this.runtime.use(plan.runtimeLayers, plan.node.cluster);
    const problems = await this.#workers.apply(this.#contentOf(plan, listeners));
    if (this.#stopped) return this.refuseReload(STOPPED.problems);
    if (problems.length > 0) {
      restorePlugins();
      restoreRuntime();
      await this.#workers.apply({ ...before, runtime: this.runtime.values, plugins: this.plugins.snapshots });
      return this.refuseReload(problems);
    }
    this.#adopt(plan);
    const after = this.snapshot!;
    this.#serverStats.onReload(before, after);
    this.#logger.info("another configuration serves", { generation: after.generation });
    return { ok: true };
  }

  /** The main thread's own part of a plan that workers serve. */
  #adopt(plan: BootstrapPlan): void {
    this.#serverStats.flushIntervalMs = plan.statsFlushIntervalMs;
    this.#endpointFiles.watch(plan.clusters);
    this.#overload.adopt(plan.overload);
  }

  /** Counts and notes a configuration that is not taken. */
  refuseReload(problems: readonly string[]): StartFailure {
    this.#serverStats.configReloadRejected.inc();
    this.#logger.error("a configuration was refused: the one before goes on", { problems });
    return { ok: false, problems };
  }

  #contentOf(plan: BootstrapPlan, listeners: readonly ListenerPlan[]): Omit<Snapshot, "generation"> {
    return {
      runtime: this.runtime.values,
      node: plan.node,
      localClusterName: plan.localClusterName,
      listeners,
      clusters: plan.clusters,
      plugins: this.plugins.snapshots,
      outlierEventLog: plan.outlierEventLog,
      globalConnectionLimit: plan.globalConnectionLimit,
      overload: this.#overload.handleOf(plan.overload),
      extensions: plan.extensions,
      nativeModules: plan.nativeModules,
    };
  }

  /** Calls every worker. */
  callAll<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>[]> {
    return this.#workers.callAll(name, argument);
  }

  /** Calls every worker, and says which of them gave which answer. A worker that died meanwhile gives none. */
  callEach<Name extends CallName>(
    name: Name,
    argument: CallArgument<Name>,
  ): Promise<{ readonly worker: number; readonly value: CallResult<Name> }[]> {
    return this.#workers.callEach(name, argument);
  }

  /** Gives a plugin's new code to all workers, or to none: then they have the previous one as `next.version + 1`. */
  publishPlugin(next: WasmPluginSnapshot, previous: WasmPluginSnapshot): Promise<string | null> {
    return rollOutPlugin(this.#workers, this.stats, next, previous);
  }

  /** Sets runtime values on all workers, and removes those that are empty; gives what is wrong with them, or null. */
  async modifyRuntime(values: Iterable<readonly [string, string]>): Promise<string | null> {
    const problem = this.runtime.merge(values);
    if (problem === null) await this.#publishRuntime();
    return problem;
  }

  async #publishRuntime(): Promise<void> {
    const { values } = this.runtime;
    this.#workers.amend({ runtime: values });
    await this.callAll("setRuntime", values);
  }

  /** Gives all workers other endpoints of a cluster, and those that come later. */
  async #updateEndpoints(clusterName: string, endpoints: EndpointsPlan): Promise<void> {
    const clusters = this.snapshot?.clusters.map((plan) =>
      plan.name === clusterName && plan.eds !== null ? { ...plan, eds: { ...plan.eds, initial: endpoints } } : plan
    );
    if (clusters === undefined) return;
    this.#workers.amend({ clusters });
    await this.callAll("updateEndpoints", { clusterName, endpoints });
  }

  /** Has workers bring up to date what they count for themselves. */
  async refreshStats(): Promise<void> {
    await within(this.#options.platform.clock, STATS_LIMIT_MS, this.callAll("publishStats", undefined));
  }

  activity(): Promise<WorkerActivity> {
    return this.#workers.activity();
  }

  /** `/drain_listeners`. */
  drainListeners(order: ListenerDrain): Promise<void> {
    return this.#drain.listeners(order);
  }

  /** `/healthcheck/fail` and `/healthcheck/ok`: while they fail, every response is its connection's last one. */
  async failHealthChecks(fail: boolean): Promise<void> {
    this.#serverStats.live = !fail;
    await this.#workers.failHealthChecks(fail);
  }

  /** Takes no new work; settles once no stream is active, at the latest after the drain time. */
  async drainForExit(): Promise<void> {
    this.#state = "DRAINING";
    await this.#drain.forExit();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#state = "DRAINING";
    this.#serverStats.stop();
    this.#overload.stop();
    this.#endpointFiles.close();
    this.runtime.close();
    await within(this.#options.platform.clock, STOP_LIMIT_MS, this.callAll("stop", undefined));
    await this.#workers.close();
    this.plugins.close();
    this.#options.logs.flushRepeats();
  }

  async setLogLevels(levels: LogLevels): Promise<void> {
    this.#options.logs.setLevels(levels);
    await this.#workers.setLogLevels(levels);
  }
}
