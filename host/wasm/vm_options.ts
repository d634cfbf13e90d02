// host/wasm/vm_options.ts: what a VM is made with, and why it may fail.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { Diagnostic } from "../base/diagnostic.ts";
import type { GuestLimits } from "./limits.ts";

/** Why a VM cannot run any more; Envoy's names. */
export type FailState =
  | "UnableToCreateVm"
  | "MissingFunction"
  | "UnableToInitializeCode"
  | "StartFailed"
  | "ConfigureFailed"
  | "RuntimeError";

export interface VmFailure {
  readonly state: FailState;
  readonly diagnostic: Diagnostic;
}

/** Whether calls are written down (`call_trace.ts`): not, with lengths in place of values, or with values. */
export type CallTraceMode = "off" | "lengths" | "values";

/** Where guests are to be treated exactly as Envoy treats them, or better than that. */
export type Compat = "nuncio" | "envoy";

export interface VmOptions extends GuestLimits {
  readonly vmId: string;
  readonly compat: Compat;
  readonly callTrace: CallTraceMode;
  /** Names of allowed host functions, callbacks and WASI functions; null allows all. */
  readonly allowedCapabilities: ReadonlySet<string> | null;
  /** `environ_get`, already "KEY=value". */
  readonly environment: readonly string[];
  /** Units of fuel for each callback; see `meter.ts`. */
  readonly cpuBudget: number;
  /** The same for each start function, `proxy_on_vm_start` and `proxy_on_configure`. */
  readonly startCpuBudget: number;
}
