// host/server/worker_clusters.ts: a worker's clusters, and what they share with the other workers and write to files.
/**
 * One worker, the primary one, looks up names and checks hosts for all, and writes what happens to them. Where each
 * worker finds its own hosts, as requests ask for them, it does so itself.
 *
 * @module
 */
import type { Runtime } from "../base/runtime.ts";
import type { FactoryContext } from "../extensions/define.ts";
import { DnsResolvers } from "../net/dns_resolvers.ts";
import { DnsStats } from "../net/dns_stats.ts";
import type { OverloadSignal, OverloadState } from "../net/overload.ts";
import { compileFormat, type FormatWorld } from "../observe/formatter.ts";
import { createClientCodec } from "../upstream/conn_pool/client_codec.ts";
import { ClusterManager } from "../upstream/cluster_manager.ts";
import { SocketDialer } from "../upstream/conn_pool/dialer.ts";
import type { EventFile } from "../upstream/health/event_log.ts";
import { type NameChange, NameExchange } from "../upstream/discovery/name_exchange.ts";
import { type HostHealthChange, HostHealthExchange } from "../upstream/health/exchange.ts";
import { EventFiles } from "./event_files.ts";
import type { SharedCounts } from "./shared_counts.ts";
import type { Snapshot } from "./snapshot.ts";
import type { WorkerEnvironment } from "./worker_environment.ts";

export class WorkerClusters {
  readonly manager: ClusterManager;
  readonly #hostHealth: HostHealthExchange;
  /** Null where this worker is alone. */
  readonly #names: NameExchange | null;
  readonly #eventFiles: EventFiles;
  /** Lines that the primary worker writes of ejections. */
  #outlierEventLog: EventFile | null = null;
  /** What filters of clusters are made with; from the newest generation. */
  #filterContext: FactoryContext | null = null;
  /** Fires for connections to upstreams that are not to be made; null where nothing says so. */
  #shed: OverloadSignal | null = null;
  #onSettled: () => void = () => {};

  constructor(environment: WorkerEnvironment, world: FormatWorld, runtime: Runtime, counts: SharedCounts) {
    const { clock, random, stats } = environment;
    const primary = environment.index === 0;
    const eventFiles = this.#eventFiles = new EventFiles({
      clock,
      stats,
      logger: environment.logger("upstream"),
      ...environment.accessLog,
    });
    this.#hostHealth = new HostHealthExchange(clock, environment.publishHostHealth);
    this.#names = environment.publishNames === null ? null : new NameExchange(primary, environment.publishNames);
    const formats = (text: string) => compileFormat(text, world, { omitEmptyValues: true });
    this.manager = new ClusterManager({
      clock,
      random,
      runtime,
      stats,
      dialer: new SocketDialer(clock, (error) => environment.onBug(error)),
      dns: new DnsResolvers({ clock, random, stats: new DnsStats(stats) }),
      createClientCodec,
      compileFormat: formats,
      ...(environment.concurrency > 1 && {
        createCount: (cluster: string, resource: string) => counts.create(`${cluster}.${resource}`),
        createCells: (name: string, count: number) => stats.cells(name, count),
      }),
      shedsConnections: () => this.#shed !== null && this.#shed.fires(),
      writeOutlierEvent: (line) => this.#outlierEventLog?.write(line),
      primary,
      hostHealth: this.#hostHealth,
      ...(this.#names !== null && { names: this.#names }),
      healthChecks: { compileFormat: formats, openEventFile: (path) => eventFiles.open(path) },
      createHttpFilters: (plans, scope) => this.#filterContext!.createHttpFilters(plans, scope),
    });
  }

  /** Takes a generation; settles once its clusters are warm, or all are closed. */
  update(snapshot: Snapshot, filterContext: FactoryContext, overload: OverloadState | null): Promise<void> {
    const { clusters, localClusterName, node, outlierEventLog } = snapshot;
    this.#shed = overload?.point("connection_pool_new_connection") ?? null;
    this.#filterContext = filterContext;
    const before = this.#outlierEventLog;
    this.#outlierEventLog = outlierEventLog === null ? null : this.#eventFiles.open(outlierEventLog);
    before?.close();
    this.manager.locate(node, localClusterName);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSettled = resolve;
    this.manager.update(clusters, resolve);
    return promise;
  }

  /** Takes what other workers found of the health of hosts. */
  receiveHealth(changes: readonly HostHealthChange[]): void {
    this.#hostHealth.receive(changes);
  }

  /** Takes what the primary worker found when it looked up names. */
  receiveNames(changes: readonly NameChange[]): void {
    this.#names?.receive(changes);
  }

  reopenLogs(): void {
    this.#eventFiles.reopen();
  }

  close(): void {
    this.manager.close();
    this.#eventFiles.close();
    this.#onSettled();
  }
}
