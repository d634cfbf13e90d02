// host/extensions/define.ts: what an extension is: a row, a planner and a module.
/**
 * An extension has two halves. Its *planner* runs on the main thread: it reads the message and makes plain
 * data. Its *module* runs on workers: it makes, from that plain data, what works on connections and
 * streams. A row names both and loads each only when a configuration asks for it, so that a worker never
 * loads configuration code, and nothing loads what nobody uses.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Runtime } from "../base/runtime.ts";
import type { ConfigNode } from "../config/node.ts";
import type { AccessLogger, ConfiguredFilter, DrainDecision } from "../http/conn_manager/conn_manager_config.ts";
import type { HttpDate } from "../http/date.ts";
import type { HttpFilterFactory } from "../http/filter.ts";
import type { StreamAccount } from "../http/conn_manager/high_memory_streams.ts";
import type { Connection } from "../net/connection_port.ts";
import type { NetworkFilterFactory } from "../net/filter.ts";
import type { TerminalContext } from "../net/network_chain.ts";
import type { OverloadState } from "../net/overload.ts";
import type { ExtensionPlan } from "../net/plan.ts";
import type { AccessLogFilter } from "../observe/access_log.ts";
import type { FormatWorld } from "../observe/formatter.ts";
import type { Logger } from "../observe/log.ts";
import type { StatsScope } from "../observe/stats.ts";
import type { StreamInfo } from "../observe/stream_info.ts";
import type { AsyncClient } from "../router/async_client/async_client.ts";
import type { ClusterManager } from "../upstream/cluster_manager.ts";
import type { ResolverPlan } from "../upstream/dns_plan.ts";
import type { AddDnsCache } from "../upstream/plan/dns_cache.ts";
import type { NativeFilter, NativeFilterPlan } from "./common/native/filter.ts";
import type { WasmLimits } from "./common/wasm/limits.ts";
import type { WasmPlugins } from "./common/wasm/plugins.ts";
import type { WasmPluginPlan } from "./common/wasm/plugin_plan.ts";

/** One line of `standard.ts`. */
export interface ExtensionRow<Planner, Module> {
  /** Envoy's name, for example `envoy.filters.http.router`. */
  readonly name: string;
  /** Full name of the configuration message: what extensions are found by. */
  readonly config: string;
  readonly loadPlanner: () => Promise<Planner>;
  readonly load: () => Promise<Module>;
}

/** A line of `standard.ts` whose extension has nothing of its own on workers. */
export type PlannerRow<Planner> = Omit<ExtensionRow<Planner, unknown>, "load">;

/** Where on the way from listener to filter a planner is. */
export interface ListenerScope {
  readonly name: string;
  readonly statPrefix: string;
  readonly trafficDirection: "UNSPECIFIED" | "INBOUND" | "OUTBOUND";
  /** Namespaces of `metadata.filter_metadata`, as plain JSON; absent when there is none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What planners may use. Planners report problems on the node and go on. */
export interface PlanContext {
  readonly listener: ListenerScope;
  /** Names of the clusters that exist, for cross references. */
  readonly clusterNames: ReadonlySet<string>;
  /** `--allow-…`-independent: reads a file that the configuration names. */
  readFile(
    path: string,
  ): { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly message: string };
  env(name: string): string | undefined;
  /** The bytes of a DataSource, or null after reporting on the node why there are none. */
  readDataSource(node: ConfigNode): Uint8Array | null;
  /** What is wrong with a format string (`%REQ(X)%` …), or null. */
  formatProblem(format: string): string | null;
  /** What formats and expressions are compiled in, to see what is wrong with them. */
  readonly formatWorld: FormatWorld;
  /** Plans a configured extension of a kind; null after an error was reported on the node. */
  planHttpFilter(node: ConfigNode, place?: HttpFilterPlace): HttpFilterUse | null;
  planAccessLog(node: ConfigNode): ExtensionPlan | null;
  /** Plans the `extension_filter` of an access log. */
  planAccessLogFilter(node: ConfigNode): ExtensionPlan | null;
  /** Plans a `typed_per_filter_config` entry for the filter that the chain knows by this message type. */
  planRouteFilterConfig(config: ConfigNode): unknown;
  /** Of whoever names no other. */
  readonly dnsResolver: ResolverPlan;
  /** Takes note of a DNS cache: all of one name have to be the same. */
  readonly addDnsCache: AddDnsCache;
  /** The filter that an embedding program brought under a name; what is wrong when it brought none. */
  nativeFilter(kind: NativeFilter["kind"], name: string): NativeFilterLookup;
  /** What wasm plugins of a name may spend and have. */
  wasmLimits(pluginName: string): WasmLimits;
  /** Makes a wasm plugin part of the snapshot; the key names it there. */
  addWasmPlugin(node: ConfigNode, plan: WasmPluginPlan): string;
}

export type NativeFilterLookup =
  | { readonly filter: Omit<NativeFilterPlan, "config"> }
  | { readonly filter: null; readonly problem: string; readonly names: readonly string[] };

/** An HTTP filter in a chain. */
export interface HttpFilterUse extends ExtensionPlan {
  /** Off unless a route turns it on. */
  readonly disabled: boolean;
  readonly terminal: boolean;
}

/** Where a chain of HTTP filters is: on a connection manager's streams, or on attempts at a cluster. */
export type HttpFilterPlace = "downstream" | "upstream";

export interface HttpFilterPlanner {
  readonly terminal?: boolean;
  /** The only chains that it can be in; absent: all. */
  readonly place?: HttpFilterPlace;
  plan(config: ConfigNode, context: PlanContext): unknown;
  /** The plan of `typed_per_filter_config`, for filters that have one. */
  planRoute?(config: ConfigNode): unknown;
  /** Full name of the per-route message. */
  readonly routeConfig?: string;
}

/** Reads what the bootstrap adds to the process; what runs are the plugins that it asks for. */
export interface BootstrapExtensionPlanner {
  plan(config: ConfigNode, context: PlanContext): void;
}

export interface NetworkFilterPlanner {
  readonly terminal?: boolean;
  plan(config: ConfigNode, context: PlanContext): unknown;
}

export interface AccessLogPlanner {
  plan(config: ConfigNode, context: PlanContext): unknown;
}

export interface AccessLogFilterPlanner {
  plan(config: ConfigNode): unknown;
}

/** What modules may use: one per listener and worker. */
export interface FactoryContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Values that change while the worker runs. */
  readonly runtime: Runtime;
  readonly dates: HttpDate;
  readonly stats: StatsScope;
  readonly clusters: ClusterManager;
  /** Sends requests of the proxy's own to them. */
  readonly asyncClient: AsyncClient;
  readonly wasm: WasmPlugins;
  readonly listener: ListenerScope;
  readonly localAddress: string;
  readonly serviceCluster: string;
  readonly serviceNode: string;
  readonly bufferLimitBytes: number;
  readonly drain: DrainDecision;
  /** What the process has enough of; null where nobody measures it, or the listener does not care. */
  readonly overload: OverloadState | null;
  /** What format strings may look at besides the stream. */
  readonly world: FormatWorld;
  /** How access logs are buffered. */
  readonly accessLogSettings: { readonly flushIntervalMs: number; readonly flushBytes: number };
  logger(component: string): Logger;
  /** The filter of a plan; null when this thread does not have it. */
  nativeFilter(plan: NativeFilterPlan): NativeFilter | null;
  /** `httpStats` is `http.<stat_prefix>` of the filters' connection manager. */
  createHttpFilters(uses: readonly HttpFilterUse[], httpStats: StatsScope): ConfiguredFilter[];
  createAccessLoggers(plans: readonly ExtensionPlan[]): AccessLogger[];
  createAccessLogFilter(plan: ExtensionPlan): AccessLogFilter;
}

/** What modules of HTTP filters may use besides. */
export interface HttpFactoryContext extends FactoryContext {
  /** `http.<stat_prefix>` of their connection manager. */
  readonly httpStats: StatsScope;
}

export interface HttpFilterModule {
  create(use: HttpFilterUse, context: HttpFactoryContext): HttpFilterFactory;
}

/** A network filter is either in the way of a connection's bytes, or at their end. */
export interface NetworkFilterModule {
  /** Makes filters that the bytes pass, and those that end a chain without needing a connection (echo). */
  createFilter?(plan: unknown, context: FactoryContext): NetworkFilterFactory;
  /**
   * Makes what takes a connection over. A connection that nothing is returned for counts as one stream until
   * it closes, which is what most L4 filters want. With filters in front it gets one that passes them.
   */
  createTerminal?(
    plan: unknown,
    context: FactoryContext,
  ): (connection: Connection, terminal: TerminalContext) => DrainableConnection | void;
  /** The terminal filter wants a FIN as an event; else it closes the connection. */
  readonly halfClose?: boolean;
  /** Makes what counts and logs connections that filters ended before the terminal one began. */
  createUnreached?(plan: unknown, context: FactoryContext): (info: StreamInfo) => void;
}

/** A connection that somebody serves. */
export interface DrainableConnection {
  /** HTTP streams open now; an L4 connection is one stream. */
  readonly activeStreams: number;
  /** Nothing is in flight: the connection can be closed without losing anything. */
  readonly idle: boolean;
  /** Ends when idle, or after what is in flight. */
  drain(): void;
  /** Streams that can be ended one by one, with what they hold. */
  accounts?(): Iterable<StreamAccount>;
}

export interface AccessLogModule {
  create(plan: unknown, context: FactoryContext): AccessLogger;
}

export interface AccessLogFilterModule {
  create(plan: unknown, context: FactoryContext): AccessLogFilter;
}
