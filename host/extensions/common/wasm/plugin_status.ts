// host/extensions/common/wasm/plugin_status.ts: what admin pages show of a plugin on one worker.
/**
 * @see docs/reference/admin_filters.md
 * @module
 */
import type { Diagnostic } from "../../../base/diagnostic.ts";
import type { LogSource, RootStatus, SharedStatus, VmStatus } from "../../../wasm/mod.ts";

/** A plugin on one worker; plain data. */
export interface WasmPluginStatus {
  readonly key: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly abiVersion: string;
  /** VMs in which it has a root context: those of old versions that still have streams, too. */
  readonly vms: readonly WasmVmStatus[];
  readonly memoryBytes: number;
  readonly streams: number;
  /** Why its VM failed; null while it works. */
  readonly failure: string | null;
  /** The last failure of any of its VMs, also when there is a new one by now. */
  readonly lastFailure: WasmFailure | null;
  /** Of its `vm_id`, on all workers. */
  readonly shared: SharedStatus;
  /** VMs of the whole worker. */
  readonly liveVms: number;
}

export interface WasmVmStatus extends Omit<VmStatus, "failure" | "source"> {
  /** New streams come to it, or only old ones are left, or it has failed. */
  readonly state: "serving" | "draining" | "failed";
}

export interface WasmFailure {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  readonly message: string;
  readonly notes: readonly string[];
  /** Innermost first. */
  readonly backtrace: readonly string[];
}

export function failureOf({ message, notes, stack }: Diagnostic, wallMs: number): WasmFailure {
  return { wallMs, message, notes: notes ?? [], backtrace: stack ?? [] };
}

/** The VMs of a plugin among those of a worker. */
export function vmsOf(source: LogSource, all: readonly VmStatus[]): WasmVmStatus[] {
  return all.filter((vm) => rootsOf(source, vm).length > 0).map(({ failure, source: _, ...vm }) => ({
    ...vm,
    state: failure !== null ? "failed" : rootsOf(source, vm).some((root) => !root.isDraining) ? "serving" : "draining",
  }));
}

/** The root contexts of a plugin in a VM. */
export function rootsOf(source: LogSource, vm: { readonly roots: readonly RootStatus[] }): RootStatus[] {
  return vm.roots.filter((root) =>
    root.source.pluginName === source.pluginName && root.source.rootId === source.rootId &&
    root.source.vmId === source.vmId
  );
}
