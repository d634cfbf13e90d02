// host/testing/filter_build/compile.ts: AssemblyScript to WebAssembly, in this process.
/**
 * Runs the author's `assemblyscript`. Every path below `node_modules/nuncio/sdk/` is read from this package, so
 * that a filter builds alike in a clone, where `nuncio` is not installed, and in a project that depends on it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Diagnostic, DiagnosticList } from "../../base/diagnostic.ts";
import { NuncioError } from "../../base/error.ts";
import { SourceText, type Span } from "../../base/source.ts";
import type { AscConfig } from "./asc_config.ts";
import { explainCompilerMessage } from "./compiler_hints.ts";
import { COMPONENT_ENTRY, componentEntry, type ComponentKind } from "./component.ts";
import { packageRoot } from "./package_root.ts";

/** The part of `assemblyscript/asc` that is used. */
export interface Compiler {
  main(argv: string[], options: CompilerHooks): Promise<CompilerResult>;
}

interface CompilerHooks {
  readFile(name: string, baseFolder: string): Promise<string | null>;
  writeFile(name: string, contents: Uint8Array | string): void;
  listFiles(): string[];
  reportDiagnostic(diagnostic: CompilerDiagnostic): void;
}

interface CompilerResult {
  readonly error: Error | null;
  readonly stderr: { toString(): string };
}

interface CompilerDiagnostic {
  readonly message: string;
  readonly code: number;
  /** 0 pedantic, 1 info, 2 warning, 3 error. */
  readonly category: number;
  readonly range: CompilerRange | null;
  readonly relatedRange: CompilerRange | null;
}

interface CompilerRange {
  readonly start: number;
  readonly end: number;
  readonly source: { readonly normalizedPath: string } | null;
}

export interface CompileRequest {
  /** Entry and imports are found from here. */
  readonly folder: string;
  /** The entry file, relative to `folder`. */
  readonly entry: string;
  readonly target: string;
  readonly config: AscConfig;
  /** The file name that the module is to have; source maps refer to it. */
  readonly outName: string;
  /** For a module that is to become a component. */
  readonly component: ComponentKind | null;
}

export interface CompileResult {
  readonly diagnostics: DiagnosticList;
  /** By file name: the module, and a source map or a text form when the options ask for them. Empty on errors. */
  readonly outputs: ReadonlyMap<string, Uint8Array | string>;
  /** Every file that was read, by absolute path. */
  readonly inputs: ReadonlyMap<string, string>;
}

const CATEGORY_WARNING = 2;
const CATEGORY_ERROR = 3;
/** "Only variables, functions and enums become WebAssembly module exports": the decorators want exported classes. */
const CLASS_NOT_EXPORTED = 235;
const CONFIG_NAME = "asconfig.json";

/** Which compiler a build uses, found without loading it. */
export interface CompilerLocation {
  readonly specifier: string;
  /** Empty when the location is left to the runtime. */
  readonly version: string;
}

/** The compiler of the project that `folder` is in, otherwise the one that this package can find. */
export async function findCompiler(folder: string): Promise<CompilerLocation> {
  for (let at = resolve(folder);; at = dirname(at)) {
    const home = join(at, "node_modules/assemblyscript");
    const manifest = await readFile(join(home, "package.json"), "utf8").catch(() => null);
    if (manifest !== null) {
      const { version } = JSON.parse(manifest) as { version: string };
      return { specifier: pathToFileURL(join(home, "dist/asc.js")).href, version };
    }
    if (dirname(at) === at) return { specifier: "assemblyscript/asc", version: "" };
  }
}

/** @throws filter/no-compiler */
export async function loadCompiler(location: CompilerLocation): Promise<Compiler> {
  try {
    return ((await import(location.specifier)) as { default: Compiler }).default;
  } catch (cause) {
    const message = "the AssemblyScript compiler is not installed: run `npm install --save-dev assemblyscript@0.28`";
    throw new NuncioError("filter/no-compiler", message, { cause });
  }
}

/** Compiles one filter. Problems in its source are diagnostics. */
export async function compileFilter(compiler: Compiler, request: CompileRequest): Promise<CompileResult> {
  const folder = resolve(request.folder);
  const { component } = request;
  const inputs = new Map<string, string>();
  const outputs = new Map<string, Uint8Array | string>();
  const sources = new Map<string, SourceText>();
  const diagnostics = new DiagnosticList();

  const read = async (name: string): Promise<string | null> => {
    if (name === CONFIG_NAME) return JSON.stringify(request.config);
    if (component !== null && name === COMPONENT_ENTRY) return componentEntry(component);
    const path = componentSource(ownSdkPath(resolve(folder, name)), component);
    const text = await readFile(path, "utf8").catch(() => null);
    if (text !== null) inputs.set(path, text);
    return text;
  };

  // Transforms are loaded by the compiler, not read through the hook, but the output depends on them too.
  for (const path of transformsOf(request.config)) await read(path);

  const { error, stderr } = await compiler.main(
    [
      ...(component === null ? [] : [COMPONENT_ENTRY]),
      request.entry,
      "--baseDir",
      folder,
      "--target",
      request.target,
      "--outFile",
      request.outName,
      "--noColors",
    ],
    {
      readFile: read,
      writeFile: (name, contents) => void outputs.set(baseName(name), contents),
      listFiles: () => [],
      reportDiagnostic: (diagnostic) => {
        const severity = severityOf(diagnostic);
        if (severity === null) return;
        diagnostics.add({
          code: "filter/compile",
          severity,
          message: compilerMessage(diagnostic),
          span: spanOf(diagnostic.range, folder, inputs, sources),
          help: explainCompilerMessage(diagnostic.message),
        });
      },
    },
  );
  if (error !== null && !diagnostics.hasErrors) diagnostics.add(compilerFailure(error, stderr.toString()));
  if (diagnostics.hasErrors) outputs.clear();
  return { diagnostics, outputs, inputs };
}

function transformsOf(config: AscConfig): string[] {
  const transforms = config.options?.["transform"];
  return Array.isArray(transforms) ? transforms.filter((path) => typeof path === "string") : [];
}

/** A path below an installed `nuncio/sdk` becomes the same path below this package's own. */
function ownSdkPath(path: string): string {
  const match = /[\\/]node_modules[\\/]nuncio[\\/](sdk[\\/].*)$/.exec(path);
  return match === null ? path : join(packageRoot(), match[1]!);
}

/** A component does by itself what a module asks of its host. */
function componentSource(path: string, component: ComponentKind | null): string {
  const sdk = join(packageRoot(), "sdk");
  return component !== null && path === join(sdk, "src/imports.gen.ts") ? join(sdk, "component/imports.ts") : path;
}

function severityOf({ category, code }: CompilerDiagnostic): Diagnostic["severity"] | null {
  if (category === CATEGORY_ERROR) return "error";
  return category === CATEGORY_WARNING && code !== CLASS_NOT_EXPORTED ? "warning" : null;
}

function compilerMessage(diagnostic: CompilerDiagnostic): string {
  // The compiler numbers its own messages from 100 and takes TypeScript's from 1000 on.
  const prefix = diagnostic.code < 1000 ? "AS" : "TS";
  return `${diagnostic.message.replace(/\.$/, "")} (${prefix}${diagnostic.code})`;
}

function compilerFailure(error: Error, output: string): Diagnostic {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return {
    code: "filter/compiler-failed",
    severity: "error",
    message: error.message.replace(/\.$/, ""),
    notes: lines.filter((line) => !line.startsWith("FAILURE")).slice(0, 5),
  };
}

function spanOf(
  range: CompilerRange | null,
  folder: string,
  inputs: ReadonlyMap<string, string>,
  sources: Map<string, SourceText>,
): Span | undefined {
  const name = range?.source?.normalizedPath;
  if (range === null || name === undefined) return undefined;
  let source = sources.get(name);
  if (source === undefined) {
    const path = sourcePath(name, folder, inputs);
    source = path === null ? new SourceText(name, "") : new SourceText(relative(".", path), inputs.get(path)!);
    sources.set(name, source);
  }
  return { source, start: range.start, end: range.end };
}

/** The file that the compiler knows as `name`: relative to the folder, or `~lib/package/file` of a package. */
function sourcePath(name: string, folder: string, inputs: ReadonlyMap<string, string>): string | null {
  if (!name.startsWith("~lib/")) {
    const path = resolve(folder, name);
    return inputs.has(path) ? path : null;
  }
  const inPackage = name.slice("~lib/".length);
  const own = ownSdkPath(`/node_modules/${inPackage}`);
  for (const path of inputs.keys()) {
    if (path === own || path.endsWith(`/node_modules/${inPackage}`)) return path;
  }
  return null;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
