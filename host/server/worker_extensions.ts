// host/server/worker_extensions.ts: makes a worker's filters and access loggers of their plans.
/**
 * A generation names the extensions that it uses; only their code is loaded. Native filters outlive generations;
 * access loggers, as long as something logs with them.
 *
 * @module
 */
import type { Runtime } from "../base/runtime.ts";
import { UPSTREAM_SCOPE } from "../extensions/common/upstream_filters.ts";
import { NativeFilterModules } from "../extensions/common/native/modules.ts";
import type { WasmPlugins } from "../extensions/common/wasm/plugins.ts";
import type {
  AccessLogFilterModule,
  AccessLogModule,
  ExtensionRow,
  FactoryContext,
  HttpFilterModule,
  ListenerScope,
  NetworkFilterModule,
} from "../extensions/define.ts";
import { ACCESS_LOG_FILTERS, ACCESS_LOGGERS, HTTP_FILTERS, NETWORK_FILTERS } from "../extensions/standard.ts";
import type { AccessLogger, DrainDecision } from "../http/conn_manager/conn_manager_config.ts";
import { HttpDate } from "../http/date.ts";
import { type OverloadHandle, OverloadState } from "../net/overload.ts";
import type { ListenerPlan } from "../net/plan.ts";
import type { FormatWorld } from "../observe/formatter.ts";
import type { AsyncClient } from "../router/async_client/async_client.ts";
import type { ClusterManager } from "../upstream/cluster_manager.ts";
import { type LogUse, type SharedLog, SharedLogs } from "./shared_logs.ts";
import type { NodeIdentity, Snapshot, UsedExtensions } from "./snapshot.ts";
import type { WorkerEnvironment } from "./worker_environment.ts";

/** Filters of clusters belong to no listener. */
const UPSTREAM_LISTENER = { ...UPSTREAM_SCOPE, perConnectionBufferLimitBytes: 0, bypassesOverloadManager: true };
const NEVER_DRAINS: DrainDecision = { drainClose: () => false };

/** The loaded code of a generation's extensions, by name, and what else their contexts take from it. */
export interface LoadedExtensions {
  readonly http: ReadonlyMap<string, HttpFilterModule>;
  readonly network: ReadonlyMap<string, NetworkFilterModule>;
  readonly accessLog: ReadonlyMap<string, AccessLogModule>;
  readonly accessLogFilter: ReadonlyMap<string, AccessLogFilterModule>;
  readonly node: NodeIdentity;
}

export type LoadResult =
  | { readonly ok: true; readonly loaded: LoadedExtensions }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface WorkerExtensionsOptions {
  readonly environment: WorkerEnvironment;
  readonly world: FormatWorld;
  readonly runtime: Runtime;
  readonly clusters: ClusterManager;
  readonly asyncClient: AsyncClient;
  readonly plugins: WasmPlugins;
}

/** The access loggers that one listener logs with. */
export type AccessLoggerUse = LogUse<AccessLogger & SharedLog>;

type ContextPlan = ListenerScope & Pick<ListenerPlan, "perConnectionBufferLimitBytes" | "bypassesOverloadManager">;

export class WorkerExtensions {
  readonly #options: WorkerExtensionsOptions;
  readonly #dates: HttpDate;
  readonly #nativeModules = new NativeFilterModules();
  readonly #accessLoggers = new SharedLogs<AccessLogger & SharedLog>();
  #overload: OverloadState | null = null;

  constructor(options: WorkerExtensionsOptions) {
    this.#options = options;
    this.#dates = new HttpDate(options.environment.clock);
  }

  /** Loads what a generation uses and was not loaded so far. */
  async load({ extensions, nativeModules, node, overload }: Snapshot): Promise<LoadResult> {
    const modules = await loadModules(extensions);
    if (extensions.expressions) await this.#loadExpressions();
    const { nativeFilters } = this.#options.environment;
    const missing = nativeFilters === null ? await this.#nativeModules.load(nativeModules) : [];
    if (missing.length > 0) return { ok: false, problems: missing };
    this.#takeOverload(overload);
    return { ok: true, loaded: { ...modules, node } };
  }

  /** Once for the worker: formats are compiled by what is there then. */
  async #loadExpressions(): Promise<void> {
    const { world, plugins, environment } = this.#options;
    if ((world.expressions ?? null) !== null) return;
    const { StreamExpressions } = await import("../extensions/common/expressions/stream_expressions.ts");
    world.expressions = new StreamExpressions(plugins.attributes, environment.clock);
  }

  /** What the newest generation is to refuse. */
  get overload(): OverloadState | null {
    return this.#overload;
  }

  #takeOverload(handle: OverloadHandle | null): void {
    const { random, stats } = this.#options.environment;
    this.#overload = handle === null ? null : new OverloadState(handle, random, stats);
  }

  /** What filters of clusters are made with. */
  upstreamContext(loaded: LoadedExtensions): FactoryContext {
    // None of them logs, so that this use has nothing to end.
    return this.context(UPSTREAM_LISTENER, loaded, NEVER_DRAINS, this.createAccessLoggerUse());
  }

  /** For whoever is going to log; he ends it. */
  createAccessLoggerUse(): AccessLoggerUse {
    return this.#accessLoggers.createUse();
  }

  /** What filters and access loggers of a listener are made with. */
  context(
    plan: ContextPlan,
    loaded: LoadedExtensions,
    drain: DrainDecision,
    accessLoggers: AccessLoggerUse,
  ): FactoryContext {
    const { environment, world, runtime, clusters, asyncClient, plugins } = this.#options;
    const listener: ListenerScope = {
      name: plan.name,
      statPrefix: plan.statPrefix,
      trafficDirection: plan.trafficDirection,
      ...(plan.metadata === undefined ? {} : { metadata: plan.metadata }),
    };
    const context: FactoryContext = {
      clock: environment.clock,
      random: environment.random,
      runtime,
      dates: this.#dates,
      stats: environment.stats,
      clusters,
      asyncClient,
      wasm: plugins,
      listener,
      world,
      accessLogSettings: environment.accessLog,
      localAddress: environment.localAddress,
      serviceCluster: loaded.node.cluster,
      serviceNode: loaded.node.id,
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
          create: loaded.http.get(use.extension)!.create(use, httpContext),
        }));
      },
      createAccessLoggers: (plans) =>
        plans.map((each) =>
          accessLoggers.get(
            JSON.stringify(each),
            () => loaded.accessLog.get(each.extension)!.create(each.plan, context),
          )
        ),
      createAccessLogFilter: (each) => loaded.accessLogFilter.get(each.extension)!.create(each.plan, context),
    };
    return context;
  }

  reopenLogs(): void {
    this.#accessLoggers.reopen();
  }

  close(): void {
    this.#accessLoggers.close();
  }
}

async function loadModules(used: UsedExtensions): Promise<Omit<LoadedExtensions, "node">> {
  const [http, network, accessLog, accessLogFilter] = await Promise.all([
    loadNamed(HTTP_FILTERS, used.httpFilters),
    loadNamed(NETWORK_FILTERS, used.networkFilters),
    loadNamed(ACCESS_LOGGERS, used.accessLoggers),
    loadNamed(ACCESS_LOG_FILTERS, used.accessLogFilters),
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
