// host/builder/filter.ts: filters in the chains that a builder makes.
// pure: no I/O, no clock, no runtime globals
/** @module */
import type { NativeFilter } from "../extensions/common/native/filter.ts";
import { type Fields, typed } from "./fields.ts";

/** A proxy-wasm filter. */
export interface WasmFilterOptions {
  /** Of the `.wasm` file, which is loaded again when it changes. */
  readonly path: string;
  /** Handed to the filter: a string as it is, anything else as JSON. */
  readonly configuration?: unknown;
  /** Which of a module's filters it is; the filter's name unless given. */
  readonly rootId?: string;
  /** Default `FAIL_CLOSED`. */
  readonly failurePolicy?: "FAIL_CLOSED" | "FAIL_OPEN" | "FAIL_RELOAD";
  /** More fields of envoy.extensions.wasm.v3.PluginConfig. */
  readonly fields?: Fields;
}

export function wasmPlugin(name: string, options: WasmFilterOptions): Fields {
  const { configuration, failurePolicy } = options;
  const value = typeof configuration === "string" ? configuration : JSON.stringify(configuration);
  return {
    config: {
      name,
      root_id: options.rootId ?? name,
      ...(configuration !== undefined && { configuration: typed("google.protobuf.StringValue", { value }) }),
      ...(failurePolicy !== undefined && { failure_policy: failurePolicy }),
      vm_config: {
        vm_id: name,
        runtime: "envoy.wasm.runtime.v8",
        code: { local: { filename: options.path } },
      },
      ...options.fields,
    },
  };
}

/** A filter in TypeScript, with its `config`. */
export function nativeFilter(filter: NativeFilter, config: Fields | undefined): Fields {
  const message = filter.kind === "http" ? "NativeHttpFilter" : "NativeNetworkFilter";
  return {
    name: filter.name,
    typed_config: typed(`nuncio.extensions.filters.native.v3.${message}`, {
      filter: filter.name,
      ...(config !== undefined && { config }),
    }),
  };
}
