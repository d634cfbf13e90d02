// host/server/worker_protocol.ts: what main asks workers, and what they answer.
/**
 * The same calls reach a worker in its own thread and one in process; everything is structured-cloneable.
 *
 * @module
 */
import type { RuntimeEntries } from "../base/runtime.ts";
import type { WasmPluginStatus } from "../extensions/common/wasm/plugin_status.ts";
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { NameChange } from "../upstream/discovery/name_exchange.ts";
import type { HostHealthChange } from "../upstream/health/exchange.ts";
import type { EndpointsPlan } from "../upstream/plan.ts";
import type { ClusterStatus } from "../upstream/view.ts";
import type { DrainStrategy } from "./drain.ts";
import type { LogLevels } from "../observe/log.ts";
import type { Snapshot } from "./snapshot.ts";

/** Calls by name: what is given, what comes back. */
export interface WorkerCalls {
  /** Takes a generation; answers once its clusters are warm and its listeners accept. */
  apply(snapshot: Snapshot): ApplyOutcome;
  /** New streams get this plugin's new code; answers when they do. */
  swapPlugin(plugin: WasmPluginSnapshot): SwapOutcome;
  /** Stops accepting and tells clients to go away. */
  drain(order: DrainOrder): null;
  /** Other values of the runtime. */
  setRuntime(values: RuntimeEntries): null;
  /** A cluster has other endpoints. */
  updateEndpoints(update: EndpointsUpdate): null;
  /** Ends connections that carry nothing now. */
  closeIdle(): null;
  /** Ends everything. */
  stop(): null;
  activity(): WorkerActivity;
  clusters(): ClusterStatus[];
  plugins(): WasmPluginStatus[];
  /** Adds to the statistics what is counted elsewhere while nobody asks. */
  publishStats(): null;
  setLogLevels(levels: LogLevels): null;
  reopenLogs(): null;
  /** Gives back memory that is not used. */
  shrinkHeap(): null;
  /** While health checks fail, every response is its connection's last one. */
  failHealthChecks(fail: boolean): null;
  /** What other workers found of the health of hosts. */
  hostHealth(changes: readonly HostHealthChange[]): null;
  /** What the primary worker found when it looked up names of clusters. */
  names(changes: readonly NameChange[]): null;
}

export type ApplyOutcome = { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] };
export type SwapOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

export interface DrainOrder {
  /** Null: connections are left as they are. */
  readonly strategy: DrainStrategy | null;
  readonly durationMs: number;
  /** Only listeners of inbound traffic. */
  readonly inboundOnly: boolean;
  readonly stopAccepting: boolean;
}

export interface EndpointsUpdate {
  readonly clusterName: string;
  readonly endpoints: EndpointsPlan;
}

/** What a worker carries now. */
export interface WorkerActivity {
  readonly connections: number;
  /** HTTP streams, and L4 connections, which are one stream each. */
  readonly streams: number;
  readonly drainingClusters: number;
  readonly armedTimers: number;
}

/** What a worker says unasked. */
export type WorkerEvent =
  | { readonly kind: "ready" }
  /** Hosts became healthy or unhealthy: the other workers are to know. */
  | { readonly kind: "hostHealth"; readonly changes: readonly HostHealthChange[] }
  /** Names of clusters were looked up: the other workers wait for it. */
  | { readonly kind: "names"; readonly changes: readonly NameChange[] }
  /** A bug was contained. */
  | { readonly kind: "bug"; readonly message: string };

export type CallName = keyof WorkerCalls;
export type CallArgument<Name extends CallName> = Parameters<WorkerCalls[Name]>[0];
export type CallResult<Name extends CallName> = ReturnType<WorkerCalls[Name]>;

/** A worker, as main sees it. */
export interface WorkerLink {
  readonly index: number;
  call<Name extends CallName>(name: Name, argument: CallArgument<Name>): Promise<CallResult<Name>>;
  /** Ends the worker's thread, if it has one. */
  terminate(): Promise<void>;
}
