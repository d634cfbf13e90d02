// host/upstream/lb/picker.ts: what a load balancer is, and a policy that picks from one list of hosts.
// pure: no I/O, no clock, no runtime globals
/**
 * | name | is |
 * | --- | --- |
 * | `ClusterBalancer` | what a cluster asks for a host: priorities, panic, localities or subsets, and a policy below |
 * | `HostPicker` | a policy for one list of hosts |
 *
 * Lists are compared by nobody: `HostSet.version` says when a picker has to be made again.
 *
 * @see Envoy: envoy/upstream/load_balancer.h
 * @module
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Runtime } from "../../base/runtime.ts";
import type { StatsScope } from "../../observe/stats.ts";
import type { Host } from "../host.ts";
import type { LocalCluster } from "../local_cluster.ts";
import type { ConnectForReports } from "../orca/report_connection.ts";
import type { PrioritySet } from "../priority.ts";
import type { Traffic } from "../traffic.ts";
import type { LoadBalancerContext } from "./context.ts";
import type { LoadBalancerStats } from "./stats.ts";

/** The load balancer of a cluster on one worker. */
export interface ClusterBalancer {
  /** A host for a request, or null when there is none. */
  chooseHost(context: LoadBalancerContext | null): Host | null;
  /** The host that a choice to come will be, a later one each time; null, or absent, when nobody can know. */
  peekAnotherHost?(): Host | null;
  /** Never without a context, if there can be one; absent means no. */
  readonly asksContext?: boolean;
  /** Why there was no host a moment ago, where there is more to say than that. */
  readonly noHostDetails?: string;
  /** Ends what it has with others: the cluster is gone. */
  close?(): void;
}

/** What balancers need of the cluster, or of the subset, that they choose from. */
export interface BalancerEnvironment {
  readonly clusterName: string;
  readonly priorities: PrioritySet;
  readonly clock: Clock;
  readonly random: Random;
  /** Values that change while the worker runs; absent: none does. */
  readonly runtime?: Runtime;
  readonly stats: LoadBalancerStats;
  /** The cluster that the proxy is in; null when none is known, and for that cluster itself. */
  readonly local: LocalCluster | null;
  /** Has the requests of the whole cluster counted, on this worker. */
  readonly countTraffic: () => Traffic;
  /** The cluster's: for what only one policy counts. */
  readonly scope: StatsScope;
  /** Connects to a host of the cluster for what it says of its load. */
  readonly connectForReports: ConnectForReports;
}

/** Picks from one list; made again whenever the list changed. */
export interface HostPicker {
  /** Null only where more than the list decides, such as a locality. */
  pick(context: LoadBalancerContext | null): Host | null;
  /** What it picks does not depend on what happens until then; absent means that it does. */
  readonly canPeek?: boolean;
}

/**
 * Makes the picker of a list of one host at least; `previous` is that of the list as it was before, of the same
 * factory or of none.
 */
export type HostPickerFactory = (hosts: readonly Host[], previous: HostPicker | null) => HostPicker;

/** True when no host weighs more than another. */
export function haveEqualWeights(hosts: readonly Host[]): boolean {
  const first = hosts[0]?.weight;
  return hosts.every((host) => host.weight === first);
}
