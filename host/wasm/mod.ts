// host/wasm/mod.ts: the proxy-wasm engine, `nuncio/wasm`.
// pure: no I/O, no clock, no runtime globals
/**
 * Runs proxy-wasm filters (ABI 0.1.0, 0.2.0 and 0.2.1) and components of the world `nuncio:filter` in any
 * JavaScript engine: give it the ports of a `WasmEnvironment`, compile a module, load a plugin, and ask the
 * plugin for a filter per stream.
 *
 * @example A plugin that is loaded, tried and swapped
 * ```ts
 * import { compileModule, pluginConfig, PluginManager, type WasmEnvironment } from "./mod.ts";
 * async function load(bytes: Uint8Array, environment: WasmEnvironment) {
 *   const compiled = await compileModule(bytes);
 *   if ("diagnostics" in compiled) return compiled.diagnostics;
 *   const manager = new PluginManager(environment);
 *   return manager.load(pluginConfig({ name: "guard", rootId: "guard" }), compiled.module);
 * }
 * console.assert(typeof load === "function");
 * ```
 *
 * @module
 */
export { compileModule, type CompileResult } from "./compile.ts";
export { type ComponentValidator, looksLikeComponent } from "./component/compile_component.ts";
export { invalidComponent, noComponentTools } from "./component/diagnostics.ts";
export { type MeterOptions } from "./meter.ts";
export {
  type ExportInfo,
  formatType,
  type FunctionType,
  type ImportInfo,
  type Limits,
  type ModuleInfo,
  readModule,
  type SourceMap,
  type WasmModule,
} from "./module.ts";
export { MAX_SOURCE_MAP_BYTES, type ReadBeside, withSourceMap } from "./source_map.ts";
export { checkModule, type LinkOptions } from "./linker.ts";
export {
  type FailurePolicy,
  meterOptions,
  Plugin,
  type PluginConfig,
  pluginConfig,
  type PluginStatus,
  type PluginVersion,
  type WasmHttpFilter,
  type WasmNetworkFilter,
} from "./plugin.ts";
export { DEFAULT_LIMITS, type GuestLimits, type LimitName, MAX_MODULE_BYTES, MAX_VMS } from "./limits.ts";
export { PluginManager, type VmStatus } from "./plugin_manager.ts";
export type { RootStatus } from "./root_context.ts";
export { SharedStore, type SharedStoreHandle, type SharedStoreOptions } from "./shared_store.ts";
export { BUILT_IN_FOREIGN_FUNCTIONS } from "./hostcalls/foreign.ts";
export { encodeProperty } from "./hostcalls/property.ts";
export type { CallTraceMode, Compat, FailState, VmFailure } from "./vm_options.ts";
export type * from "./ports.ts";
