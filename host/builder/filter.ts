// host/builder/filter.ts: the filters of a chain that a builder makes.
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

/** Filters in the order in which they are added. */
export class FilterList {
  readonly fields: Fields[] = [];
  /** Those in TypeScript among them. */
  readonly natives: NativeFilter[] = [];

  /** A filter by its message; `message` may be a builder, which is read when everything is there. */
  add(name: string, message: Fields | { toJSON(): Fields }): void {
    this.fields.push({ name, typed_config: message });
  }

  addNative(filter: NativeFilter, config: Fields | undefined): void {
    const type = filter.kind === "http" ? "NativeHttpFilter" : "NativeNetworkFilter";
    const fields = { filter: filter.name, ...(config !== undefined && { config }) };
    this.natives.push(filter);
    this.add(filter.name, typed(`nuncio.extensions.filters.native.v3.${type}`, fields));
  }
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
