// host/testing/filter_build/build_filter.ts: from a filter's folder to a checked module, only when something changed.
/**
 * The module lies in the filter's `build/`, next to a record of everything that it was made from. A build
 * whose inputs are all as recorded does nothing but read and hash them, so tests build before every run.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { DiagnosticList } from "../../base/diagnostic.ts";
import { NuncioError } from "../../base/error.ts";
import { type AscConfig, mergeAscConfig } from "./asc_config.ts";
import { withBuildLock } from "./build_lock.ts";
import { type ComponentKind, componentKind, makeComponent } from "./component.ts";
import { compileFilter, type CompileResult, findCompiler, loadCompiler } from "./compile.ts";
import { checkModule } from "./module_check.ts";
import { packageRoot } from "./package_root.ts";

export interface BuildOptions {
  /** The filter's folder, or its entry file. */
  readonly path: string;
  /** `release` (small and fast, the default) or `debug` (quick to build, with names and a source map). */
  readonly target?: string;
  /** Where the module goes; otherwise `build/filter.wasm` or `build/filter.debug.wasm` in the folder. */
  readonly outFile?: string;
  /** Makes a component of the module. */
  readonly component?: boolean;
  /** Builds even when nothing changed. */
  readonly force?: boolean;
}

export interface BuildResult {
  readonly diagnostics: DiagnosticList;
  /** Absolute path of the module; it exists unless `diagnostics` has errors. */
  readonly outFile: string;
  /** Size of the module; 0 when there is none. */
  readonly sizeBytes: number;
  /** True when nothing had changed. */
  readonly upToDate: boolean;
}

/** What a module was made from. */
interface BuildRecord {
  readonly key: string;
  /** Hash of each input by path, relative to the record. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly output: string;
}

const ENTRY_NAMES = ["filter.ts", "assembly/index.ts", "index.ts"];

/**
 * Builds one filter.
 *
 * @example
 * ```ts ignore
 * const { diagnostics, outFile } = await buildFilter({ path: "filters-examples/hello" });
 * ```
 * @throws filter/not-found, filter/bad-asconfig, filter/no-compiler
 */
export async function buildFilter(options: BuildOptions): Promise<BuildResult> {
  const target = options.target ?? "release";
  const { folder, entry, config } = await findFilter(options.path);
  const outFile = resolve(
    options.outFile ?? join(folder, outName(target, options.component === true)),
  );
  const recordFile = `${outFile}.inputs.json`;
  const location = await findCompiler(folder);
  const key = hash(JSON.stringify([
    location.version,
    target,
    basename(outFile),
    relative(folder, entry),
    config,
    options.component === true,
  ]));

  if (options.force !== true) {
    const known = await upToDate(recordFile, outFile, key);
    if (known !== null) return known;
  }
  return await withBuildLock(`${outFile}.lock`, async () => {
    // Another process may have built it while this one waited.
    const known = options.force === true ? null : await upToDate(recordFile, outFile, key);
    if (known !== null) return known;
    const component = options.component === true ? componentKind([await readFile(entry, "utf8")]) : null;
    const request = { folder, entry: relative(folder, entry), target, config, outName: basename(outFile), component };
    const result = await compileFilter(await loadCompiler(location), request);
    return await keepResult(await packed(result, basename(outFile), component), recordFile, outFile, key, component);
  });
}

function outName(target: string, isComponent: boolean): string {
  const words = ["filter", ...(target === "release" ? [] : [target]), ...(isComponent ? ["component"] : []), "wasm"];
  return join("build", words.join("."));
}

/** The result with a component in place of the module, where one is wanted. */
async function packed(result: CompileResult, name: string, kind: ComponentKind | null): Promise<CompileResult> {
  const module = result.outputs.get(name);
  if (kind === null || !(module instanceof Uint8Array)) return result;
  return { ...result, outputs: new Map([[name, await makeComponent(module, kind)]]) };
}

/** Puts a checked module and the record of its inputs in place. */
async function keepResult(
  { diagnostics, outputs, inputs }: CompileResult,
  recordFile: string,
  outFile: string,
  key: string,
  component: ComponentKind | null,
): Promise<BuildResult> {
  const wasm = outputs.get(basename(outFile));
  // A component was checked when it was made.
  if (wasm instanceof Uint8Array && component === null) {
    diagnostics.addAll(checkModule(new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>)));
  }
  if (!(wasm instanceof Uint8Array) || diagnostics.hasErrors) {
    await rm(recordFile, { force: true });
    return { diagnostics, outFile, sizeBytes: 0, upToDate: false };
  }
  await mkdir(dirname(outFile), { recursive: true });
  for (const [name, contents] of outputs) await replaceFile(join(dirname(outFile), name), contents);
  const hashes: Record<string, string> = {};
  for (const [path, text] of inputs) hashes[relative(dirname(recordFile), path)] = hash(text);
  const record: BuildRecord = { key, inputs: hashes, output: hash(wasm) };
  await replaceFile(recordFile, JSON.stringify(record, null, 1) + "\n");
  return { diagnostics, outFile, sizeBytes: wasm.length, upToDate: false };
}

interface Filter {
  readonly folder: string;
  readonly entry: string;
  readonly config: AscConfig;
}

async function findFilter(path: string): Promise<Filter> {
  const absolute = resolve(path);
  const facts = await stat(absolute).catch(() => null);
  if (facts === null) throw new NuncioError("filter/not-found", `${path}: no such file or folder`);
  const folder = facts.isFile() ? dirname(absolute) : absolute;
  const own = await readConfig(join(folder, "asconfig.json"));
  const sdk = await readConfig(join(packageRoot(), "sdk/asconfig.json"));
  const config = mergeAscConfig(sdk ?? {}, own, join(packageRoot(), "sdk/transform.mjs"));
  if (facts.isFile()) return { folder, entry: absolute, config };
  for (const name of [...(own?.entries ?? []), ...ENTRY_NAMES]) {
    const entry = join(folder, name);
    if ((await stat(entry).catch(() => null))?.isFile() === true) return { folder, entry, config };
  }
  throw new NuncioError("filter/not-found", `${path}: found no filter, expected ${ENTRY_NAMES.join(" or ")}`);
}

async function readConfig(path: string): Promise<AscConfig | null> {
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as AscConfig;
  } catch (error) {
    throw new NuncioError("filter/bad-asconfig", `${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** The module as it lies there, when all its inputs are as recorded; otherwise null. */
async function upToDate(recordFile: string, outFile: string, key: string): Promise<BuildResult | null> {
  const record = parseRecord(await readFile(recordFile, "utf8").catch(() => ""));
  if (record === null || record.key !== key) return null;
  const output = await readFile(outFile).catch(() => null);
  if (output === null || hash(output) !== record.output) return null;
  for (const [path, expected] of Object.entries(record.inputs)) {
    const text = await readFile(join(dirname(recordFile), path), "utf8").catch(() => null);
    if (text === null || hash(text) !== expected) return null;
  }
  return { diagnostics: new DiagnosticList(), outFile, sizeBytes: output.length, upToDate: true };
}

function parseRecord(text: string): BuildRecord | null {
  try {
    const value = JSON.parse(text) as Partial<BuildRecord>;
    return typeof value.key === "string" && typeof value.output === "string" && typeof value.inputs === "object"
      ? value as BuildRecord
      : null;
  } catch {
    return null;
  }
}

/** Writes a file in one step: another process sees the old one or the new one. */
async function replaceFile(path: string, contents: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
}

function hash(contents: Uint8Array | string): string {
  return createHash("sha256").update(contents).digest("hex");
}
