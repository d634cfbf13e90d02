// host/router/router_config.ts: what a worker's terminal filter works with.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { OverloadSignal } from "../net/overload.ts";
import type { AccessLogger, ConfiguredFilter } from "../http/conn_manager/conn_manager_config.ts";
import type { ClusterManager } from "../upstream/cluster_manager.ts";
import type { OwnRequestSender } from "./async_client/own_request.ts";
import type { RouterPlan } from "./router_plan.ts";
import type { RouterStats } from "./router_stats.ts";

export interface RouterConfig {
  readonly plan: RouterPlan;
  readonly stats: RouterStats;
  readonly clusters: ClusterManager;
  /** What mirrors are sent with; absent: none are. */
  readonly ownRequests?: OwnRequestSender;
  /** This machine's own address, which mirrors see in x-forwarded-for. */
  readonly localAddress: string;
  /** Refuses requests under overload; absent or null: none. */
  readonly shedsRequests?: OverloadSignal | null;
  /** Filters of every attempt at a cluster that has none itself; null for none. */
  readonly upstreamFilters?: readonly ConfiguredFilter[] | null;
  /** Absent or null: attempts are not logged. */
  readonly upstreamLog?: UpstreamLog | null;
}

/** The router's access log. */
export interface UpstreamLog {
  readonly loggers: readonly AccessLogger[];
  /** There is a record of each attempt that has a connection, too. */
  readonly flushOnUpstreamStream: boolean;
  /** Of the records while an attempt goes on; 0 for none. */
  readonly flushIntervalMs: number;
}
