// host/testing/load_filter.ts: from a test file to a running filter.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderText } from "../base/diagnostic_render.ts";
import { type Diagnostic, DiagnosticList } from "../base/diagnostic.ts";
import { NuncioError } from "../base/error.ts";
import { prepareForeignFunctions } from "../extensions/common/wasm/foreign_functions/mod.ts";
import { ComponentTools } from "../extensions/common/wasm/component_tools.ts";
import { detectPlatform } from "../platform/detect.ts";
import { compileModule, type ReadBeside, type WasmModule, withSourceMap } from "../wasm/mod.ts";
import { buildFilter } from "./filter_build/build_filter.ts";
import { FilterHost, type FilterOptions } from "./filter_host.ts";
import { unseenTraps } from "./unseen_traps.ts";

/** Where a filter is: the test file in its folder (`import.meta`), its folder or source file, or a `.wasm` file. */
export type FilterPlace = { readonly url: string } | string | URL;

const components = new ComponentTools();
const modules = new Map<string, Promise<WasmModule>>();

/**
 * Loads a filter for a test. A filter in source is built first, when it or the SDK changed; its module is
 * compiled once for all tests of a process. A refused configuration is no error: see `FilterHost.configured`.
 *
 * `nuncio filter test` has filters built with names and lines; otherwise they are built as for release. The
 * environment variable NUNCIO_FILTER_TARGET, `debug` or `release`, decides. With NUNCIO_FILTER_COMPONENT=1 they
 * are built as components.
 *
 * @example A test next to `filter.ts`
 * ```ts ignore
 * const filter = await loadFilter(import.meta, { rootId: "hello" });
 * const stream = filter.http().requestHeaders({ ":path": "/" }).responseHeaders({}, true);
 * assert.is(stream.response.header("x-hello"), "from a WebAssembly filter");
 * ```
 * @throws filter/compile, filter/not-found, wasm/…
 */
export async function loadFilter(place: FilterPlace, options: FilterOptions = {}): Promise<FilterHost> {
  tellOfTraps();
  const path = pathOf(place);
  let module = modules.get(path);
  if (module === undefined) {
    module = path.endsWith(".wasm") ? readModuleFile(path) : buildAndRead(path);
    modules.set(path, module);
  }
  return new FilterHost(await module, options);
}

function pathOf(place: FilterPlace): string {
  if (typeof place === "string") return place;
  if (place instanceof URL) return fileURLToPath(place);
  return dirname(fileURLToPath(place.url));
}

async function buildAndRead(path: string): Promise<WasmModule> {
  const platform = detectPlatform();
  const target = platform.env("NUNCIO_FILTER_TARGET") ?? "release";
  const component = platform.env("NUNCIO_FILTER_COMPONENT") === "1";
  const { diagnostics, outFile } = await buildFilter({ path, target, component });
  if (diagnostics.hasErrors) throw new NuncioError("filter/compile", `\n${renderText(diagnostics)}`);
  return await readModuleFile(outFile);
}

async function readModuleFile(path: string): Promise<WasmModule> {
  const result = await compileModule(await readFile(path), undefined, undefined, components);
  if ("module" in result) {
    await prepareForeignFunctions([result.module]);
    return withSourceMap(result.module, (name) => readBeside(dirname(path), name));
  }
  throw new NuncioError(result.diagnostics[0]!.code, `${path}:\n${render(result.diagnostics)}`);
}

function readBeside(folder: string, name: string): ReturnType<ReadBeside> {
  try {
    return { ok: true, bytes: readFileSync(join(folder, name)) };
  } catch (error) {
    return { ok: false, message: (error as Error).message };
  }
}

let isTelling = false;

/** Has traps printed that no test has looked at, when the process ends with a failure. */
function tellOfTraps(): void {
  if (isTelling) return;
  isTelling = true;
  const platform = detectPlatform();
  platform.onProcessExit((code) => {
    if (code !== 0) platform.stderr.write(unseenTraps.text(platform.stderr.isTerminal));
  });
}

function render(problems: readonly Diagnostic[]): string {
  const list = new DiagnosticList();
  list.addAll(problems);
  return renderText(list);
}
