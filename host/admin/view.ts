// host/admin/view.ts: what the admin port may see and do: implemented by the server.
/**
 * Everything here is plain data or a promise of it: the admin pages know no object of the server. Texts
 * and JSON are Envoy's; who fills a field finds its meaning in the proto that is named beside it.
 *
 * @see Envoy: envoy/server/admin.h
 * @module
 */
import type { WasmPluginStatus } from "../extensions/common/wasm/plugin_status.ts";
import type { LogLevel, LogLevels } from "../observe/log.ts";
import type { StatsStore, StatValue } from "../observe/stats.ts";
import type { TagExtractor } from "../observe/tags.ts";
import type { ClusterStatus } from "../upstream/view.ts";
import type { CallTraceMode, SharedStatus } from "../wasm/mod.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** envoy.admin.v3.ServerInfo.State */
export type ServerState = "LIVE" | "DRAINING" | "PRE_INITIALIZING" | "INITIALIZING";

/** envoy.admin.v3.ServerInfo */
export interface ServerStatus {
  /** Shown as it is, for example `<commit>/0.1.0/Clean/RELEASE/OpenSSL`. */
  readonly version: string;
  readonly state: ServerState;
  readonly uptimeMs: number;
  readonly hotRestartVersion: string;
  /** envoy.admin.v3.CommandLineOptions, every field set. */
  readonly commandLineOptions: JsonObject;
  /** envoy.config.core.v3.Node */
  readonly node: JsonObject;
}

/** A cluster as `/clusters` shows it: the numbers of all workers added up. */
export type ClusterView = ClusterStatus;

export interface ListenerView {
  readonly name: string;
  /** `127.0.0.1:80`, with the port that was really bound, or the path of a unix socket. */
  readonly address: string;
  readonly additionalAddresses?: readonly string[];
}

/** A section of `/config_dump`: a message of envoy.admin.v3 as JSON, `@type` first. Without secrets. */
export type ConfigSection = JsonObject & { readonly "@type": string };

export interface MemoryView {
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly residentBytes: number;
  readonly externalBytes: number;
}

/** envoy.admin.v3.UnreadyTargetsDump */
export interface UnreadyTargets {
  readonly name: string;
  readonly targetNames: readonly string[];
}

/** A WebAssembly plugin. Digests are SHA-256 in hexadecimal. */
export interface FilterView {
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  /** The file that the code comes from; null for inline or remote code. */
  readonly file: string | null;
  /** A path, a URI without its secrets, or that the code is inline. */
  readonly source: string;
  /** What the reference of an image stood for, as `sha256:…`; null for other sources. */
  readonly imageDigest: string | null;
  /** The public key by which the module is signed; null when no key is configured. */
  readonly signedBy: string | null;
  readonly abiVersion: string;
  /** Whether its calls are written to the log. */
  readonly callTrace: CallTraceMode;
  /** Of its `vm_id`, on all workers. */
  readonly shared: SharedStatus;
  /** Counts up with every swap. */
  readonly version: number;
  readonly sha256: string;
  /** What a rollback goes back to. */
  readonly previousSha256: string | null;
  /** Why the last reload did not happen; null when it did. */
  readonly lastError: string | null;
  readonly workers: readonly FilterWorkerView[];
}

/** A plugin on one worker. */
export interface FilterWorkerView
  extends Pick<WasmPluginStatus, "version" | "vms" | "memoryBytes" | "streams" | "failure" | "lastFailure"> {
  readonly worker: number;
}

/** How a reload or a rollback went for one plugin. */
export type FilterSwap =
  | {
    readonly ok: true;
    readonly name: string;
    readonly oldSha256: string;
    readonly newSha256: string;
    readonly changed: boolean;
  }
  | { readonly ok: false; readonly name: string; readonly error: string };

export interface DrainRequest {
  /** Discourages connections over the drain time before listeners close. */
  readonly graceful: boolean;
  /** Only listeners whose `traffic_direction` is INBOUND. */
  readonly inboundOnly: boolean;
  /** Drains connections and keeps listening. */
  readonly skipExit: boolean;
}

export interface AdminActions {
  drainListeners(request: DrainRequest): Promise<void>;
  /** Ends the process in good order. Comes after the answer was sent. */
  quit(): void;
  /** Makes the process answer health checks with a failure, or not. */
  failHealthChecks(fail: boolean): void;
  reopenLogs(): Promise<void>;
  /** Sets runtime values, and removes those that are empty; gives what is wrong with them, or null. */
  modifyRuntime(values: Iterable<readonly [string, string]>): Promise<string | null>;
  /** Sets levels on all threads; components are known ones. */
  setLogLevels(levels: Readonly<Record<string, LogLevel>>): Promise<void>;
  /** Loads the code of every plugin of this name again, on all workers; null when there is none. */
  reloadFilters(name: string): Promise<readonly FilterSwap[]> | null;
  /** Goes back one version; null when there is no plugin of this name. */
  rollbackFilters(name: string): Promise<readonly FilterSwap[]> | null;
  /** Switches the tracing of calls, for streams to come; null when there is no plugin of this name. */
  traceFilters(name: string, callTrace: CallTraceMode): Promise<readonly FilterSwap[]> | null;
}

export interface AdminView {
  readonly stats: StatsStore;
  /** Brings `stats` up to date with what is counted elsewhere while nobody asks. */
  refreshStats(): Promise<void>;
  readonly tags: TagExtractor;
  readonly actions: AdminActions;
  server(): ServerStatus;
  logLevels(): LogLevels;
  listeners(): readonly ListenerView[];
  clusters(): Promise<readonly ClusterView[]>;
  /** Counters and gauges of hosts, of clusters that show them. */
  endpointStats(): Promise<readonly StatValue[]>;
  /** Sections in Envoy's order. */
  config(): readonly ConfigSection[];
  memory(): MemoryView;
  filters(): Promise<readonly FilterView[]>;
  /** envoy.admin.v3.Certificate, one for each certificate in use. */
  certificates(): readonly JsonObject[];
  unreadyTargets(): readonly UnreadyTargets[];
  /** Layers of runtime values, the one that wins last. */
  runtimeLayers(): readonly RuntimeLayerView[];
}

/** A layer of runtime values, by key as they were written. */
export interface RuntimeLayerView {
  readonly name: string;
  readonly values: ReadonlyMap<string, { readonly text: string }>;
}
