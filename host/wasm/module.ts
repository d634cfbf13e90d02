// host/wasm/module.ts: reads from a module what JavaScript's own API does not tell: the types.
// pure: no I/O, no clock, no runtime globals
/**
 * `WebAssembly.Module.imports()` gives names only; to say that an import has the wrong type, which ABI a
 * module speaks or how much memory it wants, its sections are read here. The reader trusts lengths, so it
 * runs on modules that the engine has accepted (`compileModule`); what it still cannot read it refuses.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 * @module
 */
import { type AbiVersion, detectAbiVersion } from "../../abi/mod.ts";
import { latin1Slice } from "../base/bytes.ts";
import { BinaryReader, type FunctionType, type Limits, UnreadableModule } from "./binary_reader.ts";
import type { ComponentPlan } from "./component/layout.ts";
import {
  type ExternalKind,
  FIRST_SECTION,
  type ImportInfo,
  readImport,
  readKind,
  readSections,
  SectionId,
} from "./sections.ts";

export type { FunctionType, Limits, WasmType } from "./binary_reader.ts";
export type { ExternalKind, ImportInfo } from "./sections.ts";

export interface ExportInfo {
  readonly name: string;
  readonly kind: ExternalKind;
  /** Among all of its kind, imported ones first. */
  readonly index: number;
  readonly type: FunctionType | null;
}

/** What is known of a module; plain data, so that it can be posted to a worker. */
export interface ModuleInfo {
  readonly byteLength: number;
  readonly abiVersion: AbiVersion | null;
  readonly imports: readonly ImportInfo[];
  readonly exports: readonly ExportInfo[];
  /** Memories, imported ones first. */
  readonly memories: readonly Limits[];
  readonly hasStart: boolean;
  readonly customSections: readonly string[];
  /** Functions that are imported; indexes of the module's own begin after them. */
  readonly importedFunctionCount: number;
  /** Where the body of each of its own functions ends, as a byte offset in the module. */
  readonly functionEnds: Uint32Array;
}

/** What was added to a module so that it pays for what it computes; see `meter.ts`. */
export interface ModuleMeter {
  /** The name that its fuel is exported by. */
  readonly fuelExport: string;
  /** Under this name the start function is exported, which then is for the host to call; null when there is none. */
  readonly startExport: string | null;
  /** A host function can be called through a table, where its call is not charged. */
  readonly hasIndirectImports: boolean;
  /** Its code has exception handlers, which catch what host functions throw, too. */
  readonly catches: boolean;
  /** From byte offsets in the module that runs to those in the one that was given. */
  readonly insertedAt: Uint32Array;
  readonly shiftAfter: Int32Array;
}

/** Which lines the code of a module came from; plain data. See `source_map.ts`. */
export interface SourceMap {
  readonly sources: readonly string[];
  /** Byte offsets in the module as it was given, ascending; for each of them its source, line and column. */
  readonly offsets: Uint32Array;
  readonly sourceIndexes: Uint32Array;
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
}

/** A compiled module with what is known of it. */
export interface WasmModule {
  readonly code: WebAssembly.Module;
  /** Of the module that runs: with a meter byte offsets are not those of the one that was given. */
  readonly info: ModuleInfo;
  /** SHA-256 of the bytes as given, in hexadecimal: part of what makes a VM's key. */
  readonly digest: string;
  /** Null when it runs without limits. */
  readonly meter: ModuleMeter | null;
  /** A text says why the map that the module names is not used. */
  readonly sourceMap?: SourceMap | string;
  /** For a component, of which the rest is the main part, how its parts are linked. */
  readonly component?: ComponentPlan;
}

/** What the sections say, or a text that names what could not be read. */
export function readModule(bytes: Uint8Array): ModuleInfo | string {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof UnreadableModule) return error.message;
    throw error;
  }
}

function read(bytes: Uint8Array): ModuleInfo {
  const types: (FunctionType | null)[] = [];
  const functions: (FunctionType | null)[] = [];
  const imports: ImportInfo[] = [];
  const exports: ExportInfo[] = [];
  const memories: Limits[] = [];
  const customSections: string[] = [];
  let hasStart = false;
  let functionEnds = new Uint32Array(0);
  for (const { id, start, end } of readSections(bytes, FIRST_SECTION, bytes.length)) {
    const reader = new BinaryReader(bytes, start, end);
    if (id === SectionId.Custom) customSections.push(reader.name());
    else if (id === SectionId.Start) hasStart = true;
    else if (id === SectionId.Type) {
      for (let count = reader.number(); count > 0; count--) reader.recursiveTypes(types);
    } else if (id === SectionId.Import) {
      for (let count = reader.number(); count > 0; count--) {
        const row = readImport(reader, types);
        imports.push(row);
        if (row.kind === "func") functions.push(row.type);
        if (row.kind === "memory") memories.push(row.limits!);
      }
    } else if (id === SectionId.Function) {
      for (let count = reader.number(); count > 0; count--) functions.push(types[reader.number()] ?? null);
    } else if (id === SectionId.Memory) {
      for (let count = reader.number(); count > 0; count--) memories.push(reader.limits());
    } else if (id === SectionId.Code) {
      functionEnds = readFunctionEnds(reader);
    } else if (id === SectionId.Export) {
      for (let count = reader.number(); count > 0; count--) {
        const name = reader.name();
        const kind = readKind(reader);
        const index = reader.number();
        exports.push({ name, kind, index, type: kind === "func" ? functions[index] ?? null : null });
      }
    }
  }
  const names = exports.filter((row) => row.kind === "func").map((row) => row.name);
  const abiVersion = detectAbiVersion(names);
  return {
    byteLength: bytes.length,
    abiVersion,
    imports,
    exports,
    memories,
    hasStart,
    customSections,
    importedFunctionCount: imports.filter((row) => row.kind === "func").length,
    functionEnds,
  };
}

function readFunctionEnds(reader: BinaryReader): Uint32Array<ArrayBuffer> {
  const count = reader.number();
  if (count > reader.end - reader.offset) throw new UnreadableModule("more functions than bytes");
  const ends = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const size = reader.number();
    reader.offset += size;
    ends[i] = reader.offset;
  }
  return ends;
}

/** The index of the function whose body has this byte; the first of the module's own when none has. */
export function functionAt(info: ModuleInfo, offset: number): number {
  const { functionEnds } = info;
  let low = 0;
  let high = functionEnds.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (functionEnds[middle]! > offset) high = middle;
    else low = middle + 1;
  }
  return info.importedFunctionCount + low;
}

/** `(i32, i64) → i32`, for messages. */
export function formatType(type: FunctionType): string {
  return `(${type.params.join(", ")}) → ${type.results.length === 0 ? "nothing" : type.results.join(", ")}`;
}

/** Whether the bytes begin as a module does. */
export function looksLikeWasm(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && latin1Slice(bytes, 0, 4) === "\0asm";
}

/**
 * Function names of a module's `name` section, by function index; malformed sections give what was readable.
 * There may be millions: with `wanted` only those are kept.
 */
export function readFunctionNames(section: Uint8Array, wanted?: ReadonlySet<number>): Map<number, string> {
  const names = new Map<number, string>();
  try {
    const reader = new BinaryReader(section, 0, section.length);
    while (reader.offset < section.length) {
      const id = reader.byte();
      const size = reader.number();
      const end = reader.offset + size;
      if (id !== 1) {
        reader.offset = end;
        continue;
      }
      for (let count = reader.number(); count > 0; count--) {
        const index = reader.number();
        if (wanted === undefined || wanted.has(index)) names.set(index, reader.name());
        else reader.skipName();
      }
      break;
    }
  } catch (error) {
    if (!(error instanceof UnreadableModule)) throw error;
  }
  return names;
}
