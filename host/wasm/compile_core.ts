// host/wasm/compile_core.ts: a core module, metered and compiled.
// pure: no I/O, no clock, no runtime globals
/**
 * @module
 */
import type { Diagnostic } from "../base/diagnostic.ts";
import { invalidModule, unmeteredModule } from "./diagnostics.ts";
import { meterModule, type MeterOptions } from "./meter.ts";
import { type ModuleInfo, type ModuleMeter, readModule } from "./module.ts";

/** What is compiled, and what is known of it. */
export interface CompiledCore {
  readonly code: WebAssembly.Module;
  /** Of the module that runs, but for what the meter exports. */
  readonly info: ModuleInfo;
  readonly meter: ModuleMeter | null;
}

/** Compiles the bytes of a core module, or says what is wrong with them. */
export async function compileCore(
  source: Uint8Array<ArrayBuffer>,
  limits: MeterOptions | null,
): Promise<CompiledCore | { readonly diagnostics: readonly Diagnostic[] }> {
  let running = source;
  let meter: ModuleMeter | null = null;
  if (limits !== null && WebAssembly.validate(source)) {
    const metered = meterModule(source, limits);
    if (typeof metered === "string") return { diagnostics: [unmeteredModule(metered)] };
    running = metered.bytes;
    meter = metered.meter;
  }
  let code: WebAssembly.Module;
  try {
    // One that is not valid comes here as it is: the engine says best what is wrong.
    code = await WebAssembly.compile(running);
  } catch (error) {
    return { diagnostics: [invalidModule(error instanceof Error ? error.message : String(error))] };
  }
  const info = readModule(running);
  if (typeof info === "string") return { diagnostics: [invalidModule(info)] };
  const exports = meter === null
    ? info.exports
    : info.exports.filter(({ name }) => name !== meter.fuelExport && name !== meter.startExport);
  return { code, info: { ...info, exports }, meter };
}
