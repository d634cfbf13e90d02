// host/server/worker.ts: one worker: carries out what the main thread asks of it.
/**
 * Workers share nothing but memory made for it: each binds its own sockets (reusePort), keeps its own pools
 * and VMs. The same class runs in a thread (`worker_main.ts`) and in process.
 *
 * @see Envoy: source/server/worker_impl.cc
 * @module
 */
import { Runtime, type RuntimeEntries } from "../base/runtime.ts";
import { xxHashReady } from "../base/xxhash.ts";
import { ClusterGrpcCalls } from "../extensions/common/wasm/grpc_calls.ts";
import { ClusterHttpCalls } from "../extensions/common/wasm/http_calls.ts";
import { WasmPlugins, type WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { FormatWorld } from "../observe/formatter.ts";
import type { LogLevels } from "../observe/log.ts";
import { AsyncClient } from "../router/async_client/async_client.ts";
import type { NameChange } from "../upstream/discovery/name_exchange.ts";
import type { HostHealthChange } from "../upstream/health/exchange.ts";
import { clusterStatus } from "../upstream/view.ts";
import { MAX_VMS } from "../wasm/mod.ts";
import { StreamResets } from "./overload/stream_resets.ts";
import { SharedCounts } from "./shared_counts.ts";
import type { Snapshot } from "./snapshot.ts";
import { WorkerClusters } from "./worker_clusters.ts";
import type { WorkerEnvironment } from "./worker_environment.ts";
import { WorkerExtensions } from "./worker_extensions.ts";
import { WorkerListeners } from "./worker_listeners.ts";
import type {
  ApplyOutcome,
  DrainOrder,
  EndpointsUpdate,
  SwapOutcome,
  WorkerActivity,
  WorkerCalls,
} from "./worker_protocol.ts";

/** VMs that each of many workers may have at least; else they share what a process may have. */
const LEAST_VMS = 64;

export class Worker {
  readonly #environment: WorkerEnvironment;
  readonly #runtime = new Runtime();
  readonly #counts: SharedCounts;
  readonly #clusters: WorkerClusters;
  readonly #plugins: WasmPlugins;
  readonly #extensions: WorkerExtensions;
  readonly #listeners: WorkerListeners;
  readonly #streamResets: StreamResets;
  #stopped = false;

  constructor(environment: WorkerEnvironment) {
    this.#environment = environment;
    const { clock, random, stats, concurrency } = environment;
    const world: FormatWorld = {
      hostname: environment.hostname,
      environment: (name) => environment.env(name),
      clock,
      random,
    };
    this.#counts = new SharedCounts(stats, concurrency);
    this.#clusters = new WorkerClusters(environment, world, this.#runtime, this.#counts);
    const clusters = this.#clusters.manager;
    const asyncClient = new AsyncClient(clusters, clock, environment.localAddress);
    this.#plugins = new WasmPlugins({
      clock,
      random,
      stats,
      httpCalls: new ClusterHttpCalls(asyncClient),
      grpc: new ClusterGrpcCalls(clusters, asyncClient),
      clusterFacts: (name) => clusters.get(name),
      logger: environment.logger("wasm"),
      shared: environment.shared,
      maxVms: Math.max(LEAST_VMS, Math.floor(MAX_VMS / concurrency)),
    });
    this.#extensions = new WorkerExtensions({
      environment,
      world,
      runtime: this.#runtime,
      clusters,
      asyncClient,
      plugins: this.#plugins,
    });
    this.#listeners = new WorkerListeners(environment, this.#extensions, this.#runtime, this.#counts);
    this.#streamResets = new StreamResets({
      clock,
      stats,
      logger: environment.logger("main"),
      accounts: () => this.#listeners.accounts(),
    });
  }

  /** Carries out a call of main's. */
  async handle<Name extends keyof WorkerCalls>(
    name: Name,
    argument: Parameters<WorkerCalls[Name]>[0],
  ): Promise<ReturnType<WorkerCalls[Name]>> {
    const result = await this.#dispatch(name, argument);
    return result as ReturnType<WorkerCalls[Name]>;
  }

  #dispatch(name: keyof WorkerCalls, argument: unknown): unknown {
    switch (name) {
      case "apply":
        return this.#apply(argument as Snapshot);
      case "swapPlugin":
        return this.#swapPlugin(argument as WasmPluginSnapshot);
      case "drain":
        this.#listeners.drain(argument as DrainOrder);
        return null;
      case "setRuntime":
        this.#runtime.replace(argument as RuntimeEntries);
        return null;
      case "updateEndpoints": {
        const { clusterName, endpoints } = argument as EndpointsUpdate;
        this.#clusters.manager.updateEndpoints(clusterName, endpoints);
        return null;
      }
      case "closeIdle":
        this.#listeners.closeIdle();
        return null;
      case "stop":
        this.stop();
        return null;
      case "activity":
        return this.#activity();
      case "clusters":
        return [...this.#clusters.manager.clusters()].map((cluster) => clusterStatus(cluster));
      case "plugins":
        return this.#plugins.status();
      case "publishStats":
        this.#plugins.publishStats();
        return null;
      case "setLogLevels":
        this.#environment.setLogLevels(argument as LogLevels);
        return null;
      case "reopenLogs":
        this.#extensions.reopenLogs();
        this.#clusters.reopenLogs();
        return null;
      case "failHealthChecks":
        this.#listeners.failHealthChecks(argument as boolean);
        return null;
      case "shrinkHeap":
        this.#environment.collectGarbage();
        return null;
      case "hostHealth":
        this.#clusters.receiveHealth(argument as readonly HostHealthChange[]);
        return null;
      case "names":
        this.#clusters.receiveNames(argument as readonly NameChange[]);
        return null;
    }
  }

  async #apply(snapshot: Snapshot): Promise<ApplyOutcome> {
    const outcome = await this.#serve(snapshot);
    // What came after the end goes, too.
    if (this.#stopped) this.stop();
    return outcome;
  }

  async #serve(snapshot: Snapshot): Promise<ApplyOutcome> {
    this.#runtime.replace(snapshot.runtime);
    await xxHashReady;
    const extensions = await this.#extensions.load(snapshot);
    if (!extensions.ok) return extensions;
    // Plugins may call clusters while they are configured.
    const { overload } = this.#extensions;
    await this.#clusters.update(snapshot, this.#extensions.upstreamContext(extensions.loaded), overload);
    this.#streamResets.update(overload);
    await this.#plugins.prepare(snapshot.plugins.map(({ module }) => module));
    const problems = this.#plugins.update(snapshot.plugins, snapshot.node);
    if (problems.length > 0) return { ok: false, problems };
    const outcome = await this.#listeners.apply(snapshot, extensions.loaded);
    this.#counts.hide();
    return outcome;
  }

  async #swapPlugin(plugin: WasmPluginSnapshot): Promise<SwapOutcome> {
    await this.#plugins.prepare([plugin.module]);
    return this.#plugins.swap(plugin);
  }

  #activity(): WorkerActivity {
    return {
      ...this.#listeners.activity(),
      drainingClusters: this.#clusters.manager.drainingCount,
      armedTimers: this.#environment.clock.armedTimers,
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#streamResets.stop();
    this.#listeners.close();
    this.#clusters.close();
    this.#plugins.close();
    this.#extensions.close();
  }
}
