// host/wasm/source_map.ts: from byte offsets in a module to lines of its source.
// pure: no I/O, no clock, no runtime globals
/**
 * Compilers that write source maps for WebAssembly (AssemblyScript, Emscripten, Binaryen) put the module's
 * bytes on one generated line: its columns are byte offsets. A custom section says where the map is. The
 * module is not trusted: what it names is read only if it lies beside it, or is part of it, and a map that
 * cannot be used is a note with the next trap and nothing else.
 *
 * @see https://tc39.es/ecma426/
 * @see https://github.com/WebAssembly/tool-conventions/blob/main/Debugging.md
 * @module
 */
import { utf8Slice } from "../base/bytes.ts";
import { quoted } from "../base/diagnostic.ts";
import { BinaryReader, UnreadableModule } from "./binary_reader.ts";
import type { SourceMap, WasmModule } from "./module.ts";

/** Larger maps are not read. */
export const MAX_SOURCE_MAP_BYTES: number = 16 * 1024 * 1024;
/** Maps with more positions are not used: each takes 16 bytes on every worker. */
const MAX_POSITIONS = 1_000_000;
/** Stands for "this code has no source". */
const NO_SOURCE = 0xffffffff;

/** A place in a source, both numbers from 1. */
export interface SourcePosition {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** Bytes of a file that lies beside the module, or why there are none. */
export type ReadBeside = (
  name: string,
) => { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly message: string };

/** Never leaves this file. */
class Malformed extends Error {}

/** The module with its source map, when it has one; `readBeside` is null where it came from no folder. */
export function withSourceMap(module: WasmModule, readBeside: ReadBeside | null): WasmModule {
  const url = sourceMapUrl(module.code);
  if (url === null) return module;
  const text = url.startsWith("data:") ? inlineText(url) : textBeside(url, readBeside);
  const sourceMap = text.ok ? decodeSourceMap(text.text) : text.message;
  if (typeof sourceMap !== "string") return { ...module, sourceMap };
  const where = url.startsWith("data:") ? "in the module" : quoted(url);
  return { ...module, sourceMap: `the source map ${where} is not used: ${sourceMap}` };
}

/** What the module's `sourceMappingURL` section says, or null. */
export function sourceMapUrl(code: WebAssembly.Module): string | null {
  const section = WebAssembly.Module.customSections(code, "sourceMappingURL")[0];
  if (section === undefined || section.byteLength > MAX_SOURCE_MAP_BYTES * 2) return null;
  try {
    return new BinaryReader(new Uint8Array(section), 0, section.byteLength).name();
  } catch (error) {
    if (error instanceof UnreadableModule) return null;
    throw error;
  }
}

type MapText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

function textBeside(url: string, readBeside: ReadBeside | null): MapText {
  const name = url.startsWith("./") ? url.slice(2) : url;
  // Nothing but a file name: a module has no say over what else is read from the disk.
  const isBeside = /^[^/\\:?#%]+$/.test(name) && name !== "..";
  if (!isBeside || readBeside === null) {
    return { ok: false, message: "only maps beside a module's file, and maps in the module, are read" };
  }
  const read = readBeside(name);
  if (!read.ok) return read;
  if (read.bytes.length > MAX_SOURCE_MAP_BYTES) return tooLarge(read.bytes.length);
  return { ok: true, text: utf8Slice(read.bytes, 0, read.bytes.length) };
}

function tooLarge(bytes: number): MapText {
  return { ok: false, message: `it has ${bytes} bytes, at most ${MAX_SOURCE_MAP_BYTES} are read` };
}

/** The text of a `data:` URL (RFC 2397). */
function inlineText(url: string): MapText {
  const comma = url.indexOf(",");
  if (comma < 0) return { ok: false, message: "its data: URL has no data" };
  try {
    if (!/;base64$/i.test(url.slice(0, comma))) return { ok: true, text: decodeURIComponent(url.slice(comma + 1)) };
    const binary = atob(url.slice(comma + 1));
    if (binary.length > MAX_SOURCE_MAP_BYTES) return tooLarge(binary.length);
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    return { ok: true, text: utf8Slice(bytes, 0, bytes.length) };
  } catch {
    return { ok: false, message: "its data: URL cannot be decoded" };
  }
}

/** A map's text as tables, or what is wrong with it. */
export function decodeSourceMap(text: string): SourceMap | string {
  let json: unknown;
  try {
    // Some tools put a line before the JSON, against scripts that would include it.
    json = JSON.parse(text.startsWith(")]}'") ? text.slice(text.indexOf("\n") + 1) : text);
  } catch {
    return "it is not JSON";
  }
  const { version, sources, mappings } = (typeof json === "object" && json !== null ? json : {}) as {
    readonly version?: unknown;
    readonly sources?: unknown;
    readonly mappings?: unknown;
  };
  if (version !== 3) return "it is not of version 3";
  if (!Array.isArray(sources) || typeof mappings !== "string") return "it has no sources or no mappings";
  // `sourceRoot` is left out: AssemblyScript invents one, and what stands in `sources` is what authors know.
  const names = sources.map((source: unknown) => typeof source === "string" ? source : "?");
  try {
    return { sources: names, ...decodeMappings(mappings, names.length) };
  } catch (error) {
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}

function decodeMappings(text: string, sourceCount: number): Omit<SourceMap, "sources"> {
  let count = text === "" ? 0 : 1;
  for (let i = text.indexOf(","); i !== -1; i = text.indexOf(",", i + 1)) count++;
  if (count > MAX_POSITIONS) throw new Malformed(`it has ${count} positions, at most ${MAX_POSITIONS} are used`);
  const offsets = new Uint32Array(count);
  const sourceIndexes = new Uint32Array(count);
  const lines = new Uint32Array(count);
  const columns = new Uint32Array(count);
  const reader = new VlqReader(text);
  let offset = 0;
  let source = 0;
  let line = 0;
  let column = 0;
  for (let i = 0; i < count; i++) {
    const delta = reader.next();
    if (i > 0 && delta < 0) throw new Malformed("its positions are not in order");
    offsets[i] = offset = checked(offset + delta);
    if (reader.atEnd) {
      sourceIndexes[i] = NO_SOURCE;
    } else {
      sourceIndexes[i] = source = checked(source + reader.next());
      if (source >= sourceCount) throw new Malformed("a position is in a source that is not there");
      lines[i] = (line = checked(line + reader.next())) + 1;
      columns[i] = (column = checked(column + reader.next())) + 1;
      // The index of a name; the module's own names are better.
      if (!reader.atEnd) reader.next();
    }
    reader.endSegment();
  }
  return { offsets, sourceIndexes, lines, columns };
}

function checked(value: number): number {
  if (value < 0 || value >= NO_SOURCE) throw new Malformed("a position is out of range");
  return value;
}

const COMMA = 44;

/** Base 64 digits of five bits each, the lowest first; the lowest bit of all is the sign. */
class VlqReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether the segment has no more numbers. */
  get atEnd(): boolean {
    return this.#at >= this.#text.length || this.#text.charCodeAt(this.#at) === COMMA;
  }

  endSegment(): void {
    if (!this.atEnd) throw new Malformed("a position has too many numbers");
    this.#at++;
  }

  next(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 30; factor *= 32) {
      const digit = digitOf(this.#text.charCodeAt(this.#at++));
      value += (digit & 31) * factor;
      if (digit < 32) return value % 2 === 1 ? -Math.floor(value / 2) : value / 2;
    }
    throw new Malformed("a number in its mappings is too large");
  }
}

function digitOf(code: number): number {
  if (code >= 65 && code <= 90) return code - 65;
  if (code >= 97 && code <= 122) return code - 71;
  if (code >= 48 && code <= 57) return code + 4;
  if (code === 43) return 62;
  if (code === 47) return 63;
  throw new Malformed("its mappings are cut off, or in more than one line, or not in base 64");
}

/**
 * Where the code at a byte offset came from; null when that is not known.
 *
 * @param from Where the function begins that has this code: what is known of others before it says nothing.
 */
export function originalPosition(map: SourceMap, offset: number, from: number): SourcePosition | null {
  const { offsets } = map;
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  const index = low - 1;
  if (index < 0 || offsets[index]! < from || map.sourceIndexes[index] === NO_SOURCE) return null;
  const source = map.sources[map.sourceIndexes[index]!]!;
  return { source, line: map.lines[index]!, column: map.columns[index]! };
}
