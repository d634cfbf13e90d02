// host/wasm/shims.ts: functions that compilers' run times import besides proxy-wasm and WASI.
// pure: no I/O, no clock, no runtime globals
/**
 * @see abi/shims.ts for the table
 * @see https://www.assemblyscript.org/concepts.html#special-imports
 * @module
 */
import { LogLevel } from "../../abi/mod.ts";
import type { HostFunctionFactory } from "./hostcalls/family.ts";
import type { Vm } from "./vm.ts";

/** An AssemblyScript string: UTF-16, its size in bytes in the four bytes before it. */
function readAssemblyScriptString(vm: Vm, pointer: number): string {
  const { memory } = vm;
  const ptr = pointer >>> 0;
  if (ptr < 4 || !memory.has(ptr - 4, 4)) return "";
  const size = Math.min(memory.getU32(ptr - 4), vm.options.maxLogLineBytes) & ~1;
  if (!memory.has(ptr, size)) return "";
  const bytes = memory.view(ptr, size);
  let text = "";
  for (let i = 0; i < size; i += 2) text += String.fromCharCode(bytes[i]! | bytes[i + 1]! << 8);
  return text;
}

function log(vm: Vm, level: LogLevel, text: string): void {
  vm.log.write(level, vm.context?.root.source ?? vm.source, text);
}

function consoleFunction(level: LogLevel): HostFunctionFactory {
  return (vm) => (text: number): void => log(vm, level, readAssemblyScriptString(vm, text));
}

/** By import name; all are of module `env`. */
export const SHIM_FUNCTIONS: ReadonlyMap<string, HostFunctionFactory> = new Map(Object.entries<HostFunctionFactory>({
  // The views are made anew whenever they are found detached.
  emscripten_notify_memory_growth: () => (): void => {},

  pthread_equal: () => (a: number, b: number): number => a === b ? 1 : 0,

  abort: (vm) => (message: number, file: number, line: number, column: number): void => {
    const place = `${readAssemblyScriptString(vm, file)}:${line >>> 0}:${column >>> 0}`;
    const text = `abort: ${readAssemblyScriptString(vm, message)} at ${place}`;
    vm.log.lastWords = text;
    log(vm, LogLevel.Critical, text);
    vm.stop(text);
  },

  seed: (vm) => (): number => vm.environment.random.fraction() * Number.MAX_SAFE_INTEGER,

  trace: (vm) => (message: number, count: number, ...numbers: number[]): void =>
    log(vm, LogLevel.Info, [readAssemblyScriptString(vm, message), ...numbers.slice(0, count)].join(" ")),

  "Date.now": (vm) => (): number => Math.floor(vm.environment.clock.wallMs()),

  "console.log": consoleFunction(LogLevel.Info),
  "console.debug": consoleFunction(LogLevel.Debug),
  "console.info": consoleFunction(LogLevel.Info),
  "console.warn": consoleFunction(LogLevel.Warn),
  "console.error": consoleFunction(LogLevel.Error),
}));
