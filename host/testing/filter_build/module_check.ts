// host/testing/filter_build/module_check.ts: whether a compiled module is a filter that every host can load.
// pure: no I/O, no clock, no runtime globals
/**
 * A host refuses a module for one import that it does not have, and says so at start-up, far from the line
 * that caused it. So the build refuses it first, and says what to write instead.
 *
 * @module
 */
import { ABI_MARKERS, ALLOCATORS, CALLBACKS, detectAbiVersion, HOSTCALLS, SHIMS } from "../../../abi/mod.ts";
import { WASI_FUNCTIONS, WASI_MODULES } from "../../../abi/mod.ts";
import { type Diagnostic, quoted } from "../../base/diagnostic.ts";

const HOST_FUNCTIONS: ReadonlySet<string> = new Set(HOSTCALLS.map((row) => row.name));
const WASI_NAMES: ReadonlySet<string> = new Set(WASI_FUNCTIONS.map((row) => row.name));
const CALLBACK_NAMES: ReadonlySet<string> = new Set(
  CALLBACKS.flatMap((row) => row.alias === undefined ? [row.name] : [row.name, row.alias]),
);
/** Imports that AssemblyScript adds for a use of its standard library, and what a filter uses instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  "Date.now": 'use `nowMillis()` of "nuncio/sdk"',
  "console.log": 'use `log.info()` of "nuncio/sdk"',
  "console.debug": 'use `log.debug()` of "nuncio/sdk"',
  "console.info": 'use `log.info()` of "nuncio/sdk"',
  "console.warn": 'use `log.warn()` of "nuncio/sdk"',
  "console.error": 'use `log.error()` of "nuncio/sdk"',
  "abort": 'extend "nuncio/sdk/asconfig.json", or compile with --use abort=nuncio_abort',
  "trace": 'extend "nuncio/sdk/asconfig.json", or compile with --use trace=nuncio_trace',
  "seed": 'extend "nuncio/sdk/asconfig.json", or compile with --use seed=nuncio_seed',
};

/** What keeps a module from being a proxy-wasm filter; empty when nothing does. */
export function checkModule(module: WebAssembly.Module): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const problem = checkImport(from, name);
    if (problem !== null) problems.push(problem);
  }
  const exports = new Set(WebAssembly.Module.exports(module).map((row) => row.name));
  const missing = (what: string, help: string) =>
    problems.push({ code: "filter/missing-export", severity: "error", message: what, help: [help] });
  const entryLine = 'write `export * from "nuncio/sdk/entry";` in the file that is compiled';
  if (detectAbiVersion(exports) === null) {
    missing(`the module exports no ABI version such as ${ABI_MARKERS["0.2.1"]}`, entryLine);
  } else if (!ALLOCATORS.some((name) => exports.has(name))) {
    missing(`the module exports no allocator: ${ALLOCATORS.join(" or ")}`, entryLine);
  } else if (![...exports].some((name) => CALLBACK_NAMES.has(name))) {
    missing("the module exports no callback: a host has nothing to call", entryLine);
  }
  if (!exports.has("memory")) {
    missing("the module exports no memory", "leave --noExportMemory and --importMemory out of the options");
  }
  return problems;
}

function checkImport(from: string, name: string): Diagnostic | null {
  if (WASI_MODULES.includes(from) && WASI_NAMES.has(name)) return null;
  if (from === "env" && HOST_FUNCTIONS.has(name)) return null;
  const shim = SHIMS.find((row) => row.module === from && row.name === name);
  if (shim?.from === "Emscripten") return null;
  const instead = from === "env" ? INSTEAD[name] : undefined;
  return {
    code: "filter/unknown-import",
    severity: "error",
    message: `the module imports ${quoted(`${from}.${name}`)}, which proxies do not have`,
    help: instead === undefined ? [] : [instead],
  };
}
