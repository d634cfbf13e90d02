// host/wasm/instance.ts: makes a VM: links, instantiates, runs the module's start functions.
// pure: no I/O, no clock, no runtime globals
/**
 * @see Envoy: proxy-wasm-cpp-host src/wasm.cc load, initialize, startVm
 * @module
 */
import { ALLOCATORS } from "../../abi/mod.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { CallTracer } from "./call_trace.ts";
import { bindCallbacks, NO_CALLBACKS } from "./callbacks.ts";
import type { WasmModule } from "./module.ts";
import * as problems from "./diagnostics.ts";
import { checkModule, linkImports, type LinkOptions } from "./linker.ts";
import type { LogSource, WasmEnvironment } from "./ports.ts";
import { keepFrames } from "./trace.ts";
import { Vm } from "./vm.ts";
import type { VmOptions } from "./vm_options.ts";

const START_SECTION = "start section";

/** A running VM, or everything that keeps the module from running. */
export type VmResult = { readonly vm: Vm } | { readonly diagnostics: readonly Diagnostic[] };

export function createVm(
  module: WasmModule,
  options: VmOptions & LinkOptions,
  environment: WasmEnvironment,
  source: LogSource,
): VmResult {
  const found = checkModule(module.info, options);
  if (found.length > 0) return { diagnostics: found };
  keepFrames();
  const vm = new Vm(module, NO_CALLBACKS, options, environment, source);
  const tracer = options.callTrace === "off" ? null : new CallTracer(vm, options.callTrace === "values");
  let instance: WebAssembly.Instance | null = null;
  // Without a meter a `start` section runs now, with imports that find neither memory nor context.
  vm.start(START_SECTION, () => {
    instance = new WebAssembly.Instance(module.code, linkImports(module.info, vm, options, tracer));
  });
  if (vm.failure !== null || instance === null) return startFailure(vm, source);
  bind(vm, (instance as WebAssembly.Instance).exports, options, tracer);
  runStartFunctions(vm, (instance as WebAssembly.Instance).exports, tracer);
  return vm.failure === null ? { vm } : startFailure(vm, source);
}

function startFailure(vm: Vm, source: LogSource): VmResult {
  const diagnostic = vm.failure?.diagnostic ?? problems.invalidModule("it ended itself while it was instantiated");
  return { diagnostics: [problems.startFailed(source.pluginName, diagnostic)] };
}

function bind(vm: Vm, exports: WebAssembly.Exports, options: VmOptions, tracer: CallTracer | null): void {
  for (const value of Object.values(exports)) if (value instanceof WebAssembly.Memory) vm.memory.bind(value);
  const allocators = ALLOCATORS.map((name) => exports[name]).filter((value) => typeof value === "function");
  // Envoy takes the one that the specification takes last.
  const allocator = vm.isEnvoyCompatible ? allocators.at(-1) : allocators[0];
  const fuel = vm.module.meter === null ? undefined : exports[vm.module.meter.fuelExport];
  const callbacks = bindCallbacks(exports, options.allowedCapabilities);
  vm.bind(
    tracer === null ? callbacks : tracer.callbacks(callbacks),
    (allocator as ((size: number) => number) | undefined) ?? null,
    fuel instanceof WebAssembly.Global ? fuel : null,
  );
}

/** The start section's function; `_initialize`, then `main` or `__main_void`, or else `_start`. */
function runStartFunctions(vm: Vm, exports: WebAssembly.Exports, tracer: CallTracer | null): void {
  const call = (name: string, fn: unknown, ...args: number[]): boolean => {
    if (typeof fn !== "function" || vm.failure !== null) return false;
    const start = (): unknown => fn(...args);
    vm.start(name, tracer === null ? start : () => tracer.start(name, start));
    return true;
  };
  const run = (name: string, ...args: number[]): boolean => call(name, exports[name], ...args);
  const startExport = vm.module.meter?.startExport ?? null;
  if (startExport !== null) call(START_SECTION, exports[startExport]);
  if (!run("_initialize")) {
    run("_start");
    return;
  }
  if (!run("main", 0, 0)) run("__main_void");
}
