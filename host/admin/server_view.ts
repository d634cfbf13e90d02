// host/admin/server_view.ts: the server as the admin port sees it.
/** @module */
import type { WasmPluginStatus } from "../extensions/common/wasm/plugin_status.ts";
import { listenAddressText } from "../net/address.ts";
import type { LogLevel, LogLevels, LogRegistry } from "../observe/log.ts";
import type { StatsStore, StatValue } from "../observe/stats.ts";
import { type Tag, TagExtractor } from "../observe/tags.ts";
import type { Platform } from "../platform/mod.ts";
import type { Server } from "../server/server.ts";
import { endpointStats } from "../upstream/endpoint_stats.ts";
import { mergeClusterStatus } from "../upstream/view.ts";
import type { CallTraceMode } from "../wasm/mod.ts";
import { staticConfigSections } from "./config_sections.ts";
import type {
  AdminActions,
  AdminView,
  ClusterView,
  ConfigSection,
  DrainRequest,
  FilterSwap,
  FilterView,
  FilterWorkerView,
  JsonObject,
  ListenerView,
  MemoryView,
  RuntimeLayerView,
  ServerStatus,
  UnreadyTargets,
} from "./view.ts";

export interface ServerViewOptions {
  readonly platform: Platform;
  readonly server: Server;
  readonly logs: LogRegistry;
  readonly version: string;
  /** The configuration as JSON, without secrets. */
  readonly bootstrap: JsonObject;
  /** envoy.admin.v3.CommandLineOptions */
  readonly commandLineOptions: JsonObject;
  /** `--stats-tag`. */
  readonly statsTags: readonly Tag[];
  /** Ends the process in good order. */
  quit(): void;
}

/** What versions of processes that hand sockets on must agree about. Here none does. */
const HOT_RESTART_VERSION = "disabled";

export class ServerView implements AdminView, AdminActions {
  readonly #options: ServerViewOptions;
  readonly #server: Server;
  #sections: readonly ConfigSection[] = [];
  readonly stats: StatsStore;
  readonly tags: TagExtractor;

  constructor(options: ServerViewOptions) {
    this.#options = options;
    this.#server = options.server;
    this.stats = options.server.stats;
    this.tags = new TagExtractor(options.statsTags);
    this.setBootstrap(options.bootstrap);
  }

  /** Shows another configuration, as of now. */
  setBootstrap(bootstrap: JsonObject): void {
    this.#sections = staticConfigSections(bootstrap, new Date(this.#options.platform.clock.wallMs()).toISOString());
  }

  get actions(): AdminActions {
    return this;
  }

  async refreshStats(): Promise<void> {
    await this.#server.refreshStats();
  }

  server(): ServerStatus {
    const { platform, version, commandLineOptions } = this.#options;
    const node = this.#server.node;
    return {
      // Envoy's form: revision, version, tree, kind of build, TLS library; who takes it apart wants the second.
      version: `nuncio/${version}/Clean/RELEASE/${platform.runtime}-${platform.runtimeVersion}`,
      state: this.#server.state,
      uptimeMs: this.#server.uptimeMs,
      hotRestartVersion: HOT_RESTART_VERSION,
      commandLineOptions,
      node: node === null ? {} : {
        id: node.id,
        cluster: node.cluster,
        metadata: node.metadata as JsonObject,
        locality: { region: node.region, zone: node.zone, sub_zone: node.subZone },
        user_agent_name: "nuncio",
      },
    };
  }

  logLevels(): LogLevels {
    return this.#options.logs.levels();
  }

  listeners(): readonly ListenerView[] {
    return (this.#server.snapshot?.listeners ?? []).map((listener) => {
      const [address = "", ...additionalAddresses] = listener.addresses.map(listenAddressText);
      return { name: listener.name, address, additionalAddresses };
    });
  }

  async clusters(): Promise<readonly ClusterView[]> {
    return mergeClusterStatus(await this.#server.callAll("clusters", undefined));
  }

  async endpointStats(): Promise<readonly StatValue[]> {
    const isAsked = this.#server.snapshot?.clusters.some((plan) => plan.trackedStats.endpoints) ?? false;
    return isAsked ? endpointStats(await this.clusters()) : [];
  }

  config(): readonly ConfigSection[] {
    return this.#sections;
  }

  memory(): MemoryView {
    const { rssBytes, heapUsedBytes, heapTotalBytes, externalBytes } = this.#options.platform.memoryUsage();
    return { residentBytes: rssBytes, heapUsedBytes, heapTotalBytes, externalBytes };
  }

  async filters(): Promise<readonly FilterView[]> {
    const workers = await this.#server.callEach("plugins", undefined);
    return this.#server.plugins.plugins.map(({ key, ...plugin }) => {
      const found = workers.flatMap(({ worker, value }) =>
        value.filter((status) => status.key === key).map((status) => ({ worker, status }))
      );
      return {
        ...plugin,
        // The same on every worker.
        shared: found[0]?.status.shared ?? { keys: 0, bytes: 0, queues: [] },
        workers: found.map(({ worker, status }) => workerView(worker, status)),
      };
    });
  }

  certificates(): readonly JsonObject[] {
    // TLS is not terminated here yet, and a plan with a transport socket of that kind is refused.
    return [];
  }

  unreadyTargets(): readonly UnreadyTargets[] {
    // The port opens once everything is ready.
    return [];
  }

  runtimeLayers(): readonly RuntimeLayerView[] {
    return this.#server.runtime.layers;
  }

  async drainListeners({ graceful, inboundOnly, skipExit }: DrainRequest): Promise<void> {
    await this.#server.drainListeners({ graceful, inboundOnly, keepListening: skipExit });
  }

  quit(): void {
    this.#options.quit();
  }

  failHealthChecks(fail: boolean): void {
    void this.#server.failHealthChecks(fail);
  }

  async reopenLogs(): Promise<void> {
    await this.#server.callAll("reopenLogs", undefined);
  }

  modifyRuntime(values: Iterable<readonly [string, string]>): Promise<string | null> {
    return this.#server.modifyRuntime(values);
  }

  async setLogLevels(levels: Readonly<Record<string, LogLevel>>): Promise<void> {
    await this.#server.setLogLevels(levels);
  }

  reloadFilters(name: string): Promise<readonly FilterSwap[]> | null {
    return this.#server.plugins.reload(name);
  }

  rollbackFilters(name: string): Promise<readonly FilterSwap[]> | null {
    return this.#server.plugins.rollBack(name);
  }

  traceFilters(name: string, callTrace: CallTraceMode): Promise<readonly FilterSwap[]> | null {
    return this.#server.plugins.trace(name, callTrace);
  }
}

function workerView(worker: number, status: WasmPluginStatus): FilterWorkerView {
  const { version, vms, memoryBytes, streams, failure, lastFailure } = status;
  return { worker, version, vms, memoryBytes, streams, failure, lastFailure };
}
