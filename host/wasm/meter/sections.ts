// host/wasm/meter/sections.ts: sections in place of a module's own: one global and one export more, and limits.
// pure: no I/O, no clock, no runtime globals
/** @module */
import { BinaryReader, type Limits, UnreadableModule } from "../binary_reader.ts";
import { BinaryWriter } from "../binary_writer.ts";
import { OP_END, OP_REF_FUNC, skipImmediates } from "../instructions.ts";
import { type Section, SectionId } from "../sections.ts";
import { type Layout, refuseLimits } from "./layout.ts";

/** Each may be as large as tables may be. Compilers make one, and another one for references to the host's things. */
const MAX_TABLES = 8;

/** Debug information and hints that refer to byte offsets in the code would be wrong now. */
export function dependsOnOffsets(bytes: Uint8Array, section: Section): boolean {
  const name = new BinaryReader(bytes, section.start, section.end).name();
  return name.startsWith(".debug_") || name.startsWith("metadata.code.") || name.startsWith("reloc.") ||
    name === "external_debug_info";
}

/** Whether a segment of the element section has an imported function in it. */
export function namesImports(bytes: Uint8Array, section: Section, importedFunctions: number): boolean {
  const reader = new BinaryReader(bytes, section.start, section.end);
  let found = false;
  for (let segments = reader.number(); segments > 0; segments--) {
    const flags = reader.number();
    const isActive = (flags & 1) === 0;
    if (isActive && (flags & 2) !== 0) reader.skipNumber();
    if (isActive) skipExpression(reader);
    const hasExpressions = (flags & 4) !== 0;
    // A kind or a type, where it is not that of functions by default.
    if ((flags & 3) !== 0) {
      if (hasExpressions) reader.valueType();
      else reader.byte();
    }
    for (let count = reader.number(); count > 0; count--) {
      const index = hasExpressions ? skipExpression(reader) : reader.number();
      if (index < importedFunctions) found = true;
    }
  }
  return found;
}

/** Moves past a constant expression; the index of the function that it refers to, or Infinity. */
function skipExpression(reader: BinaryReader): number {
  let index = Infinity;
  for (let opcode = reader.byte(); opcode !== OP_END; opcode = reader.byte()) {
    if (opcode === OP_REF_FUNC) index = reader.number();
    else skipImmediates(reader, opcode);
  }
  return index;
}

/** A section whose contents `write` makes; their length is known only afterwards. */
function writeSection(output: BinaryWriter, id: number, write: (content: BinaryWriter) => void): void {
  const content = new BinaryWriter(1024);
  write(content);
  output.byte(id);
  output.number(content.length);
  output.copy(content.bytes, 0, content.length);
}

/** The count of a vector with so many more, and its entries. */
function copyWithMore(content: BinaryWriter, bytes: Uint8Array, section: Section | null, more = 1): void {
  if (section === null) return content.number(more);
  const reader = new BinaryReader(bytes, section.start, section.end);
  content.number(reader.number() + more);
  content.copy(bytes, reader.offset, section.end);
}

export function writeGlobals(output: BinaryWriter, bytes: Uint8Array, section: Section | null, budget: number): void {
  writeSection(output, SectionId.Global, (content) => {
    copyWithMore(content, bytes, section);
    // i32, mutable, with the budget as its value.
    content.byte(0x7f);
    content.byte(1);
    content.byte(0x41);
    content.constant(budget);
    content.byte(OP_END);
  });
}

export function writeExports(output: BinaryWriter, bytes: Uint8Array, section: Section | null, layout: Layout): void {
  writeSection(output, SectionId.Export, (content) => {
    copyWithMore(content, bytes, section, layout.start === null ? 1 : 2);
    writeExport(content, layout.fuelExport, 3, layout.fuelIndex);
    if (layout.start !== null) writeExport(content, layout.startExport, 0, layout.start);
  });
}

function writeExport(content: BinaryWriter, name: string, kind: number, index: number): void {
  content.number(name.length);
  for (let i = 0; i < name.length; i++) content.byte(name.charCodeAt(i));
  content.byte(kind);
  content.number(index);
}

export function writeMemories(output: BinaryWriter, bytes: Uint8Array, section: Section, maxPages: number): void {
  writeSection(output, SectionId.Memory, (content) => {
    const reader = new BinaryReader(bytes, section.start, section.end);
    let count = reader.number();
    content.number(count);
    for (; count > 0; count--) writeLimits(content, "memory", reader.limits(), maxPages);
  });
}

export function writeTables(output: BinaryWriter, bytes: Uint8Array, section: Section, maxElements: number): void {
  writeSection(output, SectionId.Table, (content) => {
    const reader = new BinaryReader(bytes, section.start, section.end);
    let count = reader.number();
    if (count > MAX_TABLES) throw new UnreadableModule(`it has ${count} tables, at most ${MAX_TABLES} are allowed`);
    content.number(count);
    for (; count > 0; count--) {
      const at = reader.offset;
      const hasInitialValue = bytes[at] === 0x40;
      if (hasInitialValue) reader.offset += 2;
      reader.valueType();
      content.copy(bytes, at, reader.offset);
      writeLimits(content, "table", reader.limits(), maxElements);
      if (!hasInitialValue) continue;
      const expression = reader.offset;
      skipExpression(reader);
      content.copy(bytes, expression, reader.offset);
    }
  });
}

function writeLimits(content: BinaryWriter, what: string, limits: Limits, most: number): void {
  refuseLimits(what, limits);
  if (limits.min > most) {
    throw new UnreadableModule(`its ${what} begins with ${limits.min}, at most ${most} are allowed`);
  }
  content.byte(1);
  content.number(limits.min);
  content.number(Math.min(limits.max ?? most, most));
}
