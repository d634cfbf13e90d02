// host/wasm/compile.ts: from bytes to a module that VMs are made of.
// pure: no I/O, no clock, no runtime globals
/**
 * The engine validates first; only then are sections read and rewritten. Compiling happens once per module:
 * the result is plain data and a `WebAssembly.Module`, so it can be posted to workers.
 *
 * @module
 */
import { toHex } from "../base/bytes.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { invalidModule, notWasm, tooLargeModule, unmeteredModule } from "./diagnostics.ts";
import { MAX_MODULE_BYTES } from "./limits.ts";
import { DEFAULT_METER, meterModule, type MeterOptions } from "./meter.ts";
import { looksLikeWasm, type ModuleMeter, readModule, type WasmModule } from "./module.ts";

/** A module, or what is wrong with it. */
export type CompileResult = { readonly module: WasmModule } | { readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles a module.
 *
 * @param bytes The module; must not change meanwhile.
 * @param limits What it may spend and have; null compiles it as it is.
 * @param maxBytes Most bytes that it may have itself.
 */
export async function compileModule(
  bytes: Uint8Array,
  limits: MeterOptions | null = DEFAULT_METER,
  maxBytes: number = MAX_MODULE_BYTES,
): Promise<CompileResult> {
  if (!looksLikeWasm(bytes)) return { diagnostics: [notWasm(bytes.length)] };
  if (bytes.length > maxBytes) return { diagnostics: [tooLargeModule(bytes.length, maxBytes)] };
  const source = bytes as Uint8Array<ArrayBuffer>;
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
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", source)));
  const exports = meter === null ? info.exports : info.exports.filter((row) => row.name !== meter.fuelExport);
  return { module: { code, info: { ...info, exports, byteLength: source.length }, digest, meter } };
}
