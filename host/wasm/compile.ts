// host/wasm/compile.ts: from bytes to a module that VMs are made of.
// pure: no I/O, no clock, no runtime globals
/**
 * The engine validates first; only then are sections read. Compiling happens once per module: the result
 * is plain data and a `WebAssembly.Module`, so it can be posted to workers.
 *
 * @module
 */
import { toHex } from "../base/bytes.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { invalidModule, notWasm } from "./diagnostics.ts";
import { looksLikeWasm, readModule, type WasmModule } from "./module.ts";

/** A module, or what is wrong with it. */
export type CompileResult = { readonly module: WasmModule } | { readonly diagnostics: readonly Diagnostic[] };

/**
 * Compiles a module.
 *
 * @param bytes The module; must not change meanwhile.
 */
export async function compileModule(bytes: Uint8Array): Promise<CompileResult> {
  if (!looksLikeWasm(bytes)) return { diagnostics: [notWasm(bytes.length)] };
  const source = bytes as Uint8Array<ArrayBuffer>;
  let code: WebAssembly.Module;
  try {
    code = await WebAssembly.compile(source);
  } catch (error) {
    return { diagnostics: [invalidModule(error instanceof Error ? error.message : String(error))] };
  }
  const info = readModule(bytes);
  if (typeof info === "string") return { diagnostics: [invalidModule(info)] };
  const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", source)));
  return { module: { code, info, digest } };
}
