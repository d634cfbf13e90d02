// abi/mod.ts: the proxy-wasm ABI as data.
// pure: no I/O, no clock, no runtime globals
/**
 * Tables that the host's linker, the SDK's import declarations, the reference page and the tests are made
 * from, so that there is one place where the ABI is written down.
 *
 * @example What does a host function take?
 * ```ts
 * import { HOSTCALLS } from "./mod.ts";
 * const row = HOSTCALLS.find((row) => row.name === "proxy_log")!;
 * console.assert(row.params.map((param) => param.name).join() === "level,message,message_size");
 * ```
 *
 * @module
 */
export { ABI_MARKERS, ABI_VERSIONS, type AbiVersion, detectAbiVersion } from "./versions.ts";
export {
  Action,
  BufferType,
  enumName,
  Errno,
  FilterDataStatus,
  FilterHeadersStatus,
  LogLevel,
  MapType,
  MetricType,
  PeerType,
  Status,
  StreamType,
} from "./enums.ts";
export {
  ABANDONED_HOSTCALLS,
  type HostcallFamily,
  type HostcallRow,
  HOSTCALLS,
  type Param,
  type ParamKind,
  type ValueType,
  valueTypeOf,
} from "./hostcalls.ts";
export { ALLOCATORS, type CallbackResult, type CallbackRow, CALLBACKS, START_FUNCTIONS } from "./callbacks.ts";
export { WASI_FUNCTIONS, WASI_MODULES, type WasiAnswer, type WasiRow } from "./wasi.ts";
export { type ShimRow, SHIMS } from "./shims.ts";
export { PROPERTIES, type PropertyRow, type PropertyType } from "./properties.ts";
export { FOREIGN_FUNCTIONS, type ForeignFunctionRow } from "./foreign.ts";
export {
  decodePairs,
  encodePairs,
  MAX_PAIRS,
  MAX_PAIRS_BYTES,
  type Pair,
  pairsSize,
  type TextReader,
} from "./pairs.ts";
export {
  COMPONENT_EXPORTS,
  COMPONENT_IMPORTS,
  COMPONENT_PACKAGE,
  COMPONENT_VERSION,
  COMPONENT_WORLD,
  type ComponentFunctionRow,
  Interest,
} from "./component.ts";
