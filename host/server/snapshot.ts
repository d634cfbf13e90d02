// host/server/snapshot.ts: one generation of configuration, as workers get it.
/**
 * Everything is structured-cloneable and never changes once posted: plain data, compiled
 * `WebAssembly.Module`s, handles of shared memory.
 *
 * @module
 */
import type { RuntimeEntries } from "../base/runtime.ts";
import type { NativeFilterModule } from "../extensions/common/native/filter.ts";
import type { NodeFacts } from "../extensions/common/wasm/properties.ts";
import type { WasmPluginSnapshot } from "../extensions/common/wasm/plugins.ts";
import type { OverloadHandle } from "../net/overload.ts";
import type { ListenerPlan } from "../net/plan.ts";
import type { ClusterPlan } from "../upstream/plan.ts";

/** Who this proxy is. */
export type NodeIdentity = NodeFacts;

export interface Snapshot {
  readonly generation: number;
  readonly node: NodeIdentity;
  /** The cluster that this proxy is in; "" when none is named. */
  readonly localClusterName: string;
  /** Values of the runtime; others may come later. */
  readonly runtime: RuntimeEntries;
  readonly listeners: readonly ListenerPlan[];
  readonly clusters: readonly ClusterPlan[];
  readonly plugins: readonly WasmPluginSnapshot[];
  /** The file that ejections are written to; null for none. */
  readonly outlierEventLog: string | null;
  /** Most connections of clients that are open at once, on all workers; null where no monitor limits them. */
  readonly globalConnectionLimit: number | null;
  /** Of the overload manager; null where there is none. */
  readonly overload: OverloadHandle | null;
  /** Names of the extensions that the plans use, by kind: what a worker loads before it builds. */
  readonly extensions: UsedExtensions;
  /** What a worker in a thread of its own imports native filters from. */
  readonly nativeModules: readonly NativeFilterModule[];
}

export interface UsedExtensions {
  readonly httpFilters: readonly string[];
  readonly networkFilters: readonly string[];
  readonly accessLoggers: readonly string[];
  readonly accessLogFilters: readonly string[];
  /** Formats have expressions. */
  readonly expressions: boolean;
}

/** Where the admin interface listens. */
export interface AdminPlan {
  readonly address: string;
  readonly port: number;
}
