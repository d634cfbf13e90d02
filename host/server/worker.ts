// host/server/worker.ts: one worker: its listeners, clusters and filters, generation after generation.
/**
 * Workers share nothing but memory made for it: each binds its own sockets (reusePort), keeps its own pools
 * and VMs. The same class runs in a thread (`worker_main.ts`) and in process.
 *
 * @see Envoy: source/server/worker_impl.cc, source/common/listener_manager/listener_manager_impl.cc
 * @module
 */
import { xxHashReady } from "../base/xxhash.ts";
import type { TimerClock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { UPSTREAM_SCOPE } from "../extensions/common/upstream_filters.ts";
import type { NativeFilters } from "../extensions/common/native/filter.ts";
import { NativeFilterModules } from "../extensions/common/native/modules.ts";
import { ClusterGrpcCalls } from "../extensions/common/wasm/grpc_calls.ts";
import { ClusterHttpCalls } from "../extensions/common/wasm/http_calls.ts";
import type { WasmPluginStatus } from "../extensions/common/wasm/plugin_status.ts";
import { WasmPlugins, type WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { LogFile } from "../extensions/access_loggers/common/log_file.ts";
import type {
  AccessLogFilterModule,
  AccessLogModule,
  DrainableConnection,
  ExtensionRow,
  FactoryContext,
  HttpFilterModule,
  ListenerScope,
  NetworkFilterModule,
} from "../extensions/define.ts";
import { ACCESS_LOG_FILTERS, ACCESS_LOGGERS, HTTP_FILTERS, NETWORK_FILTERS } from "../extensions/standard.ts";
import { HttpDate } from "../http/date.ts";
import { scaledTimers } from "../http/overload.ts";
import type { AccessLogger, DrainDecision } from "../http/conn_manager_config.ts";
import type { SocketConnection } from "../net/connection.ts";
import { DnsResolvers } from "../net/dns_resolvers.ts";
import { DnsStats } from "../net/dns_stats.ts";
import { CloseType } from "../net/filter.ts";
import { CountedConnectionLimit } from "../net/connection_limit.ts";
import { Listener } from "../net/listener.ts";
import { acceptOverload, type OverloadHandle, OverloadState } from "../net/overload.ts";
import type { ListenerPlan } from "../net/plan.ts";
import { compileFormat, type FormatWorld } from "../observe/formatter.ts";
import type { Logger } from "../observe/log.ts";
import type { StatsStore } from "../observe/stats.ts";
import { GaugeCount, LocalCount, type SharedCount } from "../upstream/circuit_breaker.ts";
import { createClientCodec } from "../upstream/client_codec.ts";
import { ClusterManager } from "../upstream/cluster_manager.ts";
import { SocketDialer } from "../upstream/dialer.ts";
import { type HostHealthChange, HostHealthExchange } from "../upstream/health/exchange.ts";
import { type ClusterStatus, clusterStatus } from "../upstream/view.ts";
import { MAX_VMS, type SharedStorePort } from "../wasm/mod.ts";
import { DrainManager } from "./drain.ts";
import { EventFiles } from "./event_files.ts";
import type { LogLevels } from "../observe/log.ts";
import { buildChain, type ServedChain } from "./served_chain.ts";
import type { Snapshot } from "./snapshot.ts";
import type {
  ApplyOutcome,
  DrainOrder,
  EndpointsUpdate,
  SwapOutcome,
  WorkerActivity,
  WorkerCalls,
} from "./worker_protocol.ts";

/** What a worker gets from the thread that it runs in. */
export interface WorkerEnvironment {
  readonly index: number;
  readonly concurrency: number;
  readonly clock: TimerClock;
  readonly random: Random;
  readonly stats: StatsStore;
  readonly hostname: string;
  /** This machine's own address, for x-forwarded-for. */
  readonly localAddress: string;
  env(name: string): string | undefined;
  logger(component: string): Logger;
  setLogLevels(levels: LogLevels): void;
  /** Flush interval and size of access logs. */
  readonly accessLog: AccessLogSettings;
  /** How long the connections of a listener that was replaced or removed may take to end. */
  readonly drainTimeMs: number;
  readonly shared: SharedStorePort;
  /** Native filters of the program that this worker runs in; null in a thread of its own, which imports them. */
  readonly nativeFilters: NativeFilters | null;
  /** Tells the other workers; absent when there are none. */
  readonly publishHostHealth?: (changes: readonly HostHealthChange[]) => void;
  /** Gives back what this thread's heap does not use. */
  collectGarbage(): void;
  onBug(error: unknown): void;
}

export interface AccessLogSettings {
  readonly flushIntervalMs: number;
  readonly flushBytes: number;
}

const SHARED_COUNTS = "nuncio.shared_counts.";
/** Connections that all listeners have open. */
export const OPEN_CONNECTIONS = "nuncio.shared_counts.listeners";

/** Connections of a retired listener on which nothing happens are closed after this long, not at once: a request
 * may be on its way. */
const RETIRED_IDLE_CLOSE_MS = 5000;
/** Filters of clusters belong to no listener. */
const UPSTREAM_LISTENER = { ...UPSTREAM_SCOPE, perConnectionBufferLimitBytes: 0, bypassesOverloadManager: true };
/** VMs that each of many workers may have at least; else they share what a process may have. */
const LEAST_VMS = 64;
const NEVER_DRAINS: DrainDecision = { drainClose: () => false };

interface ServedListener {
  readonly key: string;
  readonly listener: Listener<ServedChain>;
  readonly drain: DrainManager;
  readonly plan: ListenerPlan;
}

interface Modules {
  readonly http: ReadonlyMap<string, HttpFilterModule>;
  readonly network: ReadonlyMap<string, NetworkFilterModule>;
  readonly accessLog: ReadonlyMap<string, AccessLogModule>;
  readonly accessLogFilter: ReadonlyMap<string, AccessLogFilterModule>;
}

export class Worker {
  readonly #environment: WorkerEnvironment;
  readonly #hostHealth: HostHealthExchange;
  /** Lines that the primary worker writes of ejections. */
  #outlierEventLog: LogFile | null = null;
  readonly #eventFiles: EventFiles;
  readonly #world: FormatWorld;
  readonly #clusters: ClusterManager;
  readonly #plugins: WasmPlugins;
  readonly #dates: HttpDate;
  readonly #nativeModules = new NativeFilterModules();
  readonly #listeners = new Map<string, ServedListener>();
  /** Listeners that were replaced or removed and still have connections. */
  readonly #retired = new Set<ServedListener>();
  readonly #served = new WeakMap<SocketConnection, DrainableConnection>();
  readonly #accessLoggers = new Map<string, AccessLogger & { reopen?(): void; close?(): void }>();
  /** What filters of clusters are made with; from the newest generation. */
  #upstreamContext: FactoryContext | null = null;
  /** Of all listeners, but for those that it does not concern. */
  readonly #globalConnectionLimit: CountedConnectionLimit;
  #overload: OverloadState | null = null;
  #healthChecksFail = false;

  constructor(environment: WorkerEnvironment) {
    this.#environment = environment;
    const { clock, random, stats } = environment;
    this.#dates = new HttpDate(clock);
    this.#world = {
      hostname: environment.hostname,
      environment: (name) => environment.env(name),
      clock,
      random,
    };
    this.#eventFiles = new EventFiles({
      clock,
      stats,
      logger: environment.logger("upstream"),
      ...environment.accessLog,
    });
    this.#hostHealth = new HostHealthExchange(clock, environment.publishHostHealth ?? null);
    const formats = (text: string) => compileFormat(text, this.#world, { omitEmptyValues: true });
    this.#clusters = new ClusterManager({
      clock,
      random,
      stats,
      dialer: new SocketDialer(clock, (error) => environment.onBug(error)),
      dns: new DnsResolvers({ clock, random, stats: new DnsStats(stats) }),
      createClientCodec,
      compileFormat: formats,
      // Limits hold for the process: several workers count together, in gauges that no listing shows.
      ...(environment.concurrency > 1 && {
        createCount: (cluster: string, resource: string) => this.#createCount(`${cluster}.${resource}`),
      }),
      ...(environment.concurrency > 1 && {
        createCells: (name: string, count: number) => stats.cells(name, count),
      }),
      writeOutlierEvent: (line) => this.#outlierEventLog?.write(line),
      primary: environment.index === 0,
      hostHealth: this.#hostHealth,
      // One worker checks for all.
      ...(environment.index === 0 && {
        healthChecks: {
          compileFormat: formats,
          openEventFile: (path: string) => this.#eventFiles.open(path),
        },
      }),
      createHttpFilters: (plans, scope) => this.#upstreamContext!.createHttpFilters(plans, scope),
    });
    // Main reads it, too, so it is a gauge also where there is one worker.
    const open = new GaugeCount(stats.gauge(OPEN_CONNECTIONS));
    this.#globalConnectionLimit = new CountedConnectionLimit(Infinity, open);
    this.#plugins = new WasmPlugins({
      clock,
      random,
      stats,
      httpCalls: new ClusterHttpCalls(this.#clusters, clock),
      grpc: new ClusterGrpcCalls(this.#clusters, clock),
      clusterFacts: (name) => this.#clusters.get(name),
      logger: environment.logger("wasm"),
      shared: environment.shared,
      maxVms: Math.max(LEAST_VMS, Math.floor(MAX_VMS / environment.concurrency)),
    });
  }

  /** A number that all workers share. */
  #createCount(name: string): SharedCount {
    const { concurrency, stats } = this.#environment;
    return concurrency > 1 ? new GaugeCount(stats.gauge(SHARED_COUNTS + name)) : new LocalCount();
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
        return this.apply(argument as Snapshot);
      case "swapPlugin":
        return this.swapPlugin(argument as WasmPluginSnapshot);
      case "drain":
        return this.drain(argument as DrainOrder);
      case "updateEndpoints":
        return this.updateEndpoints(argument as EndpointsUpdate);
      case "closeIdle":
        return this.closeIdle();
      case "stop":
        return this.stop();
      case "activity":
        return this.activity();
      case "clusters":
        return this.clusters();
      case "plugins":
        return this.plugins();
      case "publishStats":
        this.#plugins.publishStats();
        return null;
      case "setLogLevels":
        this.#environment.setLogLevels(argument as LogLevels);
        return null;
      case "reopenLogs":
        for (const logger of this.#accessLoggers.values()) logger.reopen?.();
        this.#eventFiles.reopen();
        return null;
      case "failHealthChecks":
        return this.failHealthChecks(argument as boolean);
      case "shrinkHeap":
        this.#environment.collectGarbage();
        return null;
      case "hostHealth":
        this.#hostHealth.receive(argument as readonly HostHealthChange[]);
        return null;
    }
  }

  async apply(snapshot: Snapshot): Promise<ApplyOutcome> {
    await xxHashReady;
    const modules = await loadModules(snapshot);
    if (this.#environment.nativeFilters === null) {
      const missing = await this.#nativeModules.load(snapshot.nativeModules);
      if (missing.length > 0) return { ok: false, problems: missing };
    }
    this.#upstreamContext = this.#factoryContext(UPSTREAM_LISTENER, snapshot, modules, NEVER_DRAINS);
    const { outlierEventLog } = snapshot;
    this.#outlierEventLog = outlierEventLog === null ? null : this.#eventFiles.open(outlierEventLog);
    this.#globalConnectionLimit.limit = snapshot.globalConnectionLimit ?? Infinity;
    this.#takeOverload(snapshot.overload);
    this.#clusters.locate(snapshot.node, snapshot.localClusterName);
    // Plugins may call clusters while they are configured.
    await new Promise<void>((resolve) => void this.#clusters.update(snapshot.clusters, resolve));
    await this.#plugins.prepare(snapshot.plugins.map(({ module }) => module));
    const problems = this.#plugins.update(snapshot.plugins, snapshot.node);
    if (problems.length > 0) return { ok: false, problems };
    this.#environment.stats.hide(SHARED_COUNTS);
    return await this.#applyListeners(snapshot, modules);
  }

  async swapPlugin(plugin: WasmPluginSnapshot): Promise<SwapOutcome> {
    await this.#plugins.prepare([plugin.module]);
    return this.#plugins.swap(plugin);
  }

  drain(order: DrainOrder): null {
    for (const served of this.#listeners.values()) {
      if (order.inboundOnly && served.plan.trafficDirection !== "INBOUND") continue;
      if (order.strategy !== null) served.drain.start(order.strategy, order.durationMs);
      if (order.stopAccepting) served.listener.stopAccepting();
    }
    return null;
  }

  failHealthChecks(fail: boolean): null {
    this.#healthChecksFail = fail;
    for (const served of this.#listeners.values()) served.drain.healthChecksFail = fail;
    return null;
  }

  updateEndpoints({ clusterName, endpoints }: EndpointsUpdate): null {
    this.#clusters.updateEndpoints(clusterName, endpoints);
    return null;
  }

  closeIdle(): null {
    this.#closeIdle(this.#connections());
    return null;
  }

  #closeIdle(connections: Iterable<SocketConnection>): void {
    for (const connection of connections) {
      const served = this.#served.get(connection);
      if (served !== undefined && served.idle) served.drain();
    }
  }

  stop(): null {
    for (const served of [...this.#listeners.values(), ...this.#retired]) {
      served.listener.closeAll(CloseType.NoFlush, "server stopped");
    }
    this.#listeners.clear();
    this.#retired.clear();
    this.#clusters.close();
    this.#plugins.close();
    for (const logger of this.#accessLoggers.values()) logger.close?.();
    this.#accessLoggers.clear();
    this.#eventFiles.close();
    return null;
  }

  activity(): WorkerActivity {
    let connections = 0;
    let streams = 0;
    for (const connection of this.#connections()) {
      connections++;
      streams += this.#served.get(connection)?.activeStreams ?? 0;
    }
    return {
      connections,
      streams,
      drainingClusters: this.#clusters.drainingCount,
      armedTimers: this.#environment.clock.armedTimers,
    };
  }

  clusters(): ClusterStatus[] {
    return [...this.#clusters.clusters()].map((cluster) => clusterStatus(cluster));
  }

  plugins(): WasmPluginStatus[] {
    return this.#plugins.status();
  }

  /** The same one through all generations: what is measured is set when the process starts. */
  #takeOverload(handle: OverloadHandle | null): void {
    const { random, stats } = this.#environment;
    if (handle !== null) this.#overload ??= new OverloadState(handle, random, stats);
  }

  *#connections(): Generator<SocketConnection> {
    for (const served of this.#listeners.values()) yield* served.listener.connections;
    for (const served of this.#retired) yield* served.listener.connections;
  }

  /** All new listeners, or none: what served before goes on until nothing can fail any more. */
  async #applyListeners(snapshot: Snapshot, modules: Modules): Promise<ApplyOutcome> {
    const names = new Set(snapshot.listeners.map((plan) => plan.name));
    const retired = [...this.#listeners.values()].filter((served) => !names.has(served.plan.name));
    const added: ServedListener[] = [];
    for (const plan of snapshot.listeners) {
      const key = JSON.stringify(plan, (_name, value) => value instanceof Uint8Array ? [...value] : value as unknown);
      const before = this.#listeners.get(plan.name);
      if (before?.key === key) continue;
      if (before !== undefined) retired.push(before);
      added.push(this.#createListener(key, plan, snapshot, modules));
    }
    const predecessors = retired.map((served) => served.listener);
    const problems: string[] = [];
    for (const { listener, plan } of added) {
      const result = await listener.listen(predecessors);
      if (!result.ok) problems.push(`listener '${plan.name}': ${result.message}`);
    }
    if (problems.length > 0) {
      for (const { listener } of added) listener.closeAll(CloseType.NoFlush, "the configuration was refused");
      return { ok: false, problems };
    }
    for (const { listener } of added) listener.takeOver();
    for (const served of retired) this.#retire(served);
    for (const served of added) this.#listeners.set(served.plan.name, served);
    return { ok: true };
  }

  #createListener(key: string, plan: ListenerPlan, snapshot: Snapshot, modules: Modules): ServedListener {
    const { clock, random, stats } = this.#environment;
    const drain = new DrainManager(clock, random, plan.drainType);
    drain.healthChecksFail = this.#healthChecksFail;
    const context = this.#factoryContext(plan, snapshot, modules, drain);
    const chains = plan.filterChains.map((chain) => buildChain(chain, modules.network, context));
    const fallback = plan.defaultFilterChain === null
      ? null
      : buildChain(plan.defaultFilterChain, modules.network, context);
    const scope = stats.scope(`listener.${plan.statPrefix}`);
    const listener = new Listener<ServedChain>({
      plan,
      clock,
      stats: scope,
      workerStats: scope.scope(`worker_${this.#environment.index}`),
      filterChains: chains,
      defaultFilterChain: fallback,
      ...(plan.connectionLimit !== null && {
        connectionLimit: new CountedConnectionLimit(plan.connectionLimit, this.#createCount(`listener.${plan.name}`)),
      }),
      ...(!plan.ignoresGlobalConnectionLimit && { globalConnectionLimit: this.#globalConnectionLimit }),
      overload: acceptOverload(context.overload),
      handshakeTimers: scaledTimers(context.overload, "transport_socket_connect", clock),
      onConnection: (connection, chain) => {
        connection.setBufferLimitBytes(plan.perConnectionBufferLimitBytes);
        this.#served.set(connection, chain.serve(connection));
      },
      onBug: (error) => this.#environment.onBug(error),
    });
    return { key, listener, drain, plan };
  }

  /** Lets a listener's connections finish, within the drain time, and forgets it when they have. */
  #retire(served: ServedListener): void {
    const { clock, drainTimeMs } = this.#environment;
    this.#listeners.delete(served.plan.name);
    this.#retired.add(served);
    served.drain.start("immediate", 0);
    served.listener.stopAccepting();
    const closeIdle = clock.createTimer(() => this.#closeIdle(served.listener.connections));
    const closeAll = clock.createTimer(() => served.listener.closeAll(CloseType.FlushWrite, "drained"));
    closeIdle.enable(Math.min(RETIRED_IDLE_CLOSE_MS, drainTimeMs));
    closeAll.enable(drainTimeMs);
    served.listener.onIdle(() => {
      closeIdle.disable();
      closeAll.disable();
      this.#retired.delete(served);
    });
  }

  #factoryContext(
    plan: ListenerScope & Pick<ListenerPlan, "perConnectionBufferLimitBytes" | "bypassesOverloadManager">,
    snapshot: Snapshot,
    modules: Modules,
    drain: DrainDecision,
  ): FactoryContext {
    const environment = this.#environment;
    const listener: ListenerScope = {
      name: plan.name,
      statPrefix: plan.statPrefix,
      trafficDirection: plan.trafficDirection,
      ...(plan.metadata === undefined ? {} : { metadata: plan.metadata }),
    };
    const context: FactoryContext = {
      clock: environment.clock,
      random: environment.random,
      dates: this.#dates,
      stats: environment.stats,
      clusters: this.#clusters,
      wasm: this.#plugins,
      listener,
      world: this.#world,
      accessLogSettings: environment.accessLog,
      localAddress: environment.localAddress,
      serviceCluster: snapshot.node.cluster,
      serviceNode: snapshot.node.id,
      bufferLimitBytes: plan.perConnectionBufferLimitBytes,
      drain,
      overload: plan.bypassesOverloadManager ? null : this.#overload,
      logger: (component) => environment.logger(component),
      nativeFilter: ({ id, module }) =>
        environment.nativeFilters?.get(id) ?? (module === null ? null : this.#nativeModules.get(module)),
      createHttpFilters: (uses, httpStats) => {
        const httpContext = { ...context, httpStats };
        return uses.map((use) => ({
          name: use.name,
          disabled: use.disabled,
          terminal: use.terminal,
          create: modules.http.get(use.extension)!.create(use, httpContext),
        }));
      },
      createAccessLoggers: (plans) =>
        plans.map((each) => {
          // One logger for one plan: two chains that log to one file share its buffer.
          const key = JSON.stringify(each);
          let logger = this.#accessLoggers.get(key);
          if (logger === undefined) {
            logger = modules.accessLog.get(each.extension)!.create(each.plan, context);
            this.#accessLoggers.set(key, logger);
          }
          return logger;
        }),
      createAccessLogFilter: (each) => modules.accessLogFilter.get(each.extension)!.create(each.plan, context),
    };
    return context;
  }
}

async function loadModules(snapshot: Snapshot): Promise<Modules> {
  const { extensions } = snapshot;
  const [http, network, accessLog, accessLogFilter] = await Promise.all([
    loadNamed(HTTP_FILTERS, extensions.httpFilters),
    loadNamed(NETWORK_FILTERS, extensions.networkFilters),
    loadNamed(ACCESS_LOGGERS, extensions.accessLoggers),
    loadNamed(ACCESS_LOG_FILTERS, extensions.accessLogFilters),
  ]);
  return { http, network, accessLog, accessLogFilter };
}

async function loadNamed<Module>(
  rows: readonly ExtensionRow<unknown, Module>[],
  names: readonly string[],
): Promise<ReadonlyMap<string, Module>> {
  const wanted = rows.filter((row) => names.includes(row.name));
  return new Map(await Promise.all(wanted.map(async (row) => [row.name, await row.load()] as const)));
}
