// host/wasm/instructions.ts: how long each instruction is.
// pure: no I/O, no clock, no runtime globals
/**
 * Knows WebAssembly 3.0 without garbage collection and 64-bit addresses: sign extension, saturating
 * conversions, multi-value, bulk memory, reference types, SIMD with its relaxed part, tail calls, exceptions
 * (both kinds), typed function references, atomics. Whatever else the engine accepts is refused by number.
 *
 * @see https://webassembly.github.io/spec/core/binary/instructions.html
 * @module
 */
import { type BinaryReader, UnreadableModule } from "./binary_reader.ts";

export const OP_BLOCK = 0x02;
export const OP_LOOP = 0x03;
export const OP_IF = 0x04;
export const OP_TRY = 0x06;
export const OP_END = 0x0b;
export const OP_CALL = 0x10;
export const OP_RETURN_CALL = 0x12;
export const OP_DELEGATE = 0x18;
export const OP_TRY_TABLE = 0x1f;
export const OP_MEMORY_GROW = 0x40;
export const OP_REF_FUNC = 0xd2;
export const OP_PREFIX_MISC = 0xfc;
export const MISC_MEMORY_INIT = 8;
export const MISC_MEMORY_COPY = 10;
export const MISC_MEMORY_FILL = 11;
export const MISC_TABLE_INIT = 12;
export const MISC_TABLE_COPY = 14;
export const MISC_TABLE_GROW = 15;
export const MISC_TABLE_FILL = 17;

const OP_PREFIX_GC = 0xfb;
const OP_PREFIX_SIMD = 0xfd;
const OP_PREFIX_ATOMIC = 0xfe;

/** What follows an opcode of one byte. */
const Immediate = {
  None: 0,
  /** One LEB128 number. */
  Number: 1,
  TwoNumbers: 2,
  /** Alignment, perhaps the index of a memory, offset. */
  Memory: 3,
  BlockType: 4,
  FourBytes: 5,
  EightBytes: 6,
  /** A vector of labels and one more. */
  BranchTable: 7,
  ValueTypes: 8,
  TryTable: 9,
  Prefixed: 10,
  Unknown: 11,
} as const;

const IMMEDIATES = immediates();

function immediates(): Uint8Array {
  const table = new Uint8Array(256).fill(Immediate.Unknown);
  const set = (kind: number, ...ranges: readonly (number | readonly [number, number])[]): void => {
    for (const range of ranges) {
      const [first, last] = typeof range === "number" ? [range, range] : range;
      table.fill(kind, first, last + 1);
    }
  };
  set(Immediate.None, 0x00, 0x01, 0x05, 0x0a, OP_END, 0x0f, 0x19, 0x1a, 0x1b, [0x45, 0xc4], 0xd1, 0xd3, 0xd4);
  set(Immediate.BlockType, OP_BLOCK, OP_LOOP, OP_IF, OP_TRY);
  set(Immediate.Number, 0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, OP_DELEGATE);
  set(Immediate.Number, [0x20, 0x26], [0x3f, 0x42], 0xd0, 0xd2, 0xd5, 0xd6);
  set(Immediate.TwoNumbers, 0x11, 0x13);
  set(Immediate.Memory, [0x28, 0x3e]);
  set(Immediate.FourBytes, 0x43);
  set(Immediate.EightBytes, 0x44);
  set(Immediate.BranchTable, 0x0e);
  set(Immediate.ValueTypes, 0x1c);
  set(Immediate.TryTable, OP_TRY_TABLE);
  set(Immediate.Prefixed, OP_PREFIX_MISC, OP_PREFIX_SIMD, OP_PREFIX_ATOMIC, OP_PREFIX_GC);
  return table;
}

/** Moves past what follows `opcode`, which was just read. */
export function skipImmediates(reader: BinaryReader, opcode: number): void {
  switch (IMMEDIATES[opcode]) {
    case Immediate.None:
      return;
    case Immediate.Number:
      return reader.skipNumber();
    case Immediate.TwoNumbers:
      reader.skipNumber();
      return reader.skipNumber();
    case Immediate.Memory:
      return skipMemoryArgument(reader);
    case Immediate.BlockType:
      return skipBlockType(reader);
    case Immediate.FourBytes:
      reader.offset += 4;
      return;
    case Immediate.EightBytes:
      reader.offset += 8;
      return;
    case Immediate.BranchTable:
      for (let labels = reader.number(); labels >= 0; labels--) reader.skipNumber();
      return;
    case Immediate.ValueTypes:
      reader.valueTypes();
      return;
    case Immediate.TryTable:
      return skipTryTable(reader);
    case Immediate.Prefixed:
      return skipPrefixed(reader, opcode);
    default:
      throw new UnreadableModule(`instruction 0x${opcode.toString(16)} is not known`);
  }
}

function skipMemoryArgument(reader: BinaryReader): void {
  const alignment = reader.number();
  if ((alignment & 0x40) !== 0) reader.skipNumber();
  reader.skipNumber();
}

/** Nothing, a value type or the index of a type, which are all one signed number but for typed references. */
function skipBlockType(reader: BinaryReader): void {
  const first = reader.byte();
  if (first === 0x63 || first === 0x64) reader.skipNumber();
  else if (first >= 0x80) reader.skipNumber();
}

function skipTryTable(reader: BinaryReader): void {
  skipBlockType(reader);
  for (let clauses = reader.number(); clauses > 0; clauses--) {
    // `catch` and `catch_ref` name a tag; all name a label.
    if (reader.byte() < 2) reader.skipNumber();
    reader.skipNumber();
  }
}

function skipPrefixed(reader: BinaryReader, prefix: number): void {
  if (prefix === OP_PREFIX_GC) throw new UnreadableModule("it uses garbage collection, which is not supported");
  const start = reader.offset;
  const operation = reader.number();
  if (prefix === OP_PREFIX_MISC) {
    reader.offset = start;
    skipMisc(reader);
  } else if (prefix === OP_PREFIX_SIMD) skipSimd(reader, operation);
  else if (operation === 3) reader.offset++;
  else skipMemoryArgument(reader);
}

/** Moves past an operation with prefix 0xfc and gives its number. */
export function skipMisc(reader: BinaryReader): number {
  const operation = reader.number();
  if (operation > MISC_TABLE_FILL) throw new UnreadableModule(`instruction 0xfc ${operation} is not known`);
  if (operation >= MISC_MEMORY_INIT) {
    reader.skipNumber();
    if (operation <= MISC_TABLE_COPY && operation % 2 === 0) reader.skipNumber();
  }
  return operation;
}

function skipSimd(reader: BinaryReader, operation: number): void {
  if (operation <= 11 || operation === 92 || operation === 93) skipMemoryArgument(reader);
  else if (operation === 12 || operation === 13) reader.offset += 16;
  else if (operation >= 21 && operation <= 34) reader.offset++;
  else if (operation >= 84 && operation <= 91) {
    skipMemoryArgument(reader);
    reader.offset++;
  } else if (operation > 0x113) throw new UnreadableModule(`instruction 0xfd ${operation} is not known`);
}
