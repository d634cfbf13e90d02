// host/wasm/sections.ts: the sections of a module or a component, and the imports of a module.
// pure: no I/O, no clock, no runtime globals
/**
 * @see https://webassembly.github.io/spec/core/binary/modules.html#sections
 * @module
 */
import { BinaryReader, type FunctionType, type Limits, UnreadableModule } from "./binary_reader.ts";

/** Behind the magic number and the version. */
export const FIRST_SECTION = 8;

/** Identifiers of the sections of a core module. */
export const SectionId = {
  Custom: 0,
  Type: 1,
  Import: 2,
  Function: 3,
  Table: 4,
  Memory: 5,
  Global: 6,
  Export: 7,
  Start: 8,
  Element: 9,
  Code: 10,
  Data: 11,
  DataCount: 12,
  Tag: 13,
} as const;

export interface Section {
  readonly id: number;
  /** Of the section's id. */
  readonly at: number;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

/** The sections in a range of bytes, in their order. */
export function readSections(bytes: Uint8Array, from: number, to: number): Section[] {
  const sections: Section[] = [];
  const reader = new BinaryReader(bytes, from, to);
  while (reader.offset < to) {
    const at = reader.offset;
    const id = reader.byte();
    const size = reader.number();
    const start = reader.offset;
    const end = start + size;
    if (end > to) throw new UnreadableModule("a section without end");
    sections.push({ id, at, start, end });
    reader.offset = end;
  }
  return sections;
}

export type ExternalKind = "func" | "table" | "memory" | "global" | "tag";

const KINDS: readonly ExternalKind[] = ["func", "table", "memory", "global", "tag"];

export interface ImportInfo {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternalKind;
  /** For functions. */
  readonly type: FunctionType | null;
  /** For memories and tables, in pages and elements. */
  readonly limits: Limits | null;
}

export function readKind(reader: BinaryReader): ExternalKind {
  const byte = reader.byte();
  const kind = KINDS[byte];
  if (kind === undefined) throw new UnreadableModule(`external kind ${byte}`);
  return kind;
}

/** One entry of the import section; functions have their type out of `types`. */
export function readImport(reader: BinaryReader, types: readonly (FunctionType | null)[]): ImportInfo {
  const module = reader.name();
  const name = reader.name();
  const kind = readKind(reader);
  switch (kind) {
    case "func":
      return { module, name, kind, type: types[reader.number()] ?? null, limits: null };
    case "table":
      reader.valueType();
      return { module, name, kind, type: null, limits: reader.limits() };
    case "memory":
      return { module, name, kind, type: null, limits: reader.limits() };
    case "global":
      reader.valueType();
      reader.byte();
      return { module, name, kind, type: null, limits: null };
    case "tag":
      reader.byte();
      reader.number();
      return { module, name, kind, type: null, limits: null };
  }
}
