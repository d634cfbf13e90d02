// host/server/endpoint_files.ts: files with endpoints, read again when they change.
/**
 * A file that cannot be understood changes nothing: what it said before goes on.
 *
 * @module
 */
import type { TypeRegistry } from "../api/schema.ts";
import { loadRegistry } from "../config/load.ts";
import type { FileWatcher } from "../config/watch.ts";
import type { Logger } from "../observe/log.ts";
import type { StatsScope } from "../observe/stats.ts";
import type { ClusterPlan, EndpointsPlan } from "../upstream/plan.ts";
import { readEndpointFile } from "./plan/endpoint_file.ts";

export interface EndpointFilesOptions {
  readonly watcher: FileWatcher;
  readonly logger: Logger;
  /** The root. */
  readonly stats: StatsScope;
  /** A cluster has other endpoints. */
  onEndpoints(clusterName: string, endpoints: EndpointsPlan): void;
}

export class EndpointFiles {
  readonly #options: EndpointFilesOptions;
  #stops: (() => void)[] = [];
  #registry: TypeRegistry | null = null;

  constructor(options: EndpointFilesOptions) {
    this.#options = options;
  }

  /** Watches the files of these clusters, and no others any more. */
  watch(clusters: readonly ClusterPlan[]): void {
    this.close();
    const byPath = Map.groupBy(clusters.filter((plan) => plan.eds !== null), (plan) => plan.eds!.path);
    for (const [path, plans] of byPath) {
      this.#stops.push(this.#options.watcher.watch(path, () => this.#read(path, plans)));
    }
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  #read(path: string, plans: readonly ClusterPlan[]): void {
    const { logger, stats, onEndpoints } = this.#options;
    const file = readEndpointFile(this.#registry ??= loadRegistry(), path);
    if (!file.ok) {
      logger.error("a file of endpoints is not understood: what it said before goes on", {
        path,
        problems: file.message,
      });
    }
    for (const plan of plans) {
      const endpoints = file.ok ? file.assignments.get(plan.eds!.serviceName) : undefined;
      if (endpoints !== undefined) {
        onEndpoints(plan.name, endpoints);
        continue;
      }
      const scope = stats.scope("cluster").scope(plan.statName);
      scope.counter("update_attempt").inc();
      if (!file.ok) {
        scope.counter("update_failure").inc();
      } else {
        scope.counter("update_success").inc();
        scope.counter("update_empty").inc();
      }
    }
  }
}
