// host/extensions/common/wasm/plugin_plan.ts: a configured wasm plugin, as plain data.
/** @module */
import type { WasmLimits } from "./limits.ts";

export type FailurePolicy = "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";

/** Where a module's bytes come from. */
export type WasmCodePlan =
  /** Watched: a new file is loaded while the proxy runs. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | RemoteCodePlan;

/** Code that is fetched before the configuration is accepted. */
export interface RemoteCodePlan {
  /** A module on an HTTP server, or an image in a registry. */
  readonly kind: "http" | "oci";
  readonly uri: string;
  /** The cluster through which the host of the URI is reached; null: straight. */
  readonly cluster: string | null;
  /** For one attempt, all its requests together; 0: no limit. */
  readonly timeoutMs: number;
  /** In lower-case hexadecimals. Null, with images only: whatever the reference names. */
  readonly sha256: string | null;
  readonly retry: CodeRetryPlan;
}

/** How often a failed fetch is tried again, and when: exponential, with full jitter. */
export interface CodeRetryPlan {
  readonly retries: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** A configured plugin, without its code. */
export interface WasmPluginPlan {
  /** Runs on the first worker alone. */
  readonly singleton?: boolean;
  readonly name: string;
  readonly rootId: string;
  readonly vmId: string;
  readonly code: WasmCodePlan;
  /** What the guest gets in `on_vm_start` and `on_configure`. */
  readonly vmConfiguration: Uint8Array;
  readonly pluginConfiguration: Uint8Array;
  /** `NAME=value`, in order. */
  readonly environment: readonly (readonly [string, string])[];
  readonly failurePolicy: FailurePolicy;
  /** Least time between two reloads of a failed VM. */
  readonly reloadBackoffMs: number;
  /** `Pause` from a headers callback lets body callbacks come. */
  readonly allowOnHeadersStopIteration: boolean;
  /** Null: everything is allowed. */
  readonly allowedCapabilities: readonly string[] | null;
  /** What it may spend and have, where that is not the default. */
  readonly limits: WasmLimits;
  readonly direction: "UNSPECIFIED" | "INBOUND" | "OUTBOUND";
}
