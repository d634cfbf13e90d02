// host/upstream/cluster_environment.ts: what clusters need of the worker that they run on.
/** @module */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Runtime } from "../base/runtime.ts";
import type { ConfiguredFilter } from "../http/conn_manager/conn_manager_config.ts";
import type { DnsResolverSource } from "../net/dns_resolvers.ts";
import type { CompileFormat } from "../http/header_ops.ts";
import type { StatsScope } from "../observe/stats.ts";
import type { ClientCodecFactory } from "./conn_pool/active_client.ts";
import type { SharedCountFactory } from "./circuit_breaker.ts";
import type { Dialer } from "./conn_pool/dialer.ts";
import type { ClusterFinder } from "./discovery/discovery.ts";
import type { NameExchange } from "./discovery/name_exchange.ts";
import { DnsCaches } from "./dns_cache/dns_caches.ts";
import type { HostHealthExchange } from "./health/exchange.ts";
import type { HealthCheckTools } from "./health/health_checker.ts";
import type { LocalCluster } from "./local_cluster.ts";
import type { HttpFilterPlan, LocalityPlan } from "./plan.ts";

/** What clusters need of the worker that they run on. */
export interface ClusterEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  /** Values that change while the worker runs; absent: none does. */
  readonly runtime?: Runtime;
  /** The root: `cluster.<name>.` is put in front. */
  readonly stats: StatsScope;
  readonly dialer: Dialer;
  readonly dns: DnsResolverSource;
  readonly createClientCodec: ClientCodecFactory;
  /** Where the proxy is; absent: nobody knows. */
  readonly ownLocality?: LocalityPlan | null;
  /** The cluster that the proxy is in; absent: none is known. */
  readonly local?: LocalCluster | null;
  /** Counts that workers share; absent: each worker counts for itself. */
  readonly createCount?: SharedCountFactory;
  /** False on all workers but one: what all of them see (memberships) is then counted once. */
  readonly primary?: boolean;
  /** What workers tell each other of the health of hosts; absent: there is one worker. */
  readonly hostHealth?: HostHealthExchange;
  /** Where one worker looks up the names of clusters for all; absent: there is one worker. */
  readonly names?: NameExchange;
  /** Whole numbers that workers share under a name; absent: each worker has its own. */
  readonly createCells?: (name: string, count: number) => Int32Array;
  /** Whether a connection that is wanted now is not to be made, for there is too much to do; absent: never. */
  readonly shedsConnections?: () => boolean;
  /** Takes the lines of the event log of outlier detection. */
  readonly writeOutlierEvent?: (line: string) => void;
  /** Compiles values of headers; absent: they are as they are written. */
  readonly compileFormat?: CompileFormat;
  /** What hosts are checked with, where this worker does it; absent: nobody checks here. */
  readonly healthChecks?: HealthCheckTools;
  /** Makes the filters of a cluster's requests; `stats` is the cluster's scope. */
  readonly createHttpFilters?: (plans: readonly HttpFilterPlan[], stats: StatsScope) => readonly ConfiguredFilter[];
}

/** For a cluster without others. */
export function loneFinder(environment: ClusterEnvironment): ClusterFinder {
  return {
    get: () => null,
    generation: 0,
    dnsCaches: new DnsCaches(environment),
    addDynamic: () => () => {},
  };
}
