// host/wasm/linker.ts: checks a module against the ABI and makes the object of its imports.
// pure: no I/O, no clock, no runtime globals
/**
 * Driven by the tables in `abi/`: what is in no row cannot be imported. All problems are found at once.
 * Host functions that only 0.1.0 has are given to every version, since AssemblyScript SDKs of later ones
 * declare them too; Envoy is strict there.
 *
 * A capability that is not allowed becomes a function that refuses and says so.
 *
 * @see Envoy: proxy-wasm-cpp-host src/wasm.cc registerCallbacks, src/v8/v8.cc link
 * @module
 */
import {
  ALLOCATORS,
  Errno,
  type HostcallRow,
  HOSTCALLS,
  LogLevel,
  type ShimRow,
  SHIMS,
  Status,
  valueTypeOf,
  WASI_FUNCTIONS,
  WASI_MODULES,
  type WasiRow,
} from "../../abi/mod.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import type { CallTracer } from "./call_trace.ts";
import { checkCallbacks } from "./callbacks.ts";
import * as problems from "./diagnostics.ts";
import { bufferHostcalls } from "./hostcalls/buffer.ts";
import { configurationHostcalls } from "./hostcalls/configuration.ts";
import { contextHostcalls } from "./hostcalls/context.ts";
import type { HostFunction, HostFunctionFactory } from "./hostcalls/family.ts";
import { foreignHostcalls } from "./hostcalls/foreign.ts";
import { grpcHostcalls } from "./hostcalls/grpc.ts";
import { headerMapHostcalls } from "./hostcalls/header_map.ts";
import { httpCallHostcalls } from "./hostcalls/http_call.ts";
import { localResponseHostcalls } from "./hostcalls/local_response.ts";
import { logHostcalls } from "./hostcalls/log.ts";
import { metricHostcalls } from "./hostcalls/metric.ts";
import { propertyHostcalls } from "./hostcalls/property.ts";
import { sharedDataHostcalls } from "./hostcalls/shared_data.ts";
import { sharedQueueHostcalls } from "./hostcalls/shared_queue.ts";
import { streamHostcalls } from "./hostcalls/stream.ts";
import { timerHostcalls } from "./hostcalls/timer.ts";
import type { FunctionType, ImportInfo, ModuleInfo } from "./module.ts";
import { SHIM_FUNCTIONS } from "./shims.ts";
import type { Vm } from "./vm.ts";
import { wasiFunction } from "./wasi.ts";

/** Every host function's implementation; a map, for names come from modules and may be `constructor`. */
const IMPLEMENTATIONS: ReadonlyMap<string, HostFunctionFactory> = new Map(Object.entries({
  ...logHostcalls,
  ...timerHostcalls,
  ...configurationHostcalls,
  ...propertyHostcalls,
  ...bufferHostcalls,
  ...headerMapHostcalls,
  ...streamHostcalls,
  ...localResponseHostcalls,
  ...contextHostcalls,
  ...httpCallHostcalls,
  ...grpcHostcalls,
  ...sharedDataHostcalls,
  ...sharedQueueHostcalls,
  ...metricHostcalls,
  ...foreignHostcalls,
}));

const HOSTCALL_ROWS = new Map<string, HostcallRow>(HOSTCALLS.map((row) => [row.name, row]));
const WASI_ROWS = new Map<string, WasiRow>(WASI_FUNCTIONS.map((row) => [row.name, row]));
const SHIM_ROWS = new Map<string, ShimRow>(SHIMS.map((row) => [row.name, row]));

/** What a module is checked for. */
export interface LinkOptions {
  /** `fail` (the default) refuses modules with unknown imports; `stub` gives functions that answer Unimplemented. */
  readonly unknownImports: "fail" | "stub";
  /** Most bytes of memory that the module may ask for at its start. */
  readonly maxMemoryBytes: number;
  /** The same for an imported table; those of the module itself are the meter's business. */
  readonly maxTableElements: number;
}

const PAGE_BYTES = 65536;

/** Everything that keeps a module from being used. */
export function checkModule(info: ModuleInfo, options: LinkOptions): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (info.abiVersion === null) found.push(problems.unknownAbi(info.exports.length));
  // Go's modules import the same function twice; one problem is enough.
  const seen = new Set<string>();
  for (const row of info.imports) {
    const key = `${row.module}\0${row.name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const problem = checkImport(row, options);
    if (problem !== null) found.push(problem);
  }
  found.push(...checkCallbacks(info.exports), ...checkMemory(info, options));
  found.push(...checkAllocators(info));
  return found;
}

function checkAllocators(info: ModuleInfo): Diagnostic[] {
  const allocators = info.exports.filter((row) => row.kind === "func" && ALLOCATORS.includes(row.name));
  if (allocators.length === 0) return [problems.missingAllocator()];
  const expected: FunctionType = { params: ["i32"], results: ["i32"] };
  return allocators
    .filter(({ type }) =>
      type !== null && !(sameTypes(type.params, expected.params) && sameTypes(type.results, expected.results))
    )
    .map(({ name, type }) => problems.callbackType(name, type!, expected));
}

function checkMemory(info: ModuleInfo, options: LinkOptions): Diagnostic[] {
  const { memories } = info;
  if (memories.length === 0) return [problems.unusableMemory("it has none")];
  if (memories.length > 1) return [problems.unusableMemory(`it has ${memories.length} of them, expected one`)];
  const [memory] = memories;
  if (memory!.shared) return [problems.unusableMemory("it is shared between threads")];
  if (memory!.is64) return [problems.unusableMemory("its addresses have 64 bits")];
  if (![...info.exports, ...info.imports].some((row) => row.kind === "memory")) {
    return [problems.unusableMemory("it is not exported")];
  }
  if (memory!.min * PAGE_BYTES > options.maxMemoryBytes) {
    const wanted = memory!.min * PAGE_BYTES;
    return [problems.unusableMemory(`it starts with ${wanted} bytes, at most ${options.maxMemoryBytes} are allowed`)];
  }
  return [];
}

/** The type that an import must have and whether there are tolerances. */
function expectedType(row: ImportInfo): FunctionType | null {
  if (row.module === "env") {
    const hostcall = HOSTCALL_ROWS.get(row.name);
    if (hostcall !== undefined && IMPLEMENTATIONS.has(hostcall.name)) {
      return { params: hostcall.params.map((param) => valueTypeOf(param.kind)), results: ["i32"] };
    }
    return SHIM_ROWS.get(row.name) ?? null;
  }
  return WASI_MODULES.includes(row.module) ? WASI_ROWS.get(row.name) ?? null : null;
}

function checkImport(row: ImportInfo, options: LinkOptions): Diagnostic | null {
  if (row.kind === "memory") return null;
  if (row.kind === "table") {
    const { min } = row.limits!;
    return min > options.maxTableElements ? problems.tooLargeTable(min, options.maxTableElements) : null;
  }
  if (row.kind !== "func") return problems.unsupportedImport(row.kind, row.module, row.name);
  const expected = expectedType(row);
  if (expected === null) {
    return options.unknownImports === "stub" ? null : problems.missingImport(row.module, row.name);
  }
  if (row.type === null || isTolerated(row, row.type, expected)) return null;
  return problems.importType(row.module, row.name, row.type, expected);
}

function isTolerated(row: ImportInfo, found: FunctionType, expected: FunctionType): boolean {
  if (sameTypes(found.params, expected.params) && sameTypes(found.results, expected.results)) return true;
  if (row.module !== "env") {
    // cpp-host's path_link and path_symlink have fewer parameters than WASI's; all they do is to refuse.
    return WASI_ROWS.get(row.name)?.answer.kind === "constant" && sameTypes(found.results, expected.results);
  }
  const hostcall = HOSTCALL_ROWS.get(row.name);
  if (hostcall?.mayLackResult && found.results.length === 0) return found.params.length === 0;
  return hostcall?.otherArities?.includes(found.params.length) === true &&
    found.params.every((param) => param === "i32") && sameTypes(found.results, expected.results);
}

function sameTypes(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((type, index) => type === b[index]);
}

/** The imports of a checked module for a VM. */
export function linkImports(
  info: ModuleInfo,
  vm: Vm,
  options: LinkOptions,
  tracer: CallTracer | null = null,
): WebAssembly.Imports {
  // Without a prototype: a module may import from "__proto__".
  const imports = Object.create(null) as Record<string, Record<string, WebAssembly.ImportValue>>;
  for (const row of info.imports) {
    const module = imports[row.module] ??= Object.create(null) as Record<string, WebAssembly.ImportValue>;
    if (row.name in module) continue;
    module[row.name] = makeImport(row, vm, options, tracer);
  }
  return imports;
}

function makeImport(
  row: ImportInfo,
  vm: Vm,
  options: LinkOptions,
  tracer: CallTracer | null,
): WebAssembly.ImportValue {
  const limits = row.limits;
  if (row.kind === "memory") {
    const maximum = Math.min(limits!.max ?? 65536, Math.floor(options.maxMemoryBytes / PAGE_BYTES));
    const memory = new WebAssembly.Memory({ initial: limits!.min, maximum });
    vm.memory.bind(memory);
    return memory;
  }
  if (row.kind === "table") {
    const maximum = Math.min(limits!.max ?? Infinity, options.maxTableElements);
    return new WebAssembly.Table({ element: "anyfunc", initial: limits!.min, maximum });
  }
  const { meter } = vm.module;
  const made = makeFunction(row, vm);
  // Nobody has looked at the code of a module without a meter.
  const plain = meter === null || meter.catches ? vm.guarded(made) : made;
  const fn = tracer === null ? plain : tracer.hostcall(row, plain);
  return (meter?.hasIndirectImports === true ? charged(fn, vm) : fn) as WebAssembly.ImportValue;
}

/** For modules that can call host functions through a table: their code pays for direct calls only. */
function charged(fn: HostFunction, vm: Vm): HostFunction {
  return (...args: never[]): unknown => {
    vm.chargeHostcall();
    return fn(...args);
  };
}

function makeFunction(row: ImportInfo, vm: Vm): HostFunction {
  const { allowedCapabilities } = vm.options;
  const isRestricted = allowedCapabilities !== null && !allowedCapabilities.has(row.name);
  if (row.module === "env") {
    const implementation = IMPLEMENTATIONS.get(row.name);
    if (implementation !== undefined) {
      return isRestricted ? restricted(row, vm, Status.InternalFailure) : implementation(vm);
    }
    const shim = SHIM_FUNCTIONS.get(row.name);
    if (shim !== undefined) return shim(vm);
  } else if (WASI_MODULES.includes(row.module)) {
    const wasi = WASI_ROWS.get(row.name);
    if (wasi !== undefined) return isRestricted ? restricted(row, vm, Errno.NotCapable) : wasiFunction(wasi, vm);
  }
  return unimplemented(row, vm);
}

function restricted(row: ImportInfo, vm: Vm, status: number): HostFunction {
  const hasResult = row.type?.results.length === 1;
  return (): number | undefined => {
    vm.log.write(
      LogLevel.Error,
      vm.context?.root.source ?? vm.source,
      `Attempted call to restricted proxy-wasm capability: ${row.name}`,
    );
    return hasResult ? status : undefined;
  };
}

/** What stands for an import that nobody knows, when the plugin's owner asked for that. */
function unimplemented(row: ImportInfo, vm: Vm): HostFunction {
  const result = row.type?.results[0];
  return (): number | bigint | undefined => {
    vm.log.explain(`${row.module}.${row.name} is not known here and answers Unimplemented`);
    return result === undefined ? undefined : result === "i64" ? 0n : Status.Unimplemented;
  };
}
