// host/extensions/common/wasm/foreign_functions/mod.ts: the functions that Envoy gives guests by name.
/**
 * `clear_route_cache` is the engine's own. Expressions need a library that takes a while to load: whoever loads
 * a module awaits `prepareForeignFunctions` before.
 *
 * @see Envoy: source/extensions/common/wasm/foreign.cc
 * @module
 */
import { BUILT_IN_FOREIGN_FUNCTIONS, type ForeignFunction, type WasmModule } from "../../../../wasm/mod.ts";
import { compress, uncompress } from "./compress.ts";
import { declareProperty } from "./declare_property.ts";
import { createExpression, deleteExpression, evaluateExpression, loadExpressions } from "./expression.ts";
import { setEnvoyFilterState } from "./filter_state.ts";
import { sign, verifySignature } from "./signature.ts";

export const FOREIGN_FUNCTIONS: ReadonlyMap<string, ForeignFunction> = new Map<string, ForeignFunction>([
  ...BUILT_IN_FOREIGN_FUNCTIONS,
  ["compress", compress],
  ["declare_property", declareProperty],
  ["expr_create", createExpression],
  ["expr_delete", deleteExpression],
  ["expr_evaluate", evaluateExpression],
  ["set_envoy_filter_state", setEnvoyFilterState],
  ["sign", sign],
  ["uncompress", uncompress],
  ["verify_signature", verifySignature],
]);

/** Loads what the foreign functions of these modules need; nothing for modules that call none. */
export async function prepareForeignFunctions(modules: readonly WasmModule[]): Promise<void> {
  const calls = modules.some(({ info }) => info.imports.some(({ name }) => name === "proxy_call_foreign_function"));
  if (calls) await loadExpressions();
}
