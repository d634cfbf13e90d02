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
import { compileCore } from "./compile_core.ts";
import { compileComponent, type ComponentValidator, looksLikeComponent } from "./component/compile_component.ts";
import { notWasm, tooLargeModule } from "./diagnostics.ts";
import { MAX_MODULE_BYTES } from "./limits.ts";
import { DEFAULT_METER, type MeterOptions } from "./meter.ts";
import { looksLikeWasm, type WasmModule } from "./module.ts";

/** A module, or what is wrong with it. */
export type CompileResult = { readonly module: WasmModule } | { readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles a module or a component.
 *
 * @param bytes The module; must not change meanwhile.
 * @param limits What it may spend and have; null compiles it as it is.
 * @param maxBytes Most bytes that it may have itself.
 * @param validator For components; without one they are refused.
 */
export async function compileModule(
  bytes: Uint8Array,
  limits: MeterOptions | null = DEFAULT_METER,
  maxBytes: number = MAX_MODULE_BYTES,
  validator: ComponentValidator | null = null,
): Promise<CompileResult> {
  if (!looksLikeWasm(bytes)) return { diagnostics: [notWasm(bytes.length)] };
  if (bytes.length > maxBytes) return { diagnostics: [tooLargeModule(bytes.length, maxBytes)] };
  if (looksLikeComponent(bytes)) return await compileComponent(bytes, limits, validator);
  const source = bytes as Uint8Array<ArrayBuffer>;
  const core = await compileCore(source, limits === null ? null : { ...limits, exportsStart: true });
  if ("diagnostics" in core) return core;
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", source)));
  return { module: { ...core, info: { ...core.info, byteLength: source.length }, digest } };
}
