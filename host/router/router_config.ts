// host/router/router_config.ts: what a worker's terminal filter works with.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { OverloadSignal } from "../net/overload.ts";
import type { ConfiguredFilter } from "../http/conn_manager_config.ts";
import type { ClusterManager } from "../upstream/cluster_manager.ts";
import type { RouterPlan } from "./router_plan.ts";
import type { RouterStats } from "./router_stats.ts";

export interface RouterConfig {
  readonly plan: RouterPlan;
  readonly stats: RouterStats;
  readonly clusters: ClusterManager;
  /** This machine's own address, which mirrors see in x-forwarded-for. */
  readonly localAddress: string;
  /** Filters of every attempt at a cluster that has none itself; null for none. */
  /** Refuses requests under overload; absent or null: none. */
  readonly shedsRequests?: OverloadSignal | null;
  readonly upstreamFilters?: readonly ConfiguredFilter[] | null;
}
